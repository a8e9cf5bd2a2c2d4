//! Imports of damaged, oversized or unsuitable files: one clear error and no output.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, ListBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BinaryArray, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray,
};
use iopo_pairs::exchange::{Format, Import, SkipReason};
use iopo_pairs::{ExchangeError, import};
use iopo_schema::Split;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};

const GOOD: &str = r#"{"prompt":"Sing.","chosen":"La","rejected":"Step"}
{"prompt":"Dance.","chosen":"Step","rejected":"La"}
"#;

/// Returns the error of an import and checks that no output remains.
#[track_caller]
fn refused(file: &Path, from: Format) -> String {
    let out = file.with_file_name("out.parquet");
    let error = import(&[(Split::Train, file)], &out, &Import::new(from)).expect_err("refused");
    let left = fs::read_dir(file.parent().expect("folder")).expect("folder").count();
    assert_eq!(left, usize::from(file.exists()), "a file remains");
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    match error.hint() {
        Some(hint) => format!("{text}; {hint}"),
        None => text,
    }
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
fn an_error_names_the_invalid_line() {
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
    trl("[1]", &["found a list, expected an object"]);
    trl(r#"{"prompt":"x","chosen":"a"}"#, &["expected a field `rejected`", "`chosen`, `prompt`"]);
    trl(r#"{"chosen":"a","rejected":"b"}"#, &["expected a field `prompt`"]);
    trl(
        r#"{"question":1e999,"chosen":"a","rejected":"b"}"#,
        &["found `chosen`, `question`, `rejected`"],
    );
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
fn lists_with_a_missing_or_surplus_end_are_errors() {
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
    let words = ["line 2", "found `]` after a comma"];
    refuse("rows.json", format!("[{row},\n ]").as_bytes(), Format::Trl, &words);
}

#[test]
fn an_error_about_a_file_without_groups_has_the_reasons() {
    refuse("rows.jsonl", b"\n \n", Format::Trl, &["no group and no pair in 0 rows", "empty"]);
    refuse("rows.json", b"[ ]", Format::Trl, &["no group and no pair in 0 rows"]);
    refuse(
        "rows.jsonl",
        br#"{"prompt":"Sing.","chosen":"La","rejected":null}"#,
        Format::Trl,
        &["no group and no pair in 1 rows", "1: a turn or a response without text"],
    );
    refuse("rows.csv", b"prompt,chosen", Format::Trl, &[".jsonl", ".parquet"]);
    let dir = tempfile::tempdir().expect("folder");
    for name in ["none.jsonl", "none.parquet"] {
        assert!(refused(&dir.path().join(name), Format::Trl).contains("failed to open"));
    }
}

#[test]
fn a_line_of_a_gigabyte_exceeds_the_limit() {
    for begin in ["{\"prompt\":\"", "[{\"prompt\":\""] {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("rows.jsonl");
        let mut file = File::create(&path).expect("made");
        file.write_all(begin.as_bytes()).expect("written");
        // A sparse file takes no space.
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
fn tables_with_wrong_columns_are_errors() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("rows.parquet");
    let two = || texts(&[Some("a"), Some("b")]);
    table(&path, vec![("prompt", two()), ("chosen", two())]);
    let error = refused(&path, Format::Trl);
    assert!(error.contains("row 1") && error.contains("a field `rejected`"), "{error}");
    let holes = texts(&[None, None]);
    table(&path, vec![("prompt", two()), ("chosen", holes), ("rejected", texts(&[Some("c"); 2]))]);
    let error = refused(&path, Format::Trl);
    assert!(error.contains("2: a turn or a response without text"), "{error}");
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    table(&path, vec![("prompt", numbers), ("chosen", two()), ("rejected", two())]);
    let error = refused(&path, Format::Trl);
    assert!(error.contains("column `prompt`") && error.contains("Int64"), "{error}");
}

#[test]
fn a_column_beside_the_text_may_have_any_type() {
    let dir = tempfile::tempdir().expect("folder");
    let (path, out) = (dir.path().join("rows.parquet"), dir.path().join("out.parquet"));
    let text = |prefix: &str| {
        texts(
            &["1", "2", "3"]
                .map(|n| format!("{prefix} {n}"))
                .each_ref()
                .map(|text| Some(text.as_str())),
        )
    };
    let columns = |beside: ArrayRef, name| {
        let texts = [("prompt", "Count to"), ("chosen", "one to"), ("rejected", "no")];
        let mut columns: Vec<(&str, ArrayRef)> =
            texts.map(|(name, prefix)| (name, text(prefix))).into();
        columns.push((name, beside));
        columns
    };
    let mut lists = ListBuilder::new(Int64Builder::new());
    lists.append_value([Some(1), Some(2)]);
    lists.append_value([]);
    lists.append_null();
    let beside: [(&str, ArrayRef); 3] = [
        ("images", Arc::new(lists.finish())),
        ("tools", Arc::new(Int64Array::from(vec![Some(1), None, None]))),
        ("image", Arc::new(BinaryArray::from_opt_vec(vec![Some(b"png"), Some(b""), None]))),
    ];
    for (name, array) in beside {
        table(&path, columns(array, name));
        let taken = import(&[(Split::Train, &path)], &out, &Import::new(Format::Trl));
        let taken = taken.expect("two rows of text");
        assert_eq!((taken.rows, taken.pairs), (3, 2), "{name}");
        assert_eq!(taken.skipped, [(SkipReason::BesideText, 1)].into(), "{name}");
        fs::remove_file(&out).expect("removed");
    }
}

#[test]
fn a_remedy_names_what_is_wrong_with_the_call() {
    let dir = tempfile::tempdir().expect("folder");
    let out = dir.path().join("out.parquet");
    let failed = |name: &str, content: Option<&str>, from| {
        let path = dir.path().join(name);
        if let Some(content) = content {
            fs::write(&path, content).expect("written");
        }
        let error = import(&[(Split::Train, &path)], &out, &Import::new(from));
        let error = error.expect_err("refused");
        (error.is_usage(), error.hint().expect("a hint"))
    };
    let trl = r#"{"prompt":"Why?","chosen":"So.","rejected":"No."}"#;
    let (_, hint) = failed("a.jsonl", Some(trl), Format::LlamaFactory);
    assert_eq!(hint, "pass --from trl");
    let fork = r#"{"conversations":[],"chosen":{"from":"gpt","value":"a"},"rejected":{"from":"gpt","value":"b"}}"#;
    let (_, hint) = failed("b.jsonl", Some(fork), Format::Trl);
    assert_eq!(hint, "pass --from llama-factory");
    let (_, hint) = failed("c.jsonl", Some(r#"{"prompt":"Why?"}"#), Format::Trl);
    assert_eq!(hint, "fix or remove the row");
    assert_eq!(failed("d.txt", Some(trl), Format::Trl), (true, "rename or convert it".to_owned()));
    for name in ["none.jsonl", "none.parquet"] {
        assert_eq!(failed(name, None, Format::Trl), (true, "check the path".to_owned()));
    }
    let shares = ExchangeError::Shares { dev_size: 0.0, test_size: f64::NAN };
    assert!(shares.hint().is_some_and(|hint| hint.starts_with("pass shares from 0")));
}

#[test]
fn truncated_or_damaged_tables_never_panic() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("rows.parquet");
    let columns = ["Sing.", "La", "Step"].map(|text| texts(&[Some(text); 50]));
    table(&path, ["prompt", "chosen", "rejected"].into_iter().zip(columns).collect());
    let whole = fs::read(&path).expect("file");
    for length in (0..whole.len()).step_by(7) {
        fs::write(&path, &whole[..length]).expect("written");
        assert!(refused(&path, Format::Trl).contains("complete Parquet file"));
    }
    let out = dir.path().join("out.parquet");
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x55;
        fs::write(&path, &changed).expect("written");
        // A changed letter still gives valid text.
        match import(&[(Split::Train, &path)], &out, &Import::new(Format::Trl)) {
            Ok(_) => fs::remove_file(&out).expect("removed"),
            Err(error) => assert!(!matches!(error, ExchangeError::Schema(_)), "{error}"),
        }
    }
}

/// A column whose `rows` rows refer to one text of `megabytes`.
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
fn a_text_in_a_dictionary_is_in_memory_once() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("rows.parquet");
    let properties = || {
        WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_statistics_enabled(EnabledStatistics::None)
            .set_dictionary_page_size_limit(64 << 20)
    };
    // The texts of all rows exceed the limit of an Arrow array.
    let rows = 150;
    let (long, short) = (repeated(rows, 15), texts(&vec![Some("b"); rows]));
    let columns = [("prompt", &long), ("chosen", &repeated(rows, 2)), ("rejected", &short)];
    table_with(&path, columns.map(|(name, column)| (name, column.clone())).to_vec(), properties());
    is_small(&path);
    let error = refused(&path, Format::Trl);
    assert!(error.contains("row 1: found more than 16777216 bytes"), "{error}");
    // Columns that are not read cost nothing.
    let columns = [("prompt", &short), ("chosen", &short), ("rejected", &short), ("notes", &long)];
    table_with(&path, columns.map(|(name, column)| (name, column.clone())).to_vec(), properties());
    is_small(&path);
    let error = refused(&path, Format::Trl);
    assert!(
        error.contains("found no group and no pair in 150 rows (150: both responses are the same"),
        "{error}"
    );
}

#[test]
fn the_size_of_a_list_is_checked_before_it_is_read() {
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
    assert!(error.contains("row 1: found more than 16777216 bytes"), "{error}");
}

#[test]
fn a_page_that_claims_gigabytes_is_not_decompressed() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("rows.parquet");
    let noise: String =
        (0..40_000_u64).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_string()).collect();
    let columns = ["prompt", "chosen", "rejected"].map(|name| (name, texts(&[Some(&noise)])));
    table(&path, columns.to_vec());
    let mut bytes = fs::read(&path).expect("file");
    // The first page header: the kind and the size, each after its tag, then other fields.
    assert_eq!((bytes[4], bytes[6], bytes[10]), (0x15, 0x15, 0x15), "{:?}", &bytes[4..16]);
    // 2^31 - 1 takes two more bytes; remove two bytes of the compressed page to keep offsets.
    bytes.splice(7..10, [0xfe, 0xff, 0xff, 0xff, 0x0f]);
    bytes.drain(1_000..1_002);
    fs::write(&path, &bytes).expect("written");
    let error = refused(&path, Format::Trl);
    assert!(error.contains("more than 536870912 bytes") && error.contains("row groups"), "{error}");
}

#[test]
fn text_in_the_encoding_delta_byte_array_is_an_error() {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("rows.parquet");
    let columns = ["prompt", "chosen", "rejected"].map(|name| (name, texts(&[Some("a"); 3])));
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::DELTA_BYTE_ARRAY);
    table_with(&path, columns.to_vec(), properties);
    let error = refused(&path, Format::Trl);
    assert!(error.contains("DELTA_BYTE_ARRAY") && error.contains("dictionary encoding"), "{error}");
}
