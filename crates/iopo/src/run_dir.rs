//! The run directory: the paths of its files, its lock, and the configuration that it belongs to.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use iopo::config::{PipelineConfig, differences, parse, resolve};
use iopo_core::files;

use crate::failure::Failure;
use crate::resolve::usage;

/// Prefix of files and directories under construction.
const SCRATCH: &str = ".making-";

/// The paths of a run. Holds a lock, so that no other process works on the same directory.
#[derive(Debug, Clone)]
pub(crate) struct RunDir {
    root: PathBuf,
    /// The lock. The system releases it even if the process is killed.
    _lock: Arc<File>,
}

impl RunDir {
    /// Opens or creates the directory; returns an error if it belongs to another configuration.
    pub(crate) fn open(root: &Path, config: &PipelineConfig) -> Result<Self> {
        let what = || format!("failed to open the run directory {}", root.display());
        std::fs::create_dir_all(root).with_context(what)?;
        let run = Self { root: root.to_path_buf(), _lock: Arc::new(lock(root)?) };
        sweep(root).with_context(what)?;
        let path = run.config();
        if path.is_file() {
            let text = std::fs::read_to_string(&path).with_context(what)?;
            let name = path.display().to_string();
            let before = parse(&text, &name)
                .and_then(|table| resolve(&table))
                .map_err(|error| usage(&format!("cannot use {name}"), &error))?;
            let (before, now) = (comparable(&before, config), config.to_table()?);
            return match differences(&before.to_table()?, &now) {
                changed if changed.is_empty() => Ok(run),
                changed => Err(other_configuration(root, &changed).into()),
            };
        }
        let text = config.to_toml()?;
        let header = "# The resolved configuration of this run: `iopo pipeline --config` with this file repeats it.\n\n";
        write_whole(&path, format!("{header}{text}").as_bytes())?;
        Ok(run)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    pub(crate) fn instructions(&self) -> PathBuf {
        self.root.join("instructions.parquet")
    }

    pub(crate) fn responses(&self) -> PathBuf {
        self.root.join("responses.parquet")
    }

    pub(crate) fn preferences(&self) -> PathBuf {
        self.root.join("preferences.parquet")
    }

    pub(crate) fn train(&self) -> PathBuf {
        self.root.join("train")
    }

    pub(crate) fn eval(&self) -> PathBuf {
        self.root.join("eval")
    }

    pub(crate) fn summary(&self) -> PathBuf {
        self.eval().join("summary.parquet")
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.root.join("report.html")
    }

    /// Appends the duration of a stage to `times.tsv`; the other files hold no times.
    pub(crate) fn note_time(&self, stage: &str, took: Duration) -> Result<()> {
        let path = self.root.join("times.tsv");
        let what = || format!("failed to write {}", path.display());
        let mut file =
            std::fs::OpenOptions::new().create(true).append(true).open(&path).with_context(what)?;
        writeln!(file, "{stage}\t{:.1}", took.as_secs_f64()).with_context(what)
    }
}

/// A run's configuration, with every setting that changes no file taken from `now`: the name and notes, the device, the
/// use of memory, and limits that only accept or refuse a result.
fn comparable(before: &PipelineConfig, now: &PipelineConfig) -> PipelineConfig {
    let mut before = before.clone();
    before.name.clone_from(&now.name);
    before.notes.clone_from(&now.notes);
    before.device.clone_from(&now.device);
    before.demonstration = now.demonstration;
    before.train.gradient_checkpointing = now.train.gradient_checkpointing;
    before.synth.max_repaired_share = now.synth.max_repaired_share;
    before.pairs.max_repaired_share = now.pairs.max_repaired_share;
    before.pairs.min_test_tasks = now.pairs.min_test_tasks;
    before.pairs.min_train_groups = now.pairs.min_train_groups;
    before
}

/// A builder of temporary names, for files and directories that are renamed into place when they are complete.
pub(crate) fn scratch() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(SCRATCH);
    builder
}

fn lock(root: &Path) -> Result<File> {
    let path = root.join(".lock");
    let what = || format!("failed to lock {}", path.display());
    let file = File::options().create(true).append(true).open(&path).with_context(what)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Failure::new(format!("another process is working on {}", root.display()))
                .hint("wait for it to end, stop it, or pass another --out")
                .into())
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(what),
    }
}

/// Removes files and directories that a killed process left under construction.
fn sweep(root: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(SCRATCH) {
            if entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())?;
            } else {
                std::fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

/// Writes a file that is complete or absent.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let what = || format!("failed to write {}", path.display());
    files::write(path, bytes).with_context(what)
}

fn other_configuration(root: &Path, changed: &[String]) -> Failure {
    const SHOWN: usize = 6;
    let mut list = changed.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
    if changed.len() > SHOWN {
        let more = format!("; and {} more", changed.len() - SHOWN);
        list.push_str(&more);
    }
    Failure::usage(format!("{} belongs to a run with another configuration ({list})", root.display())).hint(format!(
        "pass another --out, delete {} to start over, or omit the differing flags to resume the run",
        root.display()
    ))
}

#[cfg(test)]
mod tests {
    use iopo_train::GradientCheckpointing;

    use super::RunDir;
    use crate::failure::{Exit, exit_of};
    use iopo::config::PipelineConfig;

    #[test]
    fn a_run_resumes_with_its_configuration_and_refuses_another() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let config = PipelineConfig::default();
        RunDir::open(dir.path(), &config).expect("created");
        RunDir::open(dir.path(), &config).expect("resumes");
        let mut elsewhere = config.clone();
        elsewhere.device = "cuda".to_owned();
        RunDir::open(dir.path(), &elsewhere).expect("the device may change");
        let mut spared = config.clone();
        spared.train.gradient_checkpointing = GradientCheckpointing::Always;
        RunDir::open(dir.path(), &spared)
            .expect("a setting that changes only memory and time may change");
        let mut renamed = config.clone();
        renamed.name = "other".to_owned();
        renamed.pairs.min_test_tasks = 1;
        renamed.synth.max_repaired_share = 1.0;
        RunDir::open(dir.path(), &renamed).expect("a name and limits that only accept may change");
        let mut other = config;
        other.seed = 3;
        let error = RunDir::open(dir.path(), &other).expect_err("refused");
        assert_eq!(exit_of(&error), Exit::Usage);
        assert!(error.to_string().contains("seed: 0 → 3"), "{error}");
    }

    #[test]
    fn a_setting_that_a_run_does_not_name_has_its_default() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let config = PipelineConfig::default();
        std::fs::write(dir.path().join("config.toml"), "seed = 0\n[synth]\n").expect("written");
        RunDir::open(dir.path(), &config).expect("resumes");
        std::fs::write(dir.path().join("config.toml"), "sead = 0\n").expect("written");
        let error = RunDir::open(dir.path(), &config).expect_err("refused");
        assert_eq!(exit_of(&error), Exit::Usage);
        assert!(format!("{error:#}").contains("config.toml"), "{error:#}");
    }
}
