//! Times the module and the published Python checks.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::build::{inside, work};
use crate::cargo::{root, run};

/// Installs the wheel and the published checks into one environment, and times both in the same process.
pub(super) fn run_all(wheel: &Path, data: &Path) -> Result<()> {
    let data = data.canonicalize().with_context(|| format!("failed to find {}", data.display()))?;
    let venv = work().join("bench");
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    let python = inside(&venv, "python");
    let fixtures = root().join("fixtures").join("wheel");
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    run(pip.arg("--requirement").arg(fixtures.join("bench.txt")).arg(wheel))?;
    // The directory has no sources of the package, so the installed one is imported.
    let mut script = Command::new(&python);
    run(script.current_dir(&venv).arg(fixtures.join("time_verdicts.py")).arg(data))
}
