//! `cargo xtask interop`: what others make of our files; see `fixtures/interop/README.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cargo::{cargo, root, run, say, works};

const TORCH: &str = "torch==2.9.1";

/// Trains, merges and exports with the smoke preset, then asks Python.
pub(crate) fn run_all() -> Result<()> {
    let dir = root().join("target").join("interop");
    fs::create_dir_all(&dir).with_context(|| format!("failed to make {}", dir.display()))?;
    let python = Python::ready(&dir)?;
    let work = dir.join("work");
    if work.exists() {
        fs::remove_dir_all(&work).with_context(|| format!("failed to clear {}", work.display()))?;
    }
    make(&work)?;
    run(python.command().arg(fixtures("check.py")).arg(&work))?;
    merge_saved(&work)?;
    for kind in ["plain", "conversational"] {
        let rows = path(&work, &format!("datasets-{kind}.parquet"));
        let back = path(&work, &format!("back-{kind}.parquet"));
        iopo(&["import", &rows, "--from", "trl", "--out", &back])?;
    }
    say("interop: everything agrees");
    Ok(())
}

/// Everything that Python looks at.
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
        let args = ["export", groups.as_str(), "--to", "trl", "--out", out.as_str()];
        iopo(&[&args[..], flags].concat())?;
    }
    logits(&[&groups, &model, &path(work, "adapter.safetensors"), &adapter])?;
    logits(&[&groups, &merged, &path(work, "merged.safetensors")])
}

/// The adapter as PEFT saved it, without our card, comes to the same merged weights.
fn merge_saved(work: &Path) -> Result<()> {
    let [model, saved, out] =
        ["run/model", "saved-by-peft", "merged-saved"].map(|name| path(work, name));
    iopo(&["merge", "--model", &model, "--adapter", &saved, "--out", &out])?;
    let weights = |name: &str| {
        let file = work.join(name).join("model.safetensors");
        fs::read(&file).with_context(|| format!("failed to read {}", file.display()))
    };
    if weights("merged")? != weights("merged-saved")? {
        bail!("an adapter that PEFT saved merges to other weights than ours");
    }
    say("an adapter that PEFT saved merges to the same weights, byte for byte");
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

fn fixtures(name: &str) -> PathBuf {
    root().join("fixtures").join("interop").join(name)
}

/// A Python with everything that the check imports.
struct Python {
    program: PathBuf,
    /// Where stand-ins for NVIDIA's libraries lie, if there are any.
    stand_ins: Option<PathBuf>,
}

impl Python {
    /// Makes the virtual environment, or what is missing in it.
    fn ready(dir: &Path) -> Result<Self> {
        let venv = dir.join("venv");
        let inside = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
        let mut python = Self { program: venv.join(inside), stand_ins: None };
        if !python.program.exists() {
            run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        }
        run(python.pip(&["--requirement"]).arg(fixtures("requirements.txt")))?;
        if python.has_torch() {
            return Ok(python);
        }
        run(&mut python.pip(&[TORCH]))?;
        if !python.has_torch() {
            let stand_ins = dir.join("stand-ins");
            if !stand_ins.exists() {
                run(python.command().arg(fixtures("stand_ins.py")).arg(&stand_ins))?;
            }
            python.stand_ins = Some(stand_ins);
        }
        if !python.has_torch() {
            bail!(
                "PyTorch does not import; `{} -m pip install {TORCH}` brings NVIDIA's libraries too",
                python.program.display()
            );
        }
        Ok(python)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("HF_HUB_OFFLINE", "1").env("PYTHONDONTWRITEBYTECODE", "1");
        if let Some(dir) = &self.stand_ins {
            command.env("LD_LIBRARY_PATH", dir);
        }
        command
    }

    fn pip(&self, args: &[&str]) -> Command {
        let mut command = self.command();
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        command.arg("--no-deps").args(args);
        command
    }

    fn has_torch(&self) -> bool {
        works(self.command().args(["-c", "import torch"]))
    }
}
