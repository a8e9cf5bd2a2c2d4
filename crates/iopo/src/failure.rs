//! Errors of the binary: what failed, a hint at the remedy, the exit code.

pub(crate) mod pipeline;

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use iopo::config::ConfigError;
use iopo::pipeline::PipelineError;
use iopo::roles::RolesError;
use iopo_constraints::ConstraintError;
use iopo_constraints::ifeval::InstructionError;
use iopo_core::files;
use iopo_eval::EvalError;
use iopo_model::ModelError;
use iopo_pairs::PairsError;
use iopo_pairs::exchange::ExchangeError;
use iopo_report::ReportError;
use iopo_schema::SchemaError;
use iopo_synth::SynthError;
use iopo_train::TrainError;

/// Exit codes by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Something failed.
    Failure = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// The user stopped the command.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error of the binary, or context for an error of a library.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    hint: Option<String>,
    exit: Exit,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Failure {}

impl Failure {
    /// Creates an error with exit code 1.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: None, exit: Exit::Failure }
    }

    /// Creates an error about the command line or the configuration, with exit code 2.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::new(what) }
    }

    /// Creates an error about work that Ctrl-C ended, with exit code 130.
    pub(crate) fn interrupted(what: impl Into<String>) -> Self {
        Self { exit: Exit::Interrupted, ..Self::new(what) }
    }

    /// Adds a remedy.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Returns the remedy, if one is known.
    pub(crate) fn remedy(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// Adds a frame with a general remedy, unless a library's error in the chain knows a better one.
pub(crate) fn framed(
    error: impl Into<anyhow::Error>,
    what: impl Into<String>,
    hint: impl Into<String>,
) -> anyhow::Error {
    let error = error.into();
    let hint = error.chain().find_map(library_hint).unwrap_or_else(|| hint.into());
    error.context(Failure::new(what).hint(hint))
}

/// Returns the exit code for an error.
pub(crate) fn exit_of(error: &anyhow::Error) -> Exit {
    error.downcast_ref::<Failure>().map_or(Exit::Failure, |failure| failure.exit)
}

/// Returns whether Ctrl-C ended the command, rather than a failure.
pub(crate) fn is_interrupted(error: &anyhow::Error) -> bool {
    let cancelled = |cause: &(dyn Error + 'static)| {
        cause.downcast_ref::<PipelineError>().is_some_and(PipelineError::is_cancelled)
            || matches!(cause.downcast_ref(), Some(EvalError::Cancelled))
    };
    exit_of(error) == Exit::Interrupted || error.chain().any(cancelled)
}

/// Formats an error: one line per cause, then the hint.
pub(crate) fn render(error: &anyhow::Error) -> String {
    let mut text = format!("error: {error}");
    let mut last = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Skip causes that the line above already contains.
        if !last.contains(&cause) {
            text.push_str("\n  caused by: ");
            text.push_str(&cause.replace('\n', "\n    "));
        }
        last = cause;
    }
    let own = || error.downcast_ref::<Failure>().and_then(Failure::remedy).map(str::to_owned);
    let library = || error.chain().find_map(library_hint);
    if let Some(hint) = system_hint(error).or_else(own).or_else(library) {
        text.push_str("\n  hint: ");
        text.push_str(&hint);
    }
    text
}

/// Returns the remedy for an operating system error, if there is one that does not depend on the command. It takes precedence,
/// because a library that reaches a limit knows only the action that failed.
fn system_hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| match cause.downcast_ref() {
        Some(error @ ModelError::Threads { .. }) => error.hint(),
        _ => cause.downcast_ref().and_then(files::hint).map(str::to_owned),
    })
}

