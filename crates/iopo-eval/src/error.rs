//! Errors of an evaluation.

mod remedies;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use iopo_constraints::ConstraintError;
use iopo_constraints::ifeval::InstructionError;
use iopo_core::SettingError;
use iopo_core::text::counted;
use iopo_llm::LlmError;
use iopo_schema::{CheckRow, ContaminationRow, SchemaError, Split};

use crate::benchmarks::heldout;

/// Why an evaluation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// A Parquet file could not be read or written.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A model failed.
    #[error("the model failed during evaluation: {0}")]
    Model(LlmError),
    /// The user asked to stop.
    #[error("stopped on request")]
    Cancelled,
    /// A directory could not be created.
    #[error("failed to create the directory {}", path.display())]
    Folder {
        /// The directory.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A file could not be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A file could not be written, replaced or removed.
    #[error("failed to write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A JSON file could not be parsed or written.
    #[error("invalid JSON in {}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Error of the parser.
        source: serde_json::Error,
    },
    /// A setting is out of its range.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A caller's model could not be loaded or asked.
    #[error("failed to {action}")]
    Source {
        /// The failed action.
        action: String,
        /// Error of the caller.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A prompt file is invalid, or a prompt in it cannot be scored.
    #[error("invalid prompts in {}", path.display())]
    Prompts {
        /// The file.
        path: PathBuf,
        /// The first problem.
        source: Box<EvalError>,
    },
    /// A prompt of IFEval or IFBench cannot be checked, or a table cannot be used.
    #[error("{place} cannot be checked")]
    Instruction {
        /// The text, the prompt or the file.
        place: String,
        /// The reason.
        source: Box<InstructionError>,
    },
    /// A file of a judged benchmark is invalid: its items, responses or answers of the judge.
    #[error("invalid data in {}", path.display())]
    JudgedData {
        /// The file.
        path: PathBuf,
        /// The first problem.
        source: iopo_judge::DataError,
    },
    /// A judge failed.
    #[error("the judge failed: {source}")]
    Judge {
        /// Error of the model.
        source: LlmError,
    },
    /// Too many answers of a judge give no verdict.
    #[error(
        "found no verdict for {unjudged} of {}, {:.1} %, expected at most {:.1} %",
        counted(*questions, "question"),
        percent(*unjudged, *questions),
        100.0 * max_share
    )]
    Unjudged {
        /// Questions or items without a verdict.
        unjudged: usize,
        /// All questions or items.
        questions: usize,
        /// The largest share allowed.
        max_share: f64,
        /// Counts by reason.
        reasons: BTreeMap<String, usize>,
    },
    /// The items of a benchmark are in another language than chosen.
    #[error(
        "found Chinese characters in {chinese} of {} of {}, expected items in the language `{language}`",
        counted(*prompts, "instruction"),
        data.display()
    )]
    OtherLanguage {
        /// The file or directory of items.
        data: PathBuf,
        /// Instructions with a Han character.
        chinese: usize,
        /// All instructions.
        prompts: usize,
        /// The chosen language.
        language: &'static str,
        /// The language that the items seem to be in.
        other: &'static str,
    },
    /// Answers of a judge are about no question.
    #[error(
        "{}: found answers to {} that the items do not have (first: key `{key}`, index {index})",
        path.display(),
        counted(*questions, "question")
    )]
    UnmatchedAnswers {
        /// The file of answers.
        path: PathBuf,
        /// Number of such questions.
        questions: usize,
        /// Key of the first one.
        key: String,
        /// Index of the first one.
        index: i64,
    },
    /// An answer of a judge does not say which question of its item it is about.
    #[error(
        "{}: an answer to item `{key}` has no `index`, expected that of one of its {questions} questions",
        path.display()
    )]
    AnswerWithoutIndex {
        /// The file of answers.
        path: PathBuf,
        /// Key of the item.
        key: String,
        /// Number of its questions.
        questions: usize,
    },
    /// Too many requests for responses failed.
    #[error(
        "{failed} of {} for a response failed ({}), {:.1} %, expected at most {:.1} %",
        counted(*requests, "request"),
        classified(classes),
        percent(*failed, *requests),
        100.0 * max_share
    )]
    FailedRequests {
        /// Requests that failed.
        failed: usize,
        /// All requests.
        requests: usize,
        /// The largest share allowed.
        max_share: f64,
        /// Counts by class of failure.
        classes: BTreeMap<String, usize>,
    },
    /// None of the instructions can be checked, for instance because the prompts are those of another benchmark.
    #[error(
        "found {}, expected at least one that can be checked; the first reason: {reason}",
        counted(*instructions, "instruction")
    )]
    NoCheck {
        /// Number of instructions.
        instructions: usize,
        /// Why the first one cannot be checked.
        reason: String,
        /// Whether a table is missing that all of them need.
        lacks_table: bool,
    },
    /// No prompt is left to evaluate.
    #[error("no prompt to evaluate: {}", no_prompts(data, responses.as_deref()))]
    NoPrompts {
        /// The prompt file.
        data: PathBuf,
        /// The response file, if there is one.
        responses: Option<PathBuf>,
    },
    /// Prompts of a benchmark were trained on.
    #[error(
        "found {} of the run with an overlap with prompts of a benchmark, expected none; the first is {}",
        counted(*tasks, "task"),
        overlap(first)
    )]
    BenchmarkInTraining {
        /// Number of tasks.
        tasks: usize,
        /// The first task, with the prompt that it overlaps with most.
        first: Box<ContaminationRow>,
    },
    /// Training rows overlap with test tasks.
    #[error(
        "found {} of the training rows with an overlap with test tasks, expected none; the first is {}",
        counted(*tasks, "task"),
        overlap(first)
    )]
    TestTasksInTraining {
        /// Number of tasks.
        tasks: usize,
        /// The first task, with the test task that it overlaps with most.
        first: Box<ContaminationRow>,
    },
    /// Input preferences that are trained on overlap with prompts of the evaluation.
    #[error(
        "{}: found {} with an overlap with prompts of the evaluation, expected none; the first is {}",
        path.display(),
        counted(*rows, "row"),
        overlap(first)
    )]
    InputPreferencesInTraining {
        /// The file of input preferences.
        path: PathBuf,
        /// Number of rows.
        rows: usize,
        /// The task of the first row, with the prompt that it overlaps with most.
        first: Box<ContaminationRow>,
    },
    /// Prompts do not fit the model's context.
    #[error(
        "found {misfits} of {} too long for the context with {} (first: `{first}`)",
        counted(*prompts, "prompt"),
        counted(*max_new_tokens, "new token")
    )]
    TooLong {
        /// Prompts that do not fit.
        misfits: usize,
        /// All prompts.
        prompts: usize,
        /// Key of the first prompt that does not fit.
        first: String,
        /// Maximum number of tokens of a response.
        max_new_tokens: usize,
    },

    /// A prompt spells a special token, which would end a turn or start another one.
    #[error("prompt `{key}` contains the special token {token}")]
    SpecialToken {
        /// Key of the prompt.
        key: String,
        /// The token.
        token: String,
    },
    /// A response of a file is invalid.
    #[error(
        "invalid response in {unit} {line} of {path}: {reason}; expected an object with `response` and \
         `prompt` or `key`, a sample of lm-eval with `resps` and `doc`, or a prediction or review of evalscope"
    )]
    Response {
        /// The file.
        path: String,
        /// What one response is in the file: `line`, `element` or `row`.
        unit: &'static str,
        /// Its number, from 1.
        line: usize,
        /// The problem.
        reason: String,
    },
    /// Responses of a file contradict each other, or name two prompts.
    #[error("invalid response in {unit} {line} of {path}: {reason}")]
    ResponseConflict {
        /// The file.
        path: String,
        /// What one response is in the file: `line`, `element` or `row`.
        unit: &'static str,
        /// Its number, from 1.
        line: usize,
        /// The contradiction.
        reason: String,
    },
    /// Responses of a file answer no prompt.
    #[error(
        "{}: found {} to no prompt (first: {unit} {first})",
        path.display(),
        counted(*lines, "response")
    )]
    UnmatchedResponses {
        /// The file.
        path: PathBuf,
        /// What one response is in the file: `line`, `element` or `row`.
        unit: &'static str,
        /// Number of such responses.
        lines: usize,
        /// Number of the first one, from 1.
        first: usize,
    },
    /// Predictions belong to another benchmark.
    #[error("{} has responses to `{found}`, expected responses to `{expected}`", path.display())]
    OtherBenchmark {
        /// The file.
        path: PathBuf,
        /// Id of the benchmark in the file.
        found: String,
        /// Id of the evaluated benchmark.
        expected: String,
    },
    /// Prompts have no response.
    #[error("found no response to {missing} of {} (first: `{key}`)", counted(*prompts, "prompt"))]
    Unanswered {
        /// Prompts without a response.
        missing: usize,
        /// All prompts.
        prompts: usize,
        /// Key of the first one.
        key: String,
    },
    /// Responses and prompts differ in number.
    #[error(
        "found {} to {}, expected one per prompt",
        counted(*responses, "response"),
        counted(*prompts, "prompt")
    )]
    Unpaired {
        /// Number of prompts.
        prompts: usize,
        /// Number of responses.
        responses: usize,
    },
    /// A directory holds other responses.
    #[error("{} holds other responses{}", out.display(), listed(differences))]
    OtherResponses {
        /// The directory.
        out: PathBuf,
        /// Settings that differ.
        differences: Vec<String>,
    },

    /// There are no test tasks.
    #[error("found no test task to draw prompts for, expected at least one")]
    NoTestTasks,
    /// A file of test prompts is empty.
    #[error("found no test prompt in {}, expected at least one", path.display())]
    NoTestPrompts {
        /// The file.
        path: PathBuf,
    },
    /// A kind would be drawn as a seen and as a held-out one.
    #[error("constraint kind `{kind}` is held out, but the seen kinds have it too")]
    SeenAndHeldOut {
        /// Id of the kind.
        kind: String,
    },
    /// A task is in the test split and in another one.
    #[error("task `{task_id}` is in the test split and in the {other} split")]
    TaskInTwoSplits {
        /// The task.
        task_id: String,
        /// The other split.
        other: Split,
    },
    /// A test task is in another split under another id.
    #[error(
        "test task `{test_task}` has the same words as task `{other_task}` in the {other} split"
    )]
    TaskInTraining {
        /// The test task.
        test_task: String,
        /// The other split.
        other: Split,
        /// The task of the other split.
        other_task: String,
    },
    /// A test prompt was trained on under another task.
    #[error(
        "the test prompt of task `{test_task}` is, word for word, an instruction of task `{other_task}` in the \
         {other} split"
    )]
    PromptInTraining {
        /// The test task.
        test_task: String,
        /// The other split.
        other: Split,
        /// The task of the other split.
        other_task: String,
    },
    /// A held-out kind occurs in training data or in a seen prompt.
    #[error("constraint kind `{kind}` is held out, but {place} of task `{task_id}` has it")]
    HeldOutKindSeen {
        /// Id of the kind.
        kind: String,
        /// Where it occurs.
        place: &'static str,
        /// The task.
        task_id: String,
    },

    /// A constraint has no check.
    #[error("constraint {index} of prompt `{key}` (\"{text}\") has no check by code")]
    Uncheckable {
        /// Key of the prompt.
        key: String,
        /// Index of the constraint.
        index: usize,
        /// Sentence of the constraint.
        text: String,
    },
    /// A constraint's id or parameters are unknown.
    #[error(
        "constraint {index} of prompt `{key}` is unknown (id `{id}`, parameters {params}): {source}"
    )]
    UnknownConstraint {
        /// Key of the prompt.
        key: String,
        /// Index of the constraint.
        index: usize,
        /// The id found.
        id: String,
        /// The parameters found.
        params: String,
        /// Error of the constraint library.
        source: Box<ConstraintError>,
    },
    /// A prompt has no constraints.
    #[error("prompt `{key}` has no constraint to score")]
    NoConstraints {
        /// Key of the prompt.
        key: String,
    },
    /// A response does not have exactly one outcome per constraint.
    #[error(
        "the outcomes of prompt `{key}` do not match its constraints: found {found}, expected {expected}"
    )]
    Outcomes {
        /// Key of the prompt.
        key: String,
        /// Expected outcomes.
        expected: String,
        /// Outcomes found.
        found: String,
    },

    /// A group's truth table contradicts its kind.
    #[error(
        "group `{group_id}` cannot be ranked: found the truth table {cells:?}, expected {expected}"
    )]
    TruthTable {
        /// The group.
        group_id: String,
        /// The truth table of its kind.
        expected: &'static str,
        /// The four cells.
        cells: iopo_schema::PerSequence<bool>,
    },
    /// There is nothing to measure: neither test prompts nor test groups.
    #[error(
        "found no test prompts and no group or pair of the {split} split that fits the context, expected at least one"
    )]
    NothingHeldOut {
        /// The split.
        split: iopo_schema::Split,
    },
    /// A model of the table has no run.
    #[error("model `{model}` has no run to summarize")]
    NoRuns {
        /// The model.
        model: String,
    },
    /// A key occurs twice in a table.
    #[error("{what} has the key `{key}` twice, expected each key once")]
    DuplicateKey {
        /// The table.
        what: String,
        /// The key.
        key: String,
    },
    /// Two tables that are compared row by row have different rows.
    #[error("{left} and {right} do not cover the same rows: `{key}` is only in {only_in}")]
    KeysDiffer {
        /// The first table.
        left: String,
        /// The second table.
        right: String,
        /// The first key that one of them lacks.
        key: String,
        /// The table that has it.
        only_in: String,
    },
    /// Scores were computed from other predictions.
    #[error("{} was computed from other predictions than {}", scores.display(), predictions.display())]
    StaleScores {
        /// The scores file.
        scores: PathBuf,
        /// The predictions file.
        predictions: PathBuf,
    },
    /// A log-probability is missing or impossible.
    #[error("log-probabilities of {what}: found {found}, expected {expected}")]
    Logps {
        /// The rows that they belong to.
        what: String,
        /// Expected values.
        expected: String,
        /// Values found.
        found: String,
    },
    /// A row has no usable numbers.
    #[error("row `{key}` cannot be used for statistics: {reason}")]
    Observation {
        /// Key of the row.
        key: String,
        /// The problem.
        reason: String,
    },
}

