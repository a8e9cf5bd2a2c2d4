//! Runs independent tasks in parallel on a CPU.
//!
//! Within one step, threads speed up matrix products, attention and the functions in `kernels/`, but not the operations
//! between them. Independent tasks (micro-batches, shares of a batch) therefore run side by side on separate threads, which
//! keeps every core busy.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::Device;
use rayon::ThreadPoolBuilder;

use crate::{ModelError, device};

/// Returns how many tasks run at once on `device`.
///
/// One per thread if the device computes on threads of this process (as many as cores, or `RAYON_NUM_THREADS`), else one.
pub fn count(device: &Device) -> usize {
    if device::in_process(device) { rayon::current_num_threads() } else { 1 }
}

/// Applies `work` to every item, [`count`] at a time, and returns the results in order.
///
/// # Errors
/// Returns the error of the first failed item, in order, and an error if a thread cannot be started. Items after a failed
/// one can be skipped.
pub fn map<T, R, E>(
    device: &Device,
    items: Vec<T>,
    work: impl Fn(T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E>
where
    T: Send,
    R: Send,
    E: Send + From<ModelError>,
{
    let (threads, total) = (count(device), items.len());
    if threads == 1 || total == 0 {
        return items.into_iter().map(work).collect();
    }
    let queue: Vec<Mutex<Option<T>>> =
        items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    let next = AtomicUsize::new(0);
    let run = || -> Result<_, ModelError> {
        let pool = ThreadPoolBuilder::new().num_threads((threads / total).max(1)).build();
        let pool = pool.map_err(|error| ModelError::Threads { source: io::Error::other(error) })?;
        Ok(pool.install(|| {
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = queue.get(at).and_then(|slot| slot.lock().ok()?.take()) else {
                    return done;
                };
                let result = work(item);
                if result.is_err() {
                    next.store(total, Ordering::Relaxed);
                }
                done.push((at, result));
            }
        }))
    };
    let mut done = Vec::with_capacity(total);
    std::thread::scope(|scope| {
        let spawn = |_| std::thread::Builder::new().spawn_scoped(scope, run);
        let workers: Vec<_> = (0..threads.min(total)).map(spawn).collect();
        if workers.iter().any(Result::is_err) {
            next.store(total, Ordering::Relaxed);
        }
        for worker in workers {
            match worker.map_err(|source| ModelError::Threads { source })?.join() {
                Ok(results) => done.extend(results?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok::<(), E>(())
    })?;
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::map;
    use crate::ModelError;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let doubled = map(&Device::flex(), (0..100).collect(), |item: usize| {
            Ok::<usize, ModelError>(2 * item)
        });
        assert_eq!(doubled.expect("all"), (0..100).map(|item| 2 * item).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_error_is_returned() {
        let failed = map(&Device::flex(), (0..100).collect(), |item: usize| {
            if item % 40 == 30 {
                return Err(ModelError::Other { reason: format!("item {item}") });
            }
            Ok(item)
        });
        assert!(failed.expect_err("two fail").to_string().contains("item 30"));
    }
}
