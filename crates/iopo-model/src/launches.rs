//! Counts kernel launches on a GPU (`docs/backends.md`, Operations).

use burn::tensor::Device;

use crate::ModelError;

/// Runs `work` and counts the kernel launches on all GPUs meanwhile; `None` unless `device` is a GPU.
///
/// Autotune launches kernels, too, so warm up first.
///
/// # Errors
/// Returns the error of `work`, and [`ModelError::Other`] if the device fails.
pub fn count<T, E: From<ModelError>>(
    device: &Device,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<(T, Option<usize>), E> {
    #[cfg(feature = "_gpu")]
    if crate::kernels::gpu::runs(device) {
        return observed::count(device, work);
    }
    let _ = device;
    work().map(|made| (made, None))
}

#[cfg(feature = "_gpu")]
mod observed {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use burn::tensor::Device;
    use burn_cubecl::cubecl::logging::{LaunchObservation, LaunchObserver};

    use crate::ModelError;

    struct Counter(AtomicUsize);

    impl LaunchObserver for Counter {
        fn launched(&self, _: &'static str) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn count<T, E: From<ModelError>>(
        device: &Device,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<(T, Option<usize>), E> {
        // Operations reach the device after they are asked for.
        let finish = || {
            let failed =
                |error| ModelError::Other { reason: format!("the device failed: {error:?}") };
            device.sync().map_err(failed)
        };
        finish()?;
        let counter = Arc::new(Counter(AtomicUsize::new(0)));
        let observation = LaunchObservation::new(counter.clone());
        let made = work()?;
        finish()?;
        drop(observation);
        Ok((made, Some(counter.0.load(Ordering::Relaxed))))
    }
}
