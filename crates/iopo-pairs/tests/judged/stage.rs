//! The stage that builds groups from candidates.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use iopo_constraints::from_text;
use iopo_llm::{Progress, Silent};
use iopo_pairs::{
    Collected, JudgedRefusal, PairsConfig, PairsError, PairsSummary, PerSplit, admit_judged,
    build_judged, build_with_rewrites, is_judged,
};
use iopo_schema::{
    GroupKind, Method, MetricRow, Operation, PreferenceRow, Provenance, Split, VerdictRow, read,
    render_rows, write,
};

use crate::rows::{ALL, LIMIT, group, pair, rules, score};

pub(crate) fn config() -> PairsConfig {
    let mut config = PairsConfig::default();
    (config.test_tasks, config.dev_tasks, config.min_test_tasks) = (4, 2, 1);
    config.tasks_per_part = 3;
    config
}

/// Groups of every operation for each task, each with answers of its own.
fn candidates(tasks: usize) -> Vec<PreferenceRow> {
    let mut rows = Vec::new();
    for task in 0..tasks {
        for (index, operation) in ALL.into_iter().enumerate() {
            let mut row = group(operation, (task * 10 + index) as u64);
            row.task_id = format!("task-{task:02}");
            rows.push(row);
        }
    }
    rows
}

pub(crate) fn ids(rows: &[PreferenceRow]) -> BTreeSet<String> {
    rows.iter().map(|row| row.task_id.clone()).collect()
}

fn run(
    dir: &Path,
    rows: &[PreferenceRow],
    config: &PairsConfig,
    progress: &dyn Progress,
) -> Result<PairsSummary, PairsError> {
    let path = dir.join("candidates.parquet");
    write(&path, rows, &Provenance::new("test", serde_json::json!({}))).expect("written");
    build_judged(&ids(rows), &[&path], (None, &[].into()), dir, config, progress)
}

fn bytes(dir: &Path) -> [Vec<u8>; 2] {
    ["preferences.parquet", "pairs_stats.parquet"]
        .map(|name| std::fs::read(dir.join(name)).expect("written"))
}

