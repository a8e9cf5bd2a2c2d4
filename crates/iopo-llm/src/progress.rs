//! Progress reports from libraries that never print.

/// Receives the progress of a long call and can ask it to stop.
///
/// Every method does nothing by default.
pub trait Progress: Sync {
    /// Begins a task of `total` steps. It replaces the previous task.
    fn start(&self, _what: &str, _total: u64) {}
    /// Adds `steps` completed steps.
    fn advance(&self, _steps: u64) {}
    /// Shows a short text beside the progress bar, for instance the loss.
    fn message(&self, _text: &str) {}
    /// Prints a permanent line. By default, it is shown as a [`message`](Self::message).
    fn note(&self, text: &str) {
        self.message(text);
    }
    /// Ends the task.
    fn finish(&self) {}
    /// Returns whether the user asked to stop. Long calls check between steps and return their `Cancelled` error.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Ignores progress and never stops a call.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {}
