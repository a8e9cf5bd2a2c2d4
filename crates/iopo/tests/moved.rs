//! Runs that are moved, or resumed from another working directory.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Outcome, finish, iopo, succeed, text};

/// Two directories. The first has a model, tasks and prompts.
fn places() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().expect("temporary directory");
    let root = dir.path().canonicalize().expect("it exists");
    let [first, second] = ["first", "second"].map(|name| root.join(name));
    for place in [&first, &second] {
        fs::create_dir(place).expect("made");
    }
    iopo::tiny::create(&first.join("model")).expect("created");
    let tasks: Vec<&str> = include_str!("../data/tasks.jsonl").lines().take(12).collect();
    fs::write(first.join("tasks.jsonl"), tasks.join("\n")).expect("written");
    (dir, first, second)
}

fn at(place: &Path, args: &[&str]) -> Outcome {
    finish(iopo(args).current_dir(place))
}

#[track_caller]
fn ok(place: &Path, args: &[&str]) -> Outcome {
    let outcome = at(place, args);
    assert_eq!(outcome.code, Some(0), "{args:?}:\n{}", outcome.stderr);
    outcome
}

/// A stage with the settings of a small run, whose paths are relative.
fn stage(name: &str) -> Vec<&str> {
    let mut args = vec![name, "--preset", "smoke", "--model", "./model", "--out", "run"];
    let settings = [
        "tasks=../first/tasks.jsonl",
        "pairs.test_tasks=3",
        "pairs.dev_tasks=2",
        "train.methods=[\"sft\", \"iopo\"]",
    ];
    for set in settings {
        args.extend(["--set", set]);
    }
    args
}

fn base_of(adapter: &Path) -> String {
    let config = fs::read(adapter.join("adapter_config.json")).expect("settings");
    let config: serde_json::Value = serde_json::from_slice(&config).expect("JSON");
    config["base_model_name_or_path"].as_str().expect("a text").to_owned()
}

#[test]
fn a_moved_run_with_a_relative_model_resumes_from_another_directory() {
    let (_dir, first, second) = places();
    for name in ["synth", "pairs"] {
        ok(&first, &stage(name));
    }
    // Other files under the same relative names must not be taken for those of the run.
    iopo::tiny::create(&second.join("model")).expect("created");
    fs::write(second.join("model/config.json"), "{}").expect("written");
    let moved = second.join("moved");
    fs::rename(first.join("run"), &moved).expect("moved");
    ok(&second, &["train", "--out", "moved"]);
    for method in ["sft", "iopo"] {
        let base = base_of(&moved.join("train").join(method));
        assert_eq!(Path::new(&base), first.join("model"), "PEFT finds the base from anywhere");
    }

    ok(&second, &["pipeline", "--out", "moved"]);
    let status = |out: &Path| succeed(&["status", text(out)]).stdout;
    let before = status(&moved);
    assert_eq!(before.matches("valid\n").count(), 6, "{before}");
    let adapter = "train/iopo/adapter_model.safetensors";
    let written = |out: &Path| fs::metadata(out.join(adapter)).and_then(|meta| meta.modified());
    let time = written(&moved).expect("time");
    let back = first.join("back");
    fs::rename(&moved, &back).expect("moved");
    assert_eq!(status(&back), before);
    ok(&second, &["pipeline", "--out", "../first/back"]);
    assert_eq!(written(&back).expect("time"), time, "trained again");

    // Negative control: without the model, the run cannot be resumed, and the error names the full path.
    fs::create_dir(first.join("elsewhere")).expect("made");
    fs::rename(first.join("model"), first.join("elsewhere/model")).expect("moved");
    let error = at(&first, &["train", "--out", "back", "--set", "train.beta=0.2"]).error(2);
    assert!(error.contains(&format!("no model `{}`", text(&first.join("model")))), "{error}");
    // The same weights elsewhere are the same model.
    ok(&first, &["pipeline", "--out", "back", "--model", "elsewhere/model"]);
    assert_eq!(written(&back).expect("time"), time, "trained again");
}

#[test]
fn the_copy_of_the_tasks_replaces_a_file_with_a_relative_path_that_is_gone() {
    let (_dir, first, second) = places();
    ok(&first, &stage("synth"));
    fs::remove_file(first.join("tasks.jsonl")).expect("removed");
    for name in ["synth", "pairs"] {
        ok(&first, &stage(name));
    }
    // The same path is another file elsewhere.
    let there = ["status", "../first/run", "--set", "tasks=tasks.jsonl"];
    let error = at(&second, &there).error(2);
    assert!(error.contains("`tasks`: found ") && error.contains("does not exist"), "{error}");
    let status = ok(&first, &["status", "run", "--set", "tasks=tasks.jsonl"]).stdout;
    assert!(status.contains("synth   valid\n"), "{status}");
}

#[test]
fn the_tiny_model_of_a_run_is_recorded_with_its_path() {
    let (_dir, first, _) = places();
    let mut args = stage("synth");
    let model = args.iter().position(|arg| *arg == "./model").expect("the flag");
    args[model] = "tiny";
    // The name of the built-in model is no path.
    assert!(!first.join("tiny").exists());
    for name in ["synth", "pairs", "train"] {
        args[0] = name;
        ok(&first, &args);
    }
    let run = first.join("run");
    assert_eq!(Path::new(&base_of(&run.join("train/sft"))), run.join("model"));
    let config = fs::read_to_string(run.join("config.toml")).expect("text");
    assert!(config.contains("model = \"tiny\""), "{config}");
}
