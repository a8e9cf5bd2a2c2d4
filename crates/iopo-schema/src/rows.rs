//! The row types: what one row of each Parquet file means.
//!
//! Every id is a content hash made by [`crate::id::content_id`]; every enum is stored as its lower-case name.

use iopo_core::PerSequence;
use serde::{Deserialize, Serialize};

use crate::names::{GroupKind, Method, Operation, Split, Subset, SummaryMetric};

/// A constraint as code can check it: the kind's id and its parameters as JSON.
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
    /// The sentence that stands in the prompt.
    pub text: String,
    /// One of the five constraint types, by its English name.
    pub constraint_type: String,
    /// One of the 26 dimensions, by its English name.
    pub dimension: String,
    /// How code checks it; absent where only a judge can.
    pub check: Option<CheckRow>,
}

/// One verdict: does a response satisfy a constraint?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerdictRow {
    /// The answer.
    pub satisfied: bool,
    /// 0–10 where a judge scored, 0 or 10 where code decided.
    pub score: f64,
    /// Code or judge.
    pub method: Method,
    /// What was found, for a reader ("14 words, at most 20 allowed").
    pub evidence: String,
}

/// A row of `instructions`: one constrained instruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstructionRow {
    /// Content hash of the prompt and the seed.
    pub id: String,
    /// The task that it grew from.
    pub task_id: String,
    /// The plain task.
    pub task: String,
    /// The text that the task works on, if any.
    pub input: Option<String>,
    /// The constraints, in the order of the prompt.
    pub constraints: Vec<ConstraintRow>,
    /// The user turn as the model sees it.
    pub prompt: String,
    /// BCP 47 tag, for instance `en`.
    pub language: String,
}

/// A row of `responses`: one attempt at an instruction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseRow {
    /// Content hash.
    pub id: String,
    /// The instruction that it answers.
    pub instruction_id: String,
    /// The task of that instruction.
    pub task_id: String,
    /// The answer.
    pub text: String,
    /// One verdict a constraint of the instruction, in its order.
    pub verdicts: Vec<VerdictRow>,
    /// Whether every constraint holds.
    pub accepted: bool,
    /// Whether an edit made a constraint hold.
    pub repaired: bool,
    /// Why there is no usable answer, if so.
    pub error: Option<String>,
    /// Name and weight hash of the model that wrote it.
    pub generator: String,
    /// Sampling parameters as JSON (manner, temperature, seed …).
    pub sampling: String,
}

/// The verdicts behind a group's truth table: `xiyj` holds the verdicts on response yj under the constraints of xi.
pub type Proof = PerSequence<Vec<VerdictRow>>;

/// Returns the truth table of a proof: a cell holds when all its verdicts do.
pub fn truth_table(proof: &Proof) -> PerSequence<bool> {
    proof.as_ref().map(|verdicts| verdicts.iter().all(|verdict| verdict.satisfied))
}

/// A row of `preferences`: one group (x1, y1, x2, y2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreferenceRow {
    /// Content hash of the four texts.
    pub id: String,
    /// The task that all four belong to.
    pub task_id: String,
    /// Train, dev or test, by task.
    pub split: Split,
    /// Full or sided.
    pub kind: GroupKind,
    /// How x2 was made from x1.
    pub operation: Operation,
    /// The plain task that both instructions share.
    pub task: String,
    /// The input that both instructions share.
    pub input: Option<String>,
    /// The first instruction as the model sees it (the user turn).
    pub x1: String,
    /// The response that follows x1.
    pub y1: String,
    /// The second instruction.
    pub x2: String,
    /// The response that follows x2.
    pub y2: String,
    /// Constraints of x1, in the order of the prompt.
    pub x1_constraints: Vec<ConstraintRow>,
    /// Constraints of x2, in the order of the prompt.
    pub x2_constraints: Vec<ConstraintRow>,
    /// Constraints of x1 that x2 lacks.
    pub removed: Vec<ConstraintRow>,
    /// Constraints of x2 that x1 lacks.
    pub added: Vec<ConstraintRow>,
    /// Ids of the response rows that y1 and y2 come from.
    pub y1_response_id: String,
    /// See `y1_response_id`.
    pub y2_response_id: String,
    /// Whether y1 or y2 was repaired.
    pub repaired: bool,
    /// The truth table.
    pub proof: Proof,
}

impl PreferenceRow {
    /// Returns the truth table: `xiyj` tells whether response yj follows instruction xi.
    pub fn truth_table(&self) -> PerSequence<bool> {
        truth_table(&self.proof)
    }
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
    /// Response tokens behind each sum, EOS included.
    pub tokens: PerSequence<u32>,
}

/// A row of `response_logps`: the log-probability of one evaluated response under one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseLogpsRow {
    /// The prediction's key.
    pub key: String,
    /// Log-probability of the response, summed over its tokens, in nats.
    pub logps: f64,
    /// Response tokens behind the sum; EOS counts where the model generated it.
    pub tokens: u32,
}

/// A row of `metrics` (and of the `*_stats` files): one scalar at one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// Optimiser step (0 for counts).
    pub step: u64,
    /// For instance `rewards/margins` or `yield/full/revise`.
    pub name: String,
    /// The value.
    pub value: f64,
}

/// A row of `predictions`: one benchmark prompt answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredictionRow {
    /// For instance `heldout`.
    pub benchmark: String,
    /// The prompt's key inside the benchmark.
    pub key: String,
    /// Task, the cluster that bootstrap intervals resample first; empty where there is none.
    pub task_id: String,
    /// The user turn.
    pub prompt: String,
    /// The constraints to score it by.
    pub constraints: Vec<ConstraintRow>,
    /// The model's answer.
    pub response: String,
    /// `stop` or `length`; `given` where the answer came in a file.
    pub finish_reason: String,
    /// Tokens of the rendered prompt.
    pub prompt_tokens: u32,
    /// Tokens generated.
    pub completion_tokens: u32,
}

/// A row of `scores`: one verdict on one prediction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreRow {
    /// For instance `heldout`.
    pub benchmark: String,
    /// The prompt's key.
    pub key: String,
    /// Task of the prompt; empty where there is none.
    pub task_id: String,
    /// The constraint's index in the prompt.
    pub index: u32,
    /// The constraint kind's id.
    pub instruction_id: String,
    /// Whether the kind occurs in synthesis (`false`: held out).
    pub seen: bool,
    /// The strict verdict.
    pub strict: bool,
    /// The loose verdict, where the benchmark has one.
    pub loose: Option<bool>,
    /// Code or judge.
    pub method: Method,
    /// The judge's raw text.
    pub raw: Option<String>,
    /// The rules of the verdict, where the benchmark has several: for instance `paper`, `repaired`.
    pub mode: Option<String>,
}

/// A row of `summary`: one cell of a table, with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SummaryRow {
    /// The model: `base`, `sft`, `iopo` …
    pub model: String,
    /// For a paired difference `model − baseline`: the baseline.
    pub baseline: Option<String>,
    /// The metric.
    pub metric: SummaryMetric,
    /// The rows that the metric covers.
    pub subset: Subset,
    /// The estimate.
    pub value: f64,
    /// Lower end of the 95 % interval; NaN where there is none.
    pub low: f64,
    /// Upper end of the 95 % interval; NaN where there is none.
    pub high: f64,
    /// Rows behind the estimate.
    pub n: u64,
}