impl EvalError {
    /// Creates the error of a constraint that the constraint library does not know.
    pub(crate) fn unknown_constraint(
        key: &str,
        index: usize,
        check: &CheckRow,
        source: ConstraintError,
    ) -> Self {
        Self::UnknownConstraint {
            key: key.to_owned(),
            index,
            id: check.id.clone(),
            params: check.params.clone(),
            source: Box::new(source),
        }
    }
}

fn no_prompts(data: &std::path::Path, responses: Option<&std::path::Path>) -> String {
    match responses {
        Some(path) => format!("{} answers no prompt of {}", path.display(), data.display()),
        None => format!("{} has no prompt", data.display()),
    }
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// Formats counts by name: `timeout 2, too_long 1`.
pub(crate) fn classified(counts: &BTreeMap<String, usize>) -> String {
    let counts = counts.iter().map(|(name, count)| format!("{name} {count}"));
    counts.collect::<Vec<_>>().join(", ")
}

/// Describes a task that overlaps with a prompt.
fn overlap(row: &ContaminationRow) -> String {
    const SHOWN: usize = 80;
    let mut passage: String = row.passage.chars().take(SHOWN).collect();
    if passage.len() < row.passage.len() {
        passage.push('…');
    }
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let tested = if row.benchmark == heldout::ID {
        format!("test task `{}`", row.key)
    } else {
        format!("prompt `{}` of {}", row.key, row.benchmark)
    };
    format!(
        "task `{}`, which shares {} of its words with {} of {tested}: {passage:?}",
        row.task_id,
        percent(row.task_share),
        percent(row.prompt_share),
    )
}

fn listed(differences: &[String]) -> String {
    if differences.is_empty() { String::new() } else { format!(": {}", differences.join("; ")) }
}

impl From<LlmError> for EvalError {
    fn from(error: LlmError) -> Self {
        match error {
            LlmError::Cancelled => Self::Cancelled,
            other => Self::Model(other),
        }
    }
}
