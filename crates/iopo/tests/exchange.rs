//! `iopo export` and `iopo import`.

mod common;

use std::fs;
use std::path::Path;

use common::{run, succeed, text};
use iopo_schema::{PreferenceRow, read};

/// One group as a LLaMA-Factory row, and a row with a tool's result.
const ROWS: &str = r#"[
{"conversations":[{"from":"human","value":"Sing.\n1. Loud."},{"from":"human","value":"Sing.\n1. Low."}],
 "chosen":{"from":"gpt","value":"LA"},"rejected":{"from":"gpt","value":"la"}},
{"conversations":[{"from":"observation","value":"7"},{"from":"human","value":"Sing."}],
 "chosen":{"from":"gpt","value":"LA"},"rejected":{"from":"gpt","value":"la"}}
]"#;

fn imported(dir: &Path) -> std::path::PathBuf {
    let (rows, out) = (dir.join("rows.json"), dir.join("preferences.parquet"));
    fs::write(&rows, ROWS).expect("written");
    let args = ["import", text(&rows), "--from", "llama-factory", "--out", text(&out)];
    let said = succeed(&args).stderr;
    assert!(said.contains("1 rows skipped: a turn calls a tool"), "{said}");
    assert!(
        said.contains("2 rows, 1 groups (1 train)") && said.contains("the labels are unverified"),
        "{said}"
    );
    out
}

#[test]
fn imported_groups_survive_an_export_and_a_second_import() {
    let dir = tempfile::tempdir().expect("folder");
    let groups = imported(dir.path());
    let before: Vec<PreferenceRow> = read(&groups).expect("ours");
    for (number, flags) in [
        &["--to", "trl"][..],
        &["--to", "trl", "--conversational", "--format", "jsonl"],
        &["--to", "llama-factory", "--split", "train"],
    ]
    .into_iter()
    .enumerate()
    {
        let ending = if flags.contains(&"jsonl") { "json" } else { "parquet" };
        let out = dir.path().join(format!("{number}.{ending}"));
        let said = succeed(&[&["export", text(&groups), "--out", text(&out)][..], flags].concat());
        assert!(said.stderr.contains("1 groups (1 train), "), "{}", said.stderr);
        let back = dir.path().join(format!("{number}.back"));
        let from = ["import", text(&out), "--from", flags[1], "--out", text(&back)];
        succeed(&from);
        let after: Vec<PreferenceRow> = read(&back).expect("ours");
        assert_eq!(after.len(), 1);
        assert_eq!((&after[0].id, &after[0].x2), (&before[0].id, &before[0].x2));
    }
    let shown = succeed(&["inspect", text(&groups)]).stdout;
    assert!(shown.contains("iopo-pairs") && shown.contains("llama-factory"), "{shown}");
}

#[test]
fn wrong_usage_names_the_remedy_and_writes_nothing() {
    let dir = tempfile::tempdir().expect("folder");
    let groups = imported(dir.path());
    let out = dir.path().join("out.txt");
    let export = |flags: &[&str], code| {
        let args = ["export", text(&groups), "--out", text(&out)];
        run(&[&args[..], flags].concat()).error(code)
    };
    let error = export(&["--to", "trl"], 2);
    assert!(error.contains("--format") && error.contains(".parquet"), "{error}");
    let error = export(&["--to", "llama-factory", "--conversational"], 2);
    assert!(error.contains("hint: omit it"), "{error}");
    let error = export(&["--to", "trl", "--format", "jsonl", "--split", "test"], 1);
    assert!(error.contains("found no groups of the test split"), "{error}");
    assert!(!out.exists());
    fs::write(&out, "kept").expect("written");
    let error = export(&["--to", "trl", "--format", "jsonl"], 2);
    assert!(error.contains("already exists"), "{error}");
    assert_eq!(fs::read_to_string(&out).expect("kept"), "kept");
}

