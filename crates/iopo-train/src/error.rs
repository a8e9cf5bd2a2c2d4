//! Why training could not begin, go on or end.

use std::{io, path::PathBuf};

use iopo_core::SettingError;
use iopo_model::ModelError;
use iopo_schema::SchemaError;

/// Why training stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The model, its tokenizer or its template failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A Parquet file could not be read or written.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The operating system refused.
    #[error("{}: could not {action}; check permissions and free space", path.display())]
    Io {
        /// What was tried.
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
    #[error(
        "{}: expected at least one group of the train split, found none ({dropped}); raise \
         `max_length`, or build more groups",
        path.display()
    )]
    NoGroups {
        /// The preferences file.
        path: PathBuf,
        /// What was left out and why.
        dropped: String,
    },
    /// The folder holds a finished or half-finished run with other settings or inputs.
    #[error(
        "{}: holds a run of other settings, data or model ({what}); choose another output folder, \
         or delete this one to train anew",
        path.display()
    )]
    OtherRun {
        /// The folder.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// Cached reference log-probabilities that belong to another model, template or data set.
    #[error(
        "{}: the reference log-probabilities do not fit: expected {expected}, got {got}; delete \
         the file to compute them anew",
        path.display()
    )]
    ReferenceMismatch {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: String,
        /// What was found.
        got: String,
    },
    /// A preference method met a group without its reference log-probabilities.
    #[error(
        "group {group}: its reference log-probabilities are missing; delete the reference_logps \
         file to compute them anew"
    )]
    MissingReference {
        /// The group's id.
        group: String,
    },
    /// Every candidate of a grid diverged.
    #[error(
        "{method}: every one of the {candidates} candidates of the grid diverged; lower \
         `grid.learning_rate`"
    )]
    NoTrial {
        /// The method.
        method: crate::Method,
        /// How many were tried.
        candidates: usize,
    },
    /// The policy is not its own reference at the first step.
    #[error(
        "group {group}, sequence {sequence}: before the first step policy and reference must \
         agree, but log-probabilities are {policy} and {reference}; the cached reference belongs \
         to another model: delete it and start again"
    )]
    StepZero {
        /// The group's id.
        group: String,
        /// Which of (x1,y1), (x1,y2), (x2,y2), (x2,y1).
        sequence: &'static str,
        /// The policy's sum.
        policy: f64,
        /// The reference's sum.
        reference: f64,
    },
    /// A number that is not finite.
    #[error(
        "step {step}: {what} is {value}, in the groups {groups}; lower the learning rate, or look \
         at these rows"
    )]
    NonFinite {
        /// The update, from 0.
        step: usize,
        /// What is not finite.
        what: &'static str,
        /// The value.
        value: f64,
        /// The rows involved.
        groups: String,
    },
    /// A checkpoint that cannot be used.
    #[error("{}: bad checkpoint: {reason}; delete it to start this method anew", path.display())]
    BadCheckpoint {
        /// The checkpoint's folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The user asked to stop; a checkpoint was written.
    #[error("stopped on request; run the same command again to go on")]
    Cancelled,
}

impl TrainError {
    /// For `map_err`: an I/O error with its path.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
