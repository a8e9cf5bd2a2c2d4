//! The files that the audit evaluates in the page.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cargo::{root, run, works};

/// The manifests that pin the version and the hash of axe-core.
const MANIFESTS: [&str; 2] = ["package.json", "package-lock.json"];

/// Returns the path of a file under `fixtures/accessibility`.
pub(super) fn fixture(name: &str) -> PathBuf {
    root().join("fixtures").join("accessibility").join(name)
}

/// Returns the source of axe-core, which npm downloads unless the directory has the pinned version.
pub(super) fn source(dir: &Path) -> Result<String> {
    let script = dir.join("node_modules").join("axe-core").join("axe.min.js");
    let is_pinned = |name: &str| {
        let [ours, theirs] = [fixture(name), dir.join(name)].map(|path| fs::read(path).ok());
        ours.is_some() && ours == theirs
    };
    if !(script.is_file() && MANIFESTS.iter().all(|name| is_pinned(name))) {
        install(dir)?;
    }
    fs::read_to_string(&script).with_context(|| format!("failed to read {}", script.display()))
}

fn install(dir: &Path) -> Result<()> {
    if !works(Command::new("npm").arg("--version")) {
        bail!("failed to run npm, which downloads axe-core; hint: install Node.js with npm");
    }
    fs::create_dir_all(dir).with_context(|| format!("failed to create {}", dir.display()))?;
    for name in MANIFESTS {
        let (from, to) = (fixture(name), dir.join(name));
        fs::copy(&from, &to).with_context(|| format!("failed to write {}", to.display()))?;
    }
    let mut npm = Command::new("npm");
    // npm compares the package with the hash in the lock file.
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(dir);
    run(&mut npm)
}
