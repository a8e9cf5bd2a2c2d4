//! The whole stage on synthetic rows.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use common::{cells, rows};
use iopo_core::Counts;
use iopo_llm::{Progress, Silent};
use iopo_pairs::admit::{FULL_TABLE, table_of};
use iopo_pairs::stage::make_groups;
use iopo_pairs::{PairsConfig, PairsError, PairsSummary, PerSplit, build, verify};
use iopo_schema::{
    GroupKind, InstructionRow, MetricRow, Operation, PreferenceRow, Provenance, ResponseRow, Split,
    provenance, read, write,
};

fn config() -> PairsConfig {
    config_with(|_| ())
}

fn config_with(change: impl FnOnce(&mut PairsConfig)) -> PairsConfig {
    let mut config = PairsConfig::default();
    config.test_tasks = 8;
    config.dev_tasks = 4;
    config.min_test_tasks = 6;
    config.tasks_per_part = 7;
    change(&mut config);
    config
}

fn prepare(tasks: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("folder");
    let (instructions, responses) = rows(tasks, 4);
    let provenance = Provenance::new("test", serde_json::json!({}));
    write(&dir.path().join("instructions.parquet"), &instructions, &provenance).expect("written");
    write(&dir.path().join("responses.parquet"), &responses, &provenance).expect("written");
    dir
}

fn run(
    dir: &Path,
    config: &PairsConfig,
    progress: &dyn Progress,
) -> Result<PairsSummary, PairsError> {
    let (instructions, responses) =
        (dir.join("instructions.parquet"), dir.join("responses.parquet"));
    let rows = read::<InstructionRow>(&instructions)?;
    build(&common::task_ids(&rows), &instructions, &responses, dir, config, progress)
}

/// Makes the groups of rows in memory, with their counts.
fn groups_of(
    instructions: &[InstructionRow],
    responses: &[ResponseRow],
) -> (Vec<Vec<PreferenceRow>>, Counts) {
    let tasks = common::task_ids(instructions);
    make_groups(&tasks, instructions, responses, &config(), &Silent).expect("groups")
}

fn groups(dir: &Path) -> Vec<PreferenceRow> {
    read(&dir.join("preferences.parquet")).expect("groups")
}

fn bytes(dir: &Path) -> [Vec<u8>; 2] {
    ["preferences.parquet", "pairs_stats.parquet"]
        .map(|name| std::fs::read(dir.join(name)).expect("written"))
}

#[test]
fn every_group_has_the_truth_table_of_its_operation() {
    let dir = prepare(40);
    let summary = run(dir.path(), &config(), &Silent).expect("groups");
    let groups = groups(dir.path());
    assert_eq!(summary.groups, groups.len() as u64);
    assert!(groups.len() >= 100, "{}", groups.len());
    let mut operations: BTreeMap<Operation, usize> = BTreeMap::new();
    let ids: BTreeSet<&str> = groups.iter().map(|group| group.id.as_str()).collect();
    assert_eq!(ids.len(), groups.len());
    for group in &groups {
        let operation = group.operation.expect("a group, not a pair");
        *operations.entry(operation).or_default() += 1;
        let table = cells(group);
        assert_eq!(table, group.truth_table(), "the stored proof differs");
        assert_eq!(verify(group), Ok(()));
        assert!(table.x1y1 && table.x2y2, "y1 follows x1, y2 follows x2");
        match operation {
            Operation::Revise | Operation::Swap => {
                assert_eq!(group.kind, GroupKind::Full);
                assert_eq!(table, FULL_TABLE);
                assert_eq!((group.removed.len(), group.added.len()), (1, 1));
            }
            Operation::Add => {
                assert_eq!(group.kind, GroupKind::Sided);
                assert_eq!(table, table_of(Operation::Add), "only (x2, y1) is false");
                assert_eq!((group.removed.len(), group.added.len()), (0, 1));
                let x2 = group.x2.as_deref().expect("a group");
                assert!(x2.starts_with(&group.x1) || group.input.is_some());
            }
            Operation::Remove => {
                assert_eq!(group.kind, GroupKind::Sided);
                assert_eq!(table, table_of(Operation::Remove), "only (x1, y2) is false");
                assert_eq!((group.removed.len(), group.added.len()), (1, 0));
            }
            Operation::Rewrite => panic!("only judged candidates have rewrites"),
        }
        // Shared constraints are first, in the same words, and the changed one is last.
        let shared = group.x1_constraints.len() - group.removed.len();
        assert_eq!(group.x1_constraints[..shared], group.x2_constraints[..shared]);
        assert_eq!(group.x1_constraints[shared..], group.removed);
        assert_eq!(group.x2_constraints[shared..], group.added);
    }
    assert_eq!(operations.len(), 4, "{operations:?}");
    let changed: BTreeSet<&str> = groups
        .iter()
        .flat_map(|group| group.removed.iter().chain(&group.added))
        .filter_map(|row| row.check.as_ref().map(|check| check.id.as_str()))
        .collect();
    assert!(changed.len() >= 15, "{changed:?}");
}

