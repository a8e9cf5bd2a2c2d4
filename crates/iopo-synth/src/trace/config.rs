//! Settings of the recipe.

use std::path::PathBuf;

use iopo_core::SettingError;
use iopo_core::settings::limits::{MAX_BATCH, MAX_TOKENS, MAX_WEIGHT};
use iopo_core::settings::{check, check_weights, json_without};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::step::Step;

/// The largest number of constraints of an instruction.
pub const MAX_CONSTRAINTS: usize = 15;

/// The language of instructions and responses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TraceLanguage {
    /// Chinese for a task of which at least 30 % of the letters are Chinese, otherwise English.
    #[default]
    Auto,
    /// English.
    En,
    /// Chinese.
    Zh,
}

/// Weights of the operations that turn the first instruction into the second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct OperationWeights {
    /// Weight of replacing a constraint, which gives a revision or a swap. Default: 1. Range: 0 to 1000000.
    #[schemars(range(min = 0.0, max = MAX_WEIGHT))]
    pub revise: f64,
    /// Weight of adding a constraint. Default: 1. Range: 0 to 1000000.
    #[schemars(range(min = 0.0, max = MAX_WEIGHT))]
    pub add: f64,
    /// Weight of removing a constraint. Default: 1. Range: 0 to 1000000.
    #[schemars(range(min = 0.0, max = MAX_WEIGHT))]
    pub remove: f64,
}

impl Default for OperationWeights {
    fn default() -> Self {
        Self { revise: 1.0, add: 1.0, remove: 1.0 }
    }
}

/// How the judge checks instructions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct QualityControl {
    /// Asks about completeness and redundancy in one call instead of two, as the paper does. Default: false.
    pub joint: bool,
}

/// Token limits by role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TraceTokens {
    /// Maximum number of tokens when the writer writes or splits an instruction. Default: 2048. Range: 1 to 1000000.
    #[schemars(range(min = 1, max = MAX_TOKENS))]
    pub instruction: usize,
    /// Maximum number of tokens of a response. Default: 1024. Range: 1 to 1000000.
    #[schemars(range(min = 1, max = MAX_TOKENS))]
    pub response: usize,
    /// Maximum number of tokens of an answer of the judge. Default: 2048. Range: 1 to 1000000.
    #[schemars(range(min = 1, max = MAX_TOKENS))]
    pub judge: usize,
}

impl TraceTokens {
    /// Returns the maximum number of tokens of an answer of a stage.
    pub(crate) fn of(&self, step: Step) -> usize {
        match step {
            Step::Expand | Step::Structure | Step::Change => self.instruction,
            Step::Response | Step::Worse | Step::SecondResponse => self.response,
            Step::Complete
            | Step::Redundant
            | Step::Rating
            | Step::WorseRating
            | Step::ChangeComplete
            | Step::ChangeRedundant
            | Step::Compatible
            | Step::SecondRating
            | Step::Cross => self.judge,
        }
    }
}

impl Default for TraceTokens {
    fn default() -> Self {
        Self { instruction: 2_048, response: 1_024, judge: 2_048 }
    }
}

/// Settings of the `trace` recipe. Create one with [`Default`] and set fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TraceConfig {
    /// Responses sampled for each instruction; the first accepted one is used. Default: 1. Range: 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub samples: usize,
    /// Maximum number of constraints that are asked for in one instruction. Default: 5. Range: 1 to 15.
    #[schemars(range(min = 1, max = MAX_CONSTRAINTS))]
    pub max_constraints: usize,
    /// Weights of instructions with 1, 2, 3 … constraints, up to `max_constraints`. Default: the numbers of the paper.
    #[schemars(length(max = MAX_CONSTRAINTS), inner(range(min = 0.0, max = MAX_WEIGHT)))]
    pub constraint_weights: Vec<f64>,
    /// Weights of the operations.
    pub operations: OperationWeights,
    /// How the judge checks instructions.
    pub qc: QualityControl,
    /// Softmax temperature of the writer; 0 decodes greedily. Default: 0.8. Range: 0 to 100.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub writer_temperature: f32,
    /// Softmax temperature of the judge; 0 decodes greedily. Default: 0. Range: 0 to 100.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub judge_temperature: f32,
    /// Token limits.
    pub max_new_tokens: TraceTokens,
    /// Language of instructions and responses: `en`, `zh`, or `auto` to decide by the letters of each task. A task that names its
    /// own language keeps it. Default: `auto`.
    pub language: TraceLanguage,
    /// Folder of changed copies of the prompt templates, for instance `expand.en.txt`. Default: the built-in templates.
    pub templates: Option<PathBuf>,
    /// Also asks for a worse answer to each instruction, as the negative of the paper's DPO baseline (`dpo-paper`). Default:
    /// true.
    pub worse_answers: bool,
    /// Also asks the writer for the kind of each constraint that code can check, from a list of `synth.kinds`, which makes prompts
    /// longer. A proposal counts only if it says the same as the constraint's text. Default: false.
    pub propose_checks: bool,
    /// Drops responses that contain a judge's verdict. Default: true.
    pub guard: bool,
    /// Share of the verdicts by code for which the judge is asked too. Default: 0.05. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub agreement_share: f64,
    /// Stops mapping texts to a kind if judge and code disagree about a larger share. Default: 0.1. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_disagreement: f64,
    /// Number of comparisons of a kind before `max_disagreement` applies. Default: 30. Range: 1 to 10000.
    #[schemars(range(min = 1, max = MAX_BATCH))]
    pub min_agreement_cases: usize,
    /// Drops an expanded instruction that has a smaller share of the content words of its task. Default: 0.5. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_task_recall: f64,
    /// Drops a split whose parts have a smaller share of the content words of their instruction. Default: 0.8. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_coverage: f64,
    /// Drops an instruction with a longer constraint, in characters. Default: 400. Range: 1 to 10000.
    #[schemars(range(min = 1, max = MAX_BATCH))]
    pub max_constraint_chars: usize,
    /// Drops a response that shares a larger part of its 3-grams with an earlier one. Default: 0.9. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_similarity: f64,
    /// Fails the run if a larger share of the requests fails, after the files are written. Default: 0.05. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_failed_share: f64,
    /// Tasks in one part of the output, the unit of resuming. Requests of a stage are sent for a whole part. Default: 256.
    /// Range: 1 to 10000.
    #[schemars(range(min = 1, max = MAX_BATCH))]
    pub tasks_per_part: usize,
}

