//! The only module that prints: results to stdout, everything else to stderr.

use std::io::{ErrorKind, IsTerminal, Write};

use anyhow::{Context, Result};

/// Prints a result of the command to stdout. A closed pipe (`iopo inspect … | head`) is not an error.
pub(crate) fn result(text: &str) -> Result<()> {
    write_line(&mut std::io::stdout().lock(), text)
}

fn write_line(out: &mut impl Write, text: &str) -> Result<()> {
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
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

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind, Write};

    use super::write_line;

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
}
