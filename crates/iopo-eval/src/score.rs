//! The checkers decide: one verdict a constraint of every prediction.

use std::collections::BTreeSet;
use std::path::Path;

use iopo_constraints::{Constraint, Kind};
use iopo_schema::{ConstraintRow, Method, PredictionRow, Provenance, ScoreRow};
use serde_json::json;

use crate::{EvalConfig, EvalError};

/// Who writes this crate's files.
pub(crate) const PRODUCER: &str = concat!("iopo-eval ", env!("CARGO_PKG_VERSION"));

/// What scoring found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoreSummary {
    /// Predictions scored.
    pub prompts: u64,
    /// Predictions whose constraints all hold.
    pub prompts_followed: u64,
    /// Constraints checked.
    pub constraints: u64,
    /// Constraints that hold.
    pub constraints_followed: u64,
}

/// Checks every constraint of every prediction and writes one row a constraint to `out`.
///
/// The same checkers that decided in synthesis decide here. A constraint that this version does not know,
/// or that has no code check, is an error and never a pass; an empty answer passes nothing. `seen` tells
/// whether a kind stands off the configuration's held-out list.
pub fn score(
    predictions: &Path,
    out: &Path,
    config: &EvalConfig,
) -> Result<ScoreSummary, EvalError> {
    let held_out: BTreeSet<&str> = config.held_out_kinds()?.into_iter().map(Kind::id).collect();
    let rows: Vec<PredictionRow> = iopo_schema::read(predictions)?;
    let scores = score_rows(&rows, &held_out)?;
    let provenance = Provenance {
        producer: PRODUCER.to_owned(),
        config: json!({ "held_out": held_out }),
        inputs: [("predictions".to_owned(), iopo_schema::file_hash(predictions)?)].into(),
    };
    iopo_schema::write(out, &scores, &provenance)?;

    let failed: BTreeSet<&str> =
        scores.iter().filter(|row| !row.strict).map(|row| row.key.as_str()).collect();
    Ok(ScoreSummary {
        prompts: rows.len() as u64,
        prompts_followed: (rows.len() - failed.len()) as u64,
        constraints: scores.len() as u64,
        constraints_followed: scores.iter().filter(|row| row.strict).count() as u64,
    })
}

/// The verdicts of predictions in memory.
fn score_rows(
    rows: &[PredictionRow],
    held_out: &BTreeSet<&str>,
) -> Result<Vec<ScoreRow>, EvalError> {
    refuse_duplicates(rows.iter().map(|row| row.key.as_str()), "the predictions file")?;
    let mut scores = Vec::new();
    for row in rows {
        if row.constraints.is_empty() {
            return Err(EvalError::NoConstraints { key: row.key.clone() });
        }
        let empty = row.response.trim().is_empty();
        for index in 0..row.constraints.len() {
            let constraint = constraint_of(&row.key, &row.constraints, index)?;
            let id = constraint.kind().id();
            scores.push(ScoreRow {
                benchmark: row.benchmark.clone(),
                key: row.key.clone(),
                task_id: row.task_id.clone(),
                index: u32::try_from(index).unwrap_or(u32::MAX),
                instruction_id: id.to_owned(),
                seen: !held_out.contains(id),
                strict: !empty && constraint.check(&row.response).satisfied,
                loose: None,
                method: Method::Code,
                raw: None,
                mode: None,
            });
        }
    }
    Ok(scores)
}

/// The constraint that stands at `index`, as code checks it.
pub(crate) fn constraint_of(
    key: &str,
    constraints: &[ConstraintRow],
    index: usize,
) -> Result<Constraint, EvalError> {
    let row = &constraints[index];
    let Some(check) = &row.check else {
        let (key, text) = (key.to_owned(), row.text.clone());
        return Err(EvalError::Uncheckable { key, index, text });
    };
    Constraint::from_parts(&check.id, &check.params).map_err(|error| EvalError::UnknownConstraint {
        key: key.to_owned(),
        index,
        id: check.id.clone(),
        params: check.params.clone(),
        reason: error.to_string(),
    })
}

/// Refuses a key that stands twice.
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
