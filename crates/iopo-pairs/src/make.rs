//! The groups of all tasks, in the order of the tasks.

use std::collections::{BTreeMap, BTreeSet};

use iopo_constraints::Kind;
use iopo_core::Counts;
use iopo_core::turns::kept_in_turn;
use iopo_llm::Progress;
use iopo_schema::{Breakdown, InstructionRow, PreferenceRow, ResponseRow, Split, Total};

use crate::balance::Balance;
use crate::candidates::{Task, TaskRows, by_task, task_of};
use crate::choose::task_groups;
use crate::judged::{self, judged_groups};
use crate::minhash::SeenSignatures;
use crate::rewrites::Rewrites;
use crate::split::split_tasks;
use crate::stats::{count_group, count_verdicts};
use crate::{PairsConfig, PairsError};

/// The groups of each task, and the counters.
pub(crate) type Made = (Vec<Vec<PreferenceRow>>, Counts);

/// Returns the groups of each task, in the order of the tasks, and the counters.
///
/// # Errors
/// Returns an error if a setting is invalid, a response has no instruction, an instruction has a task that is not in
/// `task_ids`, a constraint cannot be read, or the call is cancelled.
pub fn make_groups(
    task_ids: &BTreeSet<String>,
    instructions: &[InstructionRow],
    responses: &[ResponseRow],
    config: &PairsConfig,
    progress: &dyn Progress,
) -> Result<(Vec<Vec<PreferenceRow>>, Counts), PairsError> {
    groups_with(task_ids, instructions, responses, None, config, progress)
}

/// Like [`make_groups`], with rewrites of the same tasks if there are any.
pub(crate) fn groups_with(
    task_ids: &BTreeSet<String>,
    instructions: &[InstructionRow],
    responses: &[ResponseRow],
    rewrites: Option<&[PreferenceRow]>,
    config: &PairsConfig,
    progress: &dyn Progress,
) -> Result<Made, PairsError> {
    let kinds = config.kinds()?;
    let tasks = by_task(instructions, responses)?;
    let mut added = Rewrites::new(rewrites.unwrap_or_default(), config)?;
    let groups = |task_id: &str, rows: &TaskRows<'_>, split, state: &mut State| {
        let State { balances, seen, counts } = state;
        let mut groups = Vec::new();
        if let Some(mut task) = task_of(task_id, rows, &kinds, counts)? {
            drop_seen(&mut task, seen, counts);
            counts.one(Total::Tasks);
            counts.add(Total::Answers, task.answers.len() as u64);
            let balance = balances.entry(split).or_default();
            groups = task_groups(&task, split, &kinds, config, balance, counts);
        }
        added.add(task_id, split, &mut groups, counts);
        Ok(groups)
    };
    let (groups, mut counts) = per_task(task_ids, &tasks, config, progress, groups)?;
    if rewrites.is_some() {
        for row in groups.iter().flatten() {
            count_verdicts(&mut counts, row);
        }
    }
    Ok((groups, counts))
}

/// Returns the groups of each task among candidates with verdicts of a judge, followed by its pairs, and the counters.
///
/// # Errors
/// Returns an error if a setting is invalid, a candidate has a task that is not in `task_ids`, or the call is cancelled.
pub fn make_judged_groups(
    task_ids: &BTreeSet<String>,
    candidates: &[PreferenceRow],
    config: &PairsConfig,
    progress: &dyn Progress,
) -> Result<(Vec<Vec<PreferenceRow>>, Counts), PairsError> {
    let rules = config.judged_rules()?;
    let tasks = judged::by_task(candidates);
    let mut pairs: Vec<Vec<PreferenceRow>> = Vec::with_capacity(tasks.len());
    let groups = |_: &str, rows: &Vec<&PreferenceRow>, split, state: &mut State<String>| {
        let State { balances, seen, counts } = state;
        let balance = balances.entry(split).or_default();
        let made = judged_groups(rows, split, &rules, config, seen, balance, counts);
        pairs.push(made.pairs);
        Ok(made.groups)
    };
    let (mut groups, mut counts) = per_task(task_ids, &tasks, config, progress, groups)?;
    limit(&mut pairs, config, &mut counts);
    for row in pairs.iter().flatten() {
        counts.one(Total::WorsePairs);
        count_verdicts(&mut counts, row);
    }
    for row in groups.iter().flatten() {
        count_verdicts(&mut counts, row);
    }
    for (groups, pairs) in groups.iter_mut().zip(pairs) {
        groups.extend(pairs);
    }
    Ok((groups, counts))
}

