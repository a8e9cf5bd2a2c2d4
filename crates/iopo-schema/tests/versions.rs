//! Old and new readers and writers of `scores`, whose version 2 added columns and made `strict` nullable, and of
//! `predictions`, whose version 2 added failed requests.

use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use iopo_schema::*;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Columns of version 1.
const OLD_COLUMNS: usize = 11;

/// A row of `scores` as version 1 wrote and read it.
#[derive(Debug, Clone, PartialEq)]
struct OldScore(ScoreRow);

impl Record for OldScore {
    const NAME: &'static str = ScoreRow::NAME;
    const VERSION: u32 = 1;

    fn arrow_schema() -> SchemaRef {
        let required = |field: &Field| {
            let nullable = field.is_nullable() && field.name() != "strict";
            field.clone().with_nullable(nullable)
        };
        let fields = ScoreRow::arrow_schema();
        let fields = fields.fields().iter().take(OLD_COLUMNS).map(|field| required(field));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    fn to_batch(rows: &[Self]) -> Result<RecordBatch, SchemaError> {
        let rows: Vec<ScoreRow> = rows.iter().map(|row| row.0.clone()).collect();
        let batch = ScoreRow::to_batch(&rows)?;
        let columns = batch.columns()[..OLD_COLUMNS].to_vec();
        Ok(RecordBatch::try_new(Self::arrow_schema(), columns).expect("the columns of version 1"))
    }

    fn from_batch(batch: &RecordBatch) -> Result<Vec<Self>, SchemaError> {
        Ok(ScoreRow::from_batch(batch)?.into_iter().map(Self).collect())
    }
}

fn row(strict: Option<bool>) -> ScoreRow {
    ScoreRow {
        benchmark: "ifeval".into(),
        key: "1000".into(),
        task_id: String::new(),
        index: 2,
        instruction_id: "punctuation:no_comma".into(),
        seen: false,
        strict,
        loose: Some(true),
        method: Method::Code,
        raw: None,
        mode: Some("paper".into()),
        score: None,
        error: None,
        near: None,
    }
}

fn written<R: Record>(path: &Path, rows: &[R]) -> Result<(), SchemaError> {
    write(path, rows, &Provenance::new("test 0.1.0", serde_json::json!({ "seed": 7 })))
}

#[test]
fn the_table_of_old_and_new_readers_and_writers() -> Outcome {
    let folder = tempfile::tempdir()?;
    let [old, new] = ["old.parquet", "new.parquet"].map(|name| folder.path().join(name));
    let rows = [row(Some(true)), row(Some(false))];
    written(&old, &rows.clone().map(OldScore))?;
    let judged = ScoreRow { score: Some(7.5), error: Some("refused: `count`".into()), ..row(None) };
    written(&new, &[rows[0].clone(), judged.clone()])?;

    assert_eq!((header(&old)?.version, header(&new)?.version), (1, 2));
    assert_eq!(read::<OldScore>(&old)?, rows.clone().map(OldScore), "old reads old");
    assert_eq!(read::<ScoreRow>(&old)?, rows, "new reads old");
    assert_eq!(read::<ScoreRow>(&new)?, [rows[0].clone(), judged], "new reads new");
    let error = read::<OldScore>(&new).expect_err("old reads new").to_string();
    assert!(error.contains("found version 2 of `scores`, expected version 1"), "{error}");
    Ok(())
}

#[test]
fn the_bytes_of_a_row_with_and_without_a_verdict_differ() -> Outcome {
    let folder = tempfile::tempdir()?;
    let [one, two] = ["one.parquet", "two.parquet"].map(|name| folder.path().join(name));
    written(&one, &[row(Some(false))])?;
    written(&two, &[row(None)])?;
    assert_ne!(read::<ScoreRow>(&one)?[0].strict, read::<ScoreRow>(&two)?[0].strict);
    assert_ne!(std::fs::read(&one)?, std::fs::read(&two)?);
    Ok(())
}

/// Columns of `predictions` in version 1.
const OLD_PREDICTION: usize = 9;

/// A row of `predictions` as version 1 wrote and read it.
#[derive(Debug, Clone, PartialEq)]
struct OldPrediction(PredictionRow);

impl Record for OldPrediction {
    const NAME: &'static str = PredictionRow::NAME;
    const VERSION: u32 = 1;

    fn arrow_schema() -> SchemaRef {
        let fields = PredictionRow::arrow_schema();
        let fields = fields.fields().iter().take(OLD_PREDICTION).cloned();
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    fn to_batch(rows: &[Self]) -> Result<RecordBatch, SchemaError> {
        let rows: Vec<PredictionRow> = rows.iter().map(|row| row.0.clone()).collect();
        let columns = PredictionRow::to_batch(&rows)?.columns()[..OLD_PREDICTION].to_vec();
        Ok(RecordBatch::try_new(Self::arrow_schema(), columns).expect("the columns of version 1"))
    }

    fn from_batch(batch: &RecordBatch) -> Result<Vec<Self>, SchemaError> {
        Ok(PredictionRow::from_batch(batch)?.into_iter().map(Self).collect())
    }
}

#[test]
fn predictions_of_version_1_are_read_and_a_failure_is_not_read_as_a_response() -> Outcome {
    let folder = tempfile::tempdir()?;
    let [old, new] = ["old.parquet", "new.parquet"].map(|name| folder.path().join(name));
    let answered = PredictionRow {
        benchmark: "ifbench".into(),
        key: "0".into(),
        task_id: String::new(),
        prompt: "Tea?".into(),
        constraints: Vec::new(),
        response: "Tea.".into(),
        finish_reason: ResponseEnd::Stop,
        prompt_tokens: 3,
        completion_tokens: 2,
        error: None,
    };
    let failed = PredictionRow {
        response: String::new(),
        finish_reason: ResponseEnd::Failed,
        error: Some("timeout".into()),
        ..answered.clone()
    };
    written(&old, &[OldPrediction(answered.clone())])?;
    written(&new, &[answered.clone(), failed.clone()])?;
    assert_eq!(read::<PredictionRow>(&old)?, std::slice::from_ref(&answered), "new reads old");
    assert_eq!(read::<PredictionRow>(&new)?, [answered, failed], "new reads new");
    let error = read::<OldPrediction>(&new).expect_err("old reads new").to_string();
    assert!(error.contains("found version 2 of `predictions`"), "{error}");
    Ok(())
}
