//! The run directory: the paths of its files, its lock, and its configuration.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use iopo_core::files;
use iopo_schema::content_hash::{seal, verify, zeros};
use iopo_schema::run_files;

use super::model::TINY_FOLDER;
use super::{PipelineError, Stage};
use crate::config::PipelineConfig;

/// The first lines of a run's configuration.
const HEADER: &str = "# The resolved configuration of this run: `iopo pipeline --config` with this file repeats it.\n\
    # To change a setting, pass it to a command, or pass a changed copy of this file with --config.\n";
/// The text before the content hash of a run's configuration.
const MARK: &str = "# content_hash = \"";
/// The file of the lock.
const LOCK: &str = ".lock";
/// The file of the built-in tasks before they are copied to the run's tasks.
const STAGED_TASKS: &str = ".tasks.jsonl";

/// The paths of a run's files.
///
/// Clones share a lock that keeps other processes from working on the directory.
#[derive(Debug, Clone)]
pub struct RunDir {
    root: PathBuf,
    held: Arc<OnceLock<Held>>,
}

impl RunDir {
    /// Returns the paths of a run. Nothing is created or locked.
    pub(super) fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), held: Arc::default() }
    }

    /// Returns whether a stage of a run has worked in the directory.
    pub(super) fn is_run(&self) -> bool {
        self.config_file().is_file()
    }

    /// Creates and locks the directory, unless this value holds the lock already.
    pub(super) fn hold(&self) -> Result<(), PipelineError> {
        if self.held.get().is_none() {
            let held = Held::take(&self.root)?;
            // Set by no one else, because only the pipeline that owns this value calls this.
            let _ = self.held.set(held);
        }
        Ok(())
    }

    /// Writes the configuration, unless the file has it.
    pub(super) fn write_config(&self, config: &PipelineConfig) -> Result<(), PipelineError> {
        let text = format!("{HEADER}{MARK}{}\"\n\n{}", zeros(), config.to_toml()?);
        let (text, path) = (seal(text, MARK), self.config_file());
        if files::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
            files::write(&path, text.as_bytes()).map_err(PipelineError::io("write", &path))?;
        }
        Ok(())
    }

    /// Returns the file of the configuration of the run in `root`.
    pub fn config_of(root: &Path) -> PathBuf {
        root.join(run_files::CONFIG)
    }

    /// Reads the text of the configuration that the last stage of a run wrote; `None` if `root` is no run.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or was changed since.
    pub fn read_config(root: &Path) -> Result<Option<String>, PipelineError> {
        let path = Self::config_of(root);
        if !path.is_file() {
            return Ok(None);
        }
        let text = files::read_to_string(&path).map_err(PipelineError::io("read", &path))?;
        match verify(&path, text.as_bytes(), MARK) {
            Ok(true) => Ok(Some(text)),
            // Written by hand.
            Ok(false) if !text.starts_with(HEADER) => Ok(Some(text)),
            Ok(false) | Err(_) => Err(PipelineError::EditedConfig { path }),
        }
    }

    /// Returns the directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the file of the resolved configuration.
    pub fn config_file(&self) -> PathBuf {
        Self::config_of(&self.root)
    }

    /// Returns the run's copy of its tasks, which is `tasks.parquet` if they are a Parquet file.
    pub fn tasks_file(&self) -> PathBuf {
        self.root.join(run_files::TASKS)
    }

    /// Returns a hidden file for the built-in tasks, which is used while the run's copy holds other tasks.
    pub(super) fn staged_tasks_file(&self) -> PathBuf {
        self.root.join(STAGED_TASKS)
    }

    /// Returns the file of the constrained instructions.
    pub fn instructions_file(&self) -> PathBuf {
        self.root.join(run_files::INSTRUCTIONS)
    }

    /// Returns the file of the candidate groups, which the recipe `trace` writes.
    pub fn candidates_file(&self) -> PathBuf {
        self.root.join(run_files::CANDIDATES)
    }

    /// Returns the file of the verified responses.
    pub fn responses_file(&self) -> PathBuf {
        self.root.join(run_files::RESPONSES)
    }

    /// Returns the file of the preference groups.
    pub fn preferences_file(&self) -> PathBuf {
        self.root.join(run_files::PREFERENCES)
    }

    /// Returns the directory of the trained models, with one directory for each method and random seed.
    pub fn train_dir(&self) -> PathBuf {
        self.root.join(run_files::TRAIN)
    }

    /// Returns the directory of the evaluation, with one directory for each model.
    pub fn eval_dir(&self) -> PathBuf {
        self.root.join(run_files::EVAL)
    }

    /// Returns the file of the test prompts, which the evaluation writes unless the configuration names another file.
    pub fn test_prompts_file(&self) -> PathBuf {
        self.eval_dir().join(run_files::TEST_PROMPTS)
    }

    /// Returns the file of all estimates with their intervals.
    pub fn summary_file(&self) -> PathBuf {
        self.eval_dir().join(run_files::SUMMARY)
    }

    /// Returns the record of a stage: the settings and files that it read, and the files that it wrote.
    pub fn record_file(&self, stage: Stage) -> PathBuf {
        self.root.join(run_files::STAGES).join(format!("{stage}.json"))
    }

    /// Returns the list of the requests that a stage sent to models, for the cost in its record.
    pub fn requests_file(&self, stage: Stage) -> PathBuf {
        self.root.join(run_files::STAGES).join(format!("{stage}.requests"))
    }

    /// Returns the HTML page.
    pub fn report_file(&self) -> PathBuf {
        self.root.join(run_files::REPORT)
    }

    /// Returns the directory of a policy in a round after the first: `rounds/2/iopo`.
    #[must_use]
    pub fn of_round(&self, round: usize, policy: &str) -> Self {
        let root = self.root.join(run_files::ROUNDS).join(round.to_string()).join(policy);
        Self { root, held: Arc::clone(&self.held) }
    }

    /// Returns the directory of a published benchmark.
    pub fn benchmark_dir(&self, id: &str) -> PathBuf {
        self.eval_dir().join(run_files::BENCHMARKS).join(id)
    }

    /// Returns the directory of the evaluation on dev prompts, which compares rounds.
    pub fn dev_dir(&self) -> PathBuf {
        self.eval_dir().join(run_files::DEV)
    }

    /// Appends the duration of a stage to `times.tsv`; the other files hold no times.
    pub(super) fn note_time(&self, stage: Stage, took: Duration) -> Result<(), PipelineError> {
        let path = self.root.join(run_files::TIMES);
        let line = format!("{stage}\t{:.1}\n", took.as_secs_f64());
        let opened = File::options().create(true).append(true).open(&path);
        opened
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .map_err(PipelineError::io("write", &path))
    }
}

