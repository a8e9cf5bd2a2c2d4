//! Scores responses by code and writes `scores.parquet`.

use std::collections::BTreeSet;
use std::path::Path;

use iopo_schema::{CheckRow, ConstraintRow, Method, PredictionRow, Provenance, ScoreRow};
use serde_json::Value;

use crate::EvalError;

/// Producer in the provenance of the files that this crate writes.
pub(crate) const PRODUCER: &str = concat!("iopo-eval ", env!("CARGO_PKG_VERSION"));

/// Decides whether a response follows its constraints.
pub trait Scorer {
    /// Returns the settings that the outcomes depend on; the provenance of `scores.parquet` records them.
    fn settings(&self) -> Value;

    /// Scores one response: one row for each constraint, in their order. A row without a loose verdict counts with its strict
    /// one. A constraint that cannot be decided has a row with [`ScoreRow::error`] and no verdict.
    ///
    /// # Errors
    /// Returns an error if a constraint's parameters are invalid or the constraint needs a judge.
    fn score(&self, row: &PredictionRow) -> Result<Vec<ScoreRow>, EvalError>;
}

/// Scores predictions in memory. The constraints of a failed request have no verdict.
///
/// # Errors
/// Returns an error if a key occurs twice or a constraint cannot be checked.
pub fn score_rows(
    scorer: &dyn Scorer,
    predictions: &[PredictionRow],
) -> Result<Vec<ScoreRow>, EvalError> {
    refuse_duplicates(predictions.iter().map(|row| row.key.as_str()), "the predictions file")?;
    let mut scores = Vec::new();
    for row in predictions {
        let scored = scorer.score(row)?;
        match &row.error {
            None => scores.extend(scored),
            Some(class) => scores.extend(scored.into_iter().map(|score| unanswered(score, class))),
        }
    }
    Ok(scores)
}

/// Start of the error of a score whose response is missing; the class of the failed request follows.
pub(crate) const NO_RESPONSE: &str = "no response: ";

/// Removes the verdict from the score of a failed request.
fn unanswered(score: ScoreRow, class: &str) -> ScoreRow {
    let error = Some(format!("{NO_RESPONSE}{class}"));
    ScoreRow { strict: None, loose: None, error: score.error.or(error), ..score }
}

/// Scores the predictions of a file and writes the scores to `out`.
///
/// # Errors
/// Returns an error if a file cannot be read or written, a key occurs twice or a constraint cannot be checked.
/// Nothing is written then.
pub fn score_file(
    scorer: &dyn Scorer,
    predictions: &Path,
    out: &Path,
) -> Result<Vec<ScoreRow>, EvalError> {
    let scores = score_rows(scorer, &iopo_schema::read::<PredictionRow>(predictions)?)?;
    let provenance = Provenance::new(PRODUCER, scorer.settings())
        .with_input("predictions", iopo_schema::file_hash(predictions)?);
    iopo_schema::write(out, &scores, &provenance)?;
    Ok(scores)
}

/// Creates the score of the constraint at `index` by code, without a loose verdict.
pub(crate) fn score_row(
    prediction: &PredictionRow,
    index: usize,
    instruction_id: &str,
    seen: bool,
    strict: bool,
) -> ScoreRow {
    ScoreRow {
        benchmark: prediction.benchmark.clone(),
        key: prediction.key.clone(),
        task_id: prediction.task_id.clone(),
        index: u32::try_from(index).unwrap_or(u32::MAX),
        instruction_id: instruction_id.to_owned(),
        seen,
        strict: Some(strict),
        loose: None,
        method: Method::Code,
        raw: None,
        mode: None,
        score: None,
        error: None,
        near: None,
    }
}

/// Creates the row of a constraint that code cannot decide.
pub(crate) fn undecided_row(
    prediction: &PredictionRow,
    index: usize,
    instruction_id: &str,
    error: String,
) -> ScoreRow {
    ScoreRow {
        strict: None,
        error: Some(error),
        ..score_row(prediction, index, instruction_id, false, false)
    }
}

/// Returns the check of the constraint at `index` of a prompt.
///
/// # Errors
/// Returns an error if only a judge can decide the constraint.
pub(crate) fn check_of<'a>(
    key: &str,
    constraints: &'a [ConstraintRow],
    index: usize,
) -> Result<&'a CheckRow, EvalError> {
    let row = &constraints[index];
    row.check.as_ref().ok_or_else(|| EvalError::Uncheckable {
        key: key.to_owned(),
        index,
        text: row.text.clone(),
    })
}

/// Refuses a key that occurs twice.
pub(crate) fn refuse_duplicates<'a>(
    keys: impl Iterator<Item = &'a str>,
    what: &str,
) -> Result<(), EvalError> {
    let mut seen = BTreeSet::new();
    for key in keys {
        if !seen.insert(key) {
            return Err(EvalError::DuplicateKey { what: what.to_owned(), key: key.to_owned() });
        }
    }
    Ok(())
}