#[test]
fn constraints_of_the_instructions_are_preferred() {
    let (instructions, responses) = rows(40, 4);
    let (groups, _) = groups_of(&instructions, &responses);
    let own: BTreeSet<&str> = instructions
        .iter()
        .flat_map(|row| &row.constraints)
        .filter_map(|row| row.check.as_ref().map(|check| check.params.as_str()))
        .collect();
    let uses = groups
        .iter()
        .flatten()
        .filter(|group| {
            let rows = group.x1_constraints.iter().chain(&group.x2_constraints);
            rows.filter_map(|row| row.check.as_ref()).any(|c| own.contains(c.params.as_str()))
        })
        .count();
    assert!(uses * 2 > groups.iter().flatten().count());
}

#[test]
fn a_task_is_in_one_split_and_the_sizes_of_splits_are_kept() {
    let dir = prepare(40);
    let summary = run(dir.path(), &config(), &Silent).expect("groups");
    let mut split_of: BTreeMap<String, BTreeSet<Split>> = BTreeMap::new();
    for group in groups(dir.path()) {
        split_of.entry(group.task_id).or_default().insert(group.split);
    }
    assert!(split_of.values().all(|splits| splits.len() == 1));
    let count = |split| split_of.values().filter(|splits| splits.contains(&split)).count();
    assert!((6..=8).contains(&count(Split::Test)));
    assert!((1..=4).contains(&count(Split::Dev)));
    assert!(summary.train > 0 && summary.dev > 0 && summary.test > 0);
    assert_eq!(summary.train + summary.dev + summary.test, summary.groups);
}

#[test]
fn too_few_test_tasks_are_an_error() {
    let dir = prepare(5);
    let config = config_with(|config| (config.test_tasks, config.min_test_tasks) = (60, 60));
    let error = run(dir.path(), &config, &Silent).expect_err("five tasks").to_string();
    assert!(error.contains("min_test_tasks") && error.contains("60"), "{error}");
    assert!(!dir.path().join("preferences.parquet").exists());
}

#[test]
fn too_few_training_groups_are_an_error_that_keeps_earlier_groups() {
    let dir = prepare(30);
    run(dir.path(), &config(), &Silent).expect("groups");
    let before = groups(dir.path());
    let mut config = config_with(|config| (config.seed, config.min_train_groups) = (3, 100_000));
    let error = run(dir.path(), &config, &Silent).expect_err("too few").to_string();
    assert!(error.contains("min_train_groups") && error.contains("100000"), "{error}");
    assert_eq!(groups(dir.path()), before, "the earlier groups are kept");
    let stats: Vec<MetricRow> = read(&dir.path().join("pairs_stats.parquet")).expect("stats");
    let train = stats.iter().find(|row| row.name == "split/train").expect("counted").value;
    assert!(train > 0.0, "the stats have the number");
    // A lower limit does not change the rows.
    config.min_train_groups = 1;
    run(dir.path(), &config, &Silent).expect("enough");
}

