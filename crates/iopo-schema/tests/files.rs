//! Reading damaged, foreign and outdated files: each gives one clear error.

mod common;

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use common::{metrics, provenance};
use iopo_schema::*;
use parquet::arrow::ArrowWriter;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn error_of(path: &Path) -> String {
    match read::<MetricRow>(path) {
        Ok(rows) => format!("no error, {} rows", rows.len()),
        Err(error) => {
            let text = error.to_string();
            assert!(
                text.starts_with(&path.display().to_string()),
                "does not name its file: {text}"
            );
            text
        }
    }
}

/// A `metrics` row with wrong columns.
#[derive(Clone)]
struct Odd<const CASE: u8>;

const NO_VALUE: u8 = 0;
const TEXT_VALUE: u8 = 1;
const NULL_NAME: u8 = 2;
const LATER_VERSION: u8 = 3;
const MORE_COLUMNS: u8 = 4;

impl<const CASE: u8> Odd<CASE> {
    fn columns() -> Vec<(Field, ArrayRef)> {
        let step = Field::new("step", DataType::UInt64, false);
        let mut columns: Vec<(Field, ArrayRef)> =
            vec![(step, Arc::new(UInt64Array::from(vec![1, 2])))];
        let names =
            if CASE == NULL_NAME { vec![Some("a"), None] } else { vec![Some("a"), Some("b")] };
        let name = Field::new("name", DataType::Utf8, CASE == NULL_NAME);
        columns.push((name, Arc::new(StringArray::from(names))));
        let float: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0]));
        match CASE {
            NO_VALUE => {}
            TEXT_VALUE => {
                let field = Field::new("value", DataType::Utf8, false);
                columns.push((field, Arc::new(StringArray::from(vec!["1", "2"]))));
            }
            _ => columns.push((Field::new("value", DataType::Float64, false), Arc::clone(&float))),
        }
        if CASE == MORE_COLUMNS {
            columns.push((Field::new("extra", DataType::Float64, true), float));
        }
        columns
    }
}

impl<const CASE: u8> Record for Odd<CASE> {
    const NAME: &'static str = "metrics";
    const VERSION: u32 = if CASE == LATER_VERSION { 7 } else { 1 };

    fn arrow_schema() -> SchemaRef {
        Arc::new(Schema::new(
            Self::columns().into_iter().map(|column| column.0).collect::<Vec<_>>(),
        ))
    }

    fn to_batch(_: &[Self]) -> Result<RecordBatch, SchemaError> {
        let columns = Self::columns().into_iter().map(|column| column.1).collect();
        Ok(RecordBatch::try_new(Self::arrow_schema(), columns).expect("columns fit their schema"))
    }

    fn from_batch(_: &RecordBatch) -> Result<Vec<Self>, SchemaError> {
        Ok(Vec::new())
    }
}

fn odd<const CASE: u8>() -> Result<String, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("metrics.parquet");
    write(&path, &[Odd::<CASE>, Odd::<CASE>], &provenance())?;
    let text = error_of(&path);
    Ok(text.replace(&format!("{}/", folder.path().display()), ""))
}

#[test]
fn a_missing_or_mistyped_column_is_an_error() -> Outcome {
    assert_eq!(
        odd::<NO_VALUE>()?,
        "metrics.parquet: found the columns step, name, expected a column `value` of type Float64"
    );
    assert_eq!(
        odd::<TEXT_VALUE>()?,
        "metrics.parquet: column `value`: found text (utf8), expected Float64"
    );
    assert_eq!(
        odd::<NULL_NAME>()?,
        "metrics.parquet: column `name`: found null at entry 1, expected a value"
    );
    assert_eq!(odd::<MORE_COLUMNS>()?, "no error, 2 rows");
    Ok(())
}

#[test]
fn another_version_is_an_error() -> Outcome {
    let text = odd::<LATER_VERSION>()?;
    assert!(text.contains("found version 7 of `metrics`, expected version 1"), "{text}");
    Ok(())
}

#[test]
fn another_schema_is_an_error() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("scores.parquet");
    write::<ScoreRow>(&path, &[], &provenance())?;
    let text = error_of(&path);
    assert!(text.contains("found `scores` rows, expected `metrics` rows"), "{text}");
    Ok(())
}

