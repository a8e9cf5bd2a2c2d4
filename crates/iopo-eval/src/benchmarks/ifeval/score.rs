//! Strict and loose outcomes of IFEval's instructions.

use std::collections::BTreeSet;

use iopo_constraints::Kind;
use iopo_constraints::ifeval::{
    Checker, Instruction, InstructionError, InstructionKind, Mode, Response,
};
use iopo_schema::{CheckRow, PredictionRow, ScoreRow};

use crate::score::{check_of, score_row, undecided_row};
use crate::{EvalError, TestPrompt};

/// Scores one response. An instruction of an unknown type gets no verdict; invalid parameters are an error.
pub(super) fn score(
    row: &PredictionRow,
    mode: Mode,
    held_out: &BTreeSet<Kind>,
) -> Result<Vec<ScoreRow>, EvalError> {
    let response = Response::new(&row.response);
    let mut scores = Vec::with_capacity(row.constraints.len());
    for index in 0..row.constraints.len() {
        let check = check_of(&row.key, &row.constraints, index)?;
        let Some(checker) = checker(&row.key, check, mode)? else {
            let error = format!("IFEval has no type `{}`", check.id);
            let mode = Some(mode.id().to_owned());
            scores.push(ScoreRow { mode, ..undecided_row(row, index, &check.id, error) });
            continue;
        };
        let verdict = checker.verdict(&response);
        let seen = checker.kind().is_seen(held_out);
        scores.push(ScoreRow {
            near: Some(checker.kind().is_near(held_out)),
            loose: Some(verdict.loose),
            mode: Some(verdict.mode.id().to_owned()),
            ..score_row(row, index, &check.id, seen, verdict.strict)
        });
    }
    Ok(scores)
}

/// Checks that every instruction can be decided in this mode; unknown types pass.
pub(super) fn refuse_unscorable(prompts: &[TestPrompt], mode: Mode) -> Result<(), EvalError> {
    for prompt in prompts {
        for check in prompt.constraints.iter().filter_map(|row| row.check.as_ref()) {
            checker(&prompt.key, check, mode)?;
        }
    }
    Ok(())
}

/// Returns the check of a row; `None` for a type that IFEval does not have.
fn checker(key: &str, check: &CheckRow, mode: Mode) -> Result<Option<Checker>, EvalError> {
    if InstructionKind::from_id(&check.id).is_err() {
        return Ok(None);
    }
    let failed = |source: InstructionError| EvalError::Ifeval {
        place: format!("prompt `{key}`"),
        source: Box::new(source),
    };
    let kwargs = serde_json::from_str(&check.params).map_err(|error| {
        failed(InstructionError::BadLine {
            line: 1,
            reason: format!("kwargs of {}: {error}", check.id),
        })
    })?;
    let instruction = Instruction::from_parts(&check.id, &kwargs).map_err(failed)?;
    Checker::new(&instruction, mode).map(Some).map_err(failed)
}
