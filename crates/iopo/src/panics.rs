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

/// The first panic. Others can follow from it, for instance in a thread that waits for one that panicked.
static FIRST: Mutex<Option<First>> = Mutex::new(None);

#[derive(Debug, Clone)]
struct First {
    said: String,
    place: String,
}

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
        let this = First { said: panic_message(panic.payload()), place: place.unwrap_or_default() };
        if let Ok(mut first) = FIRST.lock() {
            first.get_or_insert(this);
        }
    }));
}

/// Returns the message of the first panic since the last call, in brackets. Empty if `shown` contains it.
pub(crate) fn first_said(shown: &str) -> String {
    let first = FIRST.lock().ok().and_then(|mut first| first.take());
    let other = first.filter(|first| !shown.contains(first.said.trim()));
    other.map(|first| format!(" ({})", shortened(&first.said))).unwrap_or_default()
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
        Err(panic) => {
            let first = FIRST.lock().ok().and_then(|mut first| first.take());
            Err(failure(&panic_message(&*panic), first).into())
        }
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

fn failure(text: &str, first: Option<First>) -> Failure {
    let first = first.unwrap_or_else(|| First { said: text.to_owned(), place: String::new() });
    if let Some(text) = [text, &first.said].into_iter().find(|text| no_memory(text)) {
        return exhausted(&format!(": {}", shortened(text)));
    }
    if let Some(text) = [text, &first.said].into_iter().find(|text| contains(&NO_THREADS, text)) {
        return Failure::new(format!("failed to start a thread: {}", shortened(text)))
            .hint(Limit::Threads.hint());
    }
    let mut short = shortened(text);
    if first.said != text {
        // Backends catch some panics, so the first is not always the cause.
        short = format!("{short}; preceded by: {}", shortened(&first.said));
    }
    let place = first.place;
    Failure::new(format!("internal error: {short}{place}")).hint(
        "run the same command again to resume, with IOPO_LOG=debug to log more. Please report this error unless a driver or \
         a device caused it",
    )
}

#[cfg(test)]
mod tests {
    use anyhow::{Result, bail};

    use super::{First, caught, failure};
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
    fn the_first_panic_is_shown_beside_the_one_that_ended_the_work() {
        let first =
            |said: &str| First { said: said.to_owned(), place: " (at driver.rs:7)".to_owned() };
        let of = |text, first| render(&failure(text, first).into());
        let lost = of("RecvError", Some(first("no adapter found")));
        assert!(
            lost.contains("RecvError; preceded by: no adapter found (at driver.rs:7)"),
            "{lost}"
        );
        let one = of("out of bounds", Some(first("out of bounds")));
        assert!(
            one.contains("out of bounds (at driver.rs:7)") && !one.contains("preceded"),
            "{one}"
        );
        let full = of("RecvError", Some(first("CUDA_ERROR_OUT_OF_MEMORY")));
        assert!(
            full.contains("OUT_OF_MEMORY") && full.contains("--gradient-checkpointing"),
            "{full}"
        );
        assert!(of("RecvError", None).contains("RecvError"));
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
