//! Signals: Ctrl-C, SIGTERM and SIGHUP stop a run cleanly, and `nohup` keeps it running.
#![cfg(unix)]

#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod common;

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use common::{iopo, text};

/// A run in the background, with its messages in a file.
struct Running {
    child: Child,
    dir: tempfile::TempDir,
}

impl Running {
    /// Starts a run after `before` and waits until its signals are handled and most of its work is still to do.
    fn start(before: &str) -> Self {
        let dir = tempfile::tempdir().expect("temporary directory");
        let out = dir.path().join("run");
        let log = File::create(dir.path().join("log")).expect("created");
        let binary = iopo(&[]);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{before}; exec \"$@\""), "sh"]).arg(binary.get_program());
        shell.args(["pipeline", "--preset", "smoke", "--out", text(&out)]).env_remove("IOPO_LOG");
        let child = shell.stdout(log.try_clone().expect("a handle")).stderr(log).spawn();
        let mut running = Self { child: child.expect("started"), dir };
        running.wait(|running| running.dir.path().join("run/model/config.json").exists());
        running
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).expect("the log")
    }

    fn send(&self, signal: &str) {
        let kill = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(kill.expect("kill").success());
    }

    fn wait(&mut self, until: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !until(self) {
            if begun.elapsed() > Duration::from_mins(1) {
                let _ = self.child.kill();
                panic!("nothing happened in 60 s:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("ended");
        let report = Path::new("run/report.html");
        assert!(!self.dir.path().join(report).exists(), "it ran to its end");
        (status, self.log())
    }
}

#[test]
fn each_signal_stops_a_run_cleanly() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let running = Running::start(":");
        running.send(signal);
        let (status, log) = running.end();
        assert_eq!(status.code(), Some(130), "{signal}: {log}");
        assert!(log.contains("interrupted: finished work is kept"), "{signal}: {log}");
    }
}

#[test]
fn repeated_signals_of_a_scheduler_or_terminal_still_stop_a_run_cleanly() {
    for signal in ["-TERM", "-HUP"] {
        let mut running = Running::start(":");
        running.send(signal);
        running.wait(|running| running.log().contains("stopping"));
        running.send("-TERM");
        running.send(signal);
        let (status, log) = running.end();
        assert_eq!(status.code(), Some(130), "{signal}: {log}");
        assert!(log.contains("interrupted: finished work is kept"), "{signal}: {log}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_under_nohup_survives_the_end_of_its_terminal() {
    // `nohup` ignores the signal in the same way.
    let mut running = Running::start("trap '' HUP");
    running.send("-HUP");
    std::thread::sleep(Duration::from_millis(300));
    assert!(running.child.try_wait().expect("waited").is_none(), "it ended:\n{}", running.log());
    assert!(!running.log().contains("stopping"), "{}", running.log());
    running.send("-TERM");
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(130), "{log}");
}
