//! The only module that prints: results to stdout, everything else to stderr.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, IsTerminal, Write};

use anyhow::{Context, Result};

/// Prints a result of the command to stdout. A closed pipe (`iopo inspect … | head`) is not an error.
pub(crate) fn result(text: &str) -> Result<()> {
    write_line(&mut std::io::stdout().lock(), text)
}

/// Prints the help, the version or a usage error of the command line, as its parser formats them.
pub(crate) fn usage(text: &clap::Error) -> Result<()> {
    let printed = text.print().and_then(|()| std::io::stdout().flush());
    // A failure to write to stderr cannot be reported.
    if text.use_stderr() { Ok(()) } else { unless_closed(printed) }
}

fn write_line(out: &mut impl Write, text: &str) -> Result<()> {
    unless_closed(writeln!(out, "{text}").and_then(|()| out.flush()))
}

/// Returns an error of writing to stdout, unless the reader closed the pipe.
fn unless_closed(written: std::io::Result<()>) -> Result<()> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("failed to write to stdout")
        }
        _ => Ok(()),
    }
}

/// Prints a message to stderr.
pub(crate) fn note(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Prints a question to stderr, without a line feed.
#[cfg(feature = "endpoint")]
pub(crate) fn ask(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = write!(out, "{text}").and_then(|()| out.flush());
}

/// Prints a message with the name of its stage to stderr.
pub(crate) fn stage(name: &str, text: &str) {
    if styled() {
        note(&format!("\x1b[1m{name:>8}\x1b[0m  {text}"));
    } else {
        note(&format!("{name:>8}  {text}"));
    }
}

/// Whether stderr is a terminal that can draw progress bars.
pub(crate) fn interactive() -> bool {
    std::io::stderr().is_terminal() && can_draw(std::env::var_os("TERM").as_deref())
}

/// Whether stderr is a terminal that shows styled text, and the user wants it.
pub(crate) fn styled() -> bool {
    interactive() && !refuses_color(std::env::var_os("NO_COLOR"))
}

/// Returns whether a terminal of this name moves its cursor. Windows names none.
fn can_draw(name: Option<&OsStr>) -> bool {
    name.map_or(cfg!(windows), |name| name != "dumb" && !name.is_empty())
}

/// Returns whether the variable `NO_COLOR` is set to a value that is not empty (<https://no-color.org>).
fn refuses_color(value: Option<OsString>) -> bool {
    value.is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::io::{self, ErrorKind, Write};

    use super::{can_draw, refuses_color, write_line};

    struct Fails(ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_a_closed_pipe_is_no_error() {
        write_line(&mut Fails(ErrorKind::BrokenPipe), "text").expect("a closed pipe");
        assert!(write_line(&mut Fails(ErrorKind::StorageFull), "text").is_err());
    }

    #[test]
    fn a_dumb_terminal_and_no_color_are_obeyed() {
        let draws = ["xterm-256color", "dumb", ""].map(|name| can_draw(Some(OsStr::new(name))));
        assert_eq!(draws, [true, false, false]);
        assert_eq!(can_draw(None), cfg!(windows));
        let refused = [None, Some(""), Some("1")].map(|value| refuses_color(value.map(Into::into)));
        assert_eq!(refused, [false, false, true]);
    }
}
