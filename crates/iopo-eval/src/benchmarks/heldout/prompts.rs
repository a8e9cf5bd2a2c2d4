//! Test prompts on tasks that were never trained on, with separate prompts for seen and held-out kinds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_constraints::Kind;
use iopo_core::random::keyed;
use iopo_core::turns::kept_in_turn;
use iopo_schema::{ConstraintRow, InstructionRow, PreferenceRow, Split, content_id};

use super::score::constraint_of;
use super::{ID, draw};
use crate::{EvalConfig, EvalError, TestPrompt};

/// Maximum number of draws for each wanted prompt, because draws can repeat earlier prompts.
const ATTEMPTS: usize = 16;

/// Makes a prompt of the held-out benchmark; its key is a content hash.
fn test_prompt(task_id: &str, prompt: String, constraints: Vec<ConstraintRow>) -> TestPrompt {
    let key = content_id(&[ID, task_id, &prompt]);
    TestPrompt { benchmark: ID.to_owned(), key, task_id: task_id.to_owned(), prompt, constraints }
}

/// Makes the test prompts of a run from its files.
///
/// Each test task contributes the instructions of its groups, new draws of seen kinds up to `seen_per_task`, and draws of
/// held-out kinds up to `unseen_per_task`. The draws depend only on the seed and the task's id, so further tasks do not
/// change the prompts of the others unless `max_prompts` limits them.
///
/// # Errors
/// Returns an error if a file cannot be read, there is no test task, a held-out kind was seen or a test task was trained
/// on.
pub fn heldout_prompts(
    instructions: &Path,
    preferences: &Path,
    config: &EvalConfig,
) -> Result<Vec<TestPrompt>, EvalError> {
    let groups: Vec<PreferenceRow> = iopo_schema::read(preferences)?;
    let known: Vec<InstructionRow> = iopo_schema::read(instructions)?;
    let prompts = prompts_from_rows(&known, &groups, config)?;
    if prompts.is_empty() && !groups.iter().any(|group| group.split == Split::Test) {
        return Err(EvalError::NoTestTasks { path: preferences.to_owned() });
    }
    Ok(prompts)
}

/// Makes the test prompts of rows in memory, as [`heldout_prompts`] does; without test groups there are none.
///
/// # Errors
/// Returns an error if a setting is invalid, a held-out kind was seen or a test task was trained on.
pub fn prompts_from_rows(
    instructions: &[InstructionRow],
    groups: &[PreferenceRow],
    config: &EvalConfig,
) -> Result<Vec<TestPrompt>, EvalError> {
    config.validate()?;
    let held_out = config.held_out_kinds()?;
    let seen = seen_kinds(instructions, groups, &held_out)?;
    let mut test: BTreeMap<&str, Vec<&PreferenceRow>> = BTreeMap::new();
    for group in groups.iter().filter(|group| group.split == Split::Test) {
        test.entry(&group.task_id).or_default().push(group);
    }
    refuse_leaks(&test, groups)?;

    let held_out: Vec<Kind> = held_out.into_iter().collect();
    let seen: Vec<Kind> = seen.into_iter().collect();
    let mut by_task = Vec::with_capacity(test.len());
    for (task_id, groups) in test {
        let maker = Maker { task_id, groups: &groups, config };
        let mut taken = BTreeSet::new();
        let own = maker.own(&mut taken)?;
        let own = maker.top_up(own, config.seen_per_task, &seen, "seen", &mut taken);
        let unseen =
            maker.top_up(Vec::new(), config.unseen_per_task, &held_out, "unseen", &mut taken);
        by_task.push(alternate(own, unseen));
    }
    Ok(bounded(by_task, config))
}

/// Makes the prompts of one test task.
struct Maker<'a> {
    task_id: &'a str,
    groups: &'a [&'a PreferenceRow],
    config: &'a EvalConfig,
}

impl Maker<'_> {
    /// Returns the instructions of the task's test groups in random order, up to the limit.
    fn own(&self, taken: &mut BTreeSet<String>) -> Result<Vec<TestPrompt>, EvalError> {
        let mut ranked = BTreeMap::new();
        for group in self.groups {
            for (x, constraints) in
                [(&group.x1, &group.x1_constraints), (&group.x2, &group.x2_constraints)]
            {
                let prompt = test_prompt(self.task_id, x.clone(), constraints.clone());
                for index in 0..constraints.len() {
                    constraint_of(&prompt.key, &prompt.constraints, index)?;
                }
                let rank = content_id(&[&self.config.seed.to_string(), &prompt.key]);
                ranked.insert(rank, prompt);
            }
        }
        let chosen: Vec<TestPrompt> =
            ranked.into_values().take(self.config.seen_per_task).collect();
        taken.extend(chosen.iter().map(|prompt| prompt.key.clone()));
        Ok(chosen)
    }

    /// Adds new draws until there are `wanted` prompts or the draws only repeat earlier ones.
    fn top_up(
        &self,
        mut prompts: Vec<TestPrompt>,
        wanted: usize,
        kinds: &[Kind],
        purpose: &str,
        taken: &mut BTreeSet<String>,
    ) -> Vec<TestPrompt> {
        let Some(group) = self.groups.first() else { return prompts };
        let mut rng = keyed(self.config.seed, &["prompts", purpose, self.task_id]);
        let weights = &self.config.constraints_per_instruction;
        for _ in 0..wanted.saturating_mul(ATTEMPTS) {
            if prompts.len() >= wanted || kinds.is_empty() {
                break;
            }
            let input = group.input.as_deref();
            let drawn = draw::instruction(&group.task, input, kinds, weights, &mut rng);
            let Some((prompt, constraints)) = drawn else { continue };
            let prompt = test_prompt(self.task_id, prompt, constraints);
            if taken.insert(prompt.key.clone()) {
                prompts.push(prompt);
            }
        }
        prompts
    }
}

