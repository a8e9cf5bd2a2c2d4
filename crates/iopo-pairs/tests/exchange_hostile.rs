//! Foreign files that are damaged, of another kind or too large: one clear error, nothing written.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray};
use iopo_pairs::exchange::Format;
use iopo_pairs::{ExchangeError, import};
use iopo_schema::Split;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};

const GOOD: &str = r#"{"prompt":"Sing.","chosen":"La","rejected":"Step"}
{"prompt":"Dance.","chosen":"Step","rejected":"La"}
"#;

/// The error of an import that must fail and leave nothing.
#[track_caller]
fn refused(file: &Path, from: Format) -> String {
    let out = file.with_file_name("out.parquet");
    let error = import(&[(Split::Train, file)], from, &out).expect_err("refused");
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
    refuse("rows.json", b"[,]", Format::Trl, &["expected JSON"]);
    let words = ["line 2", "expected a row after the comma"];
    refuse("rows.json", format!("[{row},\n ]").as_bytes(), Format::Trl, &words);
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
        assert!(refused(&dir.path().join(name), Format::Trl).contains("failed to open"));
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
    let zstd = Compression::ZSTD(ZstdLevel::default());
    table_with(path, columns, WriterProperties::builder().set_compression(zstd));
}

fn table_with(path: &Path, columns: Vec<(&str, ArrayRef)>, properties: WriterPropertiesBuilder) {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    );
    let batch = batch.expect("batch");
    let file = File::create(path).expect("made");
    let mut writer =
        ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).expect("writer");
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
        let error = import(&[(Split::Train, &path)], Format::Trl, &out).expect_err("refused");
        assert!(!matches!(error, ExchangeError::Schema(_)), "{error}");
    }
}

/// A few kilobytes in which `rows` rows repeat one text of `megabytes`.
fn repeated(rows: usize, megabytes: usize) -> ArrayRef {
    let long = "a".repeat(megabytes << 20);
    let keys = Int32Array::from(vec![0; rows]);
    Arc::new(DictionaryArray::new(keys, texts(&[Some(&long)])))
}

#[track_caller]
fn is_small(path: &Path) {
    let bytes = fs::metadata(path).expect("file").len();
    assert!(bytes < 64 << 10, "{bytes} bytes");
}

#[test]
fn a_text_that_a_dictionary_repeats_is_not_repeated_in_memory() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("rows.parquet");
    let properties = || {
        WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_statistics_enabled(EnabledStatistics::None)
            .set_dictionary_page_size_limit(64 << 20)
    };
    // More bytes than an Arrow array of texts can hold.
    let rows = 150;
    let (long, short) = (repeated(rows, 15), texts(&vec![Some("b"); rows]));
    let columns = [("prompt", &long), ("chosen", &repeated(rows, 2)), ("rejected", &short)];
    table_with(&path, columns.map(|(name, column)| (name, column.clone())).to_vec(), properties());
    is_small(&path);
    let error = refused(&path, Format::Trl);
    assert!(error.contains("row 1: expected at most 16777216 bytes"), "{error}");
    // What no row is made of costs nothing.
    let columns = [("prompt", &short), ("chosen", &short), ("rejected", &short), ("notes", &long)];
    table_with(&path, columns.map(|(name, column)| (name, column.clone())).to_vec(), properties());
    is_small(&path);
    let error = refused(&path, Format::Trl);
    assert!(error.contains("none among 150 (150: twice the same"), "{error}");
}

#[test]
fn a_list_that_repeats_a_text_is_measured_before_it_is_read() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("rows.parquet");
    let mut lists = ListBuilder::new(StringBuilder::new());
    let long = "a".repeat(64 << 10);
    (0..500).for_each(|_| lists.values().append_value(&long));
    lists.append(true);
    let lists: ArrayRef = Arc::new(lists.finish());
    let one = || texts(&[Some("b")]);
    table(&path, vec![("prompt", one()), ("chosen", lists), ("rejected", one())]);
    is_small(&path);
    let error = refused(&path, Format::Trl);
    assert!(error.contains("row 1: expected at most 16777216 bytes"), "{error}");
}

#[test]
fn a_page_that_says_it_holds_gigabytes_is_not_decompressed() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("rows.parquet");
    let noise: String =
        (0..40_000_u64).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_string()).collect();
    let columns = ["prompt", "chosen", "rejected"].map(|name| (name, texts(&[Some(&noise)])));
    table(&path, columns.to_vec());
    let mut bytes = fs::read(&path).expect("file");
    // The first page's header: kind, then size, each after its own tag, then the rest.
    assert_eq!((bytes[4], bytes[6], bytes[10]), (0x15, 0x15, 0x15), "{:?}", &bytes[4..16]);
    // 2^31 - 1 takes two bytes more, which the page's compressed bytes give.
    bytes.splice(7..10, [0xfe, 0xff, 0xff, 0xff, 0x0f]);
    bytes.drain(1_000..1_002);
    fs::write(&path, &bytes).expect("written");
    let error = refused(&path, Format::Trl);
    assert!(error.contains("more than 536870912 bytes") && error.contains("row groups"), "{error}");
}

#[test]
fn texts_written_as_what_they_share_with_the_last_are_refused() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("rows.parquet");
    let columns = ["prompt", "chosen", "rejected"].map(|name| (name, texts(&[Some("a"); 3])));
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::DELTA_BYTE_ARRAY);
    table_with(&path, columns.to_vec(), properties);
    let error = refused(&path, Format::Trl);
    assert!(error.contains("DELTA_BYTE_ARRAY") && error.contains("dictionary-encoded"), "{error}");
}
