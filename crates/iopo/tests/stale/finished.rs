//! A finished run, for tests that change it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::common::{Outcome, run, succeed, text};

/// A run of one round with a task file of its own.
pub(crate) struct Run {
    pub(crate) dir: tempfile::TempDir,
}

impl Run {
    /// Copies a finished run, which is made once.
    pub(crate) fn finished() -> Self {
        static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
        let made = MADE.get_or_init(|| {
            let made = Self { dir: tempfile::tempdir().expect("temporary directory") };
            let preset =
                include_str!("../../presets/smoke.toml").replace("rounds = 2", "rounds = 1");
            let mut tasks = String::new();
            for line in include_str!("../../data/tasks.jsonl").lines().take(16) {
                tasks += line;
                tasks.push('\n');
            }
            fs::write(made.tasks(), tasks).expect("written");
            let settings = preset
                .replace("max_tasks = 24", "max_tasks = 16")
                .replace("test_tasks = 6\ndev_tasks = 3", "test_tasks = 4\ndev_tasks = 2")
                .replace("[train]\n", "[train]\nmethods = [\"sft\", \"iopo\"]\n");
            assert!(settings.contains("rounds = 1") && settings.contains("max_tasks = 16"));
            assert!(settings.contains("methods = [\"sft\", \"iopo\"]"));
            fs::write(made.settings(), settings).expect("written");
            made.ok("pipeline", &[]);
            made.dir
        });
        let run = Self { dir: tempfile::tempdir().expect("temporary directory") };
        copy(made.path(), run.dir.path());
        run
    }

    pub(crate) fn settings(&self) -> PathBuf {
        self.dir.path().join("mine.toml")
    }

    pub(crate) fn tasks(&self) -> PathBuf {
        self.dir.path().join("tasks.jsonl")
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    pub(crate) fn command(&self, stage: &str, more: &[&str]) -> Outcome {
        let tasks = format!("tasks={}", text(&self.tasks()));
        let (settings, out) = (self.settings(), self.out());
        let args = [stage, "--config", text(&settings), "--out", text(&out), "--set", &tasks];
        run(&[&args[..], more].concat())
    }

    pub(crate) fn ok(&self, stage: &str, more: &[&str]) -> Outcome {
        let outcome = self.command(stage, more);
        assert_eq!(outcome.code, Some(0), "{stage} {more:?}: {}", outcome.stderr);
        outcome
    }

    /// When a file of the run was written.
    pub(crate) fn written(&self, name: &str) -> SystemTime {
        let path = self.out().join(name);
        fs::metadata(&path).and_then(|meta| meta.modified()).expect("modification time")
    }

    /// The lines of `iopo status`, by the names of the stages.
    pub(crate) fn status(&self, more: &[&str]) -> String {
        let tasks = format!("tasks={}", text(&self.tasks()));
        let out = self.out();
        succeed(&[&["status", text(&out), "--set", &tasks][..], more].concat()).stdout
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("listed") {
        let path = entry.expect("entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}