/// Returns the remedy of a library's error, if it knows one.
fn library_hint(cause: &(dyn Error + 'static)) -> Option<String> {
    fn of<E: Error + 'static>(
        cause: &(dyn Error + 'static),
        hint: fn(&E) -> Option<String>,
    ) -> Option<String> {
        cause.downcast_ref().and_then(hint)
    }
    of(cause, PipelineError::hint)
        .or_else(|| of(cause, ConfigError::hint))
        .or_else(|| of(cause, RolesError::hint))
        .or_else(|| of(cause, SynthError::hint))
        .or_else(|| of(cause, PairsError::hint))
        .or_else(|| of(cause, ExchangeError::hint))
        .or_else(|| of(cause, TrainError::hint))
        .or_else(|| of(cause, EvalError::hint))
        .or_else(|| of(cause, ReportError::hint))
        .or_else(|| of(cause, ModelError::hint))
        .or_else(|| of(cause, SchemaError::hint))
        .or_else(|| of(cause, InstructionError::hint))
        .or_else(|| of(cause, ConstraintError::hint))
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use iopo::pipeline::PipelineError;
    use iopo_eval::EvalError;
    use iopo_model::ModelError;
    use iopo_report::ReportError;
    use iopo_schema::SchemaError;

    use super::{Exit, Failure, exit_of, framed, is_interrupted, render};

    #[test]
    fn causes_are_shown_in_order_and_the_hint_last() {
        let low = Err::<(), _>(anyhow!("no such file"));
        let error =
            low.context(Failure::usage("cannot read x.toml").hint("pass --config")).unwrap_err();
        let text = "error: cannot read x.toml\n  caused by: no such file\n  hint: pass --config";
        assert_eq!(render(&error), text);
        assert_eq!(exit_of(&error), Exit::Usage);
    }

    #[test]
    fn a_limit_of_threads_is_known_where_a_thread_starts() {
        let source = || std::io::Error::from(std::io::ErrorKind::WouldBlock);
        let threads = anyhow::Error::new(ModelError::Threads { source: source() });
        let framed = threads.context(Failure::new("failed to train").hint("try again"));
        assert!(render(&framed).contains("ulimit -u"), "{}", render(&framed));
        let other = anyhow::Error::new(source()).context(Failure::new("failed to read"));
        assert!(!render(&other).contains("ulimit -u"), "{}", render(&other));
    }

    #[test]
    fn the_hint_of_a_library_is_shown_once_and_the_binarys_own_replaces_it() {
        let missing = || SchemaError::NoFile { path: "a.parquet".into() };
        let text = render(&anyhow::Error::new(missing()));
        let want =
            "error: a.parquet: found no file, expected a Parquet file\n  hint: check the path";
        assert_eq!(text, want);
        let inside = PipelineError::Report(ReportError::Schema { source: missing() });
        let text = render(&anyhow::Error::new(inside).context("failed to report"));
        assert!(text.ends_with("\n  hint: check the path"), "{text}");
        assert_eq!(text.matches("hint:").count(), 1, "{text}");
        let framed =
            anyhow::Error::new(missing()).context(Failure::new("no data").hint("pass one"));
        assert!(render(&framed).ends_with("\n  hint: pass one"), "{}", render(&framed));
    }

    #[test]
    fn a_general_hint_gives_way_to_that_of_a_library() {
        let missing = SchemaError::NoFile { path: "a.parquet".into() };
        let text = render(&framed(missing, "no data", "pass another"));
        assert!(text.ends_with("\n  hint: check the path"), "{text}");
        let text = render(&framed(anyhow!("disk full"), "no data", "pass another"));
        assert!(text.ends_with("\n  hint: pass another"), "{text}");
    }

    #[cfg(unix)]
    #[test]
    fn a_limit_of_the_system_has_its_own_hint() {
        let render = |code: i32| {
            let source = std::io::Error::from_raw_os_error(code);
            let error =
                SchemaError::Io { path: "a.parquet".into(), action: "open the file", source };
            render(&framed(error, "failed to inspect a.parquet", "it is damaged; delete it"))
        };
        for (code, reason, remedy) in [
            (24, "Too many open files", "ulimit -n"),
            (12, "Cannot allocate memory", "ulimit -v"),
            (28, "No space left on device", "free space"),
        ] {
            let text = render(code);
            assert!(text.contains(reason) && text.contains(remedy), "{text}");
            assert!(!text.contains("damaged") && text.matches("hint:").count() == 1, "{text}");
        }
        // EACCES is not a limit.
        assert!(!render(13).contains("ulimit"), "{}", render(13));
    }

    #[test]
    fn context_around_a_failure_keeps_its_exit_code() {
        let error = anyhow::Error::new(Failure::usage("bad key"))
            .context("failed to read the configuration");
        assert_eq!(exit_of(&error), Exit::Usage);
        assert_eq!(exit_of(&anyhow!("plain")), Exit::Failure);
    }

    #[test]
    fn only_a_cancelled_command_is_interrupted() {
        let cancelled = anyhow::Error::new(PipelineError::Eval(EvalError::Cancelled));
        assert!(is_interrupted(&cancelled.context(Failure::new("eval failed"))));
        assert!(is_interrupted(&anyhow::Error::new(EvalError::Cancelled)));
        assert!(is_interrupted(&anyhow!("killed").context(Failure::interrupted("stopped"))));
        assert!(!is_interrupted(&anyhow!("disk full").context(Failure::new("eval failed"))));
    }

    #[test]
    fn a_cause_that_repeats_its_context_is_shown_once() {
        let error = anyhow!("disk full").context("failed to write: disk full");
        assert_eq!(render(&error), "error: failed to write: disk full");
    }
}
