//! Probes a device in a child process, so that a driver that crashes does not end this one.

use std::io::{self, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::interrupt;

/// Longest time for a driver to answer; compiling its first kernels can take a minute.
const LONGEST: Duration = Duration::from_mins(3);
/// Time between two looks at the child.
const PAUSE: Duration = Duration::from_millis(20);

/// The outcome of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Probe {
    /// The line that `iopo devices NAME` prints.
    Works(String),
    /// The child process crashed, failed or did not end: how.
    Failed(String),
    /// No child process could be started.
    Unknown,
}

/// Probes a device in a child process of this binary.
pub(crate) fn probe(device: &str) -> Probe {
    let Ok(this) = std::env::current_exe() else { return Probe::Unknown };
    outcome(Command::new(this).args(["devices", device, "--here"]), LONGEST)
}

fn outcome(command: &mut Command, longest: Duration) -> Probe {
    match run(command, longest) {
        Ok((Some(status), said)) if status.success() => Probe::Works(said.trim_end().to_owned()),
        _ if interrupt::requested() => Probe::Unknown,
        Ok((Some(status), _)) => {
            Probe::Failed(format!("its driver crashed the probing process ({status})"))
        }
        Ok((None, _)) => {
            let seconds = longest.as_secs();
            Probe::Failed(format!("its driver did not add a few numbers within {seconds} s"))
        }
        Err(_) => Probe::Unknown,
    }
}

/// Runs a command that prints a line, and kills it after `longest`; then there is no status.
fn run(command: &mut Command, longest: Duration) -> io::Result<(Option<ExitStatus>, String)> {
    let (start, mut said) = (Instant::now(), Vec::new());
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        if start.elapsed() >= longest || interrupt::requested() {
            child.kill()?;
            child.wait()?;
            break None;
        }
        std::thread::sleep(PAUSE);
    };
    if let (Some(_), Some(mut stdout)) = (status, child.stdout.take()) {
        stdout.read_to_end(&mut said)?;
    }
    Ok((status, String::from_utf8_lossy(&said).into_owned()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::{LONGEST, Probe, outcome};

    #[test]
    fn a_crash_an_answer_and_a_missing_program_are_distinguished() {
        let shell = |script: &str| outcome(Command::new("sh").args(["-c", script]), LONGEST);
        assert_eq!(shell("echo f32"), Probe::Works("f32".to_owned()));
        assert!(matches!(shell("echo f32; exit 1"), Probe::Failed(how) if how.contains('1')));
        assert_eq!(outcome(&mut Command::new("/no/such/program"), LONGEST), Probe::Unknown);
        let Probe::Failed(how) = shell("echo f32; kill -SEGV $$") else { panic!("a crash") };
        assert!(how.contains("(signal: 11"), "{how}");
        let never = outcome(Command::new("sleep").arg("600"), Duration::from_secs(1));
        assert!(matches!(&never, Probe::Failed(how) if how.contains("within 1 s")), "{never:?}");
    }
}