#[test]
fn the_stage_admits_splits_limits_and_counts_candidates() {
    let dir = tempfile::tempdir().expect("folder");
    let mut rows = candidates(16);
    rows[0].proof.x1y2[2] = score(5.0);
    rows[6].y1 = rows[6].y2.clone();
    let mut config = config();
    config.max_groups_per_task = PerSplit { train: 5, dev: 2, test: 5 };
    config.max_groups = PerSplit { train: 12, dev: 0, test: 0 };
    let summary = run(dir.path(), &rows, &config, &Silent).expect("groups");
    let path = dir.path().join("preferences.parquet");
    assert!(is_judged(&path), "the header says that a judge gave verdicts");
    let groups: Vec<PreferenceRow> = read(&path).expect("groups");
    assert_eq!((summary.groups, summary.train), (groups.len() as u64, 12));
    assert_eq!((summary.dropped["ambiguous"], summary.dropped["same_responses"]), (1, 1));
    assert!(summary.dropped["over_the_limit"] > 0 && summary.dropped["not_chosen"] > 0);
    let dropped: u64 = summary.dropped.values().sum();
    assert_eq!(summary.groups + dropped, rows.len() as u64, "{:?}", summary.dropped);
    let mut splits: BTreeMap<&str, BTreeSet<Split>> = BTreeMap::new();
    let mut operations = BTreeSet::new();
    for group in &groups {
        splits.entry(&group.task_id).or_default().insert(group.split);
        operations.extend(group.operation);
        assert!(admit_judged(group, &rules()).is_ok());
    }
    assert!(splits.values().all(|splits| splits.len() == 1));
    assert_eq!(splits.values().flatten().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(operations, ALL.into());
    let stats: Vec<MetricRow> = read(&dir.path().join("pairs_stats.parquet")).expect("stats");
    let share = stats.iter().find(|row| row.name == "code_verdicts_share").expect("share").value;
    assert!(share > 0.2 && share < 0.5, "{share}");
}

#[test]
fn a_judge_that_gives_10_to_everything_admits_nothing() {
    let dir = tempfile::tempdir().expect("folder");
    let mut rows = candidates(8);
    for row in &mut rows {
        let proof = row.proof.clone();
        row.proof = proof.map(|cell| {
            let generous = |verdict: VerdictRow| match verdict.method {
                Method::Judge => score(10.0),
                Method::Code => verdict,
            };
            cell.into_iter().map(generous).collect()
        });
    }
    let error = run(dir.path(), &rows, &config(), &Silent).expect_err("no group");
    assert!(matches!(error, PairsError::NoneAdmitted { .. }), "{error}");
    let stats: Vec<MetricRow> = read(&dir.path().join("pairs_stats.parquet")).expect("stats");
    let refused = stats.iter().find(|row| row.name == "dropped/truth_table").expect("counted");
    assert!((refused.value - rows.len() as f64).abs() < 1e-9);
    assert!(!dir.path().join("preferences.parquet").exists());
}

#[test]
fn a_changed_code_verdict_in_a_stored_file_is_detected() {
    let dir = tempfile::tempdir().expect("folder");
    run(dir.path(), &candidates(8), &config(), &Silent).expect("groups");
    let groups: Vec<PreferenceRow> = read(&dir.path().join("preferences.parquet")).expect("groups");
    for mut group in groups {
        assert!(admit_judged(&group, &rules()).is_ok());
        let verdict = group.proof.x1y1.iter_mut().find(|verdict| verdict.method == Method::Code);
        let verdict = verdict.expect("a verdict of code");
        *verdict = VerdictRow::new(false, Method::Code, verdict.evidence.clone());
        assert_eq!(admit_judged(&group, &rules()), Err(JudgedRefusal::StaleVerdict));
    }
}

#[test]
fn held_out_kinds_and_disabled_operations_give_no_group() {
    let dir = tempfile::tempdir().expect("folder");
    let mut config = config();
    (config.operations.rewrite, config.operations.swap) = (0.0, 0.0);
    let summary = run(dir.path(), &candidates(8), &config, &Silent).expect("groups");
    assert_eq!(summary.dropped["operation_disabled"], 16);
    config.held_out = vec![from_text(LIMIT).expect("a check").kind().id().to_owned()];
    let error = run(dir.path(), &candidates(8), &config, &Silent).expect_err("no group");
    assert!(matches!(error, PairsError::NoneAdmitted { .. }), "{error}");
}

#[test]
fn answers_of_an_earlier_task_and_repeated_candidates_are_dropped() {
    let dir = tempfile::tempdir().expect("folder");
    let mut rows = candidates(8);
    let copy = PreferenceRow { task_id: "task-07".to_owned(), ..rows[0].clone() };
    rows.push(copy);
    rows.push(rows[1].clone());
    let summary = run(dir.path(), &rows, &config(), &Silent).expect("groups");
    assert_eq!(summary.dropped["near_duplicate_across_tasks"], 1);
    let twice = ["near_duplicate", "duplicate", "not_chosen"];
    assert!(twice.iter().any(|reason| summary.dropped.contains_key(*reason)));
    let groups: Vec<PreferenceRow> = read(&dir.path().join("preferences.parquet")).expect("groups");
    let ids: BTreeSet<&str> = groups.iter().map(|group| group.id.as_str()).collect();
    assert_eq!(ids.len(), groups.len());
}

struct StopAfter(AtomicI64);

impl Progress for StopAfter {
    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 0
    }
}

#[test]
fn a_resumed_run_ends_with_the_bytes_of_an_uninterrupted_one() {
    let rows = candidates(8);
    let whole = tempfile::tempdir().expect("folder");
    run(whole.path(), &rows, &config(), &Silent).expect("groups");
    let wanted = bytes(whole.path());
    // The stage asks before each of 8 tasks and 3 parts.
    for after in 0..8 + 3 {
        let dir = tempfile::tempdir().expect("folder");
        let stopped = run(dir.path(), &rows, &config(), &StopAfter(AtomicI64::new(after)));
        assert!(matches!(stopped, Err(PairsError::Cancelled)), "{after}: not stopped");
        run(dir.path(), &rows, &config(), &Silent).expect("groups");
        assert_eq!(bytes(dir.path()), wanted, "stopped after {after} queries");
    }
    let mut config = config();
    config.judged.fail_at_most = 0.5;
    let error = run(whole.path(), &rows, &config, &Silent).expect_err("all ambiguous");
    assert!(matches!(error, PairsError::NoneAdmitted { .. }), "the threshold is an input");
}

