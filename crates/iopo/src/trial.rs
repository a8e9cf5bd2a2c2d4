//! A device tried by a process of its own: a driver that crashes takes that process with it and not ours.

use std::process::{Command, ExitStatus, Output, Stdio};

/// How a trial went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trial {
    /// What `iopo devices NAME` prints.
    Described(String),
    /// The process did not come to its end.
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
    // What drivers say on their way is said again by the one that is used.
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    match output {
        Ok(Output { status, stdout, .. }) if status.success() => {
            Trial::Described(String::from_utf8_lossy(&stdout).trim_end().to_owned())
        }
        Ok(Output { status, .. }) if crashed(status) => {
            Trial::Crashed(format!("its driver crashes ({status})"))
        }
        _ => Trial::Untried,
    }
}

#[cfg(unix)]
fn crashed(status: ExitStatus) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&status).is_some()
}

/// Windows ends a process that crashes with the number of its exception, an error by the two uppermost bits.
#[cfg(not(unix))]
fn crashed(status: ExitStatus) -> bool {
    status.code().is_some_and(|code| code as u32 >> 30 == 3)
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::{Trial, watched};

    #[test]
    fn a_crash_is_told_from_an_answer_and_from_a_failure() {
        let shell = |script: &str| watched(Command::new("sh").args(["-c", script]));
        assert_eq!(shell("echo f32"), Trial::Described("f32".to_owned()));
        assert_eq!(shell("echo f32; exit 1"), Trial::Untried);
        assert_eq!(watched(&mut Command::new("/no/such/program")), Trial::Untried);
        let Trial::Crashed(told) = shell("echo f32; kill -SEGV $$") else { panic!("a crash") };
        assert!(told.contains("crashes (signal: 11"), "{told}");
    }
}
