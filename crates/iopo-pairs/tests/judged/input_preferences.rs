//! The preferences between two instructions that become no group.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_llm::Silent;
use iopo_pairs::exchange::import_fipo;
use iopo_pairs::{PairsConfig, PairsError, PairsSummary, PerSplit, build_judged, split_tasks};
use iopo_schema::{
    Breakdown, InputPreferenceRow, Method, Operation, PreferenceRow, Provenance, Split, VerdictRow,
    content_id, read, stats, write,
};

use crate::rows::{LIMIT, checked, group, score};
use crate::stage::{config, ids};

/// A candidate of each of 16 tasks, of which those of the first three are refused.
fn candidates() -> Vec<PreferenceRow> {
    let mut rows: Vec<PreferenceRow> = (0..16)
        .map(|task| PreferenceRow {
            task_id: format!("task-{task:02}"),
            ..group(Operation::Rewrite, task * 10)
        })
        .collect();
    for row in &mut rows[..3] {
        // A judge that calls everything satisfied.
        row.proof.x2y1.iter_mut().for_each(|verdict| *verdict = score(10.0));
    }
    rows
}

/// The preference behind a candidate, with the placeholder of the collector as its split.
fn preference(row: &PreferenceRow) -> InputPreferenceRow {
    let verdict = VerdictRow::new(true, Method::Judge, "It fits.");
    let x_better = format!("{} In many words.", row.task);
    InputPreferenceRow {
        id: content_id(&[&row.task_id, &row.y1]),
        seed_id: row.task_id.clone(),
        split: Split::Train,
        task: row.task.clone(),
        input: row.input.clone(),
        x_worse: row.task.clone(),
        x_better,
        y: row.y1.clone(),
        better_constraints: row.x1_constraints.clone(),
        worse_constraints: Vec::new(),
        verdict_better_first: verdict.clone(),
        verdict_worse_first: verdict,
        logp_margin: None,
        generator: "test".to_owned(),
    }
}

fn build(
    dir: &Path,
    candidates: &[PreferenceRow],
    preferences: Option<&[InputPreferenceRow]>,
    config: &PairsConfig,
) -> Result<PairsSummary, PairsError> {
    let made = Provenance::new("test", serde_json::json!({}));
    let (file, collected) = (dir.join("candidates.parquet"), dir.join("collected.parquet"));
    write(&file, candidates, &made).expect("written");
    if let Some(rows) = preferences {
        write(&collected, rows, &made).expect("written");
    }
    let collected = preferences.map(|_| collected.as_path());
    build_judged(&ids(candidates), &[&file], (collected, &[].into()), dir, config, &Silent)
}

fn written(dir: &Path) -> Vec<InputPreferenceRow> {
    read(&dir.join("input_preferences.parquet")).expect("rows")
}

fn count(summary: &PairsSummary, member: &str) -> u64 {
    stats::count(&summary.metrics, &Breakdown::InputPreferences.of(member))
}

#[test]
fn a_preference_is_in_a_group_or_in_the_file_but_never_in_neither() {
    let dir = tempfile::tempdir().expect("folder");
    let candidates = candidates();
    let all: Vec<InputPreferenceRow> = candidates.iter().map(preference).collect();
    let mut config = config();
    // Admitted candidates beyond the limit become no group either.
    config.max_groups = PerSplit { train: 4, dev: 0, test: 0 };
    let summary = build(dir.path(), &candidates, Some(&all), &config).expect("groups");
    let groups: Vec<PreferenceRow> = read(&dir.path().join("preferences.parquet")).expect("groups");
    let rows = written(dir.path());
    let [grouped, alone]: [BTreeSet<&str>; 2] = [
        groups.iter().map(|row| row.task_id.as_str()).collect(),
        rows.iter().map(|row| row.seed_id.as_str()).collect(),
    ];
    assert!(grouped.is_disjoint(&alone) && alone.len() >= 3);
    let over = count(&summary, "over_the_limit") as usize;
    assert_eq!(grouped.len() + alone.len() + over, 16, "{:?}", summary.metrics);
    assert_eq!(count(&summary, "grouped"), grouped.len() as u64);
    assert!(["task-00", "task-01", "task-02"].iter().all(|id| !grouped.contains(id)));
    let train = rows.iter().filter(|row| row.split == Split::Train).count();
    assert_eq!((train, count(&summary, "train")), (4, 4), "max_groups holds for these rows, too");
}

