//! Errors of synthesis.

use std::path::PathBuf;

use iopo_core::SettingError;
use iopo_llm::LlmError;
use iopo_schema::{Place, SchemaError};

use crate::clean::Drop;

/// Why synthesis failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SynthError {
    /// A file could not be read, or a directory could not be created.
    #[error("failed to access {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A line of the task file is not a task.
    #[error(
        "{}:{line}: {reason}; expected a JSON object with the string `task` and optionally the strings \
         `id` and `input`", path.display()
    )]
    TaskLine {
        /// The task file.
        path: PathBuf,
        /// The line number, from 1.
        line: usize,
        /// The problem of the line.
        reason: String,
    },
    /// A Parquet file does not hold tasks.
    #[error(
        "{}: {reason}; expected a Parquet file with the string column `task` and optionally the string \
         columns `id` and `input`", path.display()
    )]
    TaskTable {
        /// The task file.
        path: PathBuf,
        /// The problem of the file.
        reason: String,
    },
    /// A task has an empty id or text.
    #[error("{}: found an empty `{field}` in {place}, expected text", path.display())]
    EmptyField {
        /// The task file.
        path: PathBuf,
        /// The place of the task.
        place: Place,
        /// The field: `id` or `task`.
        field: &'static str,
    },
    /// The task file has no tasks.
    #[error("{}: found no task, expected at least one", path.display())]
    NoTasks {
        /// The task file.
        path: PathBuf,
    },
    /// A task names a language that no prompt is written in.
    #[error("{}: found the language {found:?} of the task {task}, expected `en` or `zh`", path.display())]
    TaskLanguage {
        /// The task file.
        path: PathBuf,
        /// The id of the task.
        task: String,
        /// The language.
        found: String,
    },
    /// Every task overlaps with a prompt of the evaluation.
    #[error("{}: all {tasks} tasks overlap with prompts of the evaluation, so nothing is left to train on", path.display())]
    AllExcluded {
        /// The task file.
        path: PathBuf,
        /// Number of tasks.
        tasks: usize,
    },
    /// Two tasks share an id.
    #[error("{}: found the task id {id:?} in {first} and in {second}, expected unique ids", path.display())]
    DuplicateId {
        /// The task file.
        path: PathBuf,
        /// The id.
        id: String,
        /// The place of the first task.
        first: Place,
        /// The place of the second task.
        second: Place,
    },
    /// Two tasks have the same text and input.
    #[error(
        "{}: found the tasks {first_id:?} ({first}) and {second_id:?} ({second}), which differ at most in \
         case, spacing and closing punctuation, expected distinct tasks, because they could be in \
         different splits",
        path.display()
    )]
    DuplicateTask {
        /// The task file.
        path: PathBuf,
        /// The id of the first task.
        first_id: String,
        /// The place of the first task.
        first: Place,
        /// The id of the second task.
        second_id: String,
        /// The place of the second task.
        second: Place,
    },
    /// The task file has an unknown extension.
    #[error("{}: found an unknown file extension, expected .jsonl, .ndjson or .parquet", path.display())]
    TaskFormat {
        /// The task file.
        path: PathBuf,
    },
    /// A setting has an invalid value.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The file of sampled answers does not belong to these tasks.
    #[error("{}: found {got}, expected {expected}", path.display())]
    Answers {
        /// The file of answers.
        path: PathBuf,
        /// The expected content.
        expected: String,
        /// The content found.
        got: String,
    },
    /// The responses to collect input preferences for cannot be used.
    #[error("cannot use the given responses: found {got}, expected {expected}")]
    GivenResponses {
        /// What was found.
        got: String,
        /// What was expected.
        expected: String,
    },
    /// A prompt template cannot be used.
    #[error(transparent)]
    Template(#[from] iopo_judge::TemplateError),
    /// A file in the folder of changed templates replaces no template.
    #[error("{}: found a template that the recipe does not have, expected one of {expected}", path.display())]
    UnknownTemplate {
        /// The file.
        path: PathBuf,
        /// The names of the recipe's templates.
        expected: String,
    },
    /// More requests failed than the limit allows.
    #[error(
        "found {failed} failed requests of {requests} (share {share:.3}), expected a share of at most \
         {limit:.3} ({setting})"
    )]
    TooManyFailed {
        /// The number of failed requests.
        failed: u64,
        /// The number of requests.
        requests: u64,
        /// The share of failed requests.
        share: f64,
        /// The limit on that share.
        limit: f64,
        /// The setting of the limit.
        setting: &'static str,
    },
    /// A constraint could not be created.
    #[error("failed to create a constraint")]
    Constraint(#[from] iopo_constraints::ConstraintError),
    /// A Parquet file of the stage could not be read or written.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The language model failed.
    #[error("failed to get answers from a model")]
    Model(#[source] LlmError),
    /// The user asked to stop.
    #[error("stopped on request")]
    Cancelled,
    /// No answer is usable.
    #[error(
        "found no usable answer among {answers} ({reasons}), expected at least one{}",
        refusal.as_ref().map(|reason| format!("; the model rejected a request: {reason}")).unwrap_or_default()
    )]
    NothingAccepted {
        /// The number of sampled answers.
        answers: u64,
        /// The reasons for dropping them, with counts.
        reasons: String,
        /// The most frequent reason, if an answer was dropped.
        main: Option<Drop>,
        /// The reason of the first request that the model or its chat template rejected.
        refusal: Option<String>,
    },
    /// More responses are edited than the limit allows.
    #[error(
        "found {edited} edited responses of {accepted} (share {share:.3}), expected a share of at most \
         {limit:.3} (synth.max_edited_share)"
    )]
    TooManyEdited {
        /// The number of edited responses.
        edited: u64,
        /// The number of accepted responses.
        accepted: u64,
        /// The share of edited responses.
        share: f64,
        /// The limit on that share.
        limit: f64,
    },
}

