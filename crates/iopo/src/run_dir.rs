//! The run directory: which file lies where, and the configuration that all of it belongs to.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::config::{PipelineConfig, differences, stored};
use crate::failure::Failure;

/// What unfinished files and directories are called while they are made.
const SCRATCH: &str = ".making-";

/// Paths of a run; while it lives, no other process works on the same directory.
#[derive(Debug, Clone)]
pub(crate) struct RunDir {
    root: PathBuf,
    /// Holds the lock; the system lets go of it even when the process is killed.
    _lock: Arc<File>,
}

impl RunDir {
    /// Opens or makes the directory; refuses one that another configuration has begun.
    pub(crate) fn open(root: &Path, config: &PipelineConfig) -> Result<Self> {
        let what = || format!("failed to open the run directory {}", root.display());
        std::fs::create_dir_all(root).with_context(what)?;
        let run = Self { root: root.to_path_buf(), _lock: Arc::new(lock(root)?) };
        sweep(root).with_context(what)?;
        let path = run.config();
        if path.is_file() {
            let text = std::fs::read_to_string(&path).with_context(what)?;
            let before = stored(&text, &path.display().to_string())?;
            let (before, now) = (decisive(&before, config), config.table()?);
            return match differences(&before.table()?, &now) {
                changed if changed.is_empty() => Ok(run),
                changed => Err(other_configuration(root, &changed).into()),
            };
        }
        let text = config.text()?;
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

    /// Notes how long a stage took, beside the files, which hold no times.
    pub(crate) fn note_time(&self, stage: &str, took: Duration) -> Result<()> {
        let path = self.root.join("times.tsv");
        let what = || format!("failed to write {}", path.display());
        let mut file =
            std::fs::OpenOptions::new().create(true).append(true).open(&path).with_context(what)?;
        writeln!(file, "{stage}\t{:.1}", took.as_secs_f64()).with_context(what)
    }
}

/// A run's configuration with what decides nothing of its files taken from `now`: what it is called and said to be,
/// where and in how much memory it is computed, and the limits that only accept or refuse what was made.
fn decisive(before: &PipelineConfig, now: &PipelineConfig) -> PipelineConfig {
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

/// A directory or file name under which something is made before it is renamed into place.
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
                .way_out("wait for it, stop it, or pass another --out")
                .into())
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(what),
    }
}

/// Removes what a killed process was just making.
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

/// Writes a small file whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let what = || format!("failed to write {}", path.display());
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = scratch().tempfile_in(dir).with_context(what)?;
    file.write_all(bytes).with_context(what)?;
    file.as_file().sync_all().with_context(what)?;
    file.persist(path).with_context(what)?;
    Ok(())
}

fn other_configuration(root: &Path, changed: &[String]) -> Failure {
    const SHOWN: usize = 6;
    let mut list = changed.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
    if changed.len() > SHOWN {
        let more = format!("; and {} more", changed.len() - SHOWN);
        list.push_str(&more);
    }
    Failure::usage(format!("{} holds a run with another configuration ({list})", root.display())).way_out(format!(
        "pass another --out, or delete {} to begin anew, or leave the differing flags away to go on with it",
        root.display()
    ))
}

#[cfg(test)]
mod tests {
    use iopo_train::GradientCheckpointing;

    use super::RunDir;
    use crate::config::PipelineConfig;
    use crate::failure::{Exit, exit_of};

    #[test]
    fn a_run_goes_on_with_its_configuration_and_refuses_another() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let config = PipelineConfig::default();
        RunDir::open(dir.path(), &config).expect("made");
        RunDir::open(dir.path(), &config).expect("goes on");
        let elsewhere = PipelineConfig { device: "cuda".to_owned(), ..config.clone() };
        RunDir::open(dir.path(), &elsewhere).expect("the device may change");
        let mut spared = config.clone();
        spared.train.gradient_checkpointing = GradientCheckpointing::Always;
        RunDir::open(dir.path(), &spared).expect("what only memory and time hang on may change");
        let mut renamed = PipelineConfig { name: "other".to_owned(), ..config.clone() };
        renamed.pairs.min_test_tasks = 1;
        renamed.synth.max_repaired_share = 1.0;
        RunDir::open(dir.path(), &renamed).expect("a name and limits that only accept may change");
        let other = PipelineConfig { seed: 3, ..config };
        let error = RunDir::open(dir.path(), &other).expect_err("refused");
        assert_eq!(exit_of(&error), Exit::Usage);
        assert!(error.to_string().contains("seed: 0 → 3"), "{error}");
    }

    #[test]
    fn a_setting_that_an_older_run_does_not_name_has_its_default() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let config = PipelineConfig::default();
        std::fs::write(dir.path().join("config.toml"), "seed = 0\n[synth]\n").expect("written");
        RunDir::open(dir.path(), &config).expect("goes on");
        std::fs::write(dir.path().join("config.toml"), "sead = 0\n").expect("written");
        let error = RunDir::open(dir.path(), &config).expect_err("refused");
        assert_eq!(exit_of(&error), Exit::Usage);
        assert!(format!("{error:#}").contains("config.toml"), "{error:#}");
    }
}
