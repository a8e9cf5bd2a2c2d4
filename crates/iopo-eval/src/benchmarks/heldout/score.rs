//! Scores responses to held-out prompts with the checkers of the synthesis.

use std::collections::BTreeSet;

use iopo_constraints::{Constraint, Kind};
use iopo_schema::{ConstraintRow, PredictionRow, ScoreRow};
use serde_json::{Value, json};

use crate::score::{Scorer, check_of, score_row};
use crate::{EvalConfig, EvalError};

/// Scores with the checkers that decided in synthesis.
///
/// A constraint that is unknown or has no check is an error, never a pass. An empty response follows no constraint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldOut {
    held_out: BTreeSet<&'static str>,
}

impl HeldOut {
    /// Takes the held-out kinds from the configuration; they separate seen constraints from unseen ones.
    ///
    /// # Errors
    /// Returns an error if `held_out` names an unknown kind.
    pub fn new(config: &EvalConfig) -> Result<Self, EvalError> {
        Ok(Self { held_out: config.held_out_kinds()?.into_iter().map(Kind::id).collect() })
    }
}

impl Scorer for HeldOut {
    fn settings(&self) -> Value {
        json!({ "held_out": self.held_out })
    }

    fn score(&self, row: &PredictionRow) -> Result<Vec<ScoreRow>, EvalError> {
        if row.constraints.is_empty() {
            return Err(EvalError::NoConstraints { key: row.key.clone() });
        }
        let empty = row.response.trim().is_empty();
        let mut scores = Vec::with_capacity(row.constraints.len());
        for index in 0..row.constraints.len() {
            let constraint = constraint_of(&row.key, &row.constraints, index)?;
            let id = constraint.kind().id();
            let seen = !constraint.kinds().any(|kind| self.held_out.contains(kind.id()));
            let strict = !empty && constraint.check(&row.response).satisfied;
            scores.push(score_row(row, index, id, seen, strict));
        }
        Ok(scores)
    }
}

/// Returns the checkable constraint at `index`.
pub(super) fn constraint_of(
    key: &str,
    constraints: &[ConstraintRow],
    index: usize,
) -> Result<Constraint, EvalError> {
    let check = check_of(key, constraints, index)?;
    check.constraint().map_err(|error| EvalError::unknown_constraint(key, index, check, error))
}