#[test]
fn the_only_candidate_of_a_task_is_kept_whatever_its_operation() {
    let mut config = PairsConfig::default();
    (config.test_tasks, config.dev_tasks, config.min_test_tasks) = (4, 2, 1);
    assert!((config.min_full_share - 0.5).abs() < 1e-9, "the default");
    for operation in ALL {
        let dir = tempfile::tempdir().expect("folder");
        let row = |task: u64| PreferenceRow {
            task_id: format!("task-{task:02}"),
            ..group(operation, 10 * task)
        };
        let rows: Vec<PreferenceRow> = (0..12).map(row).collect();
        let summary = run(dir.path(), &rows, &config, &Silent).expect("groups");
        assert_eq!(summary.groups, 12, "{operation}: {:?}", summary.dropped);
    }
    // Control: where a task has full candidates too, the share limits its sided ones.
    let dir = tempfile::tempdir().expect("folder");
    config.min_full_share = 1.0;
    let summary = run(dir.path(), &candidates(8), &config, &Silent).expect("groups");
    assert_eq!((summary.sided, summary.full), (0, summary.groups));
}

#[test]
fn worse_answers_become_pairs_that_count_apart() {
    let dir = tempfile::tempdir().expect("folder");
    let mut rows = candidates(8);
    for task in 0..8 {
        let mut row = pair(100 + task);
        row.task_id = format!("task-{task:02}");
        rows.push(row);
    }
    let summary = run(dir.path(), &rows, &config(), &Silent).expect("groups");
    let written: Vec<PreferenceRow> = read(&dir.path().join("preferences.parquet")).expect("rows");
    let (pairs, groups): (Vec<_>, Vec<_>) = written.into_iter().partition(PreferenceRow::is_pair);
    assert_eq!((summary.groups, summary.worse_pairs), (groups.len() as u64, 8));
    assert_eq!(summary.train + summary.dev + summary.test, summary.groups);
    let splits: BTreeMap<&str, Split> =
        groups.iter().map(|row| (row.task_id.as_str(), row.split)).collect();
    for row in &pairs {
        assert_eq!((row.kind, row.operation), (GroupKind::Pair, None));
        assert_eq!(splits[row.task_id.as_str()], row.split, "a task is in one split");
        assert_ne!(row.id, "candidate");
        let table = row.truth_table();
        assert!(table.x1y1 && !table.x1y2);
    }
    // Control: without the setting, the same groups and no pairs.
    let other = tempfile::tempdir().expect("folder");
    let mut config = config();
    config.judged.worse_answers = false;
    let summary = run(other.path(), &rows, &config, &Silent).expect("groups");
    assert_eq!((summary.worse_pairs, summary.dropped["operation_disabled"]), (0, 8));
    let written: Vec<PreferenceRow> =
        read(&other.path().join("preferences.parquet")).expect("rows");
    assert_eq!(written, groups);
}

#[test]
fn chinese_answers_that_are_nearly_the_same_are_dropped() {
    const ANSWERS: [&str; 3] = [
        "清晨的雨落在青石板路上，行人撑着雨伞慢慢走过街角的茶馆，屋檐下的水珠一滴一滴落进水缸里，老板娘正在门口擦桌子。",
        "清晨的雨落在青石板路上，行人撑着雨伞慢慢走过街角的茶馆，屋檐下的水珠一滴一滴落进水缸里，老板娘正在门口擦窗户。",
        "港口的渔船天亮前就出海了，海鸥在桅杆上空盘旋，码头的工人一边搬运木箱，一边谈论昨夜的大风和今年的收成。",
    ];
    let with = |y1: &str, y2: &str| {
        let mut row = group(Operation::Revise, 3);
        (row.y1, row.y2) = (y1.to_owned(), y2.to_owned());
        // The check of the limit counts other words.
        let check = row.x1_constraints[1].constraint().expect("a check").expect("readable");
        for (cell, text) in [
            (&mut row.proof.x1y1, y1),
            (&mut row.proof.x1y2, y2),
            (&mut row.proof.x2y1, y1),
            (&mut row.proof.x2y2, y2),
        ] {
            cell[1] = check.check(text).into();
        }
        row
    };
    let dropped = |y2: &str| {
        let dir = tempfile::tempdir().expect("folder");
        let mut rows = candidates(8);
        rows.push(PreferenceRow { task_id: "z".to_owned(), ..with(ANSWERS[0], y2) });
        run(dir.path(), &rows, &config(), &Silent).expect("groups").dropped
    };
    assert_eq!(dropped(ANSWERS[1]).get("trivial_difference"), Some(&1));
    assert_eq!(dropped(ANSWERS[2]).get("trivial_difference"), None, "the control");
}