#[test]
fn held_out_kinds_never_appear_even_if_an_instruction_has_them() {
    let (instructions, responses) = rows(30, 4);
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    for row in instructions.iter().flat_map(|row| &row.constraints) {
        *used.entry(row.check.as_ref().expect("checkable").id.clone()).or_default() += 1;
    }
    let mut common: Vec<(usize, String)> = used.into_iter().map(|(id, n)| (n, id)).collect();
    common.sort();
    let held_out: Vec<String> = common.into_iter().rev().take(5).map(|(_, id)| id).collect();
    let config = config_with(|config| config.held_out.clone_from(&held_out));
    let (groups, counts) =
        make_groups(&common::task_ids(&instructions), &instructions, &responses, &config, &Silent)
            .expect("groups");
    assert!(counts.get("dropped_constraints/held_out") > 0);
    assert!(groups.iter().flatten().count() > 20);
    for group in groups.iter().flatten() {
        for row in group.x1_constraints.iter().chain(&group.x2_constraints) {
            assert!(!held_out.contains(&row.check.as_ref().expect("checkable").id));
        }
    }
}

#[test]
fn limits_on_groups_shares_and_edits_hold() {
    let dir = prepare(40);
    let limited = config_with(|config| {
        config.max_groups_per_task = PerSplit { train: 3, dev: 1, test: 2 };
        config.max_groups = PerSplit { train: 30, dev: 0, test: 9 };
        config.min_full_share = 0.6;
        config.max_edited_share = 0.3;
    });
    let summary = run(dir.path(), &limited, &Silent).expect("groups");
    assert_eq!((summary.train, summary.test), (30, 9));
    assert!(summary.dropped["over_the_limit"] > 0);
    assert!(summary.full as f64 >= 0.6 * summary.groups as f64);
    assert!(summary.edited_share() <= 0.3);
    let mut each: BTreeMap<(String, Split), usize> = BTreeMap::new();
    for group in groups(dir.path()) {
        *each.entry((group.task_id, group.split)).or_default() += 1;
    }
    for ((_, split), number) in &each {
        assert!(*number <= limited.max_groups_per_task.get(*split));
    }
    let train_tasks = each.keys().filter(|(_, split)| *split == Split::Train).count();
    assert!(train_tasks >= 27, "the limit is spread over the tasks, {train_tasks}");
}

#[test]
fn sided_groups_can_be_disabled() {
    let (instructions, responses) = rows(20, 3);
    let config = config_with(|config| config.sided = false);
    let (groups, _) =
        make_groups(&common::task_ids(&instructions), &instructions, &responses, &config, &Silent)
            .expect("groups");
    assert!(groups.iter().flatten().all(|group| group.kind == GroupKind::Full));
}

#[test]
fn trivial_differences_and_copies_across_tasks_are_dropped() {
    let (instructions, mut responses) = rows(12, 3);
    let long = "The kettle sings on the stove while the rain falls on the old town, and nobody \
                minds, because the tea is nearly ready and the bread is warm.";
    responses[0].text = long.to_owned();
    responses[1].text = long.to_uppercase();
    responses[5].text = format!("{long} Truly!");
    let (groups, counts) = groups_of(&instructions, &responses);
    assert!(counts.get("dropped/trivial_difference") > 0);
    assert!(counts.get("dropped/near_duplicate_across_tasks") > 0);
    for group in groups.iter().flatten() {
        assert!(!(group.y1.contains("KETTLE SINGS") && group.y2.contains("kettle sings")));
        assert!(!group.y2.contains("Truly!") && !group.y1.contains("Truly!"));
    }
}