/// The state that the tasks of a run share. `K` is what constraints are counted by.
struct State<K = Kind> {
    balances: BTreeMap<Split, Balance<K>>,
    seen: SeenSignatures,
    counts: Counts,
}

/// Makes the groups of each task in order, limits them to the configured number, and counts them.
fn per_task<T, K>(
    task_ids: &BTreeSet<String>,
    tasks: &[(&str, T)],
    config: &PairsConfig,
    progress: &dyn Progress,
    mut groups_of: impl FnMut(&str, &T, Split, &mut State<K>) -> Result<Vec<PreferenceRow>, PairsError>,
) -> Result<Made, PairsError> {
    let splits = split_tasks(task_ids, config);
    let mut counts = Counts::default();
    for split in splits.values() {
        counts.one(Breakdown::Tasks.of(split));
    }
    let mut state = State { balances: BTreeMap::new(), seen: SeenSignatures::default(), counts };
    let mut groups = Vec::with_capacity(tasks.len());
    progress.start("building preference groups", tasks.len() as u64);
    for (task_id, rows) in tasks {
        if progress.cancelled() {
            return Err(PairsError::Cancelled);
        }
        let Some(&split) = splits.get(*task_id) else {
            return Err(PairsError::UnknownTask { task_id: (*task_id).to_owned() });
        };
        groups.push(groups_of(task_id, rows, split, &mut state)?);
        progress.advance(1);
    }
    progress.finish();
    let mut counts = state.counts;
    limit(&mut groups, config, &mut counts);
    for made in &groups {
        for row in made {
            count_group(&mut counts, row);
        }
        if let Some(row) = made.first() {
            counts.one(Breakdown::TasksWithGroups.of(row.split));
        }
    }
    Ok((groups, counts))
}

/// Drops answers that nearly duplicate an answer to an earlier task.
fn drop_seen(task: &mut Task, seen: &mut SeenSignatures, counts: &mut Counts) {
    let fresh = seen.insert_fresh(task.answers.iter().map(|answer| &answer.runs));
    let mut kept = fresh.iter();
    task.answers.retain(|_| kept.next().copied().unwrap_or(true));
    for _ in fresh.iter().filter(|fresh| !**fresh) {
        counts.one(Breakdown::Dropped.of("near_duplicate_across_tasks"));
    }
}

/// Keeps at most the configured number of groups of each split.
///
/// The first group of each task is kept first, then the second of each task, and so on, so that few tasks lose all
/// groups.
fn limit(groups: &mut [Vec<PreferenceRow>], config: &PairsConfig, counts: &mut Counts) {
    for split in Split::ALL.iter().copied() {
        let most = config.max_groups.get(split);
        if most == 0 {
            continue;
        }
        let of_split =
            |made: &Vec<PreferenceRow>| made.first().is_some_and(|row| row.split == split);
        let tasks: Vec<&mut Vec<PreferenceRow>> =
            groups.iter_mut().filter(|made| of_split(made)).collect();
        let lengths: Vec<usize> = tasks.iter().map(|made| made.len()).collect();
        for (made, kept) in tasks.into_iter().zip(kept_in_turn(&lengths, most)) {
            counts.add(Breakdown::Dropped.of("over_the_limit"), (made.len() - kept) as u64);
            made.truncate(kept);
        }
    }
}
