//! The checks decide: a strict and a loose verdict an instruction.

use std::collections::BTreeSet;
use std::path::Path;

use iopo_constraints::Kind;
use iopo_constraints::ifeval::{
    Checker, IfevalError, Instruction, InstructionKind, Mode, Response,
};
use iopo_schema::{CheckRow, Method, PredictionRow, Provenance, ScoreRow};
use serde_json::json;

use crate::score::PRODUCER;
use crate::{EvalError, Prompt};

/// What decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// As published, or repaired.
    pub mode: Mode,
    /// The kinds that the synthesis holds out; they tell seen types from unseen ones.
    pub held_out: BTreeSet<Kind>,
}

/// Checks every instruction of every prediction and writes one row each to `out`.
///
/// An instruction of an unknown type gets no row. One with doubtful parameters is an error.
pub fn score(predictions: &Path, out: &Path, rules: &Rules) -> Result<Vec<ScoreRow>, EvalError> {
    let rows: Vec<PredictionRow> = iopo_schema::read(predictions)?;
    crate::score::refuse_duplicates(
        rows.iter().map(|row| row.key.as_str()),
        "the predictions file",
    )?;
    let mut scores = Vec::new();
    for row in &rows {
        let response = Response::new(&row.response);
        for (index, constraint) in row.constraints.iter().enumerate() {
            let Some(check) = &constraint.check else {
                let (key, text) = (row.key.clone(), constraint.text.clone());
                return Err(EvalError::Uncheckable { key, index, text });
            };
            let Some(checker) = checker(&row.key, check, rules.mode)? else { continue };
            let verdict = checker.verdict(&response);
            scores.push(ScoreRow {
                benchmark: row.benchmark.clone(),
                key: row.key.clone(),
                task_id: row.task_id.clone(),
                index: u32::try_from(index).unwrap_or(u32::MAX),
                instruction_id: check.id.clone(),
                seen: checker.kind().is_seen(&rules.held_out),
                strict: verdict.strict,
                loose: Some(verdict.loose),
                method: Method::Code,
                raw: None,
                mode: Some(verdict.mode.id().to_owned()),
            });
        }
    }
    let held_out: Vec<&str> = rules.held_out.iter().map(|kind| kind.id()).collect();
    let config = json!({ "mode": rules.mode.id(), "held_out": held_out });
    let provenance = Provenance::new(PRODUCER, config)
        .with_input("predictions", iopo_schema::file_hash(predictions)?);
    iopo_schema::write(out, &scores, &provenance)?;
    Ok(scores)
}

/// Makes sure that every instruction of the prompts can be checked in this mode, before anything is spent on answers.
///
/// # Errors
/// When parameters are doubtful, or a pattern cannot be decided exactly and in linear time. Types that are none of
/// IFEval's pass.
pub fn refuse_unscorable(prompts: &[Prompt], mode: Mode) -> Result<(), EvalError> {
    for prompt in prompts {
        for check in prompt.constraints.iter().filter_map(|row| row.check.as_ref()) {
            checker(&prompt.key, check, mode)?;
        }
    }
    Ok(())
}

/// The check of a row; `None` for a type that is none of IFEval's.
fn checker(key: &str, check: &CheckRow, mode: Mode) -> Result<Option<Checker>, EvalError> {
    if InstructionKind::from_id(&check.id).is_err() {
        return Ok(None);
    }
    let failed = |source: IfevalError| EvalError::Ifeval {
        place: format!("prompt `{key}`"),
        source: Box::new(source),
    };
    let kwargs = serde_json::from_str(&check.params).map_err(|error| {
        failed(IfevalError::BadLine { line: 1, reason: format!("kwargs of {}: {error}", check.id) })
    })?;
    let instruction = Instruction::from_parts(&check.id, &kwargs).map_err(failed)?;
    Checker::new(&instruction, mode).map(Some).map_err(failed)
}
