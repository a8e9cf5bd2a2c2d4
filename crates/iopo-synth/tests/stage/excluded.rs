//! Tasks that are left out because they overlap with prompts of an evaluation.

use std::collections::BTreeMap;

use iopo_llm::{Scripted, Silent};
use iopo_schema::provenance;
use iopo_synth::{SynthError, SynthSummary, TaskFile, synthesize, synthesize_sampled};
use iopo_testing::answers::{natural, write_tasks};

use super::{bytes, config, rows, stat};

type Excluded = BTreeMap<String, String>;

fn run(dir: &std::path::Path, excluded: &Excluded) -> Result<SynthSummary, SynthError> {
    let tasks = dir.join("tasks.jsonl");
    let file = TaskFile::new(&tasks).without(excluded);
    synthesize(file, dir, &Scripted::new(natural), None, &config(), &Silent)
}

#[test]
fn a_task_that_is_left_out_has_no_rows_and_is_counted_by_its_benchmark() {
    let dir = tempfile::tempdir().expect("a folder");
    let tasks = dir.path().join("tasks.jsonl");
    let ids = write_tasks(&tasks, 8);
    let none = Excluded::new();
    run(dir.path(), &none).expect("a run");
    let whole = bytes(dir.path());
    let has = |id: &String| rows(dir.path()).0.iter().any(|row| row.task_id == *id);
    assert!(ids.iter().all(has), "each task has rows if it is used");
    assert!(stat(dir.path(), "contaminated/ifeval").abs() < 1e-9);

    let excluded: Excluded =
        [(ids[2].clone(), "ifeval".to_owned()), ("other".to_owned(), "ifeval".to_owned())].into();
    let made = run(dir.path(), &excluded).expect("a run");
    assert_eq!(made.tasks, 7);
    assert!(
        (stat(dir.path(), "contaminated/ifeval") - 1.0).abs() < 1e-9,
        "only tasks of the file count"
    );
    assert!(!has(&ids[2]) && ids.iter().filter(|id| **id != ids[2]).all(has));
    let inputs = provenance(&dir.path().join("answers.parquet")).expect("written").inputs;
    assert!(inputs.contains_key("excluded_tasks") && inputs.contains_key("tasks"), "{inputs:?}");

    // Finished files of one selection are not taken for those of another.
    let file = TaskFile::new(&tasks);
    let finished =
        |file| synthesize_sampled(file, dir.path(), &config(), &Silent).expect("readable");
    assert_eq!(finished(file), None);
    assert_eq!(finished(file.without(&excluded)), Some(made));
    run(dir.path(), &none).expect("a run");
    assert_eq!(bytes(dir.path()), whole);
}

#[test]
fn a_run_without_a_task_that_may_be_used_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let ids = write_tasks(&dir.path().join("tasks.jsonl"), 2).into_iter();
    let excluded: Excluded = ids.map(|id| (id, "ifeval".to_owned())).collect();
    let error = run(dir.path(), &excluded).expect_err("nothing is left");
    assert!(
        matches!(error, SynthError::AllExcluded { tasks: 2, .. }) && error.is_usage(),
        "{error}"
    );
    assert!(error.hint().is_some_and(|hint| hint.contains("add tasks")));
}
