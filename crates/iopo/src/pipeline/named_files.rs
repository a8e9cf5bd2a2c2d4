//! Checks the files and folders that settings name, before a stage begins.
//!
//! Test prompts, test tasks and the start of training are read after stages that take hours, so their content is checked before them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_core::SettingError;
use iopo_eval::{EvalError, TestTask, TrainingRows, refuse_leaks, refuse_shared_tasks};
use iopo_pairs::split_tasks;
use iopo_schema::{PreferenceRow, SchemaError, Split, TestPromptRow};
use iopo_synth::{Task, is_task_file, used_tasks};
use iopo_train::check_start;

use super::{Pipeline, PipelineError, Stage, paths, tasks, test_tasks};
use crate::config::{ConfigError, PipelineConfig};

/// Adds the setting that names test prompts to an error about them.
type OfSetting = fn(&PipelineConfig, EvalError) -> PipelineError;

/// The setting that names test prompts.
const PROMPTS: &str = "eval.prompts";

impl Pipeline {
    /// Fails if a setting names no usable file or folder and this stage or a later one reads it.
    ///
    /// Before synthesis, test prompts and test tasks are compared with the tasks, and before training with the groups. Evaluation
    /// compares them with everything that was trained on.
    pub(super) fn check_files(&self, stage: Stage) -> Result<(), PipelineError> {
        let (config, dir) = (&self.config, &self.dir);
        if let tasks::Original::File(file) = tasks::original(config) {
            if file.is_dir() {
                return Err(tasks::missing(config));
            }
            if !is_task_file(&file) {
                return Err(tasks::unreadable(config));
            }
        }
        if let Some(start) = config.train.start.as_ref().filter(|_| stage <= Stage::Train) {
            if !start.is_dir() {
                return Err(unusable("train.start", start, "the folder of a trained model"));
            }
            check_start(start, config.train.use_peft).map_err(ConfigError::from)?;
        }
        if stage > Stage::Eval {
            return Ok(());
        }
        let Some((rows, of_setting)) = self.named_prompts()? else { return Ok(()) };
        let none = BTreeMap::new();
        match stage {
            Stage::Synth => {
                let tasks = self.original_tasks()?;
                let ids = tasks.iter().map(|task| task.id.clone()).collect();
                let splits = split_tasks(&ids, &config.pairs);
                let tasks: Vec<TestTask> = tasks.into_iter().map(test_tasks::test_task).collect();
                refuse_shared_tasks(&rows, Split::Test, &tasks, &splits)
                    .map_err(|error| of_setting(config, error))
            }
            Stage::Train => {
                let groups: Vec<PreferenceRow> = iopo_schema::read(&dir.preferences_file())?;
                let rows_of = TrainingRows { instructions: &[], groups: &groups, splits: &none };
                refuse_leaks(&rows, Split::Test, rows_of, &BTreeSet::new())
                    .map_err(|error| of_setting(config, error))
            }
            Stage::Fipo | Stage::Pairs | Stage::Rounds | Stage::Eval | Stage::Report => Ok(()),
        }
    }

    /// Returns the prompts of `eval.prompts`, or those drawn for the tasks of `eval.tasks`, and the function that names the setting
    /// in an error about them.
    fn named_prompts(&self) -> Result<Option<(Vec<TestPromptRow>, OfSetting)>, PipelineError> {
        let config = &self.config;
        let (rows, of_setting): (Result<_, EvalError>, OfSetting) =
            if let Some(file) = &config.eval.prompts {
                if !file.is_file() {
                    return Err(unusable(PROMPTS, file, "a file of test prompts"));
                }
                let rows = iopo_schema::read(file).map_err(EvalError::from).and_then(|rows| {
                    let path = file.clone();
                    if rows.is_empty() { Err(EvalError::NoTestPrompts { path }) } else { Ok(rows) }
                });
                (rows, refused)
            } else if let Some(tasks) = test_tasks::read(config)? {
                (test_tasks::draw(&tasks, config), test_tasks::refused)
            } else {
                return Ok(None);
            };
        let rows = rows.map_err(|error| of_setting(config, error))?;
        Ok(Some((rows, of_setting)))
    }

    /// Reads the tasks that synthesis would use, without writing to the run directory.
    pub(super) fn original_tasks(&self) -> Result<Vec<Task>, PipelineError> {
        let config = &self.config;
        if let tasks::Original::File(_) = tasks::original(config) {
            return Ok(used_tasks(&tasks::source(config, &self.dir)?, &config.synth)?);
        }
        let mut built_in = tasks::built_in()?;
        built_in.truncate(config.synth.max_tasks.unwrap_or(usize::MAX));
        Ok(built_in)
    }
}

/// Returns the error for a path of another kind than a setting expects.
fn unusable(key: &str, path: &Path, expected: &str) -> PipelineError {
    let error = SettingError::new(key, paths::found(path), expected).with_hint("check the path");
    ConfigError::from(error).into()
}

/// Returns the error for test prompts that cannot be evaluated, with the setting that names them.
fn refused(config: &PipelineConfig, error: EvalError) -> PipelineError {
    if matches!(error, EvalError::Schema(SchemaError::Io { .. })) {
        return error.into();
    }
    let file = config.eval.prompts.as_deref().unwrap_or(Path::new(""));
    let found = format!("`{}` ({error})", file.display());
    let expected = "a file of test prompts with tasks that are not trained on";
    let hint = match error {
        EvalError::Schema(_) => "pass a `test_prompts.parquet` that an evaluation wrote",
        EvalError::TaskInTwoSplits { .. }
        | EvalError::TaskInTraining { .. }
        | EvalError::PromptInTraining { .. } => {
            "remove the task from the tasks of the run, or its prompts from the file"
        }
        _ => "check the prompts",
    };
    ConfigError::from(SettingError::new(PROMPTS, found, expected).with_hint(hint)).into()
}
