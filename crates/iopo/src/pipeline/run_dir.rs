//! The run directory: the paths of its files, its lock, and the configuration that it belongs to.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use iopo_core::files;
use iopo_schema::run_files;

use super::{PipelineError, Stage};
use crate::config::{ConfigError, PipelineConfig, differences, parse, resolve};

const HEADER: &str = "# The resolved configuration of this run: `iopo pipeline --config` with this file repeats it.\n\n";

/// The paths of a run's files.
///
/// Clones share a lock that keeps other processes from working on the directory.
#[derive(Debug, Clone)]
pub struct RunDir {
    root: PathBuf,
    /// The lock, unless the file system has none. The system releases it even if the process is killed.
    lock: Arc<Option<File>>,
}

impl RunDir {
    /// Opens or creates the directory. Fails if it belongs to another configuration.
    pub(super) fn open(root: &Path, config: &PipelineConfig) -> Result<Self, PipelineError> {
        fs::create_dir_all(root).map_err(PipelineError::io("open the run directory", root))?;
        let run = Self { root: root.to_path_buf(), lock: Arc::new(lock(root)?) };
        let path = run.config_file();
        if path.is_file() {
            let text = fs::read_to_string(&path).map_err(PipelineError::io("read", &path))?;
            let unusable =
                |source| PipelineError::RunConfig { path: path.clone(), source: Box::new(source) };
            let found = parse(&text, &path.display().to_string())
                .and_then(|table| resolve(&table))
                .map_err(unusable)?;
            let changed = changes(&found, config)?;
            if changed.is_empty() {
                return Ok(run);
            }
            return Err(PipelineError::OtherConfiguration { dir: root.to_owned(), changed });
        }
        let text = format!("{HEADER}{}", config.to_toml()?);
        files::write(&path, text.as_bytes()).map_err(PipelineError::io("write", &path))?;
        Ok(run)
    }

    /// Returns the directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the file of the resolved configuration.
    pub fn config_file(&self) -> PathBuf {
        self.root.join(run_files::CONFIG)
    }

    /// Returns the file of the built-in tasks, which synthesis writes unless the configuration names another file.
    pub fn tasks_file(&self) -> PathBuf {
        self.root.join(run_files::TASKS)
    }

    /// Returns the file of the constrained instructions.
    pub fn instructions_file(&self) -> PathBuf {
        self.root.join(run_files::INSTRUCTIONS)
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

    /// Returns the HTML page.
    pub fn report_file(&self) -> PathBuf {
        self.root.join(run_files::REPORT)
    }

    /// Returns the directory of a policy in a round after the first: `rounds/2/iopo`.
    #[must_use]
    pub fn of_round(&self, round: usize, policy: &str) -> Self {
        let root = self.root.join(run_files::ROUNDS).join(round.to_string()).join(policy);
        Self { root, lock: Arc::clone(&self.lock) }
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

/// Lists the settings that differ and that change a file of the run. The others are the name and notes, the device, the
/// use of memory, and limits that only accept or refuse a result.
fn changes(found: &PipelineConfig, config: &PipelineConfig) -> Result<Vec<String>, ConfigError> {
    let mut found = found.clone();
    found.name.clone_from(&config.name);
    found.notes.clone_from(&config.notes);
    found.device.clone_from(&config.device);
    found.demonstration = config.demonstration;
    found.train.gradient_checkpointing = config.train.gradient_checkpointing;
    found.synth.max_edited_share = config.synth.max_edited_share;
    found.pairs.max_edited_share = config.pairs.max_edited_share;
    found.pairs.min_test_tasks = config.pairs.min_test_tasks;
    found.pairs.min_train_groups = config.pairs.min_train_groups;
    Ok(differences(&found.to_table()?, &config.to_table()?))
}

fn lock(root: &Path) -> Result<Option<File>, PipelineError> {
    let path = root.join(".lock");
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
    use iopo_train::GradientCheckpointing;

    use super::{PipelineConfig, PipelineError, RunDir};

    #[test]
    fn a_run_resumes_with_its_configuration_and_refuses_another() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let open = |change: fn(&mut PipelineConfig)| {
            let mut config = PipelineConfig::default();
            change(&mut config);
            RunDir::open(dir.path(), &config)
        };
        open(|_| ()).expect("created");
        open(|_| ()).expect("resumed");
        open(|config| config.device = "cuda".to_owned()).expect("the device may change");
        open(|config| config.train.gradient_checkpointing = GradientCheckpointing::Always)
            .expect("the use of memory may change");
        open(|config| {
            config.name = "other".to_owned();
            config.pairs.min_test_tasks = 1;
            config.synth.max_edited_share = 1.0;
        })
        .expect("the name and limits that only accept a result may change");
        let error = open(|config| config.set_seed(3)).expect_err("refused");
        assert!(error.is_usage());
        assert!(error.to_string().contains("seed: 0 → 3"), "{error}");
    }

    #[test]
    fn a_directory_is_locked_while_it_is_open() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let config = PipelineConfig::default();
        let first = RunDir::open(dir.path(), &config).expect("created");
        let second = RunDir::open(dir.path(), &config).expect_err("locked");
        assert!(matches!(second, PipelineError::Locked { .. }), "{second}");
        drop(first);
        RunDir::open(dir.path(), &config).expect("unlocked");
    }

    #[test]
    fn a_setting_that_a_run_does_not_name_has_its_default() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let config = PipelineConfig::default();
        std::fs::write(dir.path().join("config.toml"), "seed = 0\n[synth]\n").expect("written");
        RunDir::open(dir.path(), &config).expect("resumed");
        std::fs::write(dir.path().join("config.toml"), "sead = 0\n").expect("written");
        let error = RunDir::open(dir.path(), &config).expect_err("refused");
        assert!(error.is_usage() && error.to_string().contains("config.toml"), "{error}");
        assert_eq!(error.hint().as_deref(), Some("did you mean `seed`?"));
    }
}
