//! The stage: reads `instructions` and `responses`, or candidates, and writes `preferences` and `pairs_stats`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_constraints::Kind;
use iopo_core::Counts;
use iopo_core::turns::kept_in_turn;
use iopo_llm::Progress;
use iopo_schema::{
    Breakdown, InputPreferenceRow, InstructionRow, MetricRow, Operation, Parts, PreferenceRow,
    Provenance, ResponseRow, Split, Total, content_id, file_hash, made_with, read, run_files,
    write,
};

use crate::admit::{Refusal, verify};
use crate::admit_judged::{JudgedRefusal, admit_judged};
use crate::balance::Balance;
use crate::candidates::{Task, TaskRows, by_task, task_of};
use crate::choose::task_groups;
use crate::exchange::is_imported;
use crate::input_preferences::{
    is_imported_input_preferences, is_kept_input_preferences, without_groups,
};
use crate::judged::{self, judged_groups};
use crate::minhash::SeenSignatures;
use crate::producer::{JUDGED, PRODUCER};
use crate::rewrites::Rewrites;
use crate::split::split_tasks;
use crate::stats::{count_group, count_verdicts, metrics};
use crate::{PairsConfig, PairsError, PairsSummary};

/// Builds preference groups from instructions and responses.
///
/// `task_ids` are the ids of all tasks of the run, with and without responses; they decide the split. Writes
/// `preferences.parquet` and `pairs_stats.parquet` into `out_dir`. The groups depend on these arguments only, so a resumed
/// run writes the same bytes as an uninterrupted one. Both files are held in memory, with at most 32 bytes per answer in
/// addition.
///
/// # Errors
/// Returns an error if a file cannot be read or written, the output has imported groups, `input_preferences.parquet` is
/// damaged or from elsewhere, there is no group, fewer test
/// tasks than `min_test_tasks` have a group, fewer groups than `min_train_groups` are for training, or more groups have
/// an edited response than `max_edited_share` allows. The stats are written first, because they contain the reasons.
pub fn build(
    task_ids: &BTreeSet<String>,
    instructions_path: &Path,
    responses_path: &Path,
    out_dir: &Path,
    config: &PairsConfig,
    progress: &dyn Progress,
) -> Result<PairsSummary, PairsError> {
    let output = Output {
        task_ids,
        inputs: &[("instructions", instructions_path), ("responses", responses_path)],
        input_preferences: None,
        tested: &BTreeSet::new(),
        is_judged: false,
        out_dir,
        config,
        progress,
    };
    let make = || {
        let instructions = read::<InstructionRow>(instructions_path)?;
        let responses = read::<ResponseRow>(responses_path)?;
        make_groups(task_ids, &instructions, &responses, config, progress)
    };
    output.write(make, |row| verify(row).map_err(Refusal::name))
}

/// The files of `iopo_synth::fipo` for responses of a run.
#[derive(Debug, Clone, Copy)]
pub struct Collected<'a> {
    /// Candidate groups with verdicts of a judge.
    pub candidates: &'a Path,
    /// The preferences between two instructions, with and without a candidate.
    pub input_preferences: Option<&'a Path>,
    /// Ids of rows that overlap with test tasks. They become no group and are not kept.
    pub tested: &'a BTreeSet<String>,
}

/// Builds preference groups as [`build`] does, and adds rewrites: candidates with verdicts of a judge, which
/// `iopo_synth::fipo` wrote for responses of the same run.
///
/// [`admit_judged`] decides which of them become groups. They are kept as far as `min_full_share` allows; in a task with
/// `max_groups_per_task` groups, a rewrite replaces the last one. [`is_judged`](crate::is_judged) recognizes the file.
///
/// The preferences that become no group are written to `input_preferences.parquet`, each with the split of its task, up to
/// the same limits as groups. An imported file of that name stays as it is.
///
/// # Errors
/// Returns the errors of [`build`].
pub fn build_with_rewrites(
    task_ids: &BTreeSet<String>,
    instructions_path: &Path,
    responses_path: &Path,
    collected: Collected<'_>,
    out_dir: &Path,
    config: &PairsConfig,
    progress: &dyn Progress,
) -> Result<PairsSummary, PairsError> {
    let rewrites_path = collected.candidates;
    let output = Output {
        task_ids,
        inputs: &[
            ("instructions", instructions_path),
            ("responses", responses_path),
            ("rewrites", rewrites_path),
        ],
        input_preferences: collected.input_preferences,
        tested: collected.tested,
        is_judged: true,
        out_dir,
        config,
        progress,
    };
    let rules = config.judged_rules()?;
    let make = || {
        let instructions = read::<InstructionRow>(instructions_path)?;
        let responses = read::<ResponseRow>(responses_path)?;
        let rewrites = read::<PreferenceRow>(rewrites_path)?;
        let (rewrites, tested) = without_tested(rewrites, collected.tested);
        let rewrites = Some(rewrites.as_slice());
        let (groups, mut counts) =
            groups_with(task_ids, &instructions, &responses, rewrites, config, progress)?;
        counts.merge(tested);
        Ok((groups, counts))
    };
    let check = |row: &PreferenceRow| match row.operation {
        Some(Operation::Rewrite) => {
            admit_judged(row, &rules).map(drop).map_err(JudgedRefusal::name)
        }
        _ => verify(row).map_err(Refusal::name),
    };
    output.write(make, check)
}

