//! Probes a device in a child process, so that a driver that crashes does not end this one.

use std::process::{Command, Output, Stdio};

use crate::interrupt;

/// The outcome of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Probe {
    /// The line that `iopo devices NAME` prints.
    Works(String),
    /// The child process crashed or failed: how.
    Crashed(String),
    /// No child process could be started.
    Unknown,
}

/// Probes a device in a child process of this binary.
pub(crate) fn probe(device: &str) -> Probe {
    let Ok(this) = std::env::current_exe() else { return Probe::Unknown };
    outcome(Command::new(this).args(["devices", device, "--here"]))
}

fn outcome(command: &mut Command) -> Probe {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    match output {
        Ok(Output { status, stdout, .. }) if status.success() => {
            Probe::Works(String::from_utf8_lossy(&stdout).trim_end().to_owned())
        }
        Ok(Output { status, .. }) if !interrupt::requested() => {
            Probe::Crashed(format!("its driver crashed the probing process ({status})"))
        }
        _ => Probe::Unknown,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::{Probe, outcome};

    #[test]
    fn a_crash_an_answer_and_a_missing_program_are_distinguished() {
        let shell = |script: &str| outcome(Command::new("sh").args(["-c", script]));
        assert_eq!(shell("echo f32"), Probe::Works("f32".to_owned()));
        assert!(matches!(shell("echo f32; exit 1"), Probe::Crashed(how) if how.contains('1')));
        assert_eq!(outcome(&mut Command::new("/no/such/program")), Probe::Unknown);
        let Probe::Crashed(how) = shell("echo f32; kill -SEGV $$") else { panic!("a crash") };
        assert!(how.contains("(signal: 11"), "{how}");
    }
}
