//! The tasks of a run, and the run's own copy of them.

use std::path::{Path, PathBuf};

use iopo_core::files;
use iopo_schema::{file_hash, run_files};
use iopo_synth::{SynthError, Task, used_tasks};

use super::record::Record;
use super::{PipelineError, RunDir, Stage};
use crate::config::PipelineConfig;

/// The built-in tasks, as JSON lines.
pub const BUILT_IN_TASKS: &str = include_str!("../../data/tasks.jsonl");

/// The tasks that a configuration names.
pub(super) enum Original {
    /// The built-in tasks.
    BuiltIn,
    /// A file.
    File(PathBuf),
}

/// Returns the tasks that a configuration names.
pub(super) fn original(config: &PipelineConfig) -> Original {
    if config.tasks.is_empty() {
        return Original::BuiltIn;
    }
    Original::File(PathBuf::from(&config.tasks))
}

/// Lists the run's copies of its tasks: one, after synthesis has begun.
pub(super) fn copies(dir: &RunDir) -> Vec<PathBuf> {
    let jsonl = dir.root().join(run_files::TASKS);
    let parquet = jsonl.with_extension("parquet");
    [jsonl, parquet].into_iter().filter(|path| path.is_file()).collect()
}

/// Returns the file of tasks that synthesis reads: the original, or the run's copy if the original is gone.
pub(super) fn source(config: &PipelineConfig, dir: &RunDir) -> Result<PathBuf, PipelineError> {
    let Original::File(file) = original(config) else {
        return keep_text(BUILT_IN_TASKS.as_bytes(), &dir.root().join(run_files::TASKS));
    };
    if file.exists() {
        return Ok(file);
    }
    let recorded = Record::read(&dir.record_file(Stage::Synth))?;
    let recorded = recorded.and_then(|record| record.inputs.get("tasks").cloned());
    for copy in copies(dir) {
        if recorded.is_some() && recorded == Some(file_hash(&copy)?) {
            return Ok(copy);
        }
    }
    Ok(file)
}

/// Copies the tasks into the run directory, so that a change of the original is noticed. Returns the copy.
pub(super) fn keep(source: &Path, dir: &RunDir) -> Result<PathBuf, PipelineError> {
    let is_parquet = source.extension().is_some_and(|extension| extension == "parquet");
    let jsonl = dir.root().join(run_files::TASKS);
    let parquet = jsonl.with_extension("parquet");
    let (copy, other) = if is_parquet { (parquet, jsonl) } else { (jsonl, parquet) };
    if source == copy {
        return Ok(copy);
    }
    let bytes = std::fs::read(source).map_err(PipelineError::io("read", source))?;
    keep_text(&bytes, &copy)?;
    if other.is_file() {
        std::fs::remove_file(&other).map_err(PipelineError::io("remove", &other))?;
    }
    Ok(copy)
}

/// Writes a file unless it has these bytes.
fn keep_text(bytes: &[u8], path: &Path) -> Result<PathBuf, PipelineError> {
    if std::fs::read(path).ok().as_deref() != Some(bytes) {
        files::write(path, bytes).map_err(PipelineError::io("write", path))?;
    }
    Ok(path.to_owned())
}

/// Reads the tasks that synthesis used, from the run's copy. Fails if the instructions were made from another file.
pub(super) fn used(config: &PipelineConfig, dir: &RunDir) -> Result<Vec<Task>, PipelineError> {
    let file = match copies(dir).into_iter().next() {
        Some(copy) => copy,
        None => source(config, dir)?,
    };
    let instructions = dir.instructions_file();
    let synthesized = iopo_schema::provenance(&instructions).map_err(SynthError::from)?;
    let hash = file_hash(&file).map_err(SynthError::from)?;
    // Instructions of another program may not name their tasks.
    if synthesized.inputs.get("tasks").is_some_and(|tasks| *tasks != hash) {
        return Err(PipelineError::OtherTasks { file, instructions });
    }
    Ok(used_tasks(&file, &config.synth)?)
}

/// Fails if pairing would put all tasks into the test and dev splits. Sampling takes hours, so this is checked before.
pub(super) fn check_count(in_file: usize, config: &PipelineConfig) -> Result<(), PipelineError> {
    let used = config.synth.max_tasks.map_or(in_file, |limit| limit.min(in_file));
    let (test, dev) = (config.pairs.test_tasks, config.pairs.dev_tasks);
    if used > test.saturating_add(dev) {
        return Ok(());
    }
    Err(PipelineError::TooFewTasks { used, in_file, test, dev })
}

#[cfg(test)]
mod tests {
    use super::check_count;
    use crate::config::PipelineConfig;

    #[test]
    fn tasks_that_leave_none_to_train_on_are_refused_with_a_remedy() {
        let mut config = PipelineConfig::default();
        (config.pairs.test_tasks, config.pairs.dev_tasks) = (6, 3);
        check_count(10, &config).expect("one is left");
        let refused = |in_file, config: &PipelineConfig| {
            let error = check_count(in_file, config).expect_err("none is left");
            assert!(error.is_usage());
            error.hint().expect("a hint")
        };
        let hint = refused(9, &config);
        assert!(hint.starts_with("use at least 10 tasks"), "{hint}");
        config.synth.max_tasks = Some(9);
        let hint = refused(400, &config);
        assert!(hint.starts_with("set synth.max_tasks above 9 (the file has 400"), "{hint}");
    }
}
