//! The row types, one per Parquet file.
//!
//! Every id is a content hash from [`crate::id::content_id`]. Every enum is stored as its lower-case name.

use iopo_core::PerSequence;
use serde::{Deserialize, Serialize};

use crate::names::{
    GroupKind, Method, Operation, ResponseEnd, ResponseSource, Split, Subset, SummaryMetric,
    TurnRole,
};

/// A constraint that code can check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRow {
    /// The kind's id, for instance `max_words`.
    pub id: String,
    /// The kind's parameters, as a JSON object with sorted keys.
    pub params: String,
}

/// One constraint of an instruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConstraintRow {
    /// The sentence in the prompt.
    pub text: String,
    /// One of the five constraint types, by its English name.
    pub constraint_type: String,
    /// One of the 26 dimensions, by its English name.
    pub dimension: String,
    /// The check by code; null if only a judge can decide.
    pub check: Option<CheckRow>,
}

/// Whether a response satisfies a constraint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerdictRow {
    /// Whether the constraint holds.
    pub satisfied: bool,
    /// From 0 to 10. [`VerdictRow::new`] gives 0 or 10.
    pub score: f64,
    /// Whether code or a judge decided.
    pub method: Method,
    /// The reason in words, for instance "14 words, at most 20 allowed".
    pub evidence: String,
}

impl VerdictRow {
    /// Score of a constraint that is satisfied.
    const SATISFIED: f64 = 10.0;

    /// Creates the verdict that a constraint is or is not satisfied, with the highest or the lowest score.
    pub fn new(satisfied: bool, method: Method, evidence: impl Into<String>) -> Self {
        let score = if satisfied { Self::SATISFIED } else { 0.0 };
        Self { satisfied, score, method, evidence: evidence.into() }
    }
}

/// A row of `instructions`: one constrained instruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstructionRow {
    /// Content hash of the prompt and the task.
    pub id: String,
    /// The task that the instruction constrains.
    pub task_id: String,
    /// The plain task.
    pub task: String,
    /// The text that the task works on, if any.
    pub input: Option<String>,
    /// The constraints, in the order of the prompt.
    pub constraints: Vec<ConstraintRow>,
    /// The user turn that the model reads.
    pub prompt: String,
    /// Language as a BCP 47 tag, for instance `en`.
    pub language: String,
}

/// A row of `responses`: one attempt at an instruction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseRow {
    /// Content hash of the response.
    pub id: String,
    /// The instruction that the response answers.
    pub instruction_id: String,
    /// The task of that instruction.
    pub task_id: String,
    /// The text of the response.
    pub text: String,
    /// One verdict per constraint of the instruction, in the same order.
    pub verdicts: Vec<VerdictRow>,
    /// Whether every constraint holds.
    pub accepted: bool,
    /// How the response and its instruction were brought together.
    pub source: ResponseSource,
    /// The text before the edit; null if it was not edited.
    pub original: Option<String>,
    /// Why there is no usable response, if there is none.
    pub error: Option<String>,
    /// Name and weight hash of the model that wrote the response.
    pub generator: String,
    /// Sampling parameters as JSON: style prompt, temperature, seed and so on.
    pub sampling: String,
}

/// The verdicts behind a group's truth table. `xiyj` has the verdicts on response yj for the constraints of xi.
pub type Proof = PerSequence<Vec<VerdictRow>>;

/// A turn of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnRow {
    /// The author.
    pub role: TurnRole,
    /// The text.
    pub content: String,
}

/// Returns the truth table of a proof. A cell is true if all its verdicts are satisfied.
pub fn truth_table(proof: &Proof) -> PerSequence<bool> {
    proof.as_ref().map(|verdicts| verdicts.iter().all(|verdict| verdict.satisfied))
}

/// A row of `preferences`: one group (x1, y1, x2, y2), or one pair (x1, y1, y2) without a second instruction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreferenceRow {
    /// Content hash of the texts.
    pub id: String,
    /// The task that all texts belong to.
    pub task_id: String,
    /// Train, dev or test. All groups of a task are in one split.
    pub split: Split,
    /// Full, sided or pair.
    pub kind: GroupKind,
    /// How x2 differs from x1; null for a pair.
    pub operation: Option<Operation>,
    /// The plain task that both instructions share.
    pub task: String,
    /// The input that both instructions share.
    pub input: Option<String>,
    /// The turns before the instruction: a system prompt, or earlier turns of the chat. Both instructions share them; groups
    /// of the synthesis have none.
    pub context: Vec<TurnRow>,
    /// The first instruction: the user turn that the model reads.
    pub x1: String,
    /// The response that follows x1.
    pub y1: String,
    /// The second instruction; null for a pair, whose other columns for x2 are empty.
    pub x2: Option<String>,
    /// The response that follows x2; in a pair, the rejected response to x1.
    pub y2: String,
    /// Constraints of x1, in the order of the prompt.
    pub x1_constraints: Vec<ConstraintRow>,
    /// Constraints of x2, in the order of the prompt.
    pub x2_constraints: Vec<ConstraintRow>,
    /// Constraints of x1 that x2 lacks.
    pub removed: Vec<ConstraintRow>,
    /// Constraints of x2 that x1 lacks.
    pub added: Vec<ConstraintRow>,
    /// Id of the response row that y1 comes from.
    pub y1_response_id: String,
    /// Id of the response row that y2 comes from.
    pub y2_response_id: String,
    /// How y1 and the instruction that it was written for were brought together.
    pub y1_source: ResponseSource,
    /// How y2 and the instruction that it was written for were brought together.
    pub y2_source: ResponseSource,
    /// The text of y1 before its edit; null if it was not edited.
    pub y1_original: Option<String>,
    /// The text of y2 before its edit; null if it was not edited.
    pub y2_original: Option<String>,
    /// The verdicts behind the truth table. A pair has none under x2.
    pub proof: Proof,
}

