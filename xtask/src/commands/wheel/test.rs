//! Tests the wheel in an environment of its own.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::build::{inside, package, work};
use crate::cargo::{cargo, root, run, say};

/// The variable that names the directory of labeled data.
const LABELS: &str = "IOPO_TEST_DATA";

/// Checks the module with clippy, installs the wheel into an empty environment and runs the tests, first without any other package, then with pyarrow and
/// mypy. Only programs of the environment are on the path, so neither cargo nor rustc.
pub(super) fn run_all(wheel: &Path) -> Result<()> {
    let manifest = package().join("Cargo.toml");
    let mut clippy = cargo(&["clippy", "--locked", "--quiet", "--manifest-path"]);
    clippy.arg(manifest).arg("--target-dir").arg(work().join("build"));
    run(clippy.args(["--", "-D", "warnings"]))?;
    let venv = work().join("test");
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    run(install(&venv).args(["--no-index"]).arg(wheel))?;
    run(python(&venv).args(["-m", "unittest", "discover", "--start-directory"]).arg(tests()))?;
    let requirements = root().join("fixtures").join("wheel").join("tests.txt");
    run(install(&venv).arg("--requirement").arg(requirements))?;
    let mut all = python(&venv);
    all.args(["-m", "unittest", "discover", "--start-directory"]).arg(tests());
    // With the packages, no test may be skipped for lack of them.
    run(all.env("IOPO_TEST_PACKAGES", "1"))?;
    // The other modules have their types in the code.
    run(python(&venv).args(["-m", "mypy.stubtest", "iopo._native"]))?;
    run(python(&venv).args(["-m", "mypy", "--strict"]).arg(tests().join("typed.py")))?;
    let labels = labels();
    if labels.is_dir() {
        say("wheel: all tests passed");
    } else {
        say(&format!(
            "wheel: all tests passed but those of labels, which were skipped: {} is absent",
            labels.display()
        ));
    }
    Ok(())
}

/// The directory of labeled data, which is not part of the repository.
fn labels() -> std::path::PathBuf {
    let own = std::env::var_os(LABELS).map(std::path::PathBuf::from);
    own.unwrap_or_else(|| root().join("..").join("shared").join("data"))
}

fn tests() -> std::path::PathBuf {
    package().join("tests")
}

fn install(venv: &Path) -> Command {
    let mut pip = python(venv);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    pip
}

/// Python of the environment, with nothing else on its path.
fn python(venv: &Path) -> Command {
    let program = inside(venv, "python");
    let mut python = Command::new(&program);
    if let Some(dir) = program.parent() {
        python.env("PATH", dir);
    }
    // A directory without sources of the package, so that the installed one is imported.
    python.current_dir(venv).env(LABELS, labels());
    python
}
