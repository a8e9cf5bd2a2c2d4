//! Turns panics into errors. Burn's backends panic if a driver fails or memory runs out, and the user should see an error
//! with a hint, not a backtrace. (If main memory runs out on flex, the system ends the process without a panic.)

use std::backtrace::Backtrace;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use anyhow::Result;
use iopo_core::files::{self, Limit};
use iopo_model::device::panic_message;

use crate::failure::Failure;

/// The latest panics, oldest first. Backends catch some and continue, so most have nothing to do with a later one.
static LATEST: Mutex<Vec<Panic>> = Mutex::new(Vec::new());

/// Number of panics to remember.
const REMEMBERED: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Panic {
    said: String,
    place: String,
}

/// What a thread says that lost another one. The other's panic is the cause, and only then is it shown.
const LOST: [&str; 6] =
    ["recverror", "senderror", "poisonerror", "any { .. }", "disconnected", "closed channel"];

/// Maximum number of characters shown of a library's message.
const LONGEST: usize = 300;

/// Phrases with which drivers and libraries report that memory ran out.
const NO_MEMORY: [&str; 7] = [
    "out of memory",
    "out of device memory",
    "outofmemory",
    "can't allocate",
    "cannot allocate",
    "not enough memory",
    "failed to allocate",
];

/// Phrases with which libraries report that the system refuses to start another thread.
const NO_THREADS: [&str; 3] =
    ["failed to spawn thread", "threadpoolbuilderror", "failed to start a thread"];

/// Stops panics from printing; `IOPO_LOG=debug` logs them. Panics of the Parquet decoder are ignored: they become errors
/// about the file.
pub(crate) fn keep_quiet() {
    std::panic::set_hook(Box::new(|panic| {
        if iopo_schema::is_decoding() {
            return;
        }
        tracing::debug!("{panic}\n{}", Backtrace::capture());
        let place = panic.location().map(|at| format!(" (at {}:{})", at.file(), at.line()));
        let this = Panic { said: panic_message(panic.payload()), place: place.unwrap_or_default() };
        if let Ok(mut latest) = LATEST.lock() {
            if latest.len() == REMEMBERED {
                latest.remove(0);
            }
            latest.push(this);
        }
    }));
}

/// Takes the remembered panics.
fn latest() -> Vec<Panic> {
    LATEST.lock().map(|mut latest| std::mem::take(&mut *latest)).unwrap_or_default()
}

/// Returns the panic that made a thread panic with `text`, if `text` says that the thread lost another one.
fn cause<'a>(text: &str, latest: &'a [Panic]) -> Option<&'a Panic> {
    let lost = |text: &str| contains(&LOST, text);
    if !lost(text) {
        return None;
    }
    latest.iter().rev().find(|panic| !lost(&panic.said))
}

/// Returns the message of the panic that caused an error, in brackets; empty if the error has another cause.
pub(crate) fn cause_of(error: &str) -> String {
    let latest = latest();
    let cause = cause(error, &latest);
    cause.map(|panic| format!(" ({})", shortened(&panic.said))).unwrap_or_default()
}

/// Returns the first lines of a library's message, without its stack.
pub(crate) fn shortened(text: &str) -> String {
    // A nested error has its line breaks escaped.
    let text = text.replace("\\n", "\n");
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("frame #"));
    let text = lines.take(3).collect::<Vec<_>>().join(" / ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Runs `work` and turns a panic into an error. An error about memory gets a hint.
pub(crate) fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        // An operating system error has a separate hint.
        Ok(Err(error)) if !at_limit(&error) && no_memory(&format!("{error:#}")) => {
            Err(error.context(exhausted("")))
        }
        Ok(made) => made,
        Err(panic) => Err(failure(&panic_message(&*panic), &latest()).into()),
    }
}