impl Default for TraceConfig {
    fn default() -> Self {
        // Training instructions with 1 to 15 constraints (Zhang et al., 2025).
        let paper: [u32; MAX_CONSTRAINTS] =
            [991, 8_003, 26_421, 34_155, 26_327, 13_858, 5_882, 2_185, 999, 464, 8, 20, 20, 8, 4];
        Self {
            samples: 1,
            max_constraints: 5,
            constraint_weights: paper.map(f64::from).to_vec(),
            operations: OperationWeights::default(),
            qc: QualityControl::default(),
            writer_temperature: 0.8,
            judge_temperature: 0.0,
            max_new_tokens: TraceTokens::default(),
            language: TraceLanguage::Auto,
            templates: None,
            worse_answers: true,
            propose_checks: false,
            guard: true,
            agreement_share: 0.05,
            max_disagreement: 0.1,
            min_agreement_cases: 30,
            min_task_recall: 0.5,
            min_coverage: 0.8,
            max_constraint_chars: 400,
            max_similarity: 0.9,
            max_failed_share: 0.05,
            tasks_per_part: 256,
        }
    }
}

impl TraceConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// Returns an error about the first setting that is out of range.
    pub fn validate(&self) -> Result<(), SettingError> {
        self.checked().map_err(|error| error.inside("synth.trace"))
    }

    fn checked(&self) -> Result<(), SettingError> {
        check(self)?;
        check_weights("constraint_weights", self.weights())?;
        let OperationWeights { revise, add, remove } = self.operations;
        check_weights("operations", &[revise, add, remove])
    }

    /// Returns the weights of the numbers of constraints that may be drawn.
    pub(crate) fn weights(&self) -> &[f64] {
        &self.constraint_weights[..self.constraint_weights.len().min(self.max_constraints)]
    }

    /// Returns the settings that the rows depend on. The hashes of the templates replace their folder.
    pub(crate) fn rows_json(&self) -> Result<serde_json::Value, SettingError> {
        json_without(self, &["max_failed_share", "templates"])
            .map_err(|error| error.inside("synth.trace"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_round_trip() {
        let config = TraceConfig::default();
        config.validate().expect("defaults");
        let text = serde_json::to_string(&config).expect("json");
        assert_eq!(serde_json::from_str::<TraceConfig>(&text).expect("json"), config);
        assert_eq!(config.weights().len(), 5);
        assert!(serde_json::from_str::<TraceConfig>(r#"{"change": "one"}"#).is_err());
        assert!(serde_json::from_str::<TraceConfig>(r#"{"endpoint": "x"}"#).is_err());
    }

    #[test]
    fn an_error_names_the_setting() {
        let error = |change: fn(&mut TraceConfig)| {
            let mut config = TraceConfig::default();
            change(&mut config);
            config.validate().expect_err("refused").to_string()
        };
        assert!(error(|c| c.samples = 0).starts_with("`synth.trace.samples`"));
        assert!(error(|c| c.max_constraints = 16).starts_with("`synth.trace.max_constraints`"));
        assert!(error(|c| c.min_coverage = f64::NAN).starts_with("`synth.trace.min_coverage`"));
        assert!(error(|c| c.max_new_tokens.judge = 0).contains("max_new_tokens.judge"));
        assert!(error(|c| c.constraint_weights = vec![0.0; 5]).contains("constraint_weights"));
        let none = OperationWeights { revise: 0.0, add: 0.0, remove: 0.0 };
        let config = TraceConfig { operations: none, ..TraceConfig::default() };
        assert!(config.validate().expect_err("none").key.ends_with("operations"));
    }
}