#[test]
fn the_split_of_a_preference_follows_the_seed_of_pairing() {
    let dir = tempfile::tempdir().expect("folder");
    let candidates = candidates();
    let all: Vec<InputPreferenceRow> = candidates.iter().map(preference).collect();
    let mut none = config();
    none.min_test_tasks = 0;
    let mut found: Vec<BTreeMap<String, Split>> = Vec::new();
    for seed in [1, 2] {
        none.seed = seed;
        build(dir.path(), &candidates, Some(&all), &none).expect("groups");
        let splits = split_tasks(&ids(&candidates), &none);
        let rows = written(dir.path());
        assert!(rows.iter().all(|row| row.split == splits[&row.seed_id]), "seed {seed}");
        found.push(splits);
    }
    assert_ne!(found[0], found[1], "control: the seed decides");
    // Without a collection, the rows of an earlier one are gone.
    build(dir.path(), &candidates, None, &none).expect("groups");
    assert!(!dir.path().join("input_preferences.parquet").exists());
}

#[test]
fn kinds_that_are_held_out_and_too_many_rows_of_a_task_are_left_out_by_name() {
    let dir = tempfile::tempdir().expect("folder");
    let candidates = candidates();
    let mut all: Vec<InputPreferenceRow> = candidates[..3].iter().map(preference).collect();
    all[1].better_constraints = vec![checked(LIMIT)];
    // The sentence of a requirement without a check counts, too.
    all[2].better_constraints[0].text = LIMIT.to_owned();
    all[2].better_constraints[0].check = None;
    for row in &mut all[..1] {
        row.better_constraints.clear();
    }
    let mut more = all[0].clone();
    more.y.push_str(" More.");
    all.push(more);
    let mut limited = config();
    limited.max_groups_per_task = PerSplit { train: 1, dev: 1, test: 1 };
    let summary = build(dir.path(), &candidates, Some(&all), &limited).expect("groups");
    assert_eq!((count(&summary, "held_out"), count(&summary, "over_the_limit")), (0, 1));
    limited.held_out = vec!["max_words".to_owned()];
    let without: Vec<PreferenceRow> = candidates
        .iter()
        .cloned()
        .map(|mut row| {
            row.task_id.push_str("-own");
            row
        })
        .chain(candidates.iter().cloned())
        .collect();
    // No candidate has another constraint than the limit, so there is no group, and the reason is named.
    let error = build(dir.path(), &without, Some(&all), &limited).expect_err("no group");
    assert!(error.hint().is_some_and(|hint| hint.contains("held_out")), "{error:?}");
    let rows = written(dir.path());
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0].better_constraints.is_empty());
}