/// A locked directory.
#[derive(Debug)]
struct Held {
    root: PathBuf,
    /// Whether the directory did not exist before.
    created: bool,
    /// The lock, unless the file system has none. The system releases it even if the process is killed.
    _lock: Option<File>,
}

impl Held {
    fn take(root: &Path) -> Result<Self, PipelineError> {
        let created = !root.exists();
        fs::create_dir_all(root).map_err(PipelineError::io("open the run directory", root))?;
        Ok(Self { root: root.to_owned(), created, _lock: lock(root)? })
    }
}

/// Removes a directory that was created for a stage which failed before it began its work.
impl Drop for Held {
    fn drop(&mut self) {
        if !self.created || self.root.join(run_files::CONFIG).exists() {
            return;
        }
        // What remains does no harm, and a directory with other files stays.
        for name in [LOCK, STAGED_TASKS, run_files::TASKS] {
            let _ = fs::remove_file(self.root.join(name));
        }
        let _ = fs::remove_dir_all(self.root.join(TINY_FOLDER));
        let _ = fs::remove_dir(&self.root);
    }
}

fn lock(root: &Path) -> Result<Option<File>, PipelineError> {
    let path = root.join(LOCK);
    let lock = files::lock(&path).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => PipelineError::Locked { dir: root.to_owned() },
        _ => PipelineError::io("lock", &path)(error),
    })?;
    if lock.is_none() {
        let dir = root.display();
        tracing::warn!(
            "the file system of {dir} has no locks; do not start a second process there"
        );
    }
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::{PipelineConfig, PipelineError, RunDir};

    #[test]
    fn a_directory_is_locked_while_it_is_held() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let first = RunDir::at(dir.path());
        first.hold().expect("locked");
        first.hold().expect("locked by itself");
        let second = RunDir::at(dir.path()).hold().expect_err("locked");
        assert!(matches!(second, PipelineError::Locked { .. }), "{second}");
        drop(first);
        RunDir::at(dir.path()).hold().expect("unlocked");
        assert!(dir.path().is_dir(), "it existed before");
    }

    #[test]
    fn a_directory_of_a_run_that_did_not_begin_is_removed() {
        let parent = tempfile::tempdir().expect("temporary directory");
        let root = parent.path().join("run");
        RunDir::at(&root).hold().expect("created");
        assert!(!root.exists());
        let run = RunDir::at(&root);
        run.hold().expect("created");
        run.write_config(&PipelineConfig::default()).expect("written");
        drop(run);
        assert!(root.join("config.toml").is_file());
    }

    #[test]
    fn a_configuration_that_was_changed_by_hand_is_refused() {
        let dir = tempfile::tempdir().expect("temporary directory");
        assert_eq!(RunDir::read_config(dir.path()).expect("no run"), None);
        RunDir::at(dir.path()).write_config(&PipelineConfig::default()).expect("written");
        let text = RunDir::read_config(dir.path()).expect("intact").expect("there");
        let table = crate::config::parse(&text, "config.toml").expect("TOML");
        let config = crate::config::resolve(&table).expect("valid");
        assert_eq!(config, PipelineConfig::default());
        let path = dir.path().join("config.toml");
        std::fs::write(&path, text.replacen("seed = 0", "seed = 1", 1)).expect("written");
        let error = RunDir::read_config(dir.path()).expect_err("changed");
        assert!(error.is_usage() && error.to_string().contains("config.toml"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("--config")));
        // A file without a hash was written by hand.
        std::fs::write(&path, "seed = 1\n").expect("written");
        RunDir::read_config(dir.path()).expect("accepted");
    }
}
