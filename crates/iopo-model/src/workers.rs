//! Several pieces of work at once, where the device is a CPU.
//!
//! Within one step, a second thread helps matrix products, attention and what is written out in `kernels/`, but not
//! what lies between them (docs/benchmarks.md). So independent pieces (micro-batches, shares of a batch) run side by side, each on threads of its own, and every
//! core stays busy.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::Device;
use rayon::ThreadPoolBuilder;

use crate::{ModelError, device};

/// How many pieces of work `device` takes at once: one for each thread where it computes with the threads of this
/// process (as many as there are cores, or `RAYON_NUM_THREADS`), one on anything else, which keeps itself busy.
pub fn count(device: &Device) -> usize {
    if device::in_process(device) { rayon::current_num_threads() } else { 1 }
}

/// `work` on every item, in the order of the items; [`count`] of them at once.
///
/// # Errors
/// When a thread cannot be started, and the error of the first item (in their order) that `work` fails on; items
/// after a failed one may be left undone.
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
        let pool = ThreadPoolBuilder::new().num_threads((threads / total).max(1)).build().map_err(
            |error| ModelError::Other { reason: format!("cannot start a thread: {error}") },
        )?;
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
        let workers: Vec<_> = (0..threads.min(total)).map(|_| scope.spawn(run)).collect();
        for worker in workers {
            match worker.join() {
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
    fn results_come_in_the_order_of_the_items() {
        let doubled = map(&Device::flex(), (0..100).collect(), |item: usize| {
            Ok::<usize, ModelError>(2 * item)
        });
        assert_eq!(doubled.expect("all"), (0..100).map(|item| 2 * item).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_failure_is_the_answer() {
        let failed = map(&Device::flex(), (0..100).collect(), |item: usize| {
            if item % 40 == 30 {
                return Err(ModelError::Other { reason: format!("item {item}") });
            }
            Ok(item)
        });
        assert!(failed.expect_err("two fail").to_string().contains("item 30"));
    }
}
