//! Tasks and rows that overlap with the prompts of the evaluation, through the binary.

mod common;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use common::{run, succeed, text};
use iopo_schema::{ContaminationRow, InstructionRow, MetricRow, TestPromptRow, read};

/// A prompt of a benchmark.
const PROMPT: &str = "Write a short guide for people who want to keep bees on a roof in a large city. \
    Mention at least two risks for the neighbors. Your answer must not contain any commas.";
/// A test task of the run, chosen so that its id is in the test split, comes from these.
const THINGS: [&str; 12] = [
    "tea", "rain", "a bridge", "the sea", "bread", "a clock", "a lamp", "snow", "a river", "wind",
    "a garden", "a map",
];

fn prompts(path: &Path, prompt: &str) {
    let line = serde_json::json!({
        "key": 7, "prompt": prompt, "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}],
    });
    fs::write(path, line.to_string()).expect("written");
}

/// Runs a command on the smoke preset with a benchmark.
fn args<'a>(stage: &'a str, out: &'a Path, sets: &'a [String]) -> Vec<&'a str> {
    let mut args = vec![stage, "--preset", "smoke", "--device", "cpu", "--out", text(out)];
    for set in sets {
        args.extend(["--set", set]);
    }
    args
}

#[test]
fn overlapping_tasks_are_left_out_and_listed_and_the_stage_knows_them() {
    let dir = tempfile::tempdir().expect("a folder");
    let (out, tasks, data) =
        (dir.path().join("run"), dir.path().join("tasks.jsonl"), dir.path().join("data.jsonl"));
    let mut lines = String::new();
    for (index, thing) in THINGS.iter().enumerate() {
        let _ = writeln!(
            lines,
            "{{\"id\": \"t{index:02}\", \"task\": \"Write a short text about {thing}.\"}}"
        );
    }
    let copied = PROMPT.to_uppercase().replace("ROOF", "balcony");
    let _ = writeln!(lines, "{}", serde_json::json!({"id": "copied", "task": copied}));
    // Two tasks with the same words but one. The one that is not a test task is left out if the other is one.
    fs::write(&tasks, lines).expect("written");
    prompts(&data, PROMPT);
    let mut sets = vec![
        format!("tasks={}", text(&tasks)),
        "pairs.test_tasks=3".to_owned(),
        "pairs.dev_tasks=2".to_owned(),
        "eval.benchmarks=[\"ifeval\"]".to_owned(),
        format!("eval.data.ifeval={}", text(&data)),
    ];
    let made = succeed(&args("synth", &out, &sets));
    let note = "1 of 13 tasks overlap with prompts of the evaluation and are not used (ifeval: 1)";
    assert!(made.stderr.contains(note), "{}", made.stderr);
    let rows: Vec<ContaminationRow> = read(&out.join("contamination.parquet")).expect("a list");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].task_id.as_str(), rows[0].benchmark.as_str(), rows[0].key.as_str()),
        ("copied", "ifeval", "7")
    );
    assert!(rows[0].prompt_share > 0.9 && rows[0].task_share > 0.9, "{rows:?}");
    let stats: Vec<MetricRow> = read(&out.join("synth_stats.parquet")).expect("counters");
    assert!(
        stats.iter().any(|row| row.name == "contaminated/ifeval" && (row.value - 1.0).abs() < 1e-9)
    );
    let has_copied = || {
        let rows: Vec<InstructionRow> = read(&out.join("instructions.parquet")).expect("rows");
        assert!(!rows.is_empty());
        rows.iter().any(|row| row.task_id == "copied")
    };
    assert!(!has_copied());
    let preview = succeed(&["inspect", text(&out.join("contamination.parquet"))]);
    assert!(preview.stdout.contains("copied"), "{}", preview.stdout);

    // Too few groups are explained by the tasks that are left out, too.
    let mut few = sets.clone();
    few.push("pairs.min_train_groups=100000".to_owned());
    let error = run(&args("pairs", &out, &few)).error(1);
    assert!(error.contains("overlap with prompts of the evaluation: 1 (ifeval: 1)"), "{error}");
    assert!(error.contains("contamination.parquet"), "{error}");

    // A benchmark without an overlap changes nothing; the state is the same without running.
    let status = |sets: &[String]| {
        let mut args = vec!["status", text(&out)];
        for set in sets {
            args.extend(["--set", set]);
        }
        succeed(&args).stdout
    };
    assert!(!status(&[]).contains("stale"), "{}", status(&[]));
    prompts(&data, "Name a tea.");
    let stale = status(&[]);
    assert!(stale.contains("excluded tasks"), "{stale}");
    let again = succeed(&args("synth", &out, &sets));
    assert!(!again.stderr.contains("are not used") && has_copied(), "{}", again.stderr);
    assert!(!out.join("contamination.parquet").exists());

    // Another measure finds less.
    prompts(&data, PROMPT);
    sets.push("eval.contamination.ngram=50".to_owned());
    sets.push("eval.contamination.share=1".to_owned());
    let strict = succeed(&args("synth", &out, &sets));
    assert!(!strict.stderr.contains("are not used"), "{}", strict.stderr);
}

