//! The only module that prints: results to stdout, everything else to stderr.

use std::io::{IsTerminal, Write};

/// Prints a result of the command to stdout. A closed pipe (`iopo inspect … | head`) is not an error.
pub(crate) fn result(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Prints a message to stderr.
pub(crate) fn note(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Prints a message with the name of its stage to stderr.
pub(crate) fn stage(name: &str, text: &str) {
    if interactive() {
        note(&format!("\x1b[1m{name:>8}\x1b[0m  {text}"));
    } else {
        note(&format!("{name:>8}  {text}"));
    }
}

/// Whether stderr is a terminal.
pub(crate) fn interactive() -> bool {
    std::io::stderr().is_terminal()
}
