//! The memory allocator, set to keep freed pages for the next tensor.

use std::ffi::c_int;

/// Training and decoding constantly allocate and free large tensors. If the freed pages went back to the system, it would
/// clear them for every new tensor, which takes a quarter of a training step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Index of mimalloc's option `purge_delay`: milliseconds until freed memory is returned to the system, -1 for never. The
/// crate does not name it; the index is that of mimalloc's header, the same in versions 2 and 3.
const PURGE_DELAY: c_int = 15;

/// Keeps freed memory, unless `MIMALLOC_PURGE_DELAY` is set. Call it first in `main`.
pub(crate) fn keep_freed_memory() {
    if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
        #[expect(unsafe_code, reason = "mimalloc sets options through its C interface only")]
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
    fn the_index_is_that_of_the_purge_delay() {
        #[expect(unsafe_code, reason = "mimalloc reads options through its C interface only")]
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