fn at_limit(error: &anyhow::Error) -> bool {
    let hint = |cause: &(dyn Error + 'static)| cause.downcast_ref().and_then(files::hint);
    error.chain().any(|cause| hint(cause).is_some())
}

fn no_memory(text: &str) -> bool {
    contains(&NO_MEMORY, &text.replace('_', " "))
}

fn contains(signs: &[&str], text: &str) -> bool {
    let text = text.to_lowercase();
    signs.iter().any(|sign| text.contains(sign))
}

fn exhausted(said: &str) -> Failure {
    Failure::new(format!("the device is out of memory{said}")).hint(
        "run the same command again to resume; --gradient-checkpointing makes training use less memory. A new run \
         (another --out) can also use --dtype bf16, a lower train.tokens_per_micro_batch or a lower generation_batch",
    )
}

fn failure(text: &str, latest: &[Panic]) -> Failure {
    let cause = cause(text, latest);
    let said = || [Some(text), cause.map(|panic| panic.said.as_str())].into_iter().flatten();
    if let Some(text) = said().find(|text| no_memory(text)) {
        return exhausted(&format!(": {}", shortened(text)));
    }
    if let Some(text) = said().find(|text| contains(&NO_THREADS, text)) {
        return Failure::new(format!("failed to start a thread: {}", shortened(text)))
            .hint(Limit::Threads.hint());
    }
    let mut short = shortened(text);
    if let Some(cause) = cause {
        short = format!("{short}; preceded by: {}", shortened(&cause.said));
    }
    let shown = cause.or_else(|| latest.iter().rev().find(|panic| panic.said == text));
    let place = shown.map(|panic| panic.place.as_str()).unwrap_or_default();
    Failure::new(format!("internal error: {short}{place}")).hint(
        "run the same command again to resume, with IOPO_LOG=debug to log more. Please report this error unless a driver or \
         a device caused it",
    )
}

#[cfg(test)]
mod tests {
    use anyhow::{Result, bail};

    use super::{Panic, caught, failure};
    use crate::failure::{Exit, exit_of, render};

    fn panics(text: &str) -> String {
        let error = caught(|| -> Result<()> { panic!("{text}") }).expect_err("it panicked");
        assert_eq!(exit_of(&error), Exit::Failure);
        render(&error)
    }

    #[test]
    fn running_out_of_memory_has_its_own_message() {
        for text in
            ["DriverError(CUDA_ERROR_OUT_OF_MEMORY)", "DefaultCPUAllocator: can't allocate memory"]
        {
            let said = panics(text);
            assert!(said.contains(text) && said.contains("--gradient-checkpointing"), "{said}");
        }
        let said = panics("index out of bounds\n\n  a\n  b\n  c");
        assert!(
            said.contains("index out of bounds / a / b")
                && !said.contains("--gradient-checkpointing"),
            "{said}"
        );
    }

    #[test]
    fn running_out_of_threads_has_its_own_message() {
        for text in [
            "failed to spawn thread: Os { code: 11, kind: WouldBlock }",
            "The global thread pool has not been initialized.: ThreadPoolBuildError { kind: IOError(..) }",
        ] {
            let said = panics(text);
            assert!(
                said.contains("error: failed to start a thread") && said.contains("ulimit -u"),
                "{said}"
            );
            assert!(!said.contains("internal error"), "{said}");
        }
    }

    #[test]
    fn a_panic_is_shown_beside_a_later_one_only_if_it_is_the_cause() {
        let panic = |said: &str, line: u32| Panic {
            said: said.to_owned(),
            place: format!(" (at driver.rs:{line})"),
        };
        let of = |text, latest: &[Panic]| render(&failure(text, latest).into());
        let (swallowed, lost) = (panic("no such kernel", 3), panic("RecvError", 9));
        let cause = panic("no adapter found", 7);
        let said = of("RecvError", &[swallowed.clone(), cause.clone(), lost.clone()]);
        assert!(
            said.contains("RecvError; preceded by: no adapter found (at driver.rs:7)"),
            "{said}"
        );
        // Negative control: a panic with a cause of its own.
        let own = of("out of bounds", &[swallowed.clone(), panic("out of bounds", 8)]);
        assert!(own.contains("out of bounds (at driver.rs:8)"), "{own}");
        assert!(!own.contains("preceded") && !own.contains("kernel"), "{own}");
        let full = panic("CUDA_ERROR_OUT_OF_MEMORY", 7);
        let said = of("RecvError", &[full.clone(), lost]);
        assert!(said.contains("OUT_OF_MEMORY") && said.contains("--gradient-checkpointing"));
        assert!(!of("out of bounds", &[full]).contains("--gradient-checkpointing"));
        assert!(of("RecvError", &[]).contains("RecvError"));
        assert_eq!(super::cause("SendError(..)", std::slice::from_ref(&cause)), Some(&cause));
        assert_eq!(super::cause("3 ones added up to 2", &[cause]), None);
    }

    #[test]
    fn the_stack_of_a_library_is_not_shown() {
        let text = "unwrap on: Torch(\"can't allocate memory\\nframe #0: a\\nframe #1: b\\n\")";
        let said = panics(text);
        assert!(said.contains("can't allocate memory") && !said.contains("frame"), "{said}");
    }

    #[test]
    fn a_long_message_is_cut() {
        let said = panics(&"library.so ".repeat(100));
        assert!(said.contains("library.so library") && said.contains('…'), "{said}");
        assert!(said.chars().count() < 600, "{said}");
    }

    #[test]
    fn an_error_about_memory_gets_the_hint_too() {
        let error = caught(|| -> Result<()> { bail!("out of device memory allocating 12 bytes") });
        let said = render(&error.expect_err("an error"));
        assert!(said.contains("12 bytes") && said.contains("--gradient-checkpointing"), "{said}");
    }

    #[test]
    fn results_without_a_panic_are_returned() {
        assert_eq!(caught(|| Ok(3)).expect("a value"), 3);
        assert_eq!(
            caught(|| -> Result<()> { bail!("plain") }).expect_err("an error").to_string(),
            "plain"
        );
    }
}