/// Builds preference groups from candidates: groups with verdicts of a judge, which a recipe of synthesis wrote. The candidates of
/// several files are used in their order.
///
/// [`admit_judged`] decides which candidates become groups or pairs; their split and id are assigned here. The limits on groups
/// hold for pairs too, which count apart. `input_preferences` is the file of preferences that `iopo_synth::fipo` wrote, if there
/// is one; they are used as in [`build_with_rewrites`], and so are `tested`, the ids of rows that overlap with test tasks. Everything else is as in [`build`].
/// [`is_judged`](crate::is_judged) recognizes the file.
///
/// # Errors
/// Returns the errors of [`build`], and [`PairsError::NoneAdmitted`] if no candidate becomes a group.
pub fn build_judged(
    task_ids: &BTreeSet<String>,
    candidates_paths: &[&Path],
    (input_preferences, tested): (Option<&Path>, &BTreeSet<String>),
    out_dir: &Path,
    config: &PairsConfig,
    progress: &dyn Progress,
) -> Result<PairsSummary, PairsError> {
    const NAMES: [&str; 2] = ["candidates", "rewrites"];
    let inputs: Vec<(&str, &Path)> =
        candidates_paths.iter().zip(NAMES).map(|(path, name)| (name, *path)).collect();
    let inputs = &inputs;
    let output = Output {
        task_ids,
        inputs,
        input_preferences,
        tested,
        is_judged: true,
        out_dir,
        config,
        progress,
    };
    let rules = config.judged_rules()?;
    let make = || {
        let mut candidates = Vec::new();
        for (_, path) in inputs {
            candidates.extend(read::<PreferenceRow>(path)?);
        }
        let (candidates, left_out) = without_tested(candidates, tested);
        let (groups, mut counts) = make_judged_groups(task_ids, &candidates, config, progress)?;
        counts.merge(left_out);
        Ok((groups, counts))
    };
    let check =
        |row: &PreferenceRow| admit_judged(row, &rules).map(drop).map_err(JudgedRefusal::name);
    output.write(make, check).map_err(|error| match error {
        PairsError::NoGroups { reason, .. } => {
            let path = candidates_paths.first().copied().unwrap_or(out_dir);
            PairsError::NoneAdmitted { path: path.to_owned(), reason }
        }
        other => other,
    })
}

/// Why a row is left out that overlaps with a test task.
const TESTED: &str = "test_task";

/// Returns the candidates that overlap with no test task, and counts the others.
fn without_tested(
    mut candidates: Vec<PreferenceRow>,
    tested: &BTreeSet<String>,
) -> (Vec<PreferenceRow>, Counts) {
    let before = candidates.len();
    candidates.retain(|row| !tested.contains(&row.id));
    let mut counts = Counts::default();
    if candidates.len() < before {
        counts.add(Breakdown::Dropped.of(TESTED), (before - candidates.len()) as u64);
    }
    (candidates, counts)
}

/// The groups of each task, and the counters.
type Made = (Vec<Vec<PreferenceRow>>, Counts);

/// The files that the stage writes.
struct Output<'a> {
    task_ids: &'a BTreeSet<String>,
    inputs: &'a [(&'a str, &'a Path)],
    input_preferences: Option<&'a Path>,
    tested: &'a BTreeSet<String>,
    is_judged: bool,
    out_dir: &'a Path,
    config: &'a PairsConfig,
    progress: &'a dyn Progress,
}

