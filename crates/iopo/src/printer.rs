//! The one place that prints: results to stdout, everything else to stderr.

use std::io::{IsTerminal, Write};

/// A result: what the command was asked for, on stdout.
///
/// A reader that went away (`iopo inspect … | head`) is no error.
pub(crate) fn result(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// A line beside the work, on stderr.
pub(crate) fn note(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// A headline before a stage, on stderr.
pub(crate) fn stage(name: &str, text: &str) {
    if interactive() {
        note(&format!("\x1b[1m{name:>8}\x1b[0m  {text}"));
    } else {
        note(&format!("{name:>8}  {text}"));
    }
}

/// Whether a person looks at stderr, so that bars make sense.
pub(crate) fn interactive() -> bool {
    std::io::stderr().is_terminal()
}
