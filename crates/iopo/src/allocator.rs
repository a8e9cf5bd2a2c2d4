//! The memory allocator: freed pages are kept for the next tensor.

use std::ffi::c_int;

/// Training and decoding allocate and free tensors of megabytes all the time. Pages that are given back to the system
/// in between must be cleared again by it, which took a quarter of a training step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// mimalloc's option `purge_delay`: milliseconds until freed memory is given back, -1 for never. The crate has no name
/// for it; the number is that of mimalloc's own header, the same in versions 2 and 3.
const PURGE_DELAY: c_int = 15;

/// Keeps freed memory, unless `MIMALLOC_PURGE_DELAY` says otherwise. Call it first in `main`.
pub(crate) fn keep_freed_memory() {
    if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
        #[expect(unsafe_code, reason = "mimalloc takes options through its C interface only")]
        // SAFETY: sets one integer in a table of the allocator, which it reads atomically.
        unsafe {
            libmimalloc_sys::mi_option_set(PURGE_DELAY, -1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PURGE_DELAY, keep_freed_memory};

    #[test]
    fn the_option_is_the_one_that_is_meant() {
        #[expect(unsafe_code, reason = "mimalloc tells options through its C interface only")]
        // SAFETY: reads a number from a table of the allocator.
        let delay = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        if std::env::var_os("MIMALLOC_PURGE_DELAY").is_some() {
            return;
        }
        assert_eq!(delay(), 1000, "the default of mimalloc 3");
        keep_freed_memory();
        assert_eq!(delay(), -1);
    }
}
