//! A device tried by a process of its own: a driver that crashes takes that process with it and not ours.

use std::process::{Command, Output, Stdio};

use crate::interrupt;

/// How a trial went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trial {
    /// What `iopo devices NAME` prints.
    Described(String),
    /// The process did not come to its end, or to a bad one.
    Crashed(String),
    /// No process could be had for it.
    Untried,
}

/// Has another process of this binary try a device.
pub(crate) fn of(device: &str) -> Trial {
    let Ok(this) = std::env::current_exe() else { return Trial::Untried };
    watched(Command::new(this).args(["devices", device, "--here"]))
}

fn watched(command: &mut Command) -> Trial {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    match output {
        Ok(Output { status, stdout, .. }) if status.success() => {
            Trial::Described(String::from_utf8_lossy(&stdout).trim_end().to_owned())
        }
        Ok(Output { status, .. }) if !interrupt::requested() => {
            Trial::Crashed(format!("its driver ends the process that tries it ({status})"))
        }
        _ => Trial::Untried,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::{Trial, watched};

    #[test]
    fn a_crash_is_told_from_an_answer_and_from_no_trial() {
        let shell = |script: &str| watched(Command::new("sh").args(["-c", script]));
        assert_eq!(shell("echo f32"), Trial::Described("f32".to_owned()));
        assert!(matches!(shell("echo f32; exit 1"), Trial::Crashed(told) if told.contains('1')));
        assert_eq!(watched(&mut Command::new("/no/such/program")), Trial::Untried);
        let Trial::Crashed(told) = shell("echo f32; kill -SEGV $$") else { panic!("a crash") };
        assert!(told.contains("(signal: 11"), "{told}");
    }
}
