//! What can go wrong in evaluation, and the way out.

use std::path::PathBuf;

use iopo_constraints::ifeval::IfevalError;
use iopo_core::SettingError;
use iopo_llm::LlmError;
use iopo_schema::SchemaError;

/// Why an evaluation could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// A Parquet file could not be read or written.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The model could not answer.
    #[error("the model could not answer the test prompts: {0}")]
    Model(LlmError),
    /// The user asked to stop.
    #[error(
        "stopped on request; the finished parts are kept and the same command goes on with them"
    )]
    Cancelled,
    /// A folder could not be made.
    #[error("could not create the folder {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of prompts or answers could not be read.
    #[error("could not read {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A prompt of IFEval cannot be checked.
    #[error("{place} cannot be checked")]
    Ifeval {
        /// The file or the prompt.
        place: String,
        /// Why not.
        source: Box<IfevalError>,
    },
    /// A line of a file of answers makes no sense.
    #[error(
        "line {line} of {path} is no answer: expected an object with `response` and `prompt` or \
         `key`; {reason}"
    )]
    Response {
        /// The file.
        path: String,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Prompts have no answer in the file.
    #[error(
        "{missing} of {prompts} prompts have no answer, the first of them `{key}`; add the answers, \
         or score the answered prompts alone"
    )]
    Unanswered {
        /// How many have none.
        missing: usize,
        /// How many there are.
        prompts: usize,
        /// The first one's key.
        key: String,
    },
    /// A setting cannot be used.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// There is nothing to test on.
    #[error(
        "{path} holds no group of split `test`, so there is no test prompt; build the pairs with test \
         tasks"
    )]
    NoTestTasks {
        /// The preferences file.
        path: PathBuf,
    },
    /// A task is in the test split and in another one.
    #[error(
        "task `{task_id}` has test groups and {other} groups, so a test on it would test memory; \
         build the pairs again (they are split by task)"
    )]
    TaskInTwoSplits {
        /// The task.
        task_id: String,
        /// The other split.
        other: &'static str,
    },
    /// A test prompt was trained on under another task's name.
    #[error(
        "the test prompt of task `{test_task}` is, word for word, an instruction of {other} seed \
         `{other_task}`; remove one of the two tasks"
    )]
    PromptInTraining {
        /// The test task.
        test_task: String,
        /// The other split.
        other: &'static str,
        /// The task of the other split.
        other_task: String,
    },
    /// A held-out kind stands in data that was trained on or counts as seen.
    #[error(
        "constraint kind `{kind}` is held out, but {place} of task `{task_id}` carries it; take it off \
         the held-out list or run synthesis and pairs again with that list"
    )]
    HeldOutKindSeen {
        /// The kind's id.
        kind: String,
        /// Which data.
        place: &'static str,
        /// The task.
        task_id: String,
    },
    /// A constraint cannot be checked by code.
    #[error(
        "constraint {index} of prompt `{key}` has no code check (\"{text}\"); it needs a judge"
    )]
    Uncheckable {
        /// The prompt's key.
        key: String,
        /// The constraint's index.
        index: usize,
        /// The constraint's sentence.
        text: String,
    },
    /// A constraint's id or parameters are unknown to this version.
    #[error(
        "constraint {index} of prompt `{key}` is not one that this version can check (id `{id}`, \
         parameters {params}): {reason}"
    )]
    UnknownConstraint {
        /// The prompt's key.
        key: String,
        /// The constraint's index.
        index: usize,
        /// The kind's id as found.
        id: String,
        /// The parameters as found.
        params: String,
        /// What the constraint library said.
        reason: String,
    },
    /// A prompt has nothing to score.
    #[error(
        "prompt `{key}` has no constraint, so there is nothing to score; make the prompts again"
    )]
    NoConstraints {
        /// The prompt's key.
        key: String,
    },
    /// A prediction and its verdicts do not fit together.
    #[error(
        "the verdicts of prompt `{key}` are not one a constraint: expected {expected}, got {got}"
    )]
    Verdicts {
        /// The prompt's key.
        key: String,
        /// What was expected.
        expected: String,
        /// What was found.
        got: String,
    },
    /// A group's truth table is not that of its kind.
    #[error(
        "group `{group_id}` is not one that can be ranked: expected {expected}, its truth table \
         is {cells:?}"
    )]
    TruthTable {
        /// The group.
        group_id: String,
        /// What its kind needs.
        expected: &'static str,
        /// The four cells.
        cells: iopo_schema::PerSequence<bool>,
    },
    /// A model of the table has no run.
    #[error("model `{model}` has no run to summarise; give it its predictions and scores")]
    NoRuns {
        /// The model.
        model: String,
    },
    /// The same key stands twice in one table.
    #[error("{what} holds the key `{key}` twice, expected each key once")]
    DuplicateKey {
        /// The table.
        what: String,
        /// The key.
        key: String,
    },
    /// Two tables that are compared row by row do not hold the same rows.
    #[error(
        "{left} and {right} do not cover the same rows: `{key}` is only in {only_in}; evaluate both \
         on the same prompts"
    )]
    KeysDiffer {
        /// The first table.
        left: String,
        /// The second table.
        right: String,
        /// The first key that one of them lacks.
        key: String,
        /// Which one has it.
        only_in: String,
    },
    /// Scores were made from other predictions.
    #[error(
        "{scores} was made from other predictions than {predictions}; score these predictions again"
    )]
    StaleScores {
        /// The scores file.
        scores: PathBuf,
        /// The predictions file.
        predictions: PathBuf,
    },
    /// A log-probability source gave an impossible answer.
    #[error("log-probabilities of {what}: expected {expected}, got {got}")]
    Logps {
        /// What they were for.
        what: String,
        /// What was expected.
        expected: String,
        /// What came.
        got: String,
    },
    /// A statistic was asked of rows that have none.
    #[error("an observation of `{key}` is not usable: {reason}")]
    Observation {
        /// The row's key.
        key: String,
        /// What is wrong.
        reason: String,
    },
}

impl From<LlmError> for EvalError {
    fn from(error: LlmError) -> Self {
        match error {
            LlmError::Cancelled => Self::Cancelled,
            other => Self::Model(other),
        }
    }
}
