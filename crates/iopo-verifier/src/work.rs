//! Checks the items of a request on several threads, within its time.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use iopo_constraints::ifeval::Mode;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, timeout_at};

use crate::batch::Batch;
use crate::budget::{Held, Taken};
use crate::error::{ItemError, RequestError};
use crate::item::{self, Setup};
use crate::reply::seconds;
use crate::state::State;

/// Time after which a thread goes to the next request that waits, so that large requests do not hold up small ones.
const SLICE: Duration = Duration::from_millis(20);

/// A request in work.
struct Job {
    state: Arc<State>,
    batch: Batch,
    /// The next item that no thread has taken.
    next: AtomicUsize,
    cancelled: AtomicBool,
    results: Mutex<Results>,
}

/// The results as JSON.
#[derive(Default)]
struct Results {
    texts: Vec<Option<String>>,
    /// The memory of the texts.
    taken: Taken,
    /// Why there is no memory for more.
    full: Option<RequestError>,
}

/// Cancels a job when its request ends, in time or not.
struct CancelOnDrop(Arc<Job>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }
}

/// Checks the items of a body and returns the body of the reply.
pub(crate) async fn verify(state: &Arc<State>, body: Held<Vec<u8>>) -> Result<Bytes, RequestError> {
    let deadline = Instant::now() + state.limits.timeout;
    let shared = Arc::clone(state);
    let parse =
        on_thread(&state.threads, move || Batch::parse(body, &shared.limits, &shared.budget));
    let batch = timeout_at(deadline, parse).await.map_err(|_| overloaded(state))???;
    let count = batch.items.len();
    let job = Arc::new(Job {
        state: Arc::clone(state),
        batch,
        next: AtomicUsize::new(0),
        cancelled: AtomicBool::new(false),
        results: Mutex::new(Results { texts: vec![None; count], ..Results::default() }),
    });
    let guard = CancelOnDrop(Arc::clone(&job));
    let mut workers = JoinSet::new();
    for _ in 0..count.min(state.limits.threads) {
        workers.spawn(work(Arc::clone(&job)));
    }
    let all = async { while workers.join_next().await.is_some() {} };
    let in_time = timeout_at(deadline, all).await.is_ok();
    drop(guard);
    let results = std::mem::take(&mut *job.results.lock().unwrap_or_else(PoisonError::into_inner));
    // An item whose check had begun would take as long again.
    if !in_time && job.next.load(Ordering::Relaxed) == 0 {
        return Err(overloaded(state));
    }
    reply(state, job.batch.choices.mode, results)
}

fn overloaded(state: &State) -> RequestError {
    let time = seconds(state.limits.timeout);
    RequestError::Overloaded { reason: format!("no thread was free within {time} s") }
}

/// Runs a function on a thread for checks, when one is free.
async fn on_thread<T: Send + 'static>(
    threads: &Arc<Semaphore>,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RequestError> {
    let thread = Arc::clone(threads).acquire_owned().await.map_err(|_| RequestError::Internal)?;
    let run = move || {
        let made = run();
        drop(thread);
        made
    };
    spawn_blocking(run).await.map_err(|_| RequestError::Internal)
}

/// Checks items of a job until none is left, and lets other jobs have the thread between two slices. Waiting jobs get a
/// thread in turn.
async fn work(job: Arc<Job>) {
    loop {
        let slice = {
            let job = Arc::clone(&job);
            move || job.slice()
        };
        if !on_thread(&job.state.threads, slice).await.is_ok_and(|more| more) {
            return;
        }
    }
}

impl Job {
    /// Checks items for a while. Returns whether more may be left.
    fn slice(&self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < SLICE {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(span) = self.batch.items.get(at) else { return false };
            if self.is_cancelled() {
                return false;
            }
            let setup = Setup {
                choices: self.batch.choices,
                limits: &self.state.limits,
                tagger: self.state.tagger.as_ref(),
            };
            let check = || item::check(self.batch.item(span), span, &setup, || self.is_cancelled());
            let result = guarded(check);
            if self.is_cancelled() {
                return false;
            }
            let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(full) = self.state.budget.take(&mut results.taken, result.len()) {
                results.full = Some(full);
                self.cancelled.store(true, Ordering::Relaxed);
                return false;
            }
            if let Some(place) = results.texts.get_mut(at) {
                *place = Some(result);
            }
        }
        true
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// Runs a check. A panic becomes the error of its item.
fn guarded(check: impl FnOnce() -> String) -> String {
    catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|panic| {
        item::failed(&ItemError::Internal { message: message(panic.as_ref()) })
    })
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.map_or("unknown panic".to_owned(), |text| text.chars().take(200).collect())
}

/// Joins the results. Items that were not checked have an error.
fn reply(state: &State, mode: Mode, results: Results) -> Result<Bytes, RequestError> {
    let Results { texts, mut taken, full } = results;
    if let Some(full) = full {
        return Err(full);
    }
    let late = item::failed(&ItemError::Timeout { seconds: seconds(state.limits.timeout) });
    let head = format!("{{\"mode\":\"{mode}\",\"results\":[");
    let known: usize = texts.iter().flatten().map(String::len).sum();
    let missing = texts.iter().filter(|text| text.is_none()).count();
    let more = head.len() + missing * late.len() + texts.len() + 2;
    state.budget.take(&mut taken, more)?;
    let mut value = String::with_capacity(known + more);
    value.push_str(&head);
    // Each text is freed as soon as it is copied.
    for (at, text) in texts.into_iter().enumerate() {
        if at > 0 {
            value.push(',');
        }
        value.push_str(text.as_deref().unwrap_or(&late));
    }
    value.push_str("]}");
    Ok(Bytes::from_owner(Held { value, taken }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_the_error_of_its_item() {
        assert_eq!(guarded(|| "fine".to_owned()), "fine");
        let text = guarded(|| panic!("{} went wrong", "it"));
        assert!(
            text.contains("\"InternalError\",\"message\":\"internal error: it went wrong\""),
            "{text}"
        );
        let text = guarded(|| std::panic::panic_any(3));
        assert!(text.contains("unknown panic"), "{text}");
    }
}
