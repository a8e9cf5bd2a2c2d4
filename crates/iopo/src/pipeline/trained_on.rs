//! The input preferences that a run was trained on, by the record of its training.

use std::path::{Path, PathBuf};

use iopo_schema::{file_hash, run_files};

use super::record::Record;
use super::run_dir::RunDir;
use super::{PipelineError, Stage};
use crate::config::PipelineConfig;

/// The setting that mixes input preferences into training.
const WEIGHT: &str = "train.input_preference_weight";

/// Input preferences that a run was trained on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrainedInputPreferences {
    /// The file.
    pub file: PathBuf,
    /// Whether the file has the rows that training read. It may have been replaced or removed since.
    pub is_unchanged: bool,
}

/// Returns the input preferences that the models of a run were trained on, if there are any.
///
/// The record of the training decides, because later commands can change the configuration of the run. `config` decides for a
/// run without such a record.
///
/// # Errors
/// Returns an error if the record of the training or the file cannot be read.
pub fn trained_input_preferences(
    run: &Path,
    config: &PipelineConfig,
) -> Result<Option<TrainedInputPreferences>, PipelineError> {
    let file = run.join(run_files::INPUT_PREFERENCES);
    let record = Record::read(&RunDir::at(run).record_file(Stage::Train))?;
    let recorded = record.as_ref().and_then(|record| record.settings.get(WEIGHT));
    let weight = recorded.and_then(|weight| weight.parse::<f64>().ok());
    if weight.unwrap_or(config.train.input_preference_weight) <= 0.0 {
        return Ok(None);
    }
    let found = if file.is_file() { Some(file_hash(&file)?) } else { None };
    let read = match record {
        Some(record) => record.inputs.get(run_files::INPUT_PREFERENCES).cloned(),
        None => found.clone(),
    };
    // Training goes on without such rows if there is no file.
    Ok(read.map(|read| TrainedInputPreferences { file, is_unchanged: found == Some(read) }))
}
