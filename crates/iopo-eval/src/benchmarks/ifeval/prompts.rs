//! The prompts of an IFEval file.

use std::collections::BTreeMap;

use iopo_constraints::ifeval::{IfevalPrompt, InstructionKind, PromptFile, PromptInstruction};
use iopo_schema::{CheckRow, ConstraintRow};
use serde_json::Value;

use super::ID;
use crate::{EvalError, TestPrompt};

/// Parses prompts, one JSON object per line.
pub(super) fn parse(text: &str) -> Result<Vec<TestPrompt>, EvalError> {
    let file = PromptFile::parse(text).map_err(|source| EvalError::Ifeval {
        place: "the prompts".to_owned(),
        source: Box::new(source),
    })?;
    Ok(file.prompts.into_iter().map(prompt).collect())
}

/// Counts the instruction types that have no check, by id.
pub(super) fn unsupported(prompts: &[TestPrompt]) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let checks =
        prompts.iter().flat_map(|prompt| &prompt.constraints).filter_map(|row| row.check.as_ref());
    for check in checks.filter(|check| InstructionKind::from_id(&check.id).is_err()) {
        *found.entry(check.id.clone()).or_insert(0) += 1;
    }
    found
}

fn prompt(prompt: IfevalPrompt) -> TestPrompt {
    // The prompt words its instructions itself, so a row has no sentence.
    let row = |item: PromptInstruction| ConstraintRow {
        text: String::new(),
        constraint_type: String::new(),
        dimension: String::new(),
        check: Some(CheckRow { id: item.id, params: Value::Object(item.kwargs).to_string() }),
    };
    TestPrompt {
        benchmark: ID.to_owned(),
        key: prompt.key,
        task_id: String::new(),
        prompt: prompt.prompt,
        constraints: prompt.instructions.into_iter().map(row).collect(),
    }
}