#[test]
fn a_missing_file_and_a_file_of_another_format_are_errors() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("metrics.parquet");
    assert!(error_of(&path).contains("found no file"));
    fs::write(&path, "")?;
    assert!(error_of(&path).contains("found an empty file"));
    fs::write(&path, "PK\u{3}\u{4} a zip archive")?;
    assert!(error_of(&path).contains("does not start with `PAR1`"));
    assert!(error_of(folder.path()).contains("found a directory"));
    Ok(())
}

#[test]
fn a_foreign_parquet_file_is_an_error() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("foreign.parquet");
    let batch = MetricRow::to_batch(&metrics(0..3))?;
    let mut writer = ArrowWriter::try_new(File::create(&path)?, batch.schema(), None)?;
    writer.write(&batch)?;
    writer.close()?;
    let text = error_of(&path);
    assert!(text.contains("without the metadata key `iopo.schema`"), "{text}");
    assert!(matches!(preview(&path, 1), Err(SchemaError::Foreign { .. })));
    Ok(())
}

#[test]
fn a_file_truncated_at_any_length_is_an_error() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("metrics.parquet");
    write(&path, &metrics(0..200), &provenance())?;
    let bytes = fs::read(&path)?;
    for length in (0..bytes.len()).step_by(37) {
        fs::write(&path, &bytes[..length])?;
        let text = error_of(&path);
        assert!(text.contains("expected a complete Parquet file"), "cut at {length}: {text}");
    }
    Ok(())
}

#[test]
fn a_footer_longer_than_the_file_is_an_error() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("metrics.parquet");
    write(&path, &metrics(0..200), &provenance())?;
    let mut bytes = fs::read(&path)?;
    let at = bytes.len() - 8;
    bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    fs::write(&path, &bytes)?;
    let text = error_of(&path);
    assert!(text.contains("that claims a footer of 4294967295 bytes"), "{text}");
    Ok(())
}

/// Damages each byte in turn. Reading gives an error and never panics.
#[test]
fn a_damaged_byte_anywhere_is_an_error() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("scores.parquet");
    let row = ScoreRow {
        benchmark: "heldout".into(),
        key: "k".into(),
        task_id: "s".into(),
        index: 1,
        instruction_id: "max_words".into(),
        seen: true,
        strict: Some(false),
        loose: None,
        method: Method::Code,
        raw: None,
        mode: None,
        score: None,
        error: None,
        near: None,
    };
    write(&path, &vec![row; 40], &provenance())?;
    let bytes = fs::read(&path)?;
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= [0x01, 0x80, 0xff, 0x10][at % 4];
        fs::write(&path, &damaged)?;
        let error = read::<ScoreRow>(&path).expect_err("a damaged byte");
        assert!(error.to_string().contains("scores.parquet"), "{error}");
        assert!(header(&path).is_err(), "byte {at}");
    }
    Ok(())
}

#[test]
fn a_nullable_column_missing_from_an_older_file_is_null() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("scores.parquet");
    let rows = ScoreRow::to_batch(&[])?;
    let last = rows.num_columns() - 1;
    assert_eq!(rows.schema().field(last).name(), "near");
    let older = rows.project(&(0..last).collect::<Vec<_>>())?;
    assert_eq!(ScoreRow::from_batch(&older)?, Vec::<ScoreRow>::new());
    let other = rows.project(&(1..=last).collect::<Vec<_>>())?;
    assert!(ScoreRow::from_batch(&other).is_err(), "`benchmark` allows no null");
    write::<ScoreRow>(&path, &[], &provenance())?;
    assert!(read::<ScoreRow>(&path)?.is_empty());
    Ok(())
}

/// Numbers of a configuration are compared as stored text, since parsing can change their last digit.
#[test]
fn a_file_is_recognized_by_the_text_of_its_provenance() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("metrics.parquet");
    for step in 0_u32..60 {
        let number = f64::from(0.1_f32) * f64::from(step).exp().recip() + f64::from(step) / 7.0;
        let made = Provenance::new("test", serde_json::json!({ "number": number }));
        write(&path, &metrics(0..3), &made)?;
        assert!(made_with::<MetricRow>(&path, &made), "{number}");
        let other = Provenance::new("test", serde_json::json!({ "number": number + 1.0 }));
        assert!(!made_with::<MetricRow>(&path, &other), "{number}");
        assert!(!made_with::<ScoreRow>(&path, &made));
    }
    fs::write(&path, "damaged")?;
    let any = Provenance::new("test", serde_json::json!({}));
    assert!(!made_with::<MetricRow>(&path, &any));
    assert!(!made_with::<MetricRow>(&folder.path().join("none.parquet"), &any));
    Ok(())
}

