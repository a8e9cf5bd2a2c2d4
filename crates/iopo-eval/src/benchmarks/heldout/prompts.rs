//! Test prompts: random constraints on tasks that no model is trained on, with seen and held-out kinds apart.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_constraints::Kind;
use iopo_core::random::keyed;
use iopo_core::turns::kept_in_turn;
use iopo_schema::{Provenance, TestPromptRow, content_id, made_with};
use serde_json::json;

use super::{ID, draw};
use crate::score::{PRODUCER, refuse_duplicates};
use crate::{EvalConfig, EvalError, TestPrompt};

/// Maximum number of draws for each wanted prompt, because draws can repeat earlier prompts.
const ATTEMPTS: usize = 16;

/// A plain task to test on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestTask {
    /// The id of the task.
    pub id: String,
    /// The request of a user.
    pub task: String,
    /// The text that the task works on, if any.
    pub input: Option<String>,
}

/// Draws `seen_per_task` prompts with kinds of `seen` and `unseen_per_task` prompts with held-out kinds for each task.
///
/// The draws depend on the seed, the kinds and the task alone. Every recipe, method and round of a run is therefore
/// tested on the same prompts, and further tasks do not change the prompts of the others unless `max_prompts` limits
/// them.
///
/// # Errors
/// Returns an error if a setting is invalid, there is no task, a task occurs twice, or a kind is both seen and held out.
pub fn draw_prompts(
    tasks: &[TestTask],
    seen: &[Kind],
    config: &EvalConfig,
) -> Result<Vec<TestPromptRow>, EvalError> {
    config.validate()?;
    let held_out = config.held_out_kinds()?;
    if let Some(kind) = seen.iter().find(|kind| held_out.contains(kind)) {
        return Err(EvalError::SeenAndHeldOut { kind: kind.id().to_owned() });
    }
    if tasks.is_empty() {
        return Err(EvalError::NoTestTasks);
    }
    refuse_duplicates(tasks.iter().map(|task| task.id.as_str()), "the list of test tasks")?;
    // Sorted, so that the order of the tasks' file and of the settings does not matter.
    let tasks: BTreeMap<&str, &TestTask> =
        tasks.iter().map(|task| (task.id.as_str(), task)).collect();
    let seen: Vec<Kind> = seen.iter().copied().collect::<BTreeSet<Kind>>().into_iter().collect();
    let held_out: Vec<Kind> = held_out.into_iter().collect();
    let of_task = |task: &TestTask| {
        let mut taken = BTreeSet::new();
        let own = draw_for(task, config.seen_per_task, &seen, "seen", config, &mut taken);
        let other = draw_for(task, config.unseen_per_task, &held_out, "unseen", config, &mut taken);
        alternate(own, other)
    };
    Ok(bounded(tasks.into_values().map(of_task).collect(), config))
}

/// Draws the prompts of [`draw_prompts`] and writes them to `out`, unless it already has them.
///
/// # Errors
/// Returns the errors of [`draw_prompts`], and an error if the file cannot be read or written.
pub fn write_prompts(
    tasks: &[TestTask],
    seen: &[Kind],
    config: &EvalConfig,
    out: &Path,
) -> Result<Vec<TestPromptRow>, EvalError> {
    let rows = draw_prompts(tasks, seen, config)?;
    let texts: Vec<&str> = tasks
        .iter()
        .flat_map(|task| [&task.id, &task.task, task.input.as_deref().unwrap_or_default()])
        .collect();
    let ids = |kinds: &mut dyn Iterator<Item = Kind>| kinds.map(Kind::id).collect::<BTreeSet<_>>();
    let settings = json!({
        "constraints_per_instruction": config.constraints_per_instruction,
        "held_out": ids(&mut config.held_out_kinds()?.into_iter()),
        "max_prompts": config.max_prompts,
        "seed": config.seed,
        "seen": ids(&mut seen.iter().copied()),
        "seen_per_task": config.seen_per_task,
        "unseen_per_task": config.unseen_per_task,
    });
    let provenance = Provenance::new(PRODUCER, settings).with_input("tasks", content_id(&texts));
    if !made_with::<TestPromptRow>(out, &provenance) {
        iopo_schema::write(out, &rows, &provenance)?;
    }
    Ok(rows)
}

/// Returns the prompts as a benchmark.
pub fn test_prompts(rows: &[TestPromptRow]) -> Vec<TestPrompt> {
    let prompt = |row: &TestPromptRow| TestPrompt {
        benchmark: ID.to_owned(),
        key: row.key.clone(),
        task_id: row.task_id.clone(),
        prompt: row.prompt.clone(),
        constraints: row.constraints.clone(),
    };
    rows.iter().map(prompt).collect()
}

/// Draws prompts of one task until there are `wanted` prompts or the draws only repeat earlier ones.
fn draw_for(
    task: &TestTask,
    wanted: usize,
    kinds: &[Kind],
    purpose: &str,
    config: &EvalConfig,
    taken: &mut BTreeSet<String>,
) -> Vec<TestPromptRow> {
    let mut rows = Vec::with_capacity(wanted);
    let mut rng = keyed(config.seed, &["prompts", purpose, &task.id]);
    let weights = &config.constraints_per_instruction;
    for _ in 0..wanted.saturating_mul(ATTEMPTS) {
        if rows.len() >= wanted || kinds.is_empty() {
            break;
        }
        let input = task.input.as_deref();
        let drawn = draw::instruction(&task.task, input, kinds, weights, &mut rng);
        let Some((prompt, constraints)) = drawn else { continue };
        let key = content_id(&[ID, &task.id, &prompt]);
        if taken.insert(key.clone()) {
            rows.push(TestPromptRow {
                key,
                task_id: task.id.clone(),
                task: task.task.clone(),
                input: task.input.clone(),
                prompt,
                constraints,
            });
        }
    }
    rows
}

/// Returns a0, b0, a1, b1, … and then the rest of the longer list.
fn alternate(a: Vec<TestPromptRow>, b: Vec<TestPromptRow>) -> Vec<TestPromptRow> {
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
fn bounded(by_task: Vec<Vec<TestPromptRow>>, config: &EvalConfig) -> Vec<TestPromptRow> {
    let bound = if config.max_prompts == 0 { usize::MAX } else { config.max_prompts };
    let mut order: Vec<usize> = (0..by_task.len()).collect();
    order.sort_by_key(|&index| {
        let task_id = by_task[index].first().map_or("", |row| row.task_id.as_str());
        content_id(&["turn", &config.seed.to_string(), task_id])
    });
    let lengths: Vec<usize> = order.iter().map(|&index| by_task[index].len()).collect();
    let mut keep = vec![0; by_task.len()];
    for (index, kept) in order.into_iter().zip(kept_in_turn(&lengths, bound)) {
        keep[index] = kept;
    }
    by_task.into_iter().zip(keep).flat_map(|(rows, keep)| rows.into_iter().take(keep)).collect()
}