impl SynthError {
    /// Returns a remedy, if one is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Io { source, .. } => {
                iopo_core::files::hint(source).unwrap_or("check the path and its permissions")
            }
            Self::EmptyField { .. } => "fix or remove the task",
            Self::AllExcluded { .. } => "add tasks, or evaluate on other prompts",
            Self::DuplicateId { .. } => "rename one",
            Self::DuplicateTask { .. } => "remove one",
            Self::TaskLanguage { .. } => {
                "remove the task, or its language to decide by its letters"
            }
            Self::Answers { .. } => "delete the file to sample again",
            Self::GivenResponses { .. } => {
                "pass a file with accepted responses to tasks of the run"
            }
            Self::Template(_) => {
                "correct the file in the folder of changed templates, `synth.trace.templates` or `fipo.templates`"
            }
            Self::UnknownTemplate { .. } => {
                "rename or remove the file; `iopo llm templates` writes all templates with their names"
            }
            Self::TooManyFailed { setting, .. } => {
                return Some(format!(
                    "run the same command again to repeat the requests that failed on the way, set `llm.retry_failed` to repeat \
                     refused and empty answers too, or raise `{setting}`"
                ));
            }
            Self::Cancelled => "run the same command again to resume",
            Self::NothingAccepted { main, .. } => remedy(*main),
            Self::TooManyEdited { .. } => {
                "raise `synth.max_edited_share`; the recipe `back-translate` edits fewer responses than `edit`"
            }
            Self::Setting(error) => return error.hint.clone(),
            Self::Schema(error) => return error.hint(),
            Self::Constraint(error) => return error.hint(),
            Self::Model(error) => return error.hint().map(str::to_owned),
            Self::TaskLine { .. }
            | Self::TaskTable { .. }
            | Self::NoTasks { .. }
            | Self::TaskFormat { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Returns whether the cause is what the caller passed in (settings, tasks) rather than a failure.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::TaskLine { .. }
            | Self::TaskTable { .. }
            | Self::EmptyField { .. }
            | Self::NoTasks { .. }
            | Self::AllExcluded { .. }
            | Self::DuplicateId { .. }
            | Self::DuplicateTask { .. }
            | Self::TaskFormat { .. }
            | Self::GivenResponses { .. }
            | Self::TaskLanguage { .. }
            | Self::Template(_)
            | Self::UnknownTemplate { .. }
            | Self::Setting(_) => true,
            Self::Io { .. }
            | Self::Answers { .. }
            | Self::Constraint(_)
            | Self::Schema(_)
            | Self::Model(_)
            | Self::Cancelled
            | Self::NothingAccepted { .. }
            | Self::TooManyFailed { .. }
            | Self::TooManyEdited { .. } => false,
        }
    }
}

/// Returns the remedy for the most frequent reason for dropping answers.
fn remedy(main: Option<Drop>) -> &'static str {
    match main {
        Some(Drop::Refused) => {
            "change the tasks, the model or its chat template so that it accepts a chat of one user turn"
        }
        Some(Drop::Empty) => {
            "check that the model is tuned for chats, and that `eos_token` is the token that ends its answers"
        }
        Some(Drop::OtherLanguage) => {
            "set `synth.language` to the language of the tasks, or lower `synth.min_script_share`"
        }
        Some(Drop::Cut) => "raise `synth.sampling.max_new_tokens`, or set `synth.keep_cut`",
        Some(Drop::Looping) => {
            "use a larger model or one that is tuned for chats, or raise `quality.max_repetition`"
        }
        Some(Drop::OffTask) => "use a larger model, or lower `quality.min_relevance`",
        Some(Drop::Duplicate) => "raise `synth.sampling.temperature`",
        Some(Drop::Echo | Drop::Thin) => "raise `quality.echo_words`, or lower `quality.min_words`",
        Some(
            Drop::SharedNgram
            | Drop::NoConstraint
            | Drop::SameInstruction
            | Drop::NoRevision
            | Drop::Unsatisfied,
        )
        | None => "raise `synth.samples_per_task`, or use more kinds of constraints",
    }
}

impl From<LlmError> for SynthError {
    fn from(error: LlmError) -> Self {
        match error {
            LlmError::Cancelled => Self::Cancelled,
            other => Self::Model(other),
        }
    }
}