#[test]
fn a_foreign_file_is_read_in_bounded_batches() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("foreign.parquet");
    // The names only, so that the first page is one of texts.
    let batch = MetricRow::to_batch(&metrics(0..2_500))?.project(&[1])?;
    let mut writer = ArrowWriter::try_new(File::create(&path)?, batch.schema(), None)?;
    writer.write(&batch)?;
    writer.close()?;
    let texts = || Foreign::open(&path)?.texts(&["name"]);
    let lengths: Result<Vec<usize>, SchemaError> =
        texts()?.map(|batch| Ok(batch?.num_rows())).collect();
    let lengths = lengths?;
    assert_eq!(lengths.iter().sum::<usize>(), 2_500);
    assert!(lengths.iter().all(|length| *length <= 16), "{lengths:?}");
    let bytes = fs::read(&path)?;
    let failure = || texts().and_then(Iterator::collect::<Result<Vec<_>, _>>);
    for length in (0..bytes.len()).step_by(97) {
        fs::write(&path, &bytes[..length])?;
        assert!(matches!(failure(), Err(SchemaError::NotParquet { .. })), "cut at {length}");
    }
    // Damage the first page's header.
    let mut damaged = bytes.clone();
    damaged[4..40].fill(0xff);
    fs::write(&path, &damaged)?;
    let error = failure().expect_err("damaged");
    let damaged = matches!(error, SchemaError::Corrupt { .. } | SchemaError::Unbounded { .. });
    assert!(damaged, "{error}");
    let missing = Foreign::open(&folder.path().join("none.parquet")).expect_err("no file");
    assert_eq!(missing.hint().as_deref(), Some("check the path"), "{missing}");
    Ok(())
}

#[test]
fn rows_of_a_foreign_file_are_json_lines() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("foreign.parquet");
    let batch = MetricRow::to_batch(&metrics(0..2_500))?;
    let mut writer = ArrowWriter::try_new(File::create(&path)?, batch.schema(), None)?;
    writer.write(&batch)?;
    writer.close()?;
    let text = Foreign::open(&path)?.json_lines(1 << 20)?;
    assert_eq!(text.lines().count(), 2_500);
    let row: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap_or_default())?;
    assert_eq!(row, serde_json::json!({"step": 1, "name": "name/1", "value": 1.0 / 3.0}));
    let error = Foreign::open(&path)?.json_lines(1_000).expect_err("too large");
    assert!(error.to_string().contains("more than 1000 bytes"), "{error}");
    Ok(())
}

#[test]
fn a_preview_has_the_header_and_the_first_rows() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("metrics.parquet");
    write(&path, &metrics(0..5_000), &provenance())?;
    let (header, rows) = preview(&path, 2)?;
    assert_eq!(
        (header.name.as_str(), header.version, header.rows, header.row_groups),
        ("metrics", 1, 5_000, 2)
    );
    assert_eq!(header.provenance, provenance());
    assert_eq!(header.columns[1], ("name".into(), "text (utf8)".into()));
    assert_eq!(rows[1], serde_json::json!({"step": 1, "name": "name/1", "value": 1.0 / 3.0}));
    assert_eq!(rows.len(), 2);
    Ok(())
}

#[test]
fn the_same_rows_give_the_same_bytes() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (first, second) = (folder.path().join("a.parquet"), folder.path().join("b.parquet"));
    write(&first, &metrics(0..9_000), &provenance())?;
    write(&second, &metrics(0..9_000), &provenance())?;
    assert_eq!(file_hash(&first)?, file_hash(&second)?);
    Ok(())
}

#[test]
fn a_stream_has_batches_of_a_fixed_size() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("metrics.parquet");
    write(&path, &metrics(0..2_500), &provenance())?;
    let batches: Result<Vec<_>, _> = stream::<MetricRow>(&path)?.collect();
    let lengths: Vec<usize> = batches?.iter().map(Vec::len).collect();
    assert_eq!(lengths, [1024, 1024, 452]);
    Ok(())
}
