//! Panics as errors. Burn's backends panic where a driver fails or memory runs out; nobody should meet a backtrace for
//! that, nor lose the way out. (Memory that runs out on flex ends the process without a panic.)

use std::backtrace::Backtrace;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use anyhow::Result;
use iopo_model::device::panic_message;

use crate::failure::Failure;

/// The first panic: others may follow from it, as when a backend's thread is gone that another one waits for.
static FIRST: Mutex<Option<First>> = Mutex::new(None);

#[derive(Debug, Clone)]
struct First {
    said: String,
    place: String,
}

/// Characters of what a library said that are told.
const LONGEST: usize = 300;

/// What drivers and libraries say when there is no more memory.
const NO_MEMORY: [&str; 7] = [
    "out of memory",
    "out of device memory",
    "outofmemory",
    "can't allocate",
    "cannot allocate",
    "not enough memory",
    "failed to allocate",
];

/// From now on a panic prints nothing by itself; `IOPO_LOG=debug` shows it.
pub(crate) fn keep_quiet() {
    std::panic::set_hook(Box::new(|panic| {
        tracing::debug!("{panic}\n{}", Backtrace::capture());
        let place = panic.location().map(|at| format!(" (at {}:{})", at.file(), at.line()));
        let this = First { said: panic_message(panic.payload()), place: place.unwrap_or_default() };
        if let Ok(mut first) = FIRST.lock() {
            first.get_or_insert(this);
        }
    }));
}

/// What the first panic said since this was asked last, in brackets, where `told` does not say it already.
pub(crate) fn first_said(told: &str) -> String {
    let first = FIRST.lock().ok().and_then(|mut first| first.take());
    let other = first.filter(|first| !told.contains(first.said.trim()));
    other.map(|first| format!(" ({})", shortened(&first.said))).unwrap_or_default()
}

/// A library's first lines say what happened, the rest is its stack.
pub(crate) fn shortened(text: &str) -> String {
    // An error inside of an error has its line breaks written out.
    let text = text.replace("\\n", "\n");
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("frame #"));
    let text = lines.take(3).collect::<Vec<_>>().join(" / ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// What `work` comes to, a panic in it being an error; an error that no memory is behind gets its way out.
pub(crate) fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Err(error)) if no_memory(&format!("{error:#}")) => Err(error.context(exhausted(""))),
        Ok(made) => made,
        Err(panic) => {
            let first = FIRST.lock().ok().and_then(|mut first| first.take());
            Err(failure(&panic_message(&*panic), first).into())
        }
    }
}

fn no_memory(text: &str) -> bool {
    let text = text.to_lowercase().replace('_', " ");
    NO_MEMORY.iter().any(|sign| text.contains(sign))
}

fn exhausted(said: &str) -> Failure {
    Failure::new(format!("the device has no more memory{said}")).way_out(
        "what is finished is kept, the last checkpoint too: the same command goes on from there, a training with \
         --gradient-checkpointing in less memory; a run of another --out can have --dtype bf16, or a lower train.tokens_per_micro_batch or \
         generation_batch",
    )
}

fn failure(text: &str, first: Option<First>) -> Failure {
    let first = first.unwrap_or_else(|| First { said: text.to_owned(), place: String::new() });
    if let Some(text) = [text, &first.said].into_iter().find(|text| no_memory(text)) {
        return exhausted(&format!(": {}", shortened(text)));
    }
    let mut short = shortened(text);
    if first.said != text {
        // Backends catch panics of their own, so the first need not be the cause.
        short = format!("{short}; before it: {}", shortened(&first.said));
    }
    let place = first.place;
    Failure::new(format!("something failed that should not have: {short}{place}")).way_out(
        "what is finished is kept, and the same command goes on from there; IOPO_LOG=debug says more; if it is no \
         fault of a driver or a device, please report it",
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
    fn no_memory_is_told_from_other_failures() {
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
    fn the_first_panic_is_told_beside_the_one_that_ended_the_work() {
        let first =
            |said: &str| First { said: said.to_owned(), place: " (at driver.rs:7)".to_owned() };
        let of = |text, first| render(&failure(text, first).into());
        let lost = of("RecvError", Some(first("no adapter found")));
        assert!(lost.contains("RecvError; before it: no adapter found (at driver.rs:7)"), "{lost}");
        let one = of("out of bounds", Some(first("out of bounds")));
        assert!(one.contains("out of bounds (at driver.rs:7)") && !one.contains("before"), "{one}");
        let full = of("RecvError", Some(first("CUDA_ERROR_OUT_OF_MEMORY")));
        assert!(
            full.contains("OUT_OF_MEMORY") && full.contains("--gradient-checkpointing"),
            "{full}"
        );
        assert!(of("RecvError", None).contains("RecvError"));
    }

    #[test]
    fn the_stack_of_a_library_is_left_out_however_it_is_written() {
        let text = "unwrap on: Torch(\"can't allocate memory\\nframe #0: a\\nframe #1: b\\n\")";
        let said = panics(text);
        assert!(said.contains("can't allocate memory") && !said.contains("frame"), "{said}");
    }

    #[test]
    fn a_library_is_not_quoted_for_pages() {
        let said = panics(&"library.so ".repeat(100));
        assert!(said.contains("library.so library") && said.contains('…'), "{said}");
        assert!(said.chars().count() < 600, "{said}");
    }

    #[test]
    fn an_error_about_memory_gets_its_way_out_too() {
        let error = caught(|| -> Result<()> { bail!("out of device memory allocating 12 bytes") });
        let said = render(&error.expect_err("an error"));
        assert!(said.contains("12 bytes") && said.contains("--gradient-checkpointing"), "{said}");
    }

    #[test]
    fn what_does_not_panic_passes_through() {
        assert_eq!(caught(|| Ok(3)).expect("a value"), 3);
        assert_eq!(
            caught(|| -> Result<()> { bail!("plain") }).expect_err("an error").to_string(),
            "plain"
        );
    }
}
