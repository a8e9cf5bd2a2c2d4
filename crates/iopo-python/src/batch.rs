//! Work without the GIL.

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use pyo3::prelude::*;

use crate::errors;

/// Items between two checks for Ctrl-C, per thread.
const CHUNK: usize = 256;
/// Items that are worth another thread.
const WORTH_A_THREAD: usize = 4;
/// The most threads of a call.
const MOST_THREADS: usize = 256;

/// Runs a library without the GIL. A panic becomes an `InternalError`.
pub(crate) fn released<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    py.detach(|| catch_unwind(AssertUnwindSafe(work)))
        .map_err(|panic| errors::internal(panic.as_ref()))
}

/// The number of threads that a caller asks for; `None` means one per core.
pub(crate) fn threads(asked: Option<usize>) -> PyResult<usize> {
    match asked {
        Some(number @ 1..=MOST_THREADS) => Ok(number),
        Some(number) => Err(errors::value(
            "threads",
            &number.to_string(),
            &format!("a number from 1 to {MOST_THREADS}"),
        )),
        None => Ok(thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS)),
    }
}

/// Applies a function to each item on several threads, without the GIL. Results are in the order of the items.
///
/// Ctrl-C raises `KeyboardInterrupt` between two chunks.
pub(crate) fn map<T: Sync, R: Send>(
    py: Python<'_>,
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> R + Sync,
) -> PyResult<Vec<R>> {
    let mut results = Vec::with_capacity(items.len());
    for chunk in items.chunks(CHUNK * threads) {
        py.check_signals()?;
        let threads = threads.min(chunk.len().div_ceil(WORTH_A_THREAD));
        results.extend(released(py, || spread(chunk, threads, &work))?);
    }
    Ok(results)
}

/// Applies a function to each item on several threads. Panics if the function panics.
fn spread<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: &(impl Fn(&T) -> R + Sync),
) -> Vec<R> {
    if threads <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        while let Some((at, item)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            items.get(at).map(|item| (at, item))
        } {
            done.push((at, work(item)));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        // Where no thread can be started, those that run do its work.
        let start = |_| thread::Builder::new().spawn_scoped(scope, take).ok();
        let started: Vec<_> = (1..threads).filter_map(start).collect();
        let mut done = take();
        for thread in started {
            match thread.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