/// Returns the kinds that occur in synthesis; refuses a held-out one among them.
fn seen_kinds(
    instructions: &[InstructionRow],
    groups: &[PreferenceRow],
    held_out: &BTreeSet<Kind>,
) -> Result<BTreeSet<Kind>, EvalError> {
    let from_instructions = instructions
        .iter()
        .map(|row| (row.task_id.as_str(), "an instruction", row.id.as_str(), &row.constraints));
    let from_groups = groups.iter().flat_map(|group| {
        let place = match group.split {
            Split::Train => "a train group",
            Split::Dev => "a dev group",
            Split::Test => "a test group (a seen prompt)",
        };
        [&group.x1_constraints, &group.x2_constraints]
            .map(|constraints| (group.task_id.as_str(), place, group.id.as_str(), constraints))
    });
    let mut seen = BTreeSet::new();
    for (task_id, place, id, constraints) in from_instructions.chain(from_groups) {
        for (index, constraint) in constraints.iter().enumerate() {
            let Some(check) = &constraint.check else { continue };
            let kind = Kind::from_id(&check.id)
                .map_err(|error| EvalError::unknown_constraint(id, index, check, error))?;
            if held_out.contains(&kind) {
                let (kind, task_id) = (check.id.clone(), task_id.to_owned());
                return Err(EvalError::HeldOutKindSeen { kind, place, task_id });
            }
            seen.insert(kind);
        }
    }
    Ok(seen)
}

/// Refuses a test task with groups of another split, and a test instruction that occurs in another split.
fn refuse_leaks(
    test: &BTreeMap<&str, Vec<&PreferenceRow>>,
    groups: &[PreferenceRow],
) -> Result<(), EvalError> {
    let mut elsewhere: BTreeMap<&str, (Split, &str)> = BTreeMap::new();
    for group in groups {
        let other = group.split;
        if other == Split::Test {
            continue;
        }
        if test.contains_key(group.task_id.as_str()) {
            return Err(EvalError::TaskInTwoSplits { task_id: group.task_id.clone(), other });
        }
        elsewhere.insert(&group.x1, (other, &group.task_id));
        elsewhere.insert(&group.x2, (other, &group.task_id));
    }
    for group in test.values().flatten() {
        for x in [&group.x1, &group.x2] {
            if let Some((other, other_task)) = elsewhere.get(x.as_str()) {
                return Err(EvalError::PromptInTraining {
                    test_task: group.task_id.clone(),
                    other: *other,
                    other_task: (*other_task).to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// Returns a0, b0, a1, b1, … and then the rest of the longer list.
fn alternate(a: Vec<TestPrompt>, b: Vec<TestPrompt>) -> Vec<TestPrompt> {
    let mut out = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.into_iter(), b.into_iter());
    loop {
        match (a.next(), b.next()) {
            (None, None) => return out,
            (one, other) => out.extend(one.into_iter().chain(other)),
        }
    }
}

/// Takes one prompt per task in turn until the limit is reached, because more tasks give more information than more
/// prompts of one task.
///
/// The tasks take turns in random order; the result is ordered by task id.
fn bounded(by_task: Vec<Vec<TestPrompt>>, config: &EvalConfig) -> Vec<TestPrompt> {
    let bound = if config.max_prompts == 0 { usize::MAX } else { config.max_prompts };
    let mut order: Vec<usize> = (0..by_task.len()).collect();
    order.sort_by_key(|&index| {
        let task_id = by_task[index].first().map_or("", |prompt| prompt.task_id.as_str());
        content_id(&["turn", &config.seed.to_string(), task_id])
    });
    let lengths: Vec<usize> = order.iter().map(|&index| by_task[index].len()).collect();
    let mut keep = vec![0; by_task.len()];
    for (index, kept) in order.into_iter().zip(kept_in_turn(&lengths, bound)) {
        keep[index] = kept;
    }
    by_task
        .into_iter()
        .zip(keep)
        .flat_map(|(prompts, keep)| prompts.into_iter().take(keep))
        .collect()
}
