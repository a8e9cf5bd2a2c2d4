//! Work without the GIL.

use std::convert::Infallible;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use pyo3::prelude::*;

use crate::errors;
use crate::number::{MOST_THREADS, Threads};

/// Responses between two checks for Ctrl-C, per thread.
const CHUNK: usize = 256;
/// Responses that are worth another thread.
const WORTH_A_THREAD: usize = 4;

/// Runs a library without the GIL. A panic becomes an `InternalError`.
pub(crate) fn released<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    py.detach(|| catch_unwind(AssertUnwindSafe(work)))
        .map_err(|panic| errors::internal(panic.as_ref()))
}

/// The number of threads that a caller asks for; `None` means one per core.
pub(crate) fn threads(asked: Option<Threads>) -> usize {
    let cores = || thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    asked.map_or_else(cores, |Threads(number)| number)
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
    let work = |item: &T| Ok::<R, Infallible>(work(item));
    try_map(py, items, threads, |_| 1, work).map(|Ok(results)| results)
}

/// Like [`map`], for items that are several responses each, and a function that can fail. After a chunk with an error, the error
/// of its first item is returned.
pub(crate) fn try_map<T: Sync, R: Send, E: Send>(
    py: Python<'_>,
    items: &[T],
    threads: usize,
    responses: impl Fn(&T) -> usize,
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> PyResult<Result<Vec<R>, E>> {
    let (mut results, mut rest) = (Vec::with_capacity(items.len()), items);
    while !rest.is_empty() {
        py.check_signals()?;
        let mut count = 0;
        let full = rest.iter().position(|item| {
            count += responses(item);
            count >= CHUNK * threads
        });
        let (chunk, later) = rest.split_at(full.map_or(rest.len(), |last| last + 1));
        let threads = threads.min(count.div_ceil(WORTH_A_THREAD)).min(chunk.len());
        for result in released(py, || spread(chunk, threads, &work))? {
            match result {
                Ok(result) => results.push(result),
                Err(error) => return Ok(Err(error)),
            }
        }
        rest = later;
    }
    Ok(Ok(results))
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