/// Writes pairs to import, the last of which nearly has the tested prompt.
fn write_pairs(file: &Path) {
    let mut lines = String::new();
    for thing in THINGS {
        let prompt = format!("Write one line about {thing}.");
        let row = serde_json::json!({"prompt": prompt, "chosen": format!("Here is {thing}."), "rejected": "No."});
        let _ = writeln!(lines, "{row}");
    }
    let row = serde_json::json!({
        "prompt": PROMPT.replace("two risks", "three risks"), "chosen": "Keep bees.", "rejected": "No, thanks.",
    });
    let _ = writeln!(lines, "{row}");
    fs::write(file, lines).expect("written");
}

#[test]
fn imported_rows_that_overlap_are_refused_before_training() {
    let dir = tempfile::tempdir().expect("a folder");
    let (out, rows, data) =
        (dir.path().join("run"), dir.path().join("rows.jsonl"), dir.path().join("data.jsonl"));
    write_pairs(&rows);
    prompts(&data, PROMPT);
    let preferences = out.join("preferences.parquet");
    succeed(&["import", text(&rows), "--from", "trl", "--out", text(&preferences)]);
    let sets = [
        "train.methods=[\"dpo\"]".to_owned(),
        "rounds=1".to_owned(),
        "eval.benchmarks=[\"ifeval\"]".to_owned(),
        format!("eval.data.ifeval={}", text(&data)),
    ];
    let error = run(&args("train", &out, &sets)).error(2);
    assert!(
        error.contains("found 1 task of the run with an overlap with prompts of a benchmark"),
        "{error}"
    );
    assert!(error.contains("prompt `7` of ifeval") && error.contains("hint:"), "{error}");
    assert!(!out.join("train").exists());
    // Control: another benchmark.
    prompts(&data, "Name a tea.");
    succeed(&args("train", &out, &sets));
}

#[test]
fn imported_rows_are_compared_with_the_test_tasks_that_a_setting_names() {
    let dir = tempfile::tempdir().expect("a folder");
    let (out, rows, tasks) =
        (dir.path().join("run"), dir.path().join("rows.jsonl"), dir.path().join("tested.jsonl"));
    write_pairs(&rows);
    let preferences = out.join("preferences.parquet");
    succeed(&["import", text(&rows), "--from", "trl", "--out", text(&preferences)]);
    let write = |task: &str| {
        let other = "Describe the sound of fog horns.";
        let line = |id: &str, task: &str| serde_json::json!({"id": id, "task": task}).to_string();
        fs::write(&tasks, [line("fog", other), line("bees", task)].join("\n")).expect("written");
    };
    let sets = [
        "train.methods=[\"dpo\"]".to_owned(),
        "rounds=1".to_owned(),
        format!("eval.tasks={}", text(&tasks)),
    ];
    write(PROMPT);
    let error = run(&args("train", &out, &sets)).error(2);
    assert!(
        error.contains("`eval.tasks`: found `") && error.contains("test task `bees`"),
        "{error}"
    );
    assert!(error.contains("hint: remove these tasks"), "{error}");
    assert!(!out.join("train").exists());
    // Control: another task. The rows have no test split, so the prompts of these tasks are all that is evaluated.
    write("Explain how ink dries.");
    succeed(&args("train", &out, &sets));
    succeed(&args("eval", &out, &sets));
    let prompts: Vec<TestPromptRow> =
        read(&out.join("eval/test_prompts.parquet")).expect("prompts");
    let tested: BTreeSet<&str> = prompts.iter().map(|row| row.task_id.as_str()).collect();
    assert_eq!(tested, BTreeSet::from(["bees", "fog"]));
    // A task that is changed after training is refused before a model answers it.
    write(PROMPT);
    let error = run(&args("eval", &out, &sets)).error(2);
    assert!(
        error.contains("`eval.tasks`: found `") && error.contains("test task `bees`"),
        "{error}"
    );
    let without = run(&args("eval", &out, &sets[..2])).error(2);
    assert!(without.contains("set eval.tasks to test tasks"), "{without}");
}
