//! Runs the binary in tests.

use std::path::Path;
use std::process::{Command, Stdio};

/// Output and exit code of the binary.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Returns a command for the binary without environment variables that would change it.
pub(crate) fn iopo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iopo"));
    command.args(args).stdin(Stdio::null()).env_remove("IOPO_LOG").env_remove("IOPO_CACHE");
    command
}

/// Runs the binary until it exits.
pub(crate) fn run(args: &[&str]) -> Outcome {
    finish(&mut iopo(args))
}

/// Runs a command until it exits.
pub(crate) fn finish(command: &mut Command) -> Outcome {
    let out = command.output().expect("the binary starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Outcome { code: out.status.code(), stdout: text(&out.stdout), stderr: text(&out.stderr) }
}

/// Runs the binary and expects it to succeed.
pub(crate) fn succeed(args: &[&str]) -> Outcome {
    let outcome = run(args);
    assert_eq!(outcome.code, Some(0), "iopo {} failed:\n{}", args.join(" "), outcome.stderr);
    outcome
}

impl Outcome {
    /// Asserts the exit code, exactly one `error:` line and no panic; returns stderr from that line on.
    #[track_caller]
    pub(crate) fn error(&self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "stderr:\n{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "a panic:\n{}", self.stderr);
        let errors = self.stderr.lines().filter(|line| line.starts_with("error:")).count();
        assert_eq!(errors, 1, "stderr:\n{}", self.stderr);
        let begin = self.stderr.find("error:").unwrap_or(0);
        self.stderr[begin..].trim_end().to_owned()
    }
}

/// Returns a path as text.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}
