//! The usable responses to each task, with the constraints that they satisfy.

use std::collections::{BTreeMap, BTreeSet};

use iopo_constraints::{Constraint, Kind};
use iopo_schema::{Breakdown, ConstraintRow, InstructionRow, ResponseRow, ResponseSource, Total};

use crate::PairsError;
use crate::minhash::shingles;
use iopo_core::Counts;

/// A usable response to a task.
#[derive(Debug, Clone)]
pub struct CandidateResponse {
    /// The text.
    pub text: String,
    /// The id of its response row.
    pub response_id: String,
    /// How it and its instruction were brought together.
    pub source: ResponseSource,
    /// The text before the edit, if it was edited.
    pub original: Option<String>,
    /// The constraints of the instructions that it was written for, with their rows.
    pub own: Vec<(Constraint, ConstraintRow)>,
    /// The constraints that it satisfies, by back-translation.
    pub holds: Vec<Constraint>,
    /// The revisions of those constraints, which another answer may satisfy.
    pub turned: Vec<Constraint>,
    /// The hashes of its 3-grams.
    pub runs: BTreeSet<u64>,
}

/// A task with its usable answers.
#[derive(Debug, Clone)]
pub struct Task {
    /// The id of the task.
    pub task_id: String,
    /// The text of the task.
    pub task: String,
    /// The text that the task works on, if any.
    pub input: Option<String>,
    /// The answers, with distinct texts.
    pub answers: Vec<CandidateResponse>,
}

/// The rows of one task.
#[derive(Debug, Default)]
pub(crate) struct TaskRows<'a> {
    responses: Vec<(&'a ResponseRow, &'a InstructionRow)>,
}

/// Groups the responses by task, in the order in which the tasks first occur.
pub(crate) fn by_task<'a>(
    instructions: &'a [InstructionRow],
    responses: &'a [ResponseRow],
) -> Result<Vec<(&'a str, TaskRows<'a>)>, PairsError> {
    let known: BTreeMap<&str, &InstructionRow> =
        instructions.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut tasks: Vec<(&str, TaskRows)> = Vec::new();
    for response in responses {
        let Some(instruction) = known.get(response.instruction_id.as_str()) else {
            return Err(PairsError::UnknownInstruction {
                response: response.id.clone(),
                instruction: response.instruction_id.clone(),
            });
        };
        let place = *places.entry(&instruction.task_id).or_insert_with(|| {
            tasks.push((&instruction.task_id, TaskRows::default()));
            tasks.len() - 1
        });
        tasks[place].1.responses.push((response, instruction));
    }
    Ok(tasks)
}

/// Creates a task from its rows, with the usable and distinct answers. Returns `None` if there are none.
pub(crate) fn task_of(
    task_id: &str,
    rows: &TaskRows,
    kinds: &BTreeMap<Kind, f64>,
    counts: &mut Counts,
) -> Result<Option<Task>, PairsError> {
    let Some((_, first)) = rows.responses.first() else { return Ok(None) };
    let mut answers: Vec<CandidateResponse> = Vec::new();
    for (response, instruction) in &rows.responses {
        counts.one(Total::Responses);
        if response.error.is_some() || !response.accepted || response.text.trim().is_empty() {
            counts.one(Breakdown::Dropped.of("not_accepted"));
            continue;
        }
        if instruction.task != first.task || instruction.input != first.input {
            counts.one(Breakdown::Dropped.of("other_task"));
            continue;
        }
        let own = own_constraints(instruction, &response.text, kinds, counts)?;
        if let Some(known) = answers.iter_mut().find(|answer| answer.text == response.text) {
            // An answer with several instructions satisfies the constraints of all of them.
            known.own.extend(own);
            continue;
        }
        let holds: Vec<Constraint> =
            kinds.keys().flat_map(|kind| kind.back_translate(&response.text)).collect();
        let turned = holds
            .iter()
            .flat_map(Constraint::revisions)
            .filter(|constraint| kinds.contains_key(&constraint.kind()))
            .collect();
        answers.push(CandidateResponse {
            text: response.text.clone(),
            response_id: response.id.clone(),
            source: response.source,
            original: response.original.clone(),
            own,
            holds,
            turned,
            runs: shingles(&response.text),
        });
    }
    Ok(Some(Task {
        task_id: task_id.to_owned(),
        task: first.task.clone(),
        input: first.input.clone(),
        answers,
    }))
}

/// Returns the constraints of an instruction that code can check, that may be used, and that the answer satisfies.
fn own_constraints(
    instruction: &InstructionRow,
    text: &str,
    kinds: &BTreeMap<Kind, f64>,
    counts: &mut Counts,
) -> Result<Vec<(Constraint, ConstraintRow)>, PairsError> {
    let mut own = Vec::new();
    for row in &instruction.constraints {
        let Some(constraint) = row.constraint() else {
            counts.one(Breakdown::DroppedConstraints.of("no_check"));
            continue;
        };
        let constraint = constraint.map_err(|source| PairsError::Constraint {
            instruction: instruction.id.clone(),
            source,
        })?;
        if !kinds.contains_key(&constraint.kind()) {
            counts.one(Breakdown::DroppedConstraints.of("held_out"));
        } else if constraint.check(text).satisfied {
            own.push((constraint, row.clone()));
        } else {
            counts.one(Breakdown::DroppedConstraints.of("does_not_hold"));
        }
    }
    Ok(own)
}
