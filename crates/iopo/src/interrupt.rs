//! Ctrl-C, SIGTERM and SIGHUP: the first asks for a clean stop, the second ends the process.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

use crate::failure::Exit;
use crate::printer;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Whether the user asked to stop.
pub(crate) fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// Installs the handlers.
pub(crate) fn install() -> Result<()> {
    listen().context("failed to listen for signals")
}

/// Asks for a clean stop, or ends the process if that was asked before.
fn stop() {
    if REQUESTED.swap(true, Ordering::Relaxed) {
        // Finished files are on disk, and unfinished ones start over.
        std::process::exit(Exit::Interrupted as i32);
    }
    printer::note("stopping after the current step (Ctrl-C again stops at once)");
}

#[cfg(not(unix))]
fn listen() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(stop)
}

#[cfg(unix)]
fn listen() -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    if !ignores_hangups() {
        signals.add_signal(SIGHUP)?;
    }
    let follow = move || {
        for signal in signals.forever() {
            // The shell and the system may both report that the terminal was closed.
            if signal != SIGHUP || !requested() {
                stop();
            }
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(follow)?;
    Ok(())
}

/// Returns whether the process was started with SIGHUP ignored, as by `nohup`. Only Linux tells; elsewhere, SIGHUP keeps the
/// effect that the process was started with.
#[cfg(unix)]
fn ignores_hangups() -> bool {
    let status = if cfg!(target_os = "linux") {
        std::fs::read_to_string("/proc/self/status").unwrap_or_default()
    } else {
        String::new()
    };
    hangups_ignored(&status)
}

/// Reads the mask of ignored signals from a status file of Linux. SIGHUP has the number 1.
#[cfg(unix)]
fn hangups_ignored(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_none_or(|mask| mask & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::hangups_ignored;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        let status =
            |mask: &str| format!("Name:\tiopo\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\n");
        assert!(hangups_ignored(&status("0000000000001001")));
        assert!(!hangups_ignored(&status("0000000000001000")));
        assert!(hangups_ignored(""), "unknown");
    }
}