impl Output<'_> {
    fn provenance(&self) -> Result<Provenance, PairsError> {
        let producer = if self.is_judged { JUDGED } else { PRODUCER };
        let ids: Vec<&str> = self.task_ids.iter().map(String::as_str).collect();
        let mut provenance = Provenance::new(producer, self.config.rows_json(self.is_judged)?)
            .with_input("task_ids", content_id(&ids));
        let preferences = self.input_preferences.map(|path| ("input_preferences", path));
        for (name, path) in self.inputs.iter().copied().chain(preferences) {
            provenance = provenance.with_input(name, file_hash(path)?);
        }
        if !self.tested.is_empty() {
            let ids: Vec<&str> = self.tested.iter().map(String::as_str).collect();
            provenance = provenance.with_input("tested_rows", content_id(&ids));
        }
        Ok(provenance)
    }

    /// Returns whether `input_preferences.parquet` is that of this call. An imported file stays as it is.
    fn has_input_preferences(&self, provenance: &Provenance) -> bool {
        let path = self.out_dir.join(run_files::INPUT_PREFERENCES);
        is_imported_input_preferences(&path)
            || match self.input_preferences {
                Some(_) => made_with::<InputPreferenceRow>(&path, provenance),
                None => !path.exists(),
            }
    }

    /// Fails if `input_preferences.parquet` is neither that of this stage nor an import.
    fn refuse_other_input_preferences(&self) -> Result<(), PairsError> {
        let path = self.out_dir.join(run_files::INPUT_PREFERENCES);
        let is_known = is_imported_input_preferences(&path) || is_kept_input_preferences(&path);
        // A link that leads nowhere is a file of the user, too.
        if is_known || path.symlink_metadata().is_err() {
            return Ok(());
        }
        Err(PairsError::OtherInputPreferences { path })
    }

    /// Writes the collected preferences that no group uses, or removes those of an earlier call.
    fn write_input_preferences(
        &self,
        groups: &[Vec<PreferenceRow>],
        counts: &mut Counts,
        provenance: &Provenance,
    ) -> Result<(), PairsError> {
        let path = self.out_dir.join(run_files::INPUT_PREFERENCES);
        let Some(collected) = self.input_preferences else {
            if !is_imported_input_preferences(&path) && path.exists() {
                std::fs::remove_file(&path).map_err(|source| PairsError::Io { path, source })?;
            }
            return Ok(());
        };
        if is_imported_input_preferences(&path) {
            self.progress.note(&format!(
                "{} is imported, so the preferences of {} are not used",
                path.display(),
                collected.display()
            ));
            return Ok(());
        }
        let splits = split_tasks(self.task_ids, self.config);
        let mut rows = read::<InputPreferenceRow>(collected)?;
        rows.retain(|row| {
            let is_tested = self.tested.contains(&row.id);
            if is_tested {
                counts.one(Breakdown::InputPreferences.of(TESTED));
            }
            !is_tested
        });
        let rows = without_groups(rows, groups, &splits, self.config, counts)?;
        Ok(write(&path, &rows, provenance)?)
    }

    /// Makes the groups if the files do not have them yet, and writes those that `check` accepts.
    fn write(
        &self,
        make: impl FnOnce() -> Result<Made, PairsError>,
        check: impl Fn(&PreferenceRow) -> Result<(), &'static str>,
    ) -> Result<PairsSummary, PairsError> {
        let Self { out_dir, config, progress, .. } = self;
        config.validate()?;
        let preferences = out_dir.join(run_files::PREFERENCES);
        if is_imported(&preferences) {
            return Err(PairsError::Imported { path: preferences });
        }
        self.refuse_other_input_preferences()?;
        std::fs::create_dir_all(out_dir)
            .map_err(|source| PairsError::Io { path: out_dir.to_path_buf(), source })?;
        let provenance = self.provenance()?;
        let stats_path = out_dir.join(run_files::PAIRS_STATS);
        let parts = Parts::<PreferenceRow>::open(&preferences, &provenance)?;
        let stats_done = made_with::<MetricRow>(&stats_path, &provenance);
        if parts.is_complete() && stats_done && self.has_input_preferences(&provenance) {
            let summary = PairsSummary::from_metrics(read::<MetricRow>(&stats_path)?);
            accept(&summary, config)?;
            return Ok(summary);
        }

        let (groups, mut counts) = make()?;
        self.write_input_preferences(&groups, &mut counts, &provenance)?;
        let summary = PairsSummary::from_metrics(metrics(&counts));
        write(&stats_path, &summary.metrics, &provenance)?;
        accept(&summary, config)?;
        if parts.is_complete() {
            return Ok(summary);
        }
        progress.start("writing preference groups", groups.len() as u64);
        parts.fill(
            &groups,
            config.tasks_per_part,
            |tasks| progress.advance(tasks.len() as u64),
            |tasks| {
                if progress.cancelled() {
                    return Err(PairsError::Cancelled);
                }
                let rows: Vec<PreferenceRow> = tasks.iter().flatten().cloned().collect();
                for row in &rows {
                    check(row)
                        .map_err(|reason| PairsError::Admission { id: row.id.clone(), reason })?;
                }
                progress.advance(tasks.len() as u64);
                Ok(rows)
            },
        )?;
        progress.finish();
        Ok(summary)
    }
}

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
fn groups_with(
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

/// Rejects a run without groups, with too few test tasks or training groups, or with too many edited responses.
fn accept(summary: &PairsSummary, config: &PairsConfig) -> Result<(), PairsError> {
    if summary.groups == 0 {
        let most = summary.dropped.iter().max_by_key(|(_, count)| **count);
        return Err(PairsError::NoGroups {
            tasks: summary.tasks,
            answers: summary.count(Total::Answers.as_str()),
            reason: most.map(|(reason, _)| reason.clone()),
        });
    }
    let found = summary.count(&Breakdown::TasksWithGroups.of(Split::Test));
    if found < config.min_test_tasks as u64 {
        return Err(PairsError::TooFewTestTasks {
            found,
            drawn: summary.count(&Breakdown::Tasks.of(Split::Test)),
            least: config.min_test_tasks as u64,
            tasks: summary.tasks,
        });
    }
    if summary.train < config.min_train_groups as u64 {
        return Err(PairsError::TooFewTrainGroups {
            found: summary.train,
            least: config.min_train_groups as u64,
            groups: summary.groups,
            tasks: summary.count(&Breakdown::Tasks.of(Split::Train)),
        });
    }
    let share = summary.edited_share();
    if share > config.max_edited_share {
        return Err(PairsError::TooManyEdited {
            edited: summary.edited,
            groups: summary.groups,
            share,
            limit: config.max_edited_share,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use iopo_schema::MetricRow;

    use super::accept;
    use crate::{PairsConfig, PairsError, PairsSummary};

    fn summary(counts: &[(&str, u64)]) -> PairsSummary {
        let row = |(name, value): &(&str, u64)| MetricRow {
            step: 0,
            name: (*name).to_owned(),
            value: *value as f64,
        };
        PairsSummary::from_metrics(counts.iter().map(row).collect())
    }

    #[test]
    fn the_limits_of_a_run_are_enforced() {
        let config = PairsConfig { max_edited_share: 0.3, ..PairsConfig::default() };
        let none = accept(&summary(&[("tasks", 3), ("answers", 9)]), &config);
        assert!(matches!(none, Err(PairsError::NoGroups { tasks: 3, answers: 9, .. })));
        let few = accept(&summary(&[("groups", 10), ("tasks_with_groups/test", 59)]), &config);
        assert!(matches!(few, Err(PairsError::TooFewTestTasks { found: 59, least: 60, .. })));
        let enough = [("groups", 10), ("tasks_with_groups/test", 60), ("split/train", 7)];
        let least = |min_train_groups| PairsConfig { min_train_groups, ..PairsConfig::default() };
        let few = accept(&summary(&enough), &least(8));
        assert!(matches!(few, Err(PairsError::TooFewTrainGroups { found: 7, least: 8, .. })));
        assert!(accept(&summary(&enough), &least(7)).is_ok());
        let none = accept(&summary(&enough[..2]), &config);
        assert!(matches!(none, Err(PairsError::TooFewTrainGroups { found: 0, least: 1, .. })));
        let counts = [&enough[..], &[("edited", 4)]].concat();
        let many = accept(&summary(&counts), &config);
        assert!(matches!(many, Err(PairsError::TooManyEdited { edited: 4, .. })));
        let counts = [&enough[..], &[("edited", 3)]].concat();
        assert!(accept(&summary(&counts), &config).is_ok());
    }
}
