//! Refuses test prompts that training data contain.

use std::collections::{BTreeMap, BTreeSet};

use iopo_constraints::Kind;
use iopo_core::text::words;
use iopo_schema::{InstructionRow, PreferenceRow, Split, TestPromptRow};

use super::prompts::TestTask;
use super::score::constraint_of;
use crate::EvalError;

/// Rows that models of a run may have been trained on.
#[derive(Debug, Clone, Copy)]
pub struct TrainingRows<'a> {
    /// The instructions. Those of a task without a split are not compared.
    pub instructions: &'a [InstructionRow],
    /// The preference groups.
    pub groups: &'a [PreferenceRow],
    /// The split of each task.
    pub splits: &'a BTreeMap<String, Split>,
}

/// Checks test prompts against the rows of a run.
///
/// A task of the prompts may occur in rows of `split` only, by its id and by its words. A prompt may not be an instruction of
/// another split, nor a turn of the user before one. Held-out kinds may occur in no instruction and no group.
///
/// # Errors
/// Returns an error that names the first leak, or a constraint that cannot be checked.
pub fn refuse_leaks(
    prompts: &[TestPromptRow],
    split: Split,
    rows: TrainingRows<'_>,
    held_out: &BTreeSet<Kind>,
) -> Result<(), EvalError> {
    check_constraints(prompts)?;
    refuse_held_out(rows.instructions, rows.groups, held_out)?;
    refuse_trained(prompts, split, trained(rows))
}

/// Checks test prompts against the tasks of a run, before there are instructions of them.
///
/// A task of the prompts may be a task of `split` only, by its id and by its words. Tasks without a split are not compared.
///
/// # Errors
/// Returns an error that names the first leak, or a constraint that cannot be checked.
pub fn refuse_shared_tasks(
    prompts: &[TestPromptRow],
    split: Split,
    tasks: &[TestTask],
    splits: &BTreeMap<String, Split>,
) -> Result<(), EvalError> {
    check_constraints(prompts)?;
    let trained = tasks.iter().filter_map(|task| {
        splits.get(&task.id).map(|split| Trained {
            split: *split,
            task_id: &task.id,
            task: &task.task,
            input: task.input.as_deref(),
            prompt: None,
        })
    });
    refuse_trained(prompts, split, trained)
}

/// Fails if a constraint of a prompt cannot be checked.
fn check_constraints(prompts: &[TestPromptRow]) -> Result<(), EvalError> {
    for prompt in prompts {
        for index in 0..prompt.constraints.len() {
            constraint_of(&prompt.key, &prompt.constraints, index)?;
        }
    }
    Ok(())
}

/// Refuses a prompt that other splits contain: its task by id or words, or its text.
fn refuse_trained<'a>(
    prompts: &[TestPromptRow],
    split: Split,
    rows: impl Iterator<Item = Trained<'a>>,
) -> Result<(), EvalError> {
    let ids: BTreeSet<&str> = prompts.iter().map(|prompt| prompt.task_id.as_str()).collect();
    let tasks: BTreeMap<Words, &str> = prompts
        .iter()
        .map(|prompt| (text_of(&prompt.task, prompt.input.as_deref()), prompt.task_id.as_str()))
        .collect();
    let texts: BTreeMap<&str, &str> =
        prompts.iter().map(|prompt| (prompt.prompt.as_str(), prompt.task_id.as_str())).collect();
    for row in rows.filter(|row| row.split != split) {
        let (other, other_task) = (row.split, row.task_id.to_owned());
        if ids.contains(row.task_id) {
            return Err(EvalError::TaskInTwoSplits { task_id: other_task, other });
        }
        if let Some(test_task) = tasks.get(&text_of(row.task, row.input)) {
            let test_task = (*test_task).to_owned();
            return Err(EvalError::TaskInTraining { test_task, other, other_task });
        }
        if let Some(test_task) = row.prompt.and_then(|prompt| texts.get(prompt)) {
            let test_task = (*test_task).to_owned();
            return Err(EvalError::PromptInTraining { test_task, other, other_task });
        }
    }
    Ok(())
}

/// One instruction with its task, an earlier turn of the user, which is its own task, or a task without an instruction.
struct Trained<'a> {
    split: Split,
    task_id: &'a str,
    task: &'a str,
    input: Option<&'a str>,
    prompt: Option<&'a str>,
}

/// Lists the instructions and earlier turns of every group and pair, and the instructions whose task has a split.
fn trained<'a>(rows: TrainingRows<'a>) -> impl Iterator<Item = Trained<'a>> {
    let of_group = |group: &'a PreferenceRow| {
        let trained = |(task, input, prompt)| Trained {
            split: group.split,
            task_id: &group.task_id,
            task,
            input,
            prompt: Some(prompt),
        };
        let instructions = group.instructions();
        let instructions =
            instructions.map(|prompt| (group.task.as_str(), group.input.as_deref(), prompt));
        let earlier = group.earlier_requests().map(|turn| (turn, None, turn));
        earlier.chain(instructions).map(trained)
    };
    let of_instruction = move |row: &'a InstructionRow| {
        rows.splits.get(&row.task_id).map(|split| Trained {
            split: *split,
            task_id: &row.task_id,
            task: &row.task,
            input: row.input.as_deref(),
            prompt: Some(row.prompt.as_str()),
        })
    };
    rows.groups.iter().flat_map(of_group).chain(rows.instructions.iter().filter_map(of_instruction))
}

/// The words of a task and of its input, in lower case.
type Words = (Vec<String>, Vec<String>);

/// Returns the words of a task, which find it under another id.
fn text_of(task: &str, input: Option<&str>) -> Words {
    let lower = |text: &str| words(text).map(str::to_lowercase).collect();
    (lower(task), lower(input.unwrap_or_default()))
}

/// Refuses a held-out kind in an instruction or a group.
fn refuse_held_out(
    instructions: &[InstructionRow],
    groups: &[PreferenceRow],
    held_out: &BTreeSet<Kind>,
) -> Result<(), EvalError> {
    let from_instructions = instructions
        .iter()
        .map(|row| (row.task_id.as_str(), "an instruction", row.id.as_str(), &row.constraints));
    let from_groups = groups.iter().flat_map(|group| {
        let place = match group.split {
            Split::Train => "a train group",
            Split::Dev => "a dev group",
            Split::Test => "a test group",
        };
        [&group.x1_constraints, &group.x2_constraints]
            .map(|constraints| (group.task_id.as_str(), place, group.id.as_str(), constraints))
    });
    for (task_id, place, id, constraints) in from_instructions.chain(from_groups) {
        for (index, row) in constraints.iter().enumerate() {
            let Some(check) = &row.check else { continue };
            let constraint = check
                .constraint()
                .map_err(|error| EvalError::unknown_constraint(id, index, check, error))?;
            if let Some(kind) = constraint.kinds().find(|kind| held_out.contains(kind)) {
                let (kind, task_id) = (kind.id().to_owned(), task_id.to_owned());
                return Err(EvalError::HeldOutKindSeen { kind, place, task_id });
            }
        }
    }
    Ok(())
}
