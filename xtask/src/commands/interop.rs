//! `cargo xtask interop`: checks that other libraries read our files; see `fixtures/interop/README.md`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::cargo::{cargo, root, run, say};
use crate::commands::wheel;
use crate::python::Python;

/// Prompts in the format of IFBench. An umlaut and an emoji test the encoding of hashes.
const IFBENCH_PROMPTS: &str = r#"{"key": "0", "prompt": "Tell me of tea in Köln ☕.", "instruction_id_list": ["count:numbers", "words:palindrome"], "kwargs": [{"N": 2.0}, {}]}
{"key": "1", "prompt": "Open when?", "instruction_id_list": ["count:word_count_range"], "kwargs": [{"min_words": 1.0, "max_words": 5.0}]}
{"key": "2", "prompt": "Repeat nothing.", "instruction_id_list": ["words:repeats"], "kwargs": [{"small_n": 1}]}
"#;

/// Responses to them.
const IFBENCH_RESPONSES: &str = r#"{"key": "0", "response": "2 cups at 3"}
{"key": "1", "response": "We open at nine."}
{"key": "2", "response": "no no"}
"#;

/// Trains, merges and exports with the smoke preset, then runs the checks in Python.
pub(crate) fn run_all() -> Result<()> {
    let python = Python::ready()?;
    let work = root().join("target").join("interop").join("work");
    if work.exists() {
        fs::remove_dir_all(&work).with_context(|| format!("failed to clear {}", work.display()))?;
    }
    make(&work)?;
    let script = |name: &str| root().join("fixtures").join("interop").join(name);
    run(python.script(&script("test_compare_runs.py")).arg(work.join("run")))?;
    run(python.script(&script("check.py")).arg(&work))?;
    export_lm_eval(&work)?;
    run(python.script(&script("check_lm_eval.py")).arg(work.join("ifbench")))?;
    score_samples_of_lm_eval(&work, &python)?;
    python.install(&wheel::debug()?)?;
    run(python.script(&script("check_grpo.py")).arg(&work))?;
    merge_saved(&work)?;
    for kind in ["plain", "conversational"] {
        let rows = path(&work, &format!("datasets-{kind}.parquet"));
        let back = path(&work, &format!("back-{kind}.parquet"));
        iopo(&["import", &rows, "--from", "trl", "--out", &back])?;
    }
    say("interop: all checks passed");
    Ok(())
}

/// Writes the files that Python reads.
fn make(work: &Path) -> Result<()> {
    let [run_dir, model, adapter, groups, merged] =
        ["run", "run/model", "run/train/iopo", "run/preferences.parquet", "merged"]
            .map(|name| path(work, name));
    for stage in ["synth", "pairs", "train"] {
        iopo(&[stage, "--preset", "smoke", "--out", &run_dir])?;
    }
    iopo(&["merge", "--model", &model, "--adapter", &adapter, "--out", &merged])?;
    let (none, conversational): (&[&str], &[&str]) = (&[], &["--conversational"]);
    for (kind, flags) in [("plain", none), ("conversational", conversational)] {
        let out = path(work, &format!("trl-{kind}.parquet"));
        let args = ["export", &groups, "--to", "trl", "--split", "all", "--out", &out];
        iopo(&[&args[..], flags].concat())?;
    }
    logits(&[&groups, &model, &path(work, "adapter.safetensors"), &adapter])?;
    logits(&[&groups, &merged, &path(work, "merged.safetensors")])
}

/// Scores a few responses with IFBench and exports them for lm-eval.
fn export_lm_eval(work: &Path) -> Result<()> {
    let [prompts, responses, out] =
        ["ifbench.jsonl", "ifbench-responses.jsonl", "ifbench"].map(|name| path(work, name));
    for (file, text) in [(&prompts, IFBENCH_PROMPTS), (&responses, IFBENCH_RESPONSES)] {
        fs::write(file, text).with_context(|| format!("failed to write {file}"))?;
    }
    let args = ["eval", "ifbench", "--data", &prompts, "--responses", &responses, "--out", &out];
    iopo(&[&args[..], &["--export", "lm-eval"]].concat())
}

/// Scores samples that lm-eval writes, and compares the verdicts with lm-eval's in them.
fn score_samples_of_lm_eval(work: &Path, python: &Python) -> Result<()> {
    let fixtures = root().join("fixtures").join("interop");
    let [script, prompts, responses] =
        ["lm_eval_ifeval.py", "ifeval.jsonl", "ifeval-responses.jsonl"]
            .map(|name| fixtures.join(name));
    let [out, paper, repaired] =
        ["ifeval", "ifeval/paper", "ifeval/repaired"].map(|name| work.join(name));
    run(python.script(&script).arg("write").args([&prompts, &responses, &out]))?;
    let samples = path(&out, "samples.jsonl");
    for (mode, scores) in [("paper", &paper), ("repaired", &repaired)] {
        let [prompts, scores] = [&prompts, scores].map(|path| path.display().to_string());
        let args = ["eval", "ifeval", "--data", &prompts, "--responses", &samples];
        iopo(&[&args[..], &["--mode", mode, "--out", &scores]].concat())?;
    }
    run(python.script(&script).arg("compare").args([&out, &paper, &repaired]))
}

/// Checks that the adapter as PEFT saved it, without our metadata, merges to the same weights.
fn merge_saved(work: &Path) -> Result<()> {
    let [model, saved, out] =
        ["run/model", "saved-by-peft", "merged-saved"].map(|name| path(work, name));
    iopo(&["merge", "--model", &model, "--adapter", &saved, "--out", &out])?;
    let weights = |name: &str| {
        let file = work.join(name).join("model.safetensors");
        fs::read(&file).with_context(|| format!("failed to read {}", file.display()))
    };
    if weights("merged")? != weights("merged-saved")? {
        bail!("an adapter that PEFT saved merges to different weights");
    }
    say("an adapter that PEFT saved merges to identical weights");
    Ok(())
}

fn iopo(args: &[&str]) -> Result<()> {
    run(cargo(&["run", "--quiet", "--package", "iopo", "--bin", "iopo", "--"]).args(args))
}

fn logits(args: &[&str]) -> Result<()> {
    run(cargo(&["run", "--quiet", "--package", "iopo", "--example", "logits", "--"]).args(args))
}

fn path(dir: &Path, name: &str) -> String {
    dir.join(name).display().to_string()
}
