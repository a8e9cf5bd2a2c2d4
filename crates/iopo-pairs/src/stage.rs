//! The stage: reads `instructions` and `responses`, or candidates, and writes `preferences` and `pairs_stats`.

use std::collections::BTreeSet;
use std::path::Path;

use iopo_core::Counts;
use iopo_llm::Progress;
use iopo_schema::{Breakdown, InstructionRow, Operation, PreferenceRow, ResponseRow, read};

use crate::admit::{Refusal, verify};
use crate::admit_judged::{JudgedRefusal, admit_judged};
use crate::make::groups_with;
pub use crate::make::{make_groups, make_judged_groups};
use crate::output::Output;
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
pub(crate) const TESTED: &str = "test_task";

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