/// A judged rewrite of a task of `common::rows`.
fn rewrite_of(row: &iopo_schema::InstructionRow, seed: u64) -> PreferenceRow {
    let mut rewrite = group(Operation::Rewrite, seed);
    rewrite.task_id.clone_from(&row.task_id);
    rewrite.task.clone_from(&row.task);
    rewrite.input.clone_from(&row.input);
    rewrite.x1 = render_rows(&row.task, &rewrite.x1_constraints, row.input.as_deref());
    rewrite.x2 = Some(render_rows(&row.task, &rewrite.x2_constraints, row.input.as_deref()));
    rewrite
}

#[test]
fn rewrites_join_the_groups_that_code_makes() {
    let dir = tempfile::tempdir().expect("folder");
    let at = |name: &str| dir.path().join(name);
    let (instructions, responses) = crate::common::rows(16, 4);
    let ids = crate::common::task_ids(&instructions);
    let made = Provenance::new("test", serde_json::json!({}));
    write(&at("instructions.parquet"), &instructions, &made).expect("written");
    write(&at("responses.parquet"), &responses, &made).expect("written");
    let mut rewrites: Vec<PreferenceRow> = instructions
        .iter()
        .step_by(4)
        .zip(100..)
        .map(|(row, seed)| rewrite_of(row, seed))
        .collect();
    // A judge that calls everything satisfied.
    rewrites[0].proof.x2y1[0] = score(10.0);
    write(&at("rewrites.parquet"), &rewrites, &made).expect("written");
    let build = |config: &PairsConfig, out: &str| {
        let (instructions, responses) = (at("instructions.parquet"), at("responses.parquet"));
        let (rewrites, out) = (at("rewrites.parquet"), at(out));
        let collected =
            Collected { candidates: &rewrites, input_preferences: None, tested: &[].into() };
        build_with_rewrites(&ids, &instructions, &responses, collected, &out, config, &Silent)
    };
    let without = iopo_pairs::build(
        &ids,
        &at("instructions.parquet"),
        &at("responses.parquet"),
        &at("without"),
        &config(),
        &Silent,
    )
    .expect("groups");
    let with = build(&config(), "with").expect("groups");
    assert_eq!(with.dropped.get("truth_table"), Some(&1), "{:?}", with.dropped);
    let groups: Vec<PreferenceRow> = read(&at("with/preferences.parquet")).expect("groups");
    let is_rewrite = |group: &&PreferenceRow| group.operation == Some(Operation::Rewrite);
    assert!(groups.iter().filter(is_rewrite).count() > 3, "{:?}", with.dropped);
    assert!(with.groups >= without.groups, "a rewrite replaces at most one group");
    assert!(is_judged(&at("with/preferences.parquet")));
    assert!(!is_judged(&at("without/preferences.parquet")));
    for group in &groups {
        let same: Vec<&PreferenceRow> =
            groups.iter().filter(|other| other.task_id == group.task_id).collect();
        assert!(same.iter().all(|other| other.split == group.split));
        assert!(same.len() <= config().max_groups_per_task.get(group.split));
        let full = same.iter().filter(|other| other.kind == GroupKind::Full).count();
        assert!(2 * full >= same.len(), "min_full_share holds for every task");
        match group.operation {
            Some(Operation::Rewrite) => assert!(admit_judged(group, &rules()).is_ok()),
            _ => iopo_pairs::verify(group).expect("proved by code"),
        }
    }
    let mut none = config();
    none.operations.rewrite = 0.0;
    let disabled = build(&none, "disabled").expect("groups");
    assert_eq!(disabled.groups, without.groups, "control: without the operation");
}