#[test]
fn rows_that_overlap_with_test_tasks_are_left_out_and_counted() {
    let (dir, mut candidates) = (tempfile::tempdir().expect("folder"), candidates());
    for (row, number) in candidates.iter_mut().zip(0..) {
        row.id = format!("candidate-{number}");
    }
    let all: Vec<InputPreferenceRow> = candidates.iter().map(preference).collect();
    let build = |tested: &BTreeSet<String>| {
        let (file, collected) = (dir.path().join("c.parquet"), dir.path().join("p.parquet"));
        let made = Provenance::new("test", serde_json::json!({}));
        write(&file, &candidates, &made).expect("written");
        write(&collected, &all, &made).expect("written");
        let preferences = (Some(collected.as_path()), tested);
        let ids = ids(&candidates);
        build_judged(&ids, &[&file], preferences, dir.path(), &config(), &Silent).expect("groups")
    };
    let dropped = |summary: &PairsSummary| summary.dropped.get("test_task").copied();
    let whole = build(&BTreeSet::new());
    assert_eq!((dropped(&whole), count(&whole, "test_task")), (None, 0), "control");
    let groups = || read::<PreferenceRow>(&dir.path().join("preferences.parquet")).expect("groups");
    let group = groups().swap_remove(0);
    let own = candidates.iter().find(|row| row.y1 == group.y1).expect("its candidate");
    let alone = written(dir.path()).swap_remove(0);
    let tested = BTreeSet::from([own.id.clone(), alone.id.clone()]);
    let made = build(&tested);
    assert_eq!((dropped(&made), count(&made, "test_task")), (Some(1), 1));
    assert!(groups().iter().all(|row| row.y1 != group.y1));
    assert!(written(dir.path()).iter().all(|row| row.id != alone.id));
}

#[test]
fn a_damaged_or_foreign_file_is_refused_by_name_and_stays() {
    let dir = tempfile::tempdir().expect("folder");
    let candidates = candidates();
    let all: Vec<InputPreferenceRow> = candidates.iter().map(preference).collect();
    let file = dir.path().join("input_preferences.parquet");
    let foreign = || write(&file, &all, &Provenance::new("mine 1.0", serde_json::json!({})));
    for damaged in [true, false] {
        if damaged {
            std::fs::write(&file, "PAR1 and no more").expect("written");
        } else {
            foreign().expect("written");
        }
        let bytes = std::fs::read(&file).expect("bytes");
        for collected in [Some(all.as_slice()), None] {
            let error =
                build(dir.path(), &candidates, collected, &config()).expect_err("the user's file");
            assert!(matches!(error, PairsError::OtherInputPreferences { .. }), "{error}");
            assert!(error.to_string().contains("input_preferences.parquet"), "{error}");
            assert!(error.is_usage() && error.hint().is_some());
            assert_eq!(std::fs::read(&file).expect("bytes"), bytes);
        }
    }
    // Control: the stage replaces and removes its own file.
    std::fs::remove_file(&file).expect("removed");
    build(dir.path(), &candidates, Some(&all), &config()).expect("groups");
    build(dir.path(), &candidates, Some(&all[..8]), &config()).expect("groups");
    build(dir.path(), &candidates, None, &config()).expect("groups");
    assert!(!file.exists());
}

#[test]
fn an_imported_file_stays_and_a_task_from_elsewhere_is_refused() {
    let dir = tempfile::tempdir().expect("folder");
    let candidates = candidates();
    let mut all: Vec<InputPreferenceRow> = candidates.iter().map(preference).collect();
    let (lines, file) =
        (dir.path().join("rows.jsonl"), dir.path().join("input_preferences.parquet"));
    let line = serde_json::json!({
        "raw_prompt": "Name a color.",
        "gpt4_response_based_raw": "Blue.",
        "gpt4_optimized_prompt": "Name one color in a word.",
        "chatgpt_optimized_prompt": "Colors, please.",
    });
    std::fs::write(&lines, format!("{line}\n")).expect("written");
    import_fipo(&[(Split::Train, &lines)], &file).expect("imported");
    let imported = std::fs::read(&file).expect("bytes");
    for collected in [Some(all.as_slice()), None] {
        build(dir.path(), &candidates, collected, &config()).expect("groups");
        assert_eq!(std::fs::read(&file).expect("bytes"), imported);
    }
    std::fs::remove_file(&file).expect("removed");
    all[0].seed_id = "another".to_owned();
    let error = build(dir.path(), &candidates, Some(&all), &config()).expect_err("refused");
    assert!(matches!(error, PairsError::UnknownTask { .. }), "{error}");
}
