//! How a library reports progress without printing: the binary draws the bars.

/// Receives progress of a long call and may ask it to stop.
pub trait Progress: Sync {
    /// A piece of work of `total` steps begins; replaces the one before.
    fn start(&self, _what: &str, _total: u64) {}
    /// `steps` more are done.
    fn advance(&self, _steps: u64) {}
    /// A short line beside the bar (loss, yield …).
    fn message(&self, _text: &str) {}
    /// A line that stays, before or between steps; a message where there is no better place.
    fn note(&self, text: &str) {
        self.message(text);
    }
    /// The piece of work is done.
    fn finish(&self) {}
    /// Whether the user asked to stop; long calls look between steps and end with their `Cancelled` error.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Reports nothing, never stops.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {}
