//! Errors of training.

use std::{io, path::PathBuf};

use iopo_core::{Sequence, SettingError};
use iopo_model::ModelError;
use iopo_schema::{SchemaError, Split};

/// An error that stops training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The model, its tokenizer or its chat template failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A Parquet or JSON file could not be read or written.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The operating system refused a file operation.
    #[error("{}: failed to {action}", path.display())]
    Io {
        /// The operation.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A setting cannot be used.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// No group is left to train on.
    #[error("{}: found no group and no pair of the train split ({dropped}), expected at least one", path.display())]
    NoGroups {
        /// The preferences file.
        path: PathBuf,
        /// Counts of the dropped rows by reason.
        dropped: String,
    },
    /// SFT reads responses, and none of them can be trained on.
    #[error("{}: found no verified response of the train split ({dropped}), expected at least one", path.display())]
    NoResponses {
        /// The responses file.
        path: PathBuf,
        /// Counts of the dropped rows by reason.
        dropped: String,
    },
    /// A response answers an instruction that is missing.
    #[error(
        "{}: found no instruction {instruction} of the train split, expected that of response {response}",
        path.display()
    )]
    MissingInstruction {
        /// The instructions file.
        path: PathBuf,
        /// Id of the instruction.
        instruction: String,
        /// Id of the response.
        response: String,
    },
    /// A task of the dev or the test split is among the tasks to train on.
    #[error("{}: found task {task} in the {split} split, expected no group of a task that SFT reads", path.display())]
    LeakedTask {
        /// The preferences file.
        path: PathBuf,
        /// The task.
        task: String,
        /// Its split in the preferences file.
        split: Split,
    },
    /// The directory holds a run with other settings or inputs.
    #[error("{}: found a run with other settings, data or model ({what})", path.display())]
    OtherRun {
        /// The directory.
        path: PathBuf,
        /// The difference.
        what: String,
    },
    /// Cached reference logps belong to another model, chat template or dataset.
    #[error("{}: reference logps do not match: found {found}, expected {expected}", path.display())]
    ReferenceMismatch {
        /// The file.
        path: PathBuf,
        /// The expected value.
        expected: String,
        /// The value found.
        found: String,
    },
    /// A method with a reference found a group without reference logps.
    #[error("group {group}: reference logps are missing")]
    MissingReference {
        /// The group's id.
        group: String,
    },
    /// Every candidate of a grid diverged.
    #[error("{method}: all {candidates} candidates of the grid diverged")]
    NoTrial {
        /// The method.
        method: crate::Method,
        /// Number of candidates tried.
        candidates: usize,
    },
    /// Policy and reference differ before the first update.
    #[error(
        "group {group}, sequence {sequence}: found logps {policy} under the policy and {reference} \
         under the reference, expected equal values before the first update, because training starts from the reference"
    )]
    StepZero {
        /// The group's id.
        group: String,
        /// The sequence.
        sequence: Sequence,
        /// Logp under the policy.
        policy: f64,
        /// Logp under the reference.
        reference: f64,
    },
    /// A number is not finite.
    #[error("step {step}: {what} is {value} in the groups {groups}")]
    NonFinite {
        /// The update, from 0.
        step: usize,
        /// Name of the number.
        what: &'static str,
        /// The value.
        value: f64,
        /// Ids of the groups involved.
        groups: String,
    },
    /// A checkpoint cannot be used.
    #[error("{}: unusable checkpoint: {reason}", path.display())]
    BadCheckpoint {
        /// Directory of the checkpoint.
        path: PathBuf,
        /// The defect.
        reason: String,
    },
    /// The user cancelled; a checkpoint was written if checkpoints are on.
    #[error("stopped on request")]
    Cancelled,
}

impl TrainError {
    /// Returns a remedy, if one is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Io { .. } => "check permissions and free space",
            Self::NoGroups { .. } => "raise `train.max_length`, or build more groups",
            Self::NoResponses { .. } => {
                "raise `train.max_length`, sample more responses, or set `train.sft.data` to groups"
            }
            Self::MissingInstruction { .. } => "synthesize instructions and responses again",
            Self::LeakedTask { .. } => "build the groups again with the same split of tasks",
            Self::OtherRun { .. } => {
                "choose another output directory, or delete this one to train again"
            }
            Self::ReferenceMismatch { .. } => "delete the file to compute them again",
            Self::MissingReference { .. } => {
                "delete the reference_logps file to compute them again"
            }
            Self::NoTrial { .. } => "lower `train.grid.learning_rate`",
            Self::StepZero { .. } => "delete the reference_logps file and start again",
            Self::NonFinite { .. } => "lower the learning rate, or inspect these rows",
            Self::BadCheckpoint { .. } => "delete it to restart this method",
            Self::Cancelled => "run the same command again to resume",
            Self::Setting(error) => return error.hint.clone(),
            Self::Schema(error) => return error.hint(),
            Self::Model(error) => return error.hint(),
        };
        Some(hint.to_owned())
    }

    /// Returns whether the cause is what the caller passed in (settings, the directory) rather than a failure.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Setting(_) | Self::Model(ModelError::Setting(_)) | Self::OtherRun { .. } => true,
            Self::Model(_)
            | Self::Schema(_)
            | Self::Io { .. }
            | Self::NoGroups { .. }
            | Self::NoResponses { .. }
            | Self::MissingInstruction { .. }
            | Self::LeakedTask { .. }
            | Self::ReferenceMismatch { .. }
            | Self::MissingReference { .. }
            | Self::NoTrial { .. }
            | Self::StepZero { .. }
            | Self::NonFinite { .. }
            | Self::BadCheckpoint { .. }
            | Self::Cancelled => false,
        }
    }

    /// Adds the operation and the path to an I/O error, for `map_err`.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
