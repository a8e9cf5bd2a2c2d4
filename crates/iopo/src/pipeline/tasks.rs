//! The tasks of a run.

use std::path::PathBuf;

use iopo_core::files;
use iopo_schema::file_hash;
use iopo_synth::{SynthError, Task, used_tasks};

use super::{PipelineError, RunDir};
use crate::config::PipelineConfig;

/// The built-in tasks, as JSON lines.
pub const BUILT_IN_TASKS: &str = include_str!("../../data/tasks.jsonl");

/// Returns the configured file of tasks, or writes the built-in tasks into the run directory.
pub(super) fn file(config: &PipelineConfig, dir: &RunDir) -> Result<PathBuf, PipelineError> {
    if !config.tasks.is_empty() {
        return Ok(PathBuf::from(&config.tasks));
    }
    let path = dir.tasks_file();
    if !path.is_file() {
        files::write(&path, BUILT_IN_TASKS.as_bytes())
            .map_err(PipelineError::io("write", &path))?;
    }
    Ok(path)
}

/// Reads the tasks that synthesis used. Fails if their file has changed since.
pub(super) fn used(config: &PipelineConfig, dir: &RunDir) -> Result<Vec<Task>, PipelineError> {
    let (file, instructions) = (file(config, dir)?, dir.instructions_file());
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
