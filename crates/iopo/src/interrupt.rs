//! Ctrl-C, SIGTERM and SIGHUP ask for a clean stop. Ctrl-C after one of them ends the process at once.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

use crate::failure::Exit;
use crate::printer;

static REQUESTS: Requests = Requests::new();
static FINISHED: OnceLock<&str> = OnceLock::new();

/// Names what the command finishes before it stops, for the note to the user. Default: the current step.
#[cfg_attr(
    not(feature = "serve"),
    expect(dead_code, reason = "only the reward server finishes more than the current step")
)]
pub(crate) fn finishes(what: &'static str) {
    // The first name stays, because a process has one command.
    let _ = FINISHED.set(what);
}

/// Whether the user asked to stop.
pub(crate) fn requested() -> bool {
    REQUESTS.stop.load(Ordering::Relaxed)
}

/// The requests so far.
struct Requests {
    stop: AtomicBool,
}

/// The effect of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// The command stops after its current step.
    Stop,
    /// The command is already about to stop.
    Nothing,
    /// The process ends at once.
    Exit,
}

impl Requests {
    const fn new() -> Self {
        Self { stop: AtomicBool::new(false) }
    }

    /// Registers a request and returns its effect. Schedulers and closing terminals repeat other signals than Ctrl-C, so
    /// only Ctrl-C tells that the user does not want to wait.
    fn add(&self, is_ctrl_c: bool) -> Effect {
        match (self.stop.swap(true, Ordering::Relaxed), is_ctrl_c) {
            (false, _) => Effect::Stop,
            (true, true) => Effect::Exit,
            (true, false) => Effect::Nothing,
        }
    }
}

/// Installs the handlers.
pub(crate) fn install() -> Result<()> {
    listen().context("failed to listen for signals")
}

/// Asks for a clean stop, or ends the process at Ctrl-C after such a request.
fn stop(is_ctrl_c: bool) {
    match REQUESTS.add(is_ctrl_c) {
        Effect::Stop => {
            let finished = FINISHED.get().unwrap_or(&"the current step");
            let again = if is_ctrl_c { "a second Ctrl-C" } else { "Ctrl-C" };
            printer::note(&format!("stopping after {finished} ({again} stops at once)"));
        }
        Effect::Nothing => {}
        // Finished files are on disk, and unfinished ones start over.
        Effect::Exit => std::process::exit(Exit::Interrupted as i32),
    }
}

#[cfg(not(unix))]
fn listen() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| stop(true))
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
            stop(signal == SIGINT);
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(follow)?;
    Ok(())
}

/// Returns whether the process was started with SIGHUP ignored, as by `nohup`. Only Linux reports this; elsewhere, SIGHUP
/// keeps its initial disposition.
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

#[cfg(test)]
mod tests {
    use super::{Effect, Requests};

    #[test]
    fn only_ctrl_c_after_another_signal_ends_the_process_at_once() {
        use Effect::{Exit, Nothing, Stop};
        for (signals, expected) in [
            ([false, false, true], [Stop, Nothing, Exit]),
            ([true, false, true], [Stop, Nothing, Exit]),
            ([true, true, true], [Stop, Exit, Exit]),
        ] {
            let requests = Requests::new();
            assert_eq!(signals.map(|is_ctrl_c| requests.add(is_ctrl_c)), expected, "{signals:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        use super::hangups_ignored;

        let status =
            |mask: &str| format!("Name:\tiopo\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\n");
        assert!(hangups_ignored(&status("0000000000001001")));
        assert!(!hangups_ignored(&status("0000000000001000")));
        assert!(hangups_ignored(""), "unknown");
    }
}
