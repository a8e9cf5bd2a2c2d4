//! The tasks of `eval.tasks` in a finished run: what is computed again, and which tasks are refused.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use iopo_schema::{PreferenceRow, Split, TestPromptRow, read};

use crate::ADAPTERS;
use crate::common::text;
use crate::finished::Run;

/// Writes a file of test tasks beside a run. Returns its path and the assignment that names it.
fn test_tasks(run: &Run, tasks: &[(&str, &str)]) -> (PathBuf, String) {
    let path = run.dir.path().join("test_tasks.jsonl");
    let line = |(id, task): &(&str, &str)| serde_json::json!({"id": id, "task": task}).to_string();
    let lines: Vec<String> = tasks.iter().map(line).collect();
    fs::write(&path, lines.join("\n")).expect("written");
    let assignment = format!("eval.tasks={}", text(&path));
    (path, assignment)
}

/// Returns the prompts of the evaluation.
fn prompts(run: &Run) -> Vec<TestPromptRow> {
    read(&run.out().join("eval/test_prompts.parquet")).expect("prompts")
}

fn tasks_of(rows: &[TestPromptRow]) -> BTreeSet<&str> {
    rows.iter().map(|row| row.task_id.as_str()).collect()
}

/// Returns a task that the run was trained on.
fn trained(run: &Run) -> PreferenceRow {
    let rows: Vec<PreferenceRow> = read(&run.out().join("preferences.parquet")).expect("groups");
    let is_plain = |row: &&PreferenceRow| row.split == Split::Train && row.input.is_none();
    rows.iter().find(is_plain).expect("a train group").clone()
}

/// Fails unless the evaluation alone is stale.
fn assert_only_eval_is_stale(run: &Run, set: &[&str], reason: &str) {
    let status = run.status(set);
    for stage in ["synth", "pairs", "train", "rounds"] {
        assert!(status.contains(&format!("{stage:<8}valid\n")), "{status}");
    }
    assert!(status.contains(&format!("eval    stale       {reason}")), "{status}");
}

#[test]
fn other_test_tasks_make_only_the_evaluation_stale() {
    let run = Run::finished();
    let before = ADAPTERS.map(|name| run.written(name));
    let groups = run.written("preferences.parquet");
    let of_split = prompts(&run);
    let tasks = [("fog", "Describe the sound of fog horns."), ("ink", "Explain how ink dries.")];
    let (path, named) = test_tasks(&run, &tasks);
    let named = ["--set", named.as_str()];
    assert_only_eval_is_stale(&run, &named, "eval.tasks: content none → ");
    let made = run.ok("pipeline", &named);
    assert!(made.stderr.contains("eval is stale (eval.tasks: content none"), "{}", made.stderr);
    let first = prompts(&run);
    assert_eq!(tasks_of(&first), BTreeSet::from(["fog", "ink"]));
    let report = fs::read_to_string(run.out().join("report.html")).expect("report");
    let fact = format!("<dd>2 tasks of test_tasks.jsonl, {} prompts</dd>", first.len());
    assert!(report.contains(&fact), "{fact}");
    assert!(run.status(&named).contains("eval    valid\n"));

    // Another task changes the prompts of no other one.
    let (_, again) = test_tasks(&run, &[tasks[0], tasks[1], ("net", "Write a poem about a net.")]);
    assert_eq!(again, named[1]);
    assert_only_eval_is_stale(&run, &named, "eval.tasks: content ");
    run.ok("eval", &named);
    let second = prompts(&run);
    assert_eq!(tasks_of(&second), BTreeSet::from(["fog", "ink", "net"]));
    let same: Vec<&TestPromptRow> = second.iter().filter(|row| row.task_id != "net").collect();
    assert_eq!(same, first.iter().collect::<Vec<_>>());

    // A moved file changes nothing; the built-in test tasks do.
    let moved = run.dir.path().join("moved.jsonl");
    fs::rename(&path, &moved).expect("moved");
    let moved = format!("eval.tasks={}", text(&moved));
    assert!(run.status(&["--set", &moved]).contains("eval    valid\n"));
    let error = run.command("eval", &named).error(2);
    assert!(error.contains("`eval.tasks`: found ") && error.contains("not exist"), "{error}");
    let built_in = ["--set", "eval.tasks=built-in", "--set", "eval.max_prompts=3"];
    assert_only_eval_is_stale(&run, &built_in, "eval.max_prompts: 0 → 3; eval.tasks: unset → ");
    run.ok("eval", &built_in);
    let drawn = prompts(&run);
    assert!(drawn.len() == 3 && drawn.iter().all(|row| row.task_id.starts_with("test-")));

    // Without the setting, the prompts are again those of the test split.
    run.ok("eval", &["--set", "eval.max_prompts=0"]);
    assert_eq!(prompts(&run), of_split);
    assert_eq!(ADAPTERS.map(|name| run.written(name)), before);
    assert_eq!(run.written("preferences.parquet"), groups);
}

#[test]
fn a_test_task_that_is_trained_on_is_refused_by_name() {
    let run = Run::finished();
    let leaked = trained(&run);
    let before = fs::read_to_string(run.out().join("config.toml")).expect("the configuration");
    let other = ("fog", "Describe the sound of fog horns.");
    let by_words = leaked.task.to_uppercase();
    for (id, task, found) in [
        (
            "copy",
            by_words.as_str(),
            format!("`copy` has the same words as task `{}`", leaked.task_id),
        ),
        (
            leaked.task_id.as_str(),
            "Explain how ink dries.",
            format!("task `{}` is in the test split", leaked.task_id),
        ),
    ] {
        let (_, named) = test_tasks(&run, &[other, (id, task)]);
        for command in ["pipeline", "synth", "train"] {
            let error = run.command(command, &["--set", &named]).error(2);
            assert!(error.contains("`eval.tasks`: found `") && error.contains(&found), "{error}");
            assert!(error.contains("hint: remove the task from the tasks of the run"), "{error}");
        }
    }
    // One with a further word is left out of a new synthesis, so this one cannot be evaluated on it.
    let near = format!("{} Hurry!", leaked.task);
    let (_, named) = test_tasks(&run, &[other, ("near", &near)]);
    let error = run.command("eval", &["--set", &named]).error(2);
    assert!(error.contains("synth is stale (excluded tasks: "), "{error}");
    let after = fs::read_to_string(run.out().join("config.toml")).expect("the configuration");
    assert_eq!(after, before, "a refused command changes nothing");
    // Control: the other task alone.
    let (_, named) = test_tasks(&run, &[other]);
    assert!(run.status(&["--set", &named]).contains("synth   valid\n"));
}

#[test]
fn test_tasks_and_test_prompts_exclude_each_other() {
    let run = Run::finished();
    let prompts = run.out().join("eval/test_prompts.parquet");
    let prompts = format!("eval.prompts={}", text(&prompts));
    let both = ["--set", prompts.as_str(), "--set", "eval.tasks=built-in"];
    let error = run.command("pipeline", &both).error(2);
    assert!(error.contains("`eval.tasks`: found `built-in` beside the prompts `"), "{error}");
    assert!(error.contains("hint: remove `eval.tasks` or `eval.prompts`"), "{error}");
}