impl PreferenceRow {
    /// Returns whether the row has one instruction, with a chosen and a rejected response.
    pub fn is_pair(&self) -> bool {
        self.x2.is_none()
    }

    /// Returns the instructions: two, or the only one of a pair.
    pub fn instructions(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.x1.as_str()).chain(self.x2.as_deref())
    }

    /// Returns the texts of the user's turns before the instructions.
    pub fn earlier_requests(&self) -> impl Iterator<Item = &str> {
        let turns = self.context.iter().filter(|turn| turn.role == TurnRole::User);
        turns.map(|turn| turn.content.as_str())
    }

    /// Returns every text of the user: the turns before the instructions, and the instructions.
    pub fn user_texts(&self) -> impl Iterator<Item = &str> {
        self.earlier_requests().chain(self.instructions())
    }

    /// Returns the truth table. `xiyj` tells whether response yj follows instruction xi. The cells of a pair under x2 are
    /// true, so they count as rejected nowhere.
    pub fn truth_table(&self) -> PerSequence<bool> {
        truth_table(&self.proof)
    }

    /// Returns whether y1 or y2 was edited.
    pub fn has_edit(&self) -> bool {
        self.y1_original.is_some() || self.y2_original.is_some()
    }
}

/// A row of `input_preferences`: one response, and two instructions of which it answers one better.
///
/// There is no second response, so the row is no group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputPreferenceRow {
    /// Content hash of the texts.
    pub id: String,
    /// The task that both instructions belong to. All rows of a task are in one split.
    pub seed_id: String,
    /// Train, dev or test.
    pub split: Split,
    /// The plain task.
    pub task: String,
    /// The text that the task works on, if any.
    pub input: Option<String>,
    /// The instruction that the response answers better.
    pub x_better: String,
    /// The other instruction.
    pub x_worse: String,
    /// The response.
    pub y: String,
    /// The constraints of the better instruction; empty if they are unknown.
    pub better_constraints: Vec<ConstraintRow>,
    /// The constraints of the worse instruction; empty if they are unknown.
    pub worse_constraints: Vec<ConstraintRow>,
    /// The verdict that the better instruction is the better one, asked with the better one first.
    pub verdict_better_first: VerdictRow,
    /// The same verdict, asked with the worse one first.
    pub verdict_worse_first: VerdictRow,
    /// Mean log-probability of the response given the better instruction minus that given the worse one, in nats per token;
    /// null if it was not computed.
    pub logp_margin: Option<f64>,
    /// Names of the models that wrote the instructions and the response.
    pub generator: String,
}

/// A row of `reference_logps`: the log-probabilities of one group's sequences under one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReferenceRow {
    /// The preference group.
    pub group_id: String,
    /// Hash of the model's weights.
    pub model_hash: String,
    /// Hash of the chat template and tokenizer.
    pub template_hash: String,
    /// Log-probability of each response, summed over its tokens, in nats.
    pub logps: PerSequence<f64>,
    /// Number of response tokens in each sum, including EOS.
    pub tokens: PerSequence<u32>,
}

/// A row of `response_logps`: the log-probability of one evaluated response under one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseLogpsRow {
    /// Key of the prediction.
    pub key: String,
    /// Log-probability of the response, summed over its tokens, in nats.
    pub logps: f64,
    /// Number of response tokens in the sum, including EOS if the model generated it.
    pub tokens: u32,
}

/// A row of `contamination`: a task that overlaps with a prompt of an evaluation, so that nothing is trained on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContaminationRow {
    /// The task.
    pub task_id: String,
    /// The benchmark; `heldout` for a test task of the run.
    pub benchmark: String,
    /// Key of the prompt, or id of the test task.
    pub key: String,
    /// The share of the prompt that n-grams of the task cover.
    pub prompt_share: f64,
    /// The share of the task that n-grams of the prompt cover.
    pub task_share: f64,
    /// The longest shared passage, in lower case and without punctuation.
    pub passage: String,
}

/// A row of `relevance`: the log-probabilities of one response under the base model, given plain tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RelevanceRow {
    /// Key of the prediction, or id of the sampled response.
    pub key: String,
    /// Log-probability of the response given its own task without constraints, in nats.
    pub own: f64,
    /// Log-probability of the response given another task of similar length, in nats.
    pub other: f64,
    /// Number of response tokens in each sum.
    pub tokens: u32,
}

