//! The Python environment of the repository, under `target/python`; see `fixtures/python/README.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cargo::{root, run, say, works};

const TORCH: &str = "torch==2.9.1";

/// A Python interpreter with every package that the scripts import.
pub(crate) struct Python {
    program: PathBuf,
    /// Directory of stubs that replace NVIDIA libraries, if it exists.
    stand_ins: Option<PathBuf>,
}

impl Python {
    /// Creates the virtual environment, or installs the packages that are missing.
    pub(crate) fn ready() -> Result<Self> {
        let dir = root().join("target").join("python");
        fs::create_dir_all(&dir).with_context(|| format!("failed to create {}", dir.display()))?;
        let venv = dir.join("venv");
        let inside = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
        let mut python = Self { program: venv.join(inside), stand_ins: None };
        if !works(python.command().args(["-m", "pip", "--version"])) {
            // `--clear` removes an incomplete environment.
            run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        }
        run(python.pip(&["--requirement"]).arg(fixtures("requirements.txt")))?;
        python.get_torch(&dir)?;
        Ok(python)
    }

    /// A command that runs a script.
    pub(crate) fn script(&self, script: &Path) -> Command {
        let mut command = self.command();
        command.arg(script);
        command
    }

    /// Installs a wheel, in place of an earlier one of the same version.
    pub(crate) fn install(&self, wheel: &Path) -> Result<()> {
        run(self.pip(&["--force-reinstall", "--no-index"]).arg(wheel))
    }

    fn get_torch(&mut self, dir: &Path) -> Result<()> {
        let stand_ins = dir.join("stand-ins");
        if stand_ins.exists() {
            self.stand_ins = Some(stand_ins.clone());
        }
        if self.has_torch() {
            return Ok(());
        }
        say("installing PyTorch");
        run(&mut self.pip(&[TORCH]))?;
        if !self.has_torch() {
            run(self.script(&fixtures("stand_ins.py")).arg(&stand_ins))?;
            self.stand_ins = Some(stand_ins);
        }
        if !self.has_torch() {
            bail!(
                "failed to import PyTorch; hint: run `{} -m pip install {TORCH}`, which also installs NVIDIA's libraries",
                self.program.display()
            );
        }
        Ok(())
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

fn fixtures(name: &str) -> PathBuf {
    root().join("fixtures").join("python").join(name)
}