#[test]
fn a_response_without_its_instruction_is_an_error() {
    let (instructions, responses) = rows(3, 2);
    let error = make_groups(
        &common::task_ids(&instructions),
        &instructions[1..],
        &responses,
        &config(),
        &Silent,
    );
    assert!(matches!(error, Err(PairsError::UnknownInstruction { .. })));
}

#[test]
fn unaccepted_responses_are_dropped() {
    let (instructions, mut responses) = rows(6, 3);
    for response in &mut responses {
        response.accepted = false;
    }
    let (groups, counts) = groups_of(&instructions, &responses);
    assert_eq!(groups.iter().flatten().count(), 0);
    assert_eq!(counts.get("dropped/not_accepted"), 18);
}

struct StopAfter(AtomicI64);

impl Progress for StopAfter {
    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 0
    }
}

#[test]
fn a_resumed_run_ends_with_the_bytes_of_an_uninterrupted_one() {
    // All eight tasks are test tasks.
    let config = config_with(|config| {
        config.tasks_per_part = 3;
        config.min_test_tasks = 3;
        config.min_train_groups = 0;
    });
    let whole = prepare(8);
    run(whole.path(), &config, &Silent).expect("groups");
    let wanted = bytes(whole.path());
    // The stage asks before each of 8 tasks and 3 parts.
    for after in 0..8 + 3 {
        let dir = prepare(8);
        let stopped = run(dir.path(), &config, &StopAfter(AtomicI64::new(after)));
        assert!(matches!(stopped, Err(PairsError::Cancelled)), "{after}: not stopped");
        run(dir.path(), &config, &Silent).expect("groups");
        assert_eq!(bytes(dir.path()), wanted, "stopped after {after} queries");
    }
}

#[test]
fn a_finished_run_is_skipped_and_another_seed_gives_other_groups() {
    let dir = prepare(24);
    let summary = run(dir.path(), &config(), &Silent).expect("groups");
    let before = bytes(dir.path());
    assert_eq!(run(dir.path(), &config(), &Silent).expect("again"), summary);
    assert_eq!(bytes(dir.path()), before);
    run(dir.path(), &config_with(|config| config.seed = 9), &Silent).expect("groups");
    assert_ne!(bytes(dir.path()), before);
}

#[test]
fn files_of_an_older_version_are_written_again() {
    let dir = prepare(24);
    run(dir.path(), &config(), &Silent).expect("groups");
    let wanted = bytes(dir.path());
    // The first version had no number after `+`.
    let path = dir.path().join("preferences.parquet");
    let mut older = provenance(&path).expect("ours");
    older.producer = concat!("iopo-pairs ", env!("CARGO_PKG_VERSION")).to_owned();
    assert_ne!(older, provenance(&path).expect("ours"));
    write(&path, &groups(dir.path())[..1], &older).expect("written");
    let stats: Vec<MetricRow> = read(&dir.path().join("pairs_stats.parquet")).expect("stats");
    write(&dir.path().join("pairs_stats.parquet"), &stats, &older).expect("written");
    run(dir.path(), &config(), &Silent).expect("groups");
    assert_eq!(bytes(dir.path()), wanted);
}

#[test]
fn the_stats_have_yields_by_operation_and_reasons() {
    let dir = prepare(40);
    let summary = run(dir.path(), &config(), &Silent).expect("groups");
    let stats: Vec<MetricRow> = read(&dir.path().join("pairs_stats.parquet")).expect("stats");
    let value =
        |name: &str| stats.iter().find(|row| row.name == name).map_or(f64::NAN, |row| row.value);
    let yields: f64 = ["yield/revise/full", "yield/swap/full", "yield/add/sided"]
        .iter()
        .chain(&["yield/remove/sided"])
        .map(|name| value(name))
        .sum();
    assert!((yields - summary.groups as f64).abs() < 1e-9);
    assert!((value("edited_share") - summary.edited_share()).abs() < 1e-12);
    assert!(value("candidates/revise") > 0.0);
    assert!(stats.iter().any(|row| row.name.starts_with("type/")));
}