impl RelevanceRow {
    /// Returns how much likelier the response is given its own task, in nats per token.
    pub fn relevance(&self) -> f64 {
        (self.own - self.other) / f64::from(self.tokens.max(1))
    }
}

/// A row of `flaws`: the reasons why one evaluated response does not count as an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column; any of them may hold")]
pub struct FlawsRow {
    /// Key of the prediction.
    pub key: String,
    /// It repeats a constraint's sentence.
    pub echo: bool,
    /// It repeats itself.
    pub repeats: bool,
    /// It says little.
    pub thin: bool,
    /// It is hardly likelier given its task than given another one.
    pub off_task: bool,
}

impl FlawsRow {
    /// Whether the response counts as an answer.
    pub fn is_clean(&self) -> bool {
        !(self.echo || self.repeats || self.thin || self.off_task)
    }
}

/// A row of `metrics` and of the `*_stats` files: one number at one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// Optimizer step; 0 in `*_stats` files.
    pub step: u64,
    /// Name of the metric, for instance `rewards/margins` or `yield/full/revise`.
    pub name: String,
    /// The value.
    pub value: f64,
}

/// A row of `test_prompts`: one prompt that every model of a run answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestPromptRow {
    /// Content hash of the task's id and the prompt.
    pub key: String,
    /// The task, which no model was trained on.
    pub task_id: String,
    /// The plain task.
    pub task: String,
    /// The text that the task works on, if any.
    pub input: Option<String>,
    /// The user turn that the model reads.
    pub prompt: String,
    /// The constraints, in the order of the prompt.
    pub constraints: Vec<ConstraintRow>,
}

/// A row of `predictions`: one benchmark prompt answered, or the failure of the request.
///
/// | | file of version 1 | file of version 2 |
/// |---|---|---|
/// | reader of version 1 | read | refused: `finish_reason` may be `failed` |
/// | reader of version 2 | read: `error` is null in every row | read |
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredictionRow {
    /// Id of the benchmark, for instance `heldout`.
    pub benchmark: String,
    /// Key of the prompt in the benchmark.
    pub key: String,
    /// Task of the prompt, which bootstrap intervals resample first; empty if there is none.
    pub task_id: String,
    /// The user turn that the model reads.
    pub prompt: String,
    /// The constraints that the response is scored by.
    pub constraints: Vec<ConstraintRow>,
    /// The model's response.
    pub response: String,
    /// Why the response ended.
    pub finish_reason: ResponseEnd,
    /// Number of tokens of the rendered prompt.
    pub prompt_tokens: u32,
    /// Number of generated tokens.
    pub completion_tokens: u32,
    /// Class of the failure, such as `timeout`, if the request failed. `response` is empty then.
    pub error: Option<String>,
}

/// A row of `scores`: one verdict on one prediction, or the reason why there is none.
///
/// | | file of version 1 | file of version 2 |
/// |---|---|---|
/// | reader of version 1 | read | refused: `strict` may be null |
/// | reader of version 2 | read: `score`, `error` and `near` are null in every row | read |
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreRow {
    /// Id of the benchmark, for instance `heldout`.
    pub benchmark: String,
    /// Key of the prompt in the benchmark.
    pub key: String,
    /// Task of the prompt; empty if there is none.
    pub task_id: String,
    /// Index of the constraint in the prompt: of TRACE's constraint, CFBench's criterion, FollowBench's added constraint (0 if
    /// a rule decides the whole response) or ComplexBench's `point_id`.
    pub index: u32,
    /// Id of the constraint kind, or the label of the constraint's dimension where a judge decides.
    pub instruction_id: String,
    /// Whether synthesis uses the kind or the dimension; false if it is held out.
    pub seen: bool,
    /// The strict verdict; null if there is none. A null is neither a success nor a failure.
    pub strict: Option<bool>,
    /// The loose verdict, if the benchmark has one.
    pub loose: Option<bool>,
    /// Whether code or a judge decided.
    pub method: Method,
    /// The judge's answer as it was generated.
    pub raw: Option<String>,
    /// The rules behind the verdict if the benchmark has several, for instance `paper` or `repaired`.
    pub mode: Option<String>,
    /// The judge's score, if the benchmark has scores, for instance from 0 to 10 in TRACE.
    pub score: Option<f64>,
    /// Why there is no verdict; null if there is one.
    pub error: Option<String>,
    /// Whether synthesis asks for a similar thing, where `seen` is false. Null if the benchmark does not tell.
    pub near: Option<bool>,
}

/// A row of `summary`: one cell of a table, with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SummaryRow {
    /// Name of the model, for instance `base`, `sft` or `iopo`.
    pub model: String,
    /// The baseline, if the row is a paired difference `model − baseline`.
    pub baseline: Option<String>,
    /// The metric.
    pub metric: SummaryMetric,
    /// The rows that the metric covers.
    pub subset: Subset,
    /// The estimate.
    pub value: f64,
    /// Lower end of the 95 % interval; NaN if there is none.
    pub low: f64,
    /// Upper end of the 95 % interval; NaN if there is none.
    pub high: f64,
    /// Number of rows behind the estimate.
    pub n: u64,
}
