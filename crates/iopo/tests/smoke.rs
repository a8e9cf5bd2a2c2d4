//! The whole pipeline with a tiny random model.

mod common;

use std::fs;
use std::time::SystemTime;

use common::{run, succeed, text};

#[test]
fn the_smoke_preset_runs_every_stage_and_a_second_run_changes_nothing() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let out = dir.path().join("run");
    let args = ["pipeline", "--preset", "smoke", "--out", text(&out)];
    let first = succeed(&args);

    let report = fs::read_to_string(out.join("report.html")).expect("report");
    assert!(report.contains("</html>"));
    assert!(
        !report.contains("src=\"http") && !report.contains("href=\"http"),
        "the page loads nothing from the network"
    );
    for fact in
        ["Model", "Weights (BLAKE3)", "Device", "Random seed", "Training seeds", "Test tasks"]
    {
        assert!(report.contains(&format!("<div><dt>{fact}</dt><dd>")), "{fact}");
    }
    for name in ["base", "sft", "dpo", "iopo"] {
        assert!(first.stdout.contains(name), "the table lacks {name}:\n{}", first.stdout);
        for file in ["predictions.parquet", "scores.parquet"] {
            let shown = succeed(&["inspect", text(&out.join("eval").join(name).join(file))]);
            assert!(shown.stdout.contains(" version 2\n"), "{}", shown.stdout);
        }
        let shown = out.join("eval").join(name).join("response_logps.parquet");
        let shown = succeed(&["inspect", text(&shown)]).stdout;
        assert!(!shown.contains("rows      0 "), "every answer of {name} is blank:\n{shown}");
        if name != "base" {
            let method = out.join("train").join(name);
            for file in ["adapter_config.json", "adapter_model.safetensors", "metrics.parquet"] {
                assert!(method.join(file).is_file(), "{name} lacks {file}");
            }
        }
    }
    let groups =
        succeed(&["inspect", text(&out.join("preferences.parquet")), "--rows", "1"]).stdout;
    for word in ["schema    preferences version 4", "producer  iopo-pairs", "\"proof\"", "\"x1\""] {
        assert!(groups.contains(word), "`{word}` is missing:\n{groups}");
    }

    let written = |name: &str| -> SystemTime {
        fs::metadata(out.join(name)).and_then(|meta| meta.modified()).expect("modification time")
    };
    let files =
        ["instructions.parquet", "preferences.parquet", "train/iopo/adapter_model.safetensors"];
    let before = files.map(written);
    let second = succeed(&args);
    assert_eq!(files.map(written), before, "finished stages are skipped");
    assert_eq!(second.stdout, first.stdout, "the same table");

    let answers = written("answers.parquet");
    let plain = succeed(&["synth", "--out", text(&out)]);
    assert_eq!(written("answers.parquet"), answers, "a finished synthesis samples nothing");
    assert!(!plain.stderr.contains("no effect"), "negative control: {}", plain.stderr);

    let other = run(&["train", "--preset", "smoke", "--out", text(&out), "--seed", "9"]).error(2);
    assert!(
        other.contains("cannot run train: synth is stale (") && other.contains("synth.seed: 0 → 9"),
        "{other}"
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_cleanly_and_tells_how_to_resume() {
    use std::process::{Command, Stdio};

    let dir = tempfile::tempdir().expect("temporary directory");
    let out = dir.path().join("run");
    let args = ["pipeline", "--preset", "smoke", "--out", text(&out)];
    let mut child =
        common::iopo(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    // When the model is written, the handler is installed and most of the work is still to do.
    let begun = std::time::Instant::now();
    while !out.join("model").join("config.json").exists() {
        if begun.elapsed() > std::time::Duration::from_mins(1) {
            let _ = child.kill();
            let ended = child.wait_with_output().expect("ended");
            panic!("no model in 60 s:\n{}", String::from_utf8_lossy(&ended.stderr));
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(kill.success());
    let ended = child.wait_with_output().expect("ended");
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("run the same command again to resume"), "{stderr}");
    assert!(!out.join("report.html").exists());
}

#[test]
fn a_bf16_base_is_trained_with_adapters_and_a_run_keeps_its_type() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let out = dir.path().join("run");
    let methods = "train.methods=[\"sft\", \"iopo\"]";
    let with = |stage: &'static str, dtype: &'static str| {
        let args = [stage, "--preset", "smoke", "--out", text(&out), "--dtype", dtype];
        run(&[&args[..], &["--set", methods]].concat())
    };
    for stage in ["synth", "pairs", "train", "rounds", "eval"] {
        let outcome = with(stage, "bf16");
        assert_eq!(outcome.code, Some(0), "{stage}: {}", outcome.stderr);
    }
    assert!(out.join("train/iopo/adapter_model.safetensors").is_file());
    let error = with("train", "f32").error(2);
    assert!(error.contains("synth is stale (dtype: \"bf16\" → \"f32\")"), "{error}");
}
