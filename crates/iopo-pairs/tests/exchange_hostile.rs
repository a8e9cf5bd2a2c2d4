//! Foreign files that are damaged, of another kind or too large: one clear error, nothing written.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use iopo_pairs::exchange::Format;
use iopo_pairs::{ExchangeError, import};
use iopo_schema::Split;
use parquet::arrow::ArrowWriter;

const GOOD: &str = r#"{"prompt":"Sing.","chosen":"La","rejected":"Step"}
{"prompt":"Dance.","chosen":"Step","rejected":"La"}
"#;

/// The error of an import that must fail and leave nothing.
#[track_caller]
fn refused(file: &Path, from: Format) -> String {
    let out = file.with_file_name("out.parquet");
    let error = import(file, from, Split::Train, &out).expect_err("refused");
    let left = fs::read_dir(file.parent().expect("folder")).expect("folder").count();
    assert_eq!(left, usize::from(file.exists()), "something was left");
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}

#[track_caller]
fn refuse(name: &str, content: &[u8], from: Format, words: &[&str]) {
    let dir = tempfile::tempdir().expect("folder");
    let file = dir.path().join(name);
    fs::write(&file, content).expect("written");
    let error = refused(&file, from);
    for word in words {
        assert!(error.contains(word), "expected {word:?} in: {error}");
    }
}

#[test]
fn bad_lines_are_named() {
    let after = |line: &str| format!("{GOOD}\n{line}\n").into_bytes();
    let trl = |line: &str, words: &[&str]| {
        refuse(
            "rows.jsonl",
            &after(line),
            Format::Trl,
            &[&["rows.jsonl, line 4"][..], words].concat(),
        );
    };
    trl("nonsense", &["expected JSON"]);
    trl("[1]", &["expected an object, found a list"]);
    trl(r#"{"prompt":"x","chosen":"a"}"#, &["expected a field `rejected`", "`chosen`, `prompt`"]);
    trl(r#"{"chosen":"a","rejected":"b"}"#, &["expected a field `prompt`"]);
    trl(r#"{"prompt":null,"chosen":"a","rejected":"b"}"#, &["expected a field `prompt`"]);
    trl(r#"{"prompt":7,"chosen":"a","rejected":"b"}"#, &["`prompt`", "found a number"]);
    trl(
        r#"{"prompt":"x","chosen":["a"],"rejected":"b"}"#,
        &["`chosen[0]`", "`role`", "found text"],
    );
    let nested = "[".repeat(100_000);
    trl(&format!("{{\"prompt\":{nested}"), &["expected JSON"]);
    let bytes = [GOOD.as_bytes(), b"{\"prompt\":\"\xff\"}\n"].concat();
    refuse("rows.jsonl", &bytes, Format::Trl, &["line 3", "expected UTF-8"]);
    let row = r#"{"conversations":[],"chosen":{"from":"human","value":"a"},"rejected":{}}"#;
    let words = ["line 1", "`chosen`", "gpt", "human"];
    refuse("rows.jsonl", row.as_bytes(), Format::LlamaFactory, &words);
    let alpaca = r#"{"instruction":"x","chosen":"a","rejected":"b"}"#;
    let words = ["line 1", "expected a field `conversations`", "`instruction`"];
    refuse("rows.jsonl", alpaca.as_bytes(), Format::LlamaFactory, &words);
}

#[test]
fn lists_that_do_not_end_or_go_on_are_refused() {
    let row = r#"{"prompt":"Sing.","chosen":"La","rejected":"Step"}"#;
    let words = ["line 2", "expected `]`"];
    refuse("rows.json", format!("[{row},\n{row}").as_bytes(), Format::Trl, &words);
    refuse(
        "rows.json",
        format!("[{row}]\nmore").as_bytes(),
        Format::Trl,
        &["line 2", "after the list"],
    );
    refuse("rows.json", format!("[{row},,{row}]").as_bytes(), Format::Trl, &["expected JSON"]);
}

#[test]
fn files_without_a_group_say_why() {
    refuse("rows.jsonl", b"\n \n", Format::Trl, &["found none among 0", "empty"]);
    refuse("rows.json", b"[ ]", Format::Trl, &["found none among 0"]);
    let lone = GOOD.lines().next().expect("line");
    refuse("rows.jsonl", lone.as_bytes(), Format::Trl, &["none among 1", "no row mirrors it"]);
    refuse("rows.csv", b"prompt,chosen", Format::Trl, &[".jsonl", ".parquet"]);
    let dir = tempfile::tempdir().expect("folder");
    for name in ["none.jsonl", "none.parquet"] {
        assert!(refused(&dir.path().join(name), Format::Trl).contains("could not open"));
    }
}

#[test]
fn a_line_of_a_gigabyte_is_refused_by_its_limit() {
    for begin in ["{\"prompt\":\"", "[{\"prompt\":\""] {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("rows.jsonl");
        let mut file = File::create(&path).expect("made");
        file.write_all(begin.as_bytes()).expect("written");
        // A hole: it takes no space.
        file.set_len(1 << 30).expect("grown");
        let error = refused(&path, Format::Trl);
        assert!(error.contains("line 1") && error.contains("16777216 bytes"), "{error}");
    }
}

fn table(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    );
    let batch = batch.expect("batch");
    let file = File::create(path).expect("made");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
}

fn texts(texts: &[Option<&str>]) -> ArrayRef {
    Arc::new(texts.iter().copied().collect::<StringArray>())
}

#[test]
fn tables_of_another_shape_are_refused() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("rows.parquet");
    let two = || texts(&[Some("a"), Some("b")]);
    table(&path, vec![("prompt", two()), ("chosen", two())]);
    let error = refused(&path, Format::Trl);
    assert!(error.contains("row 1") && error.contains("a field `rejected`"), "{error}");
    let holes = texts(&[Some("a"), None]);
    table(&path, vec![("prompt", two()), ("chosen", holes), ("rejected", texts(&[Some("c"); 2]))]);
    let error = refused(&path, Format::Trl);
    assert!(error.contains("row 2") && error.contains("a field `chosen`"), "{error}");
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    table(&path, vec![("prompt", numbers), ("chosen", two()), ("rejected", two())]);
    let error = refused(&path, Format::Trl);
    assert!(error.contains("column `prompt`") && error.contains("Int64"), "{error}");
}

#[test]
fn tables_cut_off_or_changed_anywhere_never_panic() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("rows.parquet");
    let columns = ["Sing.", "La", "Step"].map(|text| texts(&[Some(text); 50]));
    table(&path, ["prompt", "chosen", "rejected"].into_iter().zip(columns).collect());
    let whole = fs::read(&path).expect("file");
    for length in (0..whole.len()).step_by(7) {
        fs::write(&path, &whole[..length]).expect("written");
        assert!(refused(&path, Format::Trl).contains("whole Parquet file"));
    }
    let out = dir.path().join("out.parquet");
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x55;
        fs::write(&path, &changed).expect("written");
        // No pair has a mirror, whatever is read.
        let error = import(&path, Format::Trl, Split::Train, &out).expect_err("refused");
        assert!(!matches!(error, ExchangeError::Schema(_)), "{error}");
    }
}
