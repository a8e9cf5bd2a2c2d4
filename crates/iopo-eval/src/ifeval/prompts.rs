//! The prompts of an IFEval file.

use std::collections::BTreeMap;
use std::path::Path;

use iopo_constraints::ifeval::{IfevalPrompt, InstructionKind, PromptFile, PromptInstruction};
use iopo_schema::{CheckRow, ConstraintRow};
use serde_json::Value;

use super::BENCHMARK;
use crate::{EvalError, Prompt};

/// The prompts of a file, and what in it cannot be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Benchmark {
    /// The prompts, in the order of the file, with all their instructions.
    pub prompts: Vec<Prompt>,
    /// Ids of instruction types that have no check here, with how often each occurs.
    pub unsupported: BTreeMap<String, usize>,
}

impl Benchmark {
    /// Reads a file of prompts, or the first `limit` of them.
    pub fn read(path: &Path, limit: Option<usize>) -> Result<Self, EvalError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| EvalError::File { path: path.to_owned(), source })?;
        let mut file = PromptFile::parse(&text).map_err(|source| EvalError::Ifeval {
            place: path.display().to_string(),
            source: Box::new(source),
        })?;
        file.prompts.truncate(limit.unwrap_or(usize::MAX));
        let prompts: Vec<Prompt> = file.prompts.into_iter().map(prompt).collect();
        let unsupported = unsupported(&prompts);
        Ok(Self { prompts, unsupported })
    }
}

/// Ids of the instruction types of these prompts that have no check here, with how often each occurs.
pub fn unsupported(prompts: &[Prompt]) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let checks =
        prompts.iter().flat_map(|prompt| &prompt.constraints).filter_map(|row| row.check.as_ref());
    for check in checks.filter(|check| InstructionKind::from_id(&check.id).is_err()) {
        *found.entry(check.id.clone()).or_insert(0) += 1;
    }
    found
}

fn prompt(prompt: IfevalPrompt) -> Prompt {
    // The instructions stand in the prompt's own words, so that a row has none of its own.
    let row = |item: PromptInstruction| ConstraintRow {
        text: String::new(),
        constraint_type: String::new(),
        dimension: String::new(),
        check: Some(CheckRow { id: item.id, params: Value::Object(item.kwargs).to_string() }),
    };
    Prompt {
        benchmark: BENCHMARK.to_owned(),
        key: prompt.key,
        task_id: String::new(),
        prompt: prompt.prompt,
        constraints: prompt.instructions.into_iter().map(row).collect(),
    }
}
