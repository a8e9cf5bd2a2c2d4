//! What IFEval and IFBench share: prompts with instructions that code decides strictly and loosely.

use std::collections::BTreeMap;

use iopo_constraints::ifeval::prompt::{Prompt, PromptFile, PromptInstruction};
use iopo_constraints::ifeval::{
    InstructionError, InstructionVerdict, Mode, NamedInstruction, Response,
};
use iopo_schema::{CheckRow, ConstraintRow, PredictionRow, ScoreRow};
use serde_json::Value;

use crate::score::{check_of, score_row, undecided_row};
use crate::{EvalError, TestPrompt};

/// The rules of a benchmark in one mode.
pub(super) trait Rules {
    /// The closed list of instructions.
    type Instruction: NamedInstruction;
    /// An instruction prepared for checking.
    type Checker;
    /// Id of the benchmark.
    const ID: &'static str;
    /// Name of the benchmark in messages.
    const NAME: &'static str;

    /// Returns the mode that decides.
    fn mode(&self) -> Mode;

    /// Prepares an instruction. A missing table makes its type unsupported; other errors refuse the prompt.
    fn checker(&self, instruction: &Self::Instruction) -> Result<Self::Checker, InstructionError>;

    /// Decides whether a response follows an instruction.
    fn verdict(checker: &Self::Checker, response: &Response<'_>) -> InstructionVerdict;

    /// Returns whether synthesis asks for the same thing as an instruction, and whether it asks for a similar one only.
    fn familiarity(&self, checker: &Self::Checker) -> (bool, bool);
}

/// Parses prompts, one JSON object per line.
pub(super) fn parse<R: Rules>(text: &str) -> Result<Vec<TestPrompt>, EvalError> {
    let failed = |source| failed("the prompts".to_owned(), source);
    let file = PromptFile::<R::Instruction>::parse(text).map_err(failed)?;
    Ok(file.prompts.into_iter().map(prompt::<R>).collect())
}

fn prompt<R: Rules>(prompt: Prompt<R::Instruction>) -> TestPrompt {
    // The prompt words its instructions itself, so a row has no sentence.
    let row = |item: PromptInstruction<R::Instruction>| ConstraintRow {
        text: String::new(),
        constraint_type: String::new(),
        dimension: String::new(),
        check: Some(CheckRow { id: item.id, params: Value::Object(item.kwargs).to_string() }),
    };
    TestPrompt {
        benchmark: R::ID.to_owned(),
        key: prompt.key,
        task_id: String::new(),
        prompt: prompt.prompt,
        constraints: prompt.instructions.into_iter().map(row).collect(),
    }
}

/// Scores one response. An instruction without a check gets no verdict; invalid parameters are an error.
pub(super) fn score<R: Rules>(rules: &R, row: &PredictionRow) -> Result<Vec<ScoreRow>, EvalError> {
    let response = Response::new(&row.response);
    let mode = Some(rules.mode().id().to_owned());
    let mut scores = Vec::with_capacity(row.constraints.len());
    for index in 0..row.constraints.len() {
        let check = check_of(&row.key, &row.constraints, index)?;
        let undecided = match decidable(rules, &row.key, check)? {
            Ok(checker) => {
                let verdict = R::verdict(&checker, &response);
                let (seen, near) = rules.familiarity(&checker);
                ScoreRow {
                    loose: Some(verdict.loose),
                    near: Some(near),
                    ..score_row(row, index, &check.id, seen, verdict.strict)
                }
            }
            Err(unchecked) => undecided_row(row, index, &check.id, unchecked.reason),
        };
        scores.push(ScoreRow { mode: mode.clone(), ..undecided });
    }
    Ok(scores)
}

/// Checks that every instruction with a check can be decided in this mode, and that there is one.
pub(super) fn refuse_unscorable<R: Rules>(
    rules: &R,
    prompts: &[TestPrompt],
) -> Result<(), EvalError> {
    let (mut instructions, mut is_any_checked, mut first) = (0, false, None);
    let mut lacks_table = true;
    for (key, check) in checks(prompts) {
        instructions += 1;
        match decidable(rules, key, check)? {
            Ok(_) => is_any_checked = true,
            Err(Unchecked { reason, lacks_table: own }) => {
                lacks_table &= own;
                first = first.or(Some(reason));
            }
        }
    }
    match first {
        Some(reason) if !is_any_checked => {
            Err(EvalError::NoCheck { instructions, reason, lacks_table })
        }
        _ => Ok(()),
    }
}

/// Counts the instruction types that have no check, by id.
pub(super) fn unsupported<R: Rules>(rules: &R, prompts: &[TestPrompt]) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for (key, check) in checks(prompts) {
        if matches!(decidable(rules, key, check), Ok(Err(_))) {
            *found.entry(check.id.clone()).or_insert(0) += 1;
        }
    }
    found
}

fn checks(prompts: &[TestPrompt]) -> impl Iterator<Item = (&str, &CheckRow)> {
    prompts.iter().flat_map(|prompt| {
        let checks = prompt.constraints.iter().filter_map(|row| row.check.as_ref());
        checks.map(|check| (prompt.key.as_str(), check))
    })
}

/// Why a type has no check.
struct Unchecked {
    reason: String,
    /// Whether only a table is missing.
    lacks_table: bool,
}

/// Prepares the check of a row. The inner error is the reason why its type has none.
fn decidable<R: Rules>(
    rules: &R,
    key: &str,
    check: &CheckRow,
) -> Result<Result<R::Checker, Unchecked>, EvalError> {
    let failed = |source| failed(format!("prompt `{key}`"), source);
    let kwargs = serde_json::from_str(&check.params).map_err(|error| {
        failed(InstructionError::BadLine {
            line: 1,
            reason: format!("kwargs of {}: {error}", check.id),
        })
    })?;
    let instruction = match R::Instruction::from_parts(&check.id, &kwargs) {
        Ok(instruction) => instruction,
        Err(InstructionError::UnknownInstruction { id, .. }) => {
            let reason = format!("{} has no type `{id}`", R::NAME);
            return Ok(Err(Unchecked { reason, lacks_table: false }));
        }
        Err(error) => return Err(failed(error)),
    };
    match rules.checker(&instruction) {
        Ok(checker) => Ok(Ok(checker)),
        Err(error @ InstructionError::MissingTable { .. }) => {
            Ok(Err(Unchecked { reason: error.to_string(), lacks_table: true }))
        }
        Err(error) => Err(failed(error)),
    }
}

fn failed(place: String, source: InstructionError) -> EvalError {
    EvalError::Instruction { place, source: Box::new(source) }
}
