//! The store: written records are found again, and damage is detected.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use iopo_llm::endpoint::{
    About, Record, RequestKey, Store, StoreError, StoreOptions, Stored, Usage,
};
use iopo_llm::{Failure, FailureClass, FinishReason};

fn open(dir: &Path) -> Store {
    Store::open(dir, StoreOptions::default()).expect("a store")
}

fn key(number: usize) -> RequestKey {
    RequestKey::from_hex(&format!("{number:064x}")).expect("64 digits")
}

fn answer(text: &str) -> Record {
    record(Stored::Answer { text: text.to_owned(), finish_reason: FinishReason::Stop })
}

fn record(result: Stored) -> Record {
    Record { result, usage: Usage::default(), about: About::default(), request: None }
}

fn text(store: &Store, number: usize) -> Option<String> {
    match store.get(&key(number)).expect("readable")?.result {
        Stored::Answer { text, .. } => Some(text),
        other => panic!("{other:?}"),
    }
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    paths.sort();
    paths
}

/// Writes some answers and returns the bytes of the only segment.
fn filled(dir: &Path, count: usize) -> Vec<u8> {
    let store = open(dir);
    for number in 0..count {
        store.put(key(number), &answer(&format!("answer\n{number}"))).expect("written");
    }
    drop(store);
    fs::read(&segments(dir)[0]).expect("a segment")
}

#[test]
fn records_are_found_again_across_segments() {
    let dir = tempfile::tempdir().expect("a folder");
    let options = StoreOptions { segment_bytes: 1000, ..StoreOptions::default() };
    let store = Store::open(dir.path(), options).expect("a store");
    assert!(store.is_empty() && store.get(&key(0)).expect("readable").is_none());
    for number in 0..30 {
        store.put(key(number), &answer(&format!("old {number}"))).expect("written");
    }
    store.put(key(7), &answer("new 7")).expect("written");
    drop(store);
    assert!(segments(dir.path()).len() > 3);
    let store = open(dir.path());
    assert_eq!((store.len(), store.damaged(), store.torn_bytes()), (30, 0, 0));
    assert_eq!(text(&store, 29).as_deref(), Some("old 29"));
    assert_eq!(text(&store, 7).as_deref(), Some("new 7"));
}

#[test]
fn a_failure_never_replaces_an_answer() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let failure = record(Stored::Failure(Failure::new(FailureClass::TooLong, "too long")));
    store.put(key(0), &failure).expect("written");
    assert!(store.get(&key(0)).expect("readable").is_some_and(|record| record.is_failure()));
    store.put(key(0), &answer("an answer")).expect("written");
    store.put(key(0), &failure).expect("written");
    assert_eq!(text(&store, 0).as_deref(), Some("an answer"));
    drop(store);
    assert_eq!(text(&open(dir.path()), 0).as_deref(), Some("an answer"));
}

#[test]
fn a_second_writer_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let second = Store::open(dir.path(), StoreOptions::default());
    assert!(matches!(second, Err(StoreError::Locked { .. })), "{second:?}");
    drop(store);
    open(dir.path());
}

#[test]
fn a_torn_tail_of_any_length_is_dropped_and_the_store_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let whole = filled(dir.path(), 3);
    let path = &segments(dir.path())[0];
    let complete = |length: usize| whole[..length].split(|byte| *byte == b'\n').count() - 1;
    let steps = (0..whole.len()).step_by(29);
    let ends = (0..whole.len()).filter(|at| whole[*at] == b'\n').flat_map(|at| [at, at + 1]);
    for length in steps.chain(ends) {
        fs::write(path, &whole[..length]).expect("written");
        let store = open(dir.path());
        let kept = complete(length).saturating_sub(1);
        assert_eq!((store.len(), store.damaged()), (kept, 0), "{length}");
        store.put(key(9), &answer("later")).expect("written");
        drop(store);
        let store = open(dir.path());
        assert_eq!(
            (store.len(), store.damaged(), store.torn_bytes()),
            (kept + 1, 0, 0),
            "{length}"
        );
        assert_eq!(text(&store, 9).as_deref(), Some("later"));
    }
    // Blocks that the file system has allocated but not written.
    fs::write(path, [whole.as_slice(), &[0; 5000]].concat()).expect("written");
    let store = open(dir.path());
    assert_eq!((store.len(), store.torn_bytes()), (3, 5000));
}

