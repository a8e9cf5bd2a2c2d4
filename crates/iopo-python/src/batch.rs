//! Work without the GIL.

use std::convert::Infallible;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::errors;
use crate::number::{MOST_THREADS, Threads};

/// Time between two checks for Ctrl-C.
const TICK: Duration = Duration::from_millis(50);
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
/// Ctrl-C raises `KeyboardInterrupt` between two items.
pub(crate) fn map<T: Sync, R: Send>(
    py: Python<'_>,
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> R + Sync,
) -> PyResult<Vec<R>> {
    let work = |item: &T| Ok::<R, Infallible>(work(item));
    try_map(py, items, items.len(), threads, work).map(|Ok(results)| results)
}

/// Like [`map`], for items that have several responses, and for a function that can fail. The error is that of the first item
/// with one.
pub(crate) fn try_map<T: Sync, R: Send, E: Send>(
    py: Python<'_>,
    items: &[T],
    responses: usize,
    threads: usize,
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> PyResult<Result<Vec<R>, E>> {
    py.check_signals()?;
    let threads = threads.min(responses.div_ceil(WORTH_A_THREAD)).min(items.len());
    released(py, || spread(items, threads, &work))?
}

/// The exception of a signal that has arrived, such as Ctrl-C.
fn signal(py: Python<'_>) -> Option<PyErr> {
    py.check_signals().err()
}

/// Ends the work of the other threads when one panics.
struct EndOnPanic<'a>(&'a AtomicBool);

impl Drop for EndOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Applies a function to each item on several threads. Panics if the function panics.
fn spread<T: Sync, R: Send, E: Send>(
    items: &[T],
    threads: usize,
    work: &(impl Fn(&T) -> Result<R, E> + Sync),
) -> PyResult<Result<Vec<R>, E>> {
    let (next, ended) = (AtomicUsize::new(0), AtomicBool::new(false));
    // Items are taken in their order, and each that is taken is done, so no error comes before the first that is found.
    let take = |interrupted: &mut dyn FnMut() -> bool| {
        let _guard = EndOnPanic(&ended);
        let mut done = Vec::new();
        while !ended.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { break };
            let result = work(item);
            let failed = result.is_err();
            done.push((at, result));
            if failed || interrupted() {
                ended.store(true, Ordering::Relaxed);
            }
        }
        done
    };
    let (mut looked, mut interrupt) = (Instant::now(), None);
    let mut look = || {
        if looked.elapsed() >= TICK {
            interrupt = Python::attach(signal);
            looked = Instant::now();
        }
        interrupt.is_some()
    };
    let mut done = thread::scope(|scope| {
        // Where no thread can be started, those that run do its work.
        let start = |_| thread::Builder::new().spawn_scoped(scope, || take(&mut || false)).ok();
        let started: Vec<_> = (1..threads).filter_map(start).collect();
        let mut done = take(&mut look);
        for thread in started {
            match thread.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    if let Some(interrupt) = interrupt {
        return Err(interrupt);
    }
    done.sort_unstable_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
