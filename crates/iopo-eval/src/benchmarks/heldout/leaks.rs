//! Refuses test prompts that training data contain.

use std::collections::{BTreeMap, BTreeSet};

use iopo_constraints::Kind;
use iopo_core::text::words;
use iopo_schema::{InstructionRow, PreferenceRow, Split, TestPromptRow};

use super::score::constraint_of;
use crate::EvalError;

/// Checks test prompts against the rows of a run.
///
/// A test task may occur in the test split only, by its id and by its words. A test prompt may not be an instruction of
/// another split. Held-out kinds may occur in no instruction and no group.
///
/// # Errors
/// Returns an error that names the first leak, or a constraint that cannot be checked.
pub fn refuse_leaks(
    prompts: &[TestPromptRow],
    instructions: &[InstructionRow],
    groups: &[PreferenceRow],
    held_out: &BTreeSet<Kind>,
) -> Result<(), EvalError> {
    for prompt in prompts {
        for index in 0..prompt.constraints.len() {
            constraint_of(&prompt.key, &prompt.constraints, index)?;
        }
    }
    refuse_held_out(instructions, groups, held_out)?;
    let ids: BTreeSet<&str> = prompts.iter().map(|prompt| prompt.task_id.as_str()).collect();
    let tasks: BTreeMap<Words, &str> = prompts
        .iter()
        .map(|prompt| (text_of(&prompt.task, prompt.input.as_deref()), prompt.task_id.as_str()))
        .collect();
    let texts: BTreeMap<&str, &str> =
        prompts.iter().map(|prompt| (prompt.prompt.as_str(), prompt.task_id.as_str())).collect();
    for group in groups.iter().filter(|group| group.split != Split::Test) {
        let (other, other_task) = (group.split, group.task_id.clone());
        if ids.contains(group.task_id.as_str()) {
            return Err(EvalError::TaskInTwoSplits { task_id: other_task, other });
        }
        let task = tasks.get(&text_of(&group.task, group.input.as_deref()));
        if let Some(test_task) = task {
            let test_task = (*test_task).to_owned();
            return Err(EvalError::TaskInTraining { test_task, other, other_task });
        }
        for x in [&group.x1, &group.x2] {
            if let Some(test_task) = texts.get(x.as_str()) {
                let test_task = (*test_task).to_owned();
                return Err(EvalError::PromptInTraining { test_task, other, other_task });
            }
        }
    }
    Ok(())
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
            let kind = Kind::from_id(&check.id)
                .map_err(|error| EvalError::unknown_constraint(id, index, check, error))?;
            if held_out.contains(&kind) {
                let (kind, task_id) = (check.id.clone(), task_id.to_owned());
                return Err(EvalError::HeldOutKindSeen { kind, place, task_id });
            }
        }
    }
    Ok(())
}
