//! Runs cargo and other programs and shows their output.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

/// A program that failed; xtask exits with its exit code.
#[derive(Debug)]
struct Failed {
    what: String,
    code: Option<i32>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "`{}` ended with exit code {code}", self.what),
            None => write!(f, "`{}` was ended by a signal", self.what),
        }
    }
}

impl std::error::Error for Failed {}

/// The exit code of the program that failed, else 1.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    let code = error.downcast_ref::<Failed>().and_then(|failed| failed.code);
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Prints a line to stderr; the only function that prints.
#[expect(clippy::print_stderr, reason = "xtask is a binary and this is its printer")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    // Cargo sets the variable at run time. The compiled path can be wrong if checkouts share a build directory.
    let built = || PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(built, PathBuf::from);
    manifest.parent().unwrap_or(&manifest).to_path_buf()
}

/// A cargo command in the root of the repository.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = cargo_here(args);
    command.current_dir(root());
    command
}

/// A cargo command in the user's current directory.
pub(crate) fn cargo_here(args: &[&str]) -> Command {
    // Use the cargo that runs xtask.
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args);
    command
}

/// Runs a command; returns an error if it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let what = shown(command);
    say(&format!("$ {what}"));
    let status = command.status().with_context(|| format!("failed to start `{what}`"))?;
    if status.success() { Ok(()) } else { Err(Failed { what, code: status.code() }.into()) }
}

/// Runs a command and returns its stdout; returns an error if it fails. Its stderr is shown.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let what = shown(command);
    say(&format!("$ {what}"));
    let made = command.stderr(Stdio::inherit()).output();
    let made = made.with_context(|| format!("failed to start `{what}`"))?;
    if !made.status.success() {
        return Err(Failed { what, code: made.status.code() }.into());
    }
    String::from_utf8(made.stdout).with_context(|| format!("`{what}` printed invalid UTF-8"))
}

/// The trimmed stdout of a command, or `None` if it fails. Shows nothing.
pub(crate) fn output_quietly(command: &mut Command) -> Option<String> {
    let made = command.stderr(Stdio::null()).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(made.stdout).ok()?;
    made.status.success().then(|| text.trim().to_owned())
}

/// Replaces this process with the command, so that signals and the exit code are those of the command.
#[cfg(unix)]
pub(crate) fn hand_over(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;

    let what = shown(command);
    say(&format!("$ {what}"));
    Err(command.exec()).with_context(|| format!("failed to start `{what}`"))
}

/// Runs the command; xtask exits with its exit code.
#[cfg(not(unix))]
pub(crate) fn hand_over(command: &mut Command) -> Result<()> {
    run(command)
}

/// Whether a command succeeds. Shows nothing.
pub(crate) fn works(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned());
    std::iter::once(name).chain(args).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Failed, cargo, exit_code, root, shown};

    #[test]
    fn the_root_holds_the_workspace() {
        assert!(root().join("Cargo.toml").is_file());
    }

    #[test]
    fn a_command_is_shown_as_a_user_types_it() {
        assert!(shown(&cargo(&["build", "--release"])).ends_with("build --release"));
    }

    #[test]
    fn the_exit_code_of_the_program_is_passed_on() {
        let error = anyhow::Error::new(Failed { what: "iopo".to_owned(), code: Some(130) });
        assert_eq!(exit_code(&error.context("outer")), std::process::ExitCode::from(130));
    }
}
