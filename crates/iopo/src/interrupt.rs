//! Ctrl-C: the first asks for a clean stop, the second ends the process.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;

use crate::failure::{Exit, Failure};
use crate::printer;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Whether the user asked to stop.
pub(crate) fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// Installs the handler.
pub(crate) fn install() -> Result<()> {
    ctrlc::set_handler(|| {
        if REQUESTED.swap(true, Ordering::Relaxed) {
            // Finished files are on disk, and unfinished ones start over.
            std::process::exit(Exit::Interrupted as i32);
        }
        printer::note("stopping after the current step (Ctrl-C again stops at once)");
    })
    .map_err(|error| Failure::new(format!("failed to listen for Ctrl-C: {error}")).into())
}
