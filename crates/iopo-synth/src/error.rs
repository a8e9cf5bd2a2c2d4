//! Why synthesis could not go on.

use std::path::PathBuf;

use iopo_core::SettingError;
use iopo_llm::LlmError;
use iopo_schema::SchemaError;

/// Why synthesis could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SynthError {
    /// A file could not be read or a folder not be made.
    #[error("cannot access {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A line of the task file is not a task.
    #[error(
        "{}:{line}: expected a JSON object with the strings \"id\" and \"task\" and an optional \
         string \"input\": {reason}", path.display()
    )]
    TaskLine {
        /// The task file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A Parquet task file cannot be read as tasks.
    #[error("{}: cannot be read as tasks (string columns id, task, input): {reason}", path.display())]
    TaskTable {
        /// The task file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The task file holds no task.
    #[error("{}: holds no task; expected at least one", path.display())]
    NoTasks {
        /// The task file.
        path: PathBuf,
    },
    /// Two tasks share an id.
    #[error(
        "{}: task id {id:?} stands at row {first} and again at row {second}; ids must be unique, \
         rename one", path.display()
    )]
    DuplicateId {
        /// The task file.
        path: PathBuf,
        /// The id.
        id: String,
        /// Where it stood first, counted from 1.
        first: usize,
        /// Where it stands again.
        second: usize,
    },
    /// Two tasks are the same task.
    #[error(
        "{}: tasks {first_id:?} (row {first}) and {second_id:?} (row {second}) are the same task \
         with the same input, but for case, spacing and closing punctuation; tasks are split into \
         train, dev and test by id, so one could be trained on and the other tested: remove one",
        path.display()
    )]
    DuplicateTask {
        /// The task file.
        path: PathBuf,
        /// The id of the first.
        first_id: String,
        /// Where it stands, counted from 1.
        first: usize,
        /// The id of the second.
        second_id: String,
        /// Where that stands.
        second: usize,
    },
    /// The task file has an ending that is not known.
    #[error("{}: expected a file that ends in .jsonl or .parquet", path.display())]
    TaskFormat {
        /// The task file.
        path: PathBuf,
    },
    /// A setting cannot be used.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The file of sampled answers does not belong to these tasks.
    #[error(
        "{}: expected {expected} at this place but found {got}; delete the file to sample anew",
        path.display()
    )]
    Answers {
        /// The file of answers.
        path: PathBuf,
        /// What was expected.
        expected: String,
        /// What was found.
        got: String,
    },
    /// A constraint row could not be made or read.
    #[error("cannot handle a constraint")]
    Constraint(#[from] iopo_constraints::ConstraintError),
    /// Reading or writing one of the stage's Parquet files failed.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The language model failed.
    #[error("cannot sample answers")]
    Model(#[source] LlmError),
    /// The user asked to stop.
    #[error("stopped on request; the finished parts are kept, run again to go on")]
    Cancelled,
    /// No answer could be used.
    #[error(
        "none of {answers} sampled answers is usable ({reasons}); sample more or longer answers \
         (synth.samples_per_task, synth.sampling.max_new_tokens) or loosen the bounds"
    )]
    NothingAccepted {
        /// How many were sampled.
        answers: u64,
        /// The counted reasons.
        reasons: String,
    },
    /// Too large a share of the accepted responses is repaired.
    #[error(
        "{repaired} of {accepted} accepted responses are repaired ({share:.3}), at most \
         {limit:.3} may be (synth.max_repaired_share); sample more answers, repair less \
         (synth.repair_probability) or raise the limit"
    )]
    TooManyRepaired {
        /// Repaired responses.
        repaired: u64,
        /// Accepted responses.
        accepted: u64,
        /// Their share.
        share: f64,
        /// The configured limit.
        limit: f64,
    },
}

impl From<LlmError> for SynthError {
    fn from(error: LlmError) -> Self {
        match error {
            LlmError::Cancelled => Self::Cancelled,
            other => Self::Model(other),
        }
    }
}
