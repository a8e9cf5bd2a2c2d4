//! The programs of both sides: `bench_step`, built with the features of `cargo xtask pipeline`, and the PyTorch script.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::cargo::{cargo, output, root, say};
use crate::python::Python;

const EXAMPLE: &str = "bench_step";

/// Both sides, ready to start.
pub(super) struct Programs {
    ours: PathBuf,
    python: Python,
    script: PathBuf,
    threads: usize,
}

impl Programs {
    /// Builds our program and creates the Python environment.
    pub(super) fn ready(threads: usize) -> Result<Self> {
        let script = root().join("fixtures").join("peer").join("bench_peer.py");
        Ok(Self { ours: build()?, python: Python::ready()?, script, threads })
    }

    /// Returns what the measurements depend on besides their flags.
    pub(super) fn settings(&self) -> Value {
        let (ours, theirs) = (changed(&self.ours), changed(&self.script));
        let features = Backend::Flex.fastest();
        // Determines how PyTorch's threads wait for each other.
        let wait = std::env::var("OMP_WAIT_POLICY").ok();
        json!({
            "features": features,
            "threads": self.threads,
            "wait": wait,
            "ours": ours,
            "theirs": theirs,
        })
    }

    /// Runs our program and parses its last line as JSON.
    pub(super) fn ours(&self, args: &[&str]) -> Result<Value> {
        let mut command = Command::new(&self.ours);
        command.args(args).env("RAYON_NUM_THREADS", self.threads.to_string());
        last_line(&output(&mut command)?)
    }

    /// Runs our program to write the inputs of both sides.
    pub(super) fn prepare(&self, args: &[&str]) -> Result<()> {
        output(Command::new(&self.ours).arg("prepare").args(args)).map(drop)
    }

    /// Runs the script for PyTorch and parses its last line as JSON.
    pub(super) fn theirs(&self, args: &[&str]) -> Result<Value> {
        let threads = self.threads.to_string();
        let mut command = self.python.script(&self.script);
        command.args(args).args(["--threads", &threads]).env("OMP_NUM_THREADS", &threads);
        last_line(&output(&mut command)?)
    }
}

/// Builds the example and returns its path.
fn build() -> Result<PathBuf> {
    say("building our side");
    let mut command = cargo(&["build", "--release", "--package", "iopo", "--example", EXAMPLE]);
    command.args(["--no-default-features", "--features", Backend::Flex.fastest()]);
    command.args(["--message-format", "json-render-diagnostics"]);
    let messages = output(&mut command)?;
    executable(&messages).context("cargo reported no executable")
}

fn executable(messages: &str) -> Option<PathBuf> {
    messages.lines().rev().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let built = message["target"]["name"] == EXAMPLE;
        built.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
    })
}

/// Modification time of a file in seconds since 1970.
fn changed(path: &Path) -> Option<u64> {
    let time: SystemTime = path.metadata().ok()?.modified().ok()?;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

fn last_line(printed: &str) -> Result<Value> {
    let line = printed.lines().rev().find(|line| line.starts_with('{'));
    let line = line.context("found no line, expected a line of JSON")?;
    serde_json::from_str(line).context("failed to parse the line of JSON")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{executable, last_line};

    #[test]
    fn the_last_line_of_json_is_parsed() {
        assert_eq!(last_line("noise\n{\"a\": 1}\n{\"a\": 2}\nend\n").expect("JSON")["a"], 2);
        assert!(last_line("no JSON").is_err());
    }

    #[test]
    fn the_executable_of_the_example_is_found() {
        let messages = "{\"target\": {\"name\": \"other\"}, \"executable\": \"/a\"}\n\
                        {\"target\": {\"name\": \"bench_step\"}, \"executable\": \"/b\"}\n\
                        {\"reason\": \"build-finished\"}\n";
        assert_eq!(executable(messages).as_deref(), Some(Path::new("/b")));
    }
}