#[test]
fn a_flipped_bit_is_detected_and_costs_one_record() {
    let dir = tempfile::tempdir().expect("a folder");
    let whole = filled(dir.path(), 3);
    let path = &segments(dir.path())[0];
    let header = whole.iter().position(|byte| *byte == b'\n').expect("a header") + 1;
    for byte in (header..whole.len() - 1).step_by(7) {
        let mut damaged = whole.clone();
        damaged[byte] ^= 1 << (byte % 8);
        fs::write(path, &damaged).expect("written");
        let store = open(dir.path());
        assert!(store.damaged() > 0, "byte {byte}");
        let found = (0..3).filter_map(|number| text(&store, number).map(|text| (number, text)));
        let found: Vec<_> = found.collect();
        assert!(found.iter().all(|(number, text)| *text == format!("answer\n{number}")), "{byte}");
        // A damaged line feed joins two records.
        let least = if whole[byte] == b'\n' { 1 } else { 2 };
        assert!(found.len() >= least && found.len() < 3, "byte {byte}: {}", found.len());
    }
}

#[test]
fn damage_after_opening_is_an_error_and_not_another_answer() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut whole = filled(dir.path(), 1);
    let store = open(dir.path());
    let at = whole.len() - 20;
    whole[at] ^= 1;
    fs::write(&segments(dir.path())[0], &whole).expect("written");
    assert!(matches!(store.get(&key(0)), Err(StoreError::Damaged { .. })));
}

#[test]
fn a_file_of_another_version_is_refused_and_kept() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("answers-00001.log"), "iopo-answers 99\nsomething\n")
        .expect("written");
    let error = Store::open(dir.path(), StoreOptions::default()).expect_err("a version");
    assert!(
        matches!(&error, StoreError::Version { found, .. } if found == "iopo-answers 99"),
        "{error}"
    );
    let mut kept = String::new();
    let mut file = OpenOptions::new().read(true).open(&segments(dir.path())[0]).expect("a file");
    file.read_to_string(&mut kept).expect("text");
    assert!(kept.ends_with("something\n"));
    // Negative control: another file in the folder does not matter.
    let dir = tempfile::tempdir().expect("a folder");
    let mut other = fs::File::create(dir.path().join("answers.txt")).expect("a file");
    other.write_all(b"anything").expect("written");
    open(dir.path());
}

#[test]
fn a_store_opened_for_reading_creates_changes_and_locks_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let missing = dir.path().join("none/answers");
    let store = Store::open_for_reading(&missing).expect("an empty store");
    assert!(store.is_empty() && !missing.parent().expect("a folder").exists());
    let error = store.put(key(0), &answer("x")).expect_err("for reading").to_string();
    assert!(error.contains("opened for reading"), "{error}");

    let own = dir.path().join("answers");
    let bytes = filled(&own, 3);
    let torn = segments(&own).remove(0);
    let whole = [&bytes[..], b"0123"].concat();
    fs::write(&torn, &whole).expect("written");
    let reader = Store::open_for_reading(&own).expect("a store");
    assert_eq!((reader.len(), text(&reader, 1)), (3, Some("answer\n1".to_owned())));
    assert_eq!(fs::read(&torn).expect("a segment"), whole, "nothing is changed");
    // Another process may write to it.
    let writer = open(&own);
    assert_eq!(Store::open_for_reading(&own).expect("a store").len(), 3);
    // Negative control: a second writer is refused.
    let second = Store::open(&own, StoreOptions::default()).expect_err("in use");
    assert!(matches!(second, StoreError::Locked { .. }), "{second}");
    drop(writer);
}

#[test]
fn a_long_answer_is_found_again() {
    let dir = tempfile::tempdir().expect("a folder");
    // Escaped as JSON, each of these characters has six.
    let long = "\u{1}".repeat(12 << 20);
    let store = open(dir.path());
    store.put(key(0), &answer(&long)).expect("written");
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.damaged(), 0);
    assert!(text(&store, 0) == Some(long));
}