/// TRL rows: two mirrored rows for each task.
fn mirrored(tasks: &[&str]) -> String {
    let row = |task: &str, how: &str, chosen: &str, rejected: &str| {
        format!(
            "{{\"prompt\":\"{task}.\\n{how}\",\"chosen\":\"{chosen}\",\"rejected\":\"{rejected}\"}}\n"
        )
    };
    let pair = |task: &&str| row(task, "Loud.", "LA", "la") + &row(task, "Low.", "la", "LA");
    tasks.iter().map(pair).collect()
}

#[test]
fn test_groups_are_exported_only_on_request() {
    let dir = tempfile::tempdir().expect("folder");
    let [train, test, groups] =
        ["train.jsonl", "test.jsonl", "groups.parquet"].map(|name| dir.path().join(name));
    fs::write(&train, mirrored(&["Sing", "Hum"])).expect("written");
    fs::write(&test, mirrored(&["Read"])).expect("written");
    let files = [text(&train), "--test", text(&test), "--from", "trl", "--out", text(&groups)];
    succeed(&[&["import"], &files[..]].concat());
    let export = |name: &str, flags: &[&str]| {
        let out = dir.path().join(name);
        let args = ["export", text(&groups), "--to", "trl", "--out", text(&out)];
        let said = succeed(&[&args[..], flags].concat()).stderr;
        (said, fs::read_to_string(&out).expect("rows"))
    };
    let (said, rows) = export("default.jsonl", &[]);
    assert!(said.contains("2 groups (2 train), 4 rows"), "{said}");
    assert!(rows.contains("Sing") && !rows.contains("Read"), "{rows}");
    let (said, rows) = export("all.jsonl", &["--split", "all"]);
    assert!(said.contains("3 groups (2 train, 1 test), 6 rows"), "{said}");
    assert!(rows.contains("Read"), "{rows}");
}

#[test]
fn imported_groups_can_be_trained_on_and_no_stage_replaces_them() {
    let dir = tempfile::tempdir().expect("folder");
    let [train, dev, out] = ["train.jsonl", "dev.jsonl", "run"].map(|name| dir.path().join(name));
    fs::write(&train, mirrored(&["Sing", "Hum", "Call", "Cry", "Chant"])).expect("written");
    fs::write(&dev, mirrored(&["Read", "Tell"])).expect("written");
    let groups = out.join("preferences.parquet");
    let files = [text(&train), "--dev", text(&dev), "--from", "trl", "--out", text(&groups)];
    let said = succeed(&[&["import"], &files[..]].concat()).stderr;
    assert!(said.contains("14 rows, 7 groups (5 train, 2 dev)"), "{said}");
    let before = fs::read(&groups).expect("groups");

    let choose = [
        "train.load_best_model_at_end=true",
        "train.early_stopping_patience=2",
        "train.eval_steps=1",
    ];
    let mut args = vec!["train", "--preset", "smoke", "--out", text(&out)];
    args.extend(choose.iter().flat_map(|value| ["--set", value]));
    let said = succeed(&args).stderr;
    assert!(said.contains("on 5 groups") && said.contains("dev accuracy"), "{said}");
    assert!(out.join("train").join("iopo").join("adapter_model.safetensors").is_file());

    let files = || {
        let entries = fs::read_dir(&out).expect("listed");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let listed = files();
    for stage in ["synth", "pairs", "rounds", "pipeline"] {
        let error = run(&[stage, "--out", text(&out)]).error(2);
        assert!(error.contains("imported groups") && error.contains("iopo train --out"), "{error}");
    }
    let error = run(&["eval", "--out", text(&out)]).error(2);
    assert!(error.contains("no tasks") && error.contains("--test-size 0.1"), "{error}");
    assert!(!out.join("tasks.jsonl").exists(), "no stage started");
    assert_eq!(files(), listed, "no stage started");
    succeed(&["rounds", "--out", text(&out), "--set", "rounds=1"]);
    succeed(&["report", "--out", text(&out)]);
    assert_eq!(fs::read(&groups).expect("groups"), before);
}

#[test]
fn help_of_import_and_export() {
    insta::assert_snapshot!(succeed(&["import", "--help"]).stdout);
    insta::assert_snapshot!(succeed(&["export", "--help"]).stdout);
}
