//! Errors as the user meets them: what failed, the way out, the exit code.

use std::fmt;
use std::process::ExitCode;

/// Exit codes by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Something failed.
    Failure = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// The user stopped it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error of the binary itself, or a frame around one of a library's.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    way_out: Option<String>,
    exit: Exit,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// Something failed.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), way_out: None, exit: Exit::Failure }
    }

    /// The command line or the configuration is wrong.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::new(what) }
    }

    /// Says what to do about it.
    pub(crate) fn way_out(self, way_out: impl Into<String>) -> Self {
        Self { way_out: Some(way_out.into()), ..self }
    }

    /// What to do about it.
    pub(crate) fn says_how(&self) -> Option<&str> {
        self.way_out.as_deref()
    }
}

/// The exit code that an error asks for.
pub(crate) fn exit_of(error: &anyhow::Error) -> Exit {
    error.downcast_ref::<Failure>().map_or(Exit::Failure, |failure| failure.exit)
}

/// The error as text: each cause on a line of its own, then the way out.
pub(crate) fn render(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error}");
    let mut last = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Wrappers that only repeat their source say nothing new.
        if !last.contains(&cause) {
            text.push_str("\n  caused by: ");
            text.push_str(&cause.replace('\n', "\n    "));
        }
        last = cause;
    }
    if let Some(way_out) = error.downcast_ref::<Failure>().and_then(Failure::says_how) {
        text.push_str("\n  way out: ");
        text.push_str(way_out);
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::{Exit, Failure, exit_of, render};

    #[test]
    fn causes_come_in_order_and_the_way_out_last() {
        let low = Err::<(), _>(anyhow!("no such file"));
        let error =
            low.context(Failure::usage("cannot read x.toml").way_out("pass --config")).unwrap_err();
        let text = "error: cannot read x.toml\n  caused by: no such file\n  way out: pass --config";
        assert_eq!(render(&error), text);
        assert_eq!(exit_of(&error), Exit::Usage);
    }

    #[test]
    fn a_frame_around_a_failure_keeps_its_exit_code() {
        let error = anyhow::Error::new(Failure::usage("bad key"))
            .context("failed to read the configuration");
        assert_eq!(exit_of(&error), Exit::Usage);
        assert_eq!(exit_of(&anyhow!("plain")), Exit::Failure);
    }

    #[test]
    fn a_wrapper_that_repeats_its_source_is_shown_once() {
        let error = anyhow!("disk full").context("failed to write: disk full");
        assert_eq!(render(&error), "error: failed to write: disk full");
    }
}
