//! Admission of groups with verdicts of a judge, and the stage that builds them from candidates.

#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use common::natural;
use iopo_constraints::{Kind, from_text};
use iopo_llm::{Progress, Silent};
use iopo_pairs::admit::{kind_of, table_of};
use iopo_pairs::{
    JudgedRefusal, JudgedRules, PairsConfig, PairsError, PairsSummary, PerSplit, admit_judged,
    build_judged, is_judged,
};
use iopo_schema::{
    CheckRow, ConstraintRow, GroupKind, Method, MetricRow, Operation, PreferenceRow, Proof,
    Provenance, ResponseSource, Split, TurnRole, TurnRow, VerdictRow, read, render_rows, write,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const TASK: &str = "Write about the sea.";
const LIMIT: &str = "The answer must not exceed 200 words.";
const ALL: [Operation; 5] =
    [Operation::Revise, Operation::Swap, Operation::Add, Operation::Remove, Operation::Rewrite];

fn rules() -> JudgedRules {
    JudgedRules { fail_at_most: 3.0, held_out: BTreeSet::new() }
}

/// A constraint that only a judge can decide.
fn said(text: &str) -> ConstraintRow {
    ConstraintRow {
        text: text.to_owned(),
        constraint_type: "style".to_owned(),
        dimension: "tone and style".to_owned(),
        check: None,
    }
}

/// A constraint that code decides, in words that its check does not render.
fn checked(text: &str) -> ConstraintRow {
    let constraint = from_text(text).expect("a text that states a check");
    assert!((0..constraint.phrasings()).all(|index| constraint.render(index) != text));
    let check =
        CheckRow { id: constraint.kind().id().to_owned(), params: constraint.params_json() };
    ConstraintRow { check: Some(check), ..said(text) }
}

fn score(score: f64) -> VerdictRow {
    let evidence = "the judge's sentence".to_owned();
    VerdictRow { satisfied: score >= 10.0, score, method: Method::Judge, evidence }
}

/// The verdicts of a cell: those of code where there is a check, else 10, or 1 for the constraints that fail.
fn cell(rows: &[ConstraintRow], response: &str, fails: &[ConstraintRow]) -> Vec<VerdictRow> {
    let one = |row: &ConstraintRow| match row.constraint() {
        Some(check) => check.expect("readable").check(response).into(),
        None => score(if fails.contains(row) { 1.0 } else { 10.0 }),
    };
    rows.iter().map(one).collect()
}

/// A group with a judged and a checked shared constraint, whose changed constraints are judged.
fn group(operation: Operation, seed: u64) -> PreferenceRow {
    let (gone, come) = (said("Sound sad."), said("Sound cheerful."));
    let (removed, added) = match operation {
        Operation::Revise | Operation::Swap => (vec![gone], vec![come]),
        Operation::Add => (vec![], vec![come]),
        Operation::Remove => (vec![gone], vec![]),
        Operation::Rewrite => (vec![said("Name a harbour."), gone], vec![come]),
    };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let texts = [natural(seed as usize, &mut rng), natural(seed as usize + 2, &mut rng)];
    changed(operation, removed, added, texts)
}

fn changed(
    operation: Operation,
    removed: Vec<ConstraintRow>,
    added: Vec<ConstraintRow>,
    [y1, y2]: [String; 2],
) -> PreferenceRow {
    let shared = vec![said("Describe the sound of the waves."), checked(LIMIT)];
    let x1_constraints = [shared.clone(), removed.clone()].concat();
    let x2_constraints = if operation == Operation::Rewrite {
        // A rewrite keeps no order.
        [added.clone(), shared].concat()
    } else {
        [shared, added.clone()].concat()
    };
    let table = table_of(operation);
    let fails = |follows: bool, of: &[ConstraintRow]| if follows { vec![] } else { of.to_vec() };
    let proof = Proof {
        x1y1: cell(&x1_constraints, &y1, &[]),
        x1y2: cell(&x1_constraints, &y2, &fails(table.x1y2, &removed)),
        x2y1: cell(&x2_constraints, &y1, &fails(table.x2y1, &added)),
        x2y2: cell(&x2_constraints, &y2, &[]),
    };
    PreferenceRow {
        id: "candidate".to_owned(),
        task_id: "s".to_owned(),
        split: Split::Train,
        kind: kind_of(operation),
        operation: Some(operation),
        task: TASK.to_owned(),
        input: None,
        context: Vec::new(),
        x1: render_rows(TASK, &x1_constraints, None),
        y1,
        x2: Some(render_rows(TASK, &x2_constraints, None)),
        y2,
        x1_constraints,
        x2_constraints,
        removed,
        added,
        y1_response_id: String::new(),
        y2_response_id: String::new(),
        y1_source: ResponseSource::Sampled,
        y2_source: ResponseSource::Sampled,
        y1_original: None,
        y2_original: None,
        proof,
    }
}

/// Renders the prompts of changed constraints again.
fn rendered(mut row: PreferenceRow) -> PreferenceRow {
    row.x1 = render_rows(&row.task, &row.x1_constraints, None);
    row.x2 = Some(render_rows(&row.task, &row.x2_constraints, None));
    row
}

#[test]
fn groups_of_every_operation_with_mixed_methods_are_admitted() {
    for operation in ALL {
        let row = group(operation, 3);
        let proof = admit_judged(&row, &rules()).expect("admitted");
        assert_eq!(proof, row.proof, "{operation}");
        assert_eq!(row.truth_table(), table_of(operation));
        let methods: BTreeSet<Method> =
            proof.iter().flat_map(|(_, cell)| cell).map(|verdict| verdict.method).collect();
        assert_eq!(methods.len(), 2, "{operation}: verdicts of code and of the judge");
    }
}

#[test]
fn a_group_is_refused_for_one_fault_and_its_near_miss_is_admitted() {
    type Edit = fn(&mut PreferenceRow);
    let cases: [(JudgedRefusal, Edit, Edit); 16] = [
        (JudgedRefusal::KindMismatch, |row| row.kind = GroupKind::Sided, |_| ()),
        (JudgedRefusal::KindMismatch, |row| row.x2 = None, |_| ()),
        (JudgedRefusal::PromptMismatch, |row| row.x1.push(' '), |row| row.task_id.push(' ')),
        (
            JudgedRefusal::PromptMismatch,
            |row| row.context = vec![TurnRow { role: TurnRole::User, content: "Hi.".to_owned() }],
            |row| row.context.clear(),
        ),
        (JudgedRefusal::ChangeMismatch, |row| row.added.clear(), |_| ()),
        (JudgedRefusal::ChangeMismatch, |row| row.removed[0].dimension.clear(), |_| ()),
        (JudgedRefusal::SameResponses, |row| row.y2 = format!("{} ", row.y1), |_| ()),
        (JudgedRefusal::BlankResponse, |row| row.y1 = " \n".to_owned(), |_| ()),
        (
            JudgedRefusal::MissingVerdict,
            |row| drop(row.proof.x1y2.pop()),
            |row| row.proof.x1y2[2].evidence.clear(),
        ),
        (
            JudgedRefusal::InvalidVerdict,
            |row| row.proof.x1y1[0].score = 10.5,
            |row| row.proof.x1y1[0].score = 10.0,
        ),
        (JudgedRefusal::InvalidVerdict, |row| row.proof.x1y1[0].satisfied = false, |_| ()),
        (
            JudgedRefusal::ForgedVerdict,
            |row| row.proof.x1y1[0].method = Method::Code,
            |row| row.proof.x1y1[0].method = Method::Judge,
        ),
        (JudgedRefusal::StaleVerdict, |row| row.proof.x2y2[1].method = Method::Judge, |_| ()),
        (
            JudgedRefusal::Inconsistent,
            |row| row.proof.x2y1[0] = score(9.0),
            |row| row.proof.x2y1[0] = score(10.0),
        ),
        (JudgedRefusal::Inconsistent, |row| row.proof.x1y2[0] = score(0.0), |_| ()),
        (
            JudgedRefusal::TruthTable,
            |row| row.proof.x1y1[2] = score(9.0),
            |row| row.proof.x1y1[2] = score(10.0),
        ),
    ];
    for (refusal, fault, near_miss) in cases {
        let mut row = group(Operation::Revise, 3);
        fault(&mut row);
        assert_eq!(admit_judged(&row, &rules()), Err(refusal));
        let mut row = group(Operation::Revise, 3);
        near_miss(&mut row);
        assert!(admit_judged(&row, &rules()).is_ok(), "{refusal:?}");
    }
}

#[test]
fn a_nuance_is_ambiguous_and_the_threshold_decides() {
    for operation in ALL {
        let with = |value: f64| {
            let mut row = group(operation, 3);
            let (removed, added) = (row.removed.clone(), row.added.clone());
            let lists = [
                (row.x1_constraints.clone(), &mut row.proof.x1y2, removed),
                (row.x2_constraints.clone(), &mut row.proof.x2y1, added),
            ];
            for (constraints, verdicts, changed) in lists {
                for (constraint, verdict) in constraints.iter().zip(verdicts) {
                    if changed.contains(constraint) && !verdict.satisfied {
                        *verdict = score(value);
                    }
                }
            }
            row
        };
        for value in [4.0, 6.5, 9.0] {
            assert_eq!(admit_judged(&with(value), &rules()), Err(JudgedRefusal::Ambiguous));
        }
        assert_eq!(admit_judged(&with(10.0), &rules()), Err(JudgedRefusal::TruthTable));
        assert!(admit_judged(&with(3.0), &rules()).is_ok());
        let lenient = JudgedRules { fail_at_most: 6.5, ..rules() };
        assert!(admit_judged(&with(6.5), &lenient).is_ok());
    }
}

#[test]
fn constraints_are_refused_for_their_check_or_sentence() {
    let with = |edit: &dyn Fn(&mut ConstraintRow)| {
        let mut row = group(Operation::Add, 4);
        edit(&mut row.x1_constraints[1]);
        edit(&mut row.x2_constraints[1]);
        rendered(row)
    };
    let set = |params: &'static str| {
        move |row: &mut ConstraintRow| {
            if let Some(check) = &mut row.check {
                check.params = params.to_owned();
            }
        }
    };
    assert_eq!(admit_judged(&with(&set("{}")), &rules()), Err(JudgedRefusal::UnreadableConstraint));
    assert_eq!(
        admit_judged(&with(&set(r#"{"n":150}"#)), &rules()),
        Err(JudgedRefusal::CheckMismatch)
    );
    assert!(admit_judged(&with(&|_| ()), &rules()).is_ok());

    let kind = from_text(LIMIT).expect("a check").kind();
    let held_out = |kind: Kind| JudgedRules { held_out: [kind].into(), ..rules() };
    let other = Kind::ALL.iter().copied().find(|other| *other != kind).expect("another kind");
    let row = with(&|_| ());
    assert_eq!(admit_judged(&row, &held_out(kind)), Err(JudgedRefusal::HeldOut));
    assert!(admit_judged(&row, &held_out(other)).is_ok());
    // Without its check, the sentence still states the kind.
    let mut row = with(&|row| row.check = None);
    for cell in [&mut row.proof.x1y1, &mut row.proof.x1y2, &mut row.proof.x2y1, &mut row.proof.x2y2]
    {
        cell[1] = score(10.0);
    }
    assert_eq!(admit_judged(&row, &held_out(kind)), Err(JudgedRefusal::HeldOut));
    assert!(admit_judged(&row, &held_out(other)).is_ok());

    let mut row = group(Operation::Add, 4);
    let twice = row.x2_constraints[0].clone();
    row.x2_constraints[2] = twice.clone();
    row.added = vec![twice];
    let row = rendered(row);
    assert_eq!(admit_judged(&row, &rules()), Err(JudgedRefusal::RepeatedConstraint));
    let mut row = group(Operation::Add, 4);
    (row.x1_constraints, row.proof.x1y1, row.proof.x1y2) = Default::default();
    let row = rendered(row);
    assert_eq!(admit_judged(&row, &rules()), Err(JudgedRefusal::NoConstraint));
}

#[test]
fn checks_decide_between_revision_and_swap() {
    let word = |id: &str, text: &str| ConstraintRow {
        check: Some(CheckRow { id: id.to_owned(), params: r#"{"word":"tea"}"#.to_owned() }),
        ..said(text)
    };
    let texts = [
        "We had some tea by the sea while the old boats came in.".to_owned(),
        "We had some rain by the sea while the new boats went out.".to_owned(),
    ];
    let row = |operation| {
        let (gone, come) = (
            word("include_word", "The hot drink of the English has to occur."),
            word("exclude_word", "Stay away from the hot drink of the English."),
        );
        changed(operation, vec![gone], vec![come], texts.clone())
    };
    assert_eq!(
        admit_judged(&row(Operation::Swap), &rules()),
        Err(JudgedRefusal::OperationMismatch)
    );
    assert!(admit_judged(&row(Operation::Revise), &rules()).is_ok());
}

fn config() -> PairsConfig {
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

fn ids(rows: &[PreferenceRow]) -> BTreeSet<String> {
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
    build_judged(&ids(rows), &path, dir, config, progress)
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
