//! Settings of an evaluation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use iopo_constraints::Kind;
use iopo_constraints::quality::QualityConfig;
use iopo_core::SettingError;
use iopo_core::settings::limits::{
    MAX_BATCH, MAX_COUNT, MAX_SEED, MAX_TOKENS, MAX_VALUES, MAX_WEIGHT,
};
use iopo_core::settings::{check, check_weights};
use iopo_schema::kinds_named;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::benchmarks::contamination::{ContaminationConfig, named};
use crate::benchmarks::{PUBLISHED, Published, published};
use crate::gain::BASE;
use crate::{Bootstrap, EvalError, GainMargins};

/// Settings of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct EvalConfig {
    /// Maximum number of tokens of a response. Longer ones are cut off and counted in `length_cut_share`. Default: 256.
    #[schemars(range(min = 1, max = MAX_TOKENS))]
    pub max_new_tokens: usize,
    /// Parquet file of test prompts, such as the `test_prompts.parquet` of another run. Default: none; the prompts are
    /// drawn from the test tasks.
    pub prompts: Option<PathBuf>,
    /// Tasks that the test prompts are drawn for, instead of the test tasks of the run: `built-in` for the 100 test tasks of
    /// iopo, or a file in the format of `tasks`. Tasks of the run that are near duplicates of them are left out of synthesis.
    /// It cannot be combined with `eval.prompts`. Default: none; the prompts are drawn for the tasks of the test split.
    pub tasks: Option<String>,
    /// Maximum number of drawn prompts, spread evenly over the tasks; 0 means no limit. Default: 0.
    #[schemars(range(max = MAX_COUNT))]
    pub max_prompts: usize,
    /// Prompts with seen kinds per test task. Default: 2.
    #[schemars(range(max = 1_000))]
    pub seen_per_task: usize,
    /// Prompts with held-out kinds per test task; none if `held_out` is empty. Default: 2.
    #[schemars(range(max = 1_000))]
    pub unseen_per_task: usize,
    /// Weights of prompts with 1, 2, 3 … constraints. Default: `[1, 1, 1]`.
    #[schemars(length(max = 16), inner(range(min = 0.0, max = MAX_WEIGHT)))]
    pub constraints_per_instruction: Vec<f64>,
    /// Ids of the constraint kinds that separate seen prompts from unseen ones. In a run, set by the top-level
    /// `held_out`; any other value is refused. Default: none.
    #[schemars(extend("uniqueItems" = true))]
    pub held_out: Vec<String>,
    /// What counts as an answer in clean accuracy. In a run, set by the top-level `quality`; any other value is refused.
    pub quality: QualityConfig,
    /// How much worse than the base a model may be for a higher clean accuracy to count as a gain.
    pub gain: GainMargins,
    /// Models that every other model is compared with, row by row, weaker ones first. Models that were not evaluated are
    /// ignored. Default: base, sft, sft-continued, dpo-paper, dpo.
    #[schemars(length(max = MAX_VALUES), extend("uniqueItems" = true))]
    pub baselines: Vec<String>,
    /// Number of bootstrap resamples per interval. Higher values give smoother interval ends and take longer. Default:
    /// 2000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub bootstrap_samples: usize,
    /// Coverage of the intervals. Default: 0.95.
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub confidence: f64,
    /// Prompts per part of `predictions.parquet`. A killed run loses at most one part of responses. Default: 32.
    #[schemars(range(min = 1, max = MAX_BATCH))]
    pub part_size: usize,
    /// Treats a special token in the text of a prompt as ordinary text. If false, such a prompt is an error before anything is
    /// generated, because the token could end a turn. Default: false.
    pub escape_special_tokens: bool,
    /// Scores the base, the SFT model and the best method on these published benchmarks: `ifeval`, `ifbench`. A run with `ifbench`
    /// holds out the kinds that it tests, unless `synth.kinds` names them. Default: none.
    #[schemars(extend("uniqueItems" = true))]
    pub benchmarks: Vec<String>,
    /// Prompt file of each benchmark, by id: a path or the hub id of a dataset. Default: the published dataset.
    pub data: BTreeMap<String, String>,
    /// When a task counts as a copy of a prompt of a benchmark or of a test task. Nothing is trained on such tasks, and
    /// training data with them is refused.
    pub contamination: ContaminationConfig,
    /// Maximum number of tokens of a response to a benchmark. Published scores allow about 1280. Default: 512.
    #[schemars(range(min = 1, max = MAX_TOKENS))]
    pub benchmark_max_new_tokens: usize,
    /// Random seed of the drawn prompts and of the resamples. Default: 0; in a run, the top-level `seed`.
    #[schemars(range(max = MAX_SEED))]
    pub seed: u64,
}

impl Default for EvalConfig {
    fn default() -> Self {
        Self {
            max_new_tokens: 256,
            prompts: None,
            tasks: None,
            max_prompts: 0,
            seen_per_task: 2,
            unseen_per_task: 2,
            constraints_per_instruction: vec![1.0, 1.0, 1.0],
            held_out: Vec::new(),
            quality: QualityConfig::default(),
            gain: GainMargins::default(),
            baselines: ["base", "sft", "sft-continued", "dpo-paper", "dpo"]
                .map(str::to_owned)
                .into(),
            bootstrap_samples: 2000,
            confidence: 0.95,
            part_size: 32,
            escape_special_tokens: false,
            benchmarks: Vec::new(),
            data: BTreeMap::new(),
            contamination: ContaminationConfig::default(),
            benchmark_max_new_tokens: 512,
            seed: 0,
        }
    }
}

impl EvalConfig {
    /// Checks that every setting is in its range.
    ///
    /// # Errors
    /// Returns an error that names the first invalid setting.
    pub fn validate(&self) -> Result<(), EvalError> {
        check(self)
            .and_then(|()| {
                check_weights("constraints_per_instruction", &self.constraints_per_instruction)
            })
            .map_err(|error| error.inside("eval"))?;
        let named = self.benchmarks.iter().map(|id| ("benchmarks", id));
        for (key, id) in named.chain(self.data.keys().map(|id| ("data", id))) {
            if published(id).is_none_or(Published::is_judged) {
                let known = PUBLISHED.iter().filter(|benchmark| !benchmark.is_judged());
                let known: Vec<&str> = known.map(|benchmark| benchmark.id).collect();
                let expected = format!("one of {}", known.join(", "));
                return Err(SettingError::new(key, format!("`{id}`"), expected)
                    .inside("eval")
                    .into());
            }
        }
        self.validate_tasks().map_err(|error| error.inside("eval"))?;
        if !self.baselines.iter().any(|baseline| baseline == BASE) {
            let found = format!("{:?}", self.baselines);
            let expected = "a list with `base`, which every gain is measured against";
            return Err(SettingError::new("baselines", found, expected).inside("eval").into());
        }
        self.held_out_kinds().map(drop)
    }

    /// Fails if `tasks` is set and no prompt would be drawn for them.
    fn validate_tasks(&self) -> Result<(), SettingError> {
        let Some(tasks) = &self.tasks else { return Ok(()) };
        if let Some(prompts) = &self.prompts {
            let found = format!("`{tasks}` beside the prompts `{}`", prompts.display());
            let expected =
                "no tasks to draw prompts for, because `eval.prompts` names finished prompts";
            let hint = "remove `eval.tasks` or `eval.prompts`";
            return Err(SettingError::new("tasks", found, expected).with_hint(hint));
        }
        if self.seen_per_task == 0 && (self.unseen_per_task == 0 || self.held_out.is_empty()) {
            let found = format!("`{tasks}`, for which no prompt is drawn");
            let expected = "at least one prompt for each task";
            let hint =
                "raise `eval.seen_per_task`, or `eval.unseen_per_task` with kinds in `held_out`";
            return Err(SettingError::new("tasks", found, expected).with_hint(hint));
        }
        Ok(())
    }

    /// Returns the held-out kinds.
    ///
    /// # Errors
    /// Returns an error if `held_out` names an unknown kind.
    pub fn held_out_kinds(&self) -> Result<BTreeSet<Kind>, EvalError> {
        Ok(kinds_named("held_out", &self.held_out).map_err(|error| error.inside("eval"))?)
    }

    /// Lists the published benchmarks that are evaluated or whose data is configured.
    pub fn named_benchmarks(&self) -> Vec<&'static Published> {
        named(&self.benchmarks, self.data.keys())
    }

    /// Returns the bootstrap of these settings.
    pub fn bootstrap(&self) -> Bootstrap {
        Bootstrap { samples: self.bootstrap_samples, confidence: self.confidence, seed: self.seed }
    }
}

#[cfg(test)]
mod tests {
    use super::EvalConfig;

    #[test]
    fn defaults_are_valid_and_unknown_fields_are_refused() {
        EvalConfig::default().validate().expect("valid");
        let partial: EvalConfig = serde_json::from_str(r#"{"part_size": 7}"#).expect("partial");
        assert_eq!(partial, EvalConfig { part_size: 7, ..EvalConfig::default() });
        assert!(serde_json::from_str::<EvalConfig>(r#"{"part_sise": 7}"#).is_err());
    }

    #[test]
    fn tasks_are_refused_beside_prompts_and_without_a_prompt_for_each() {
        let named = || EvalConfig { tasks: Some("built-in".to_owned()), ..EvalConfig::default() };
        named().validate().expect("valid");
        let refused = |config: EvalConfig| {
            let error = config.validate().expect_err("refused");
            assert!(error.to_string().starts_with("`eval.tasks`: found `built-in`"), "{error}");
            error.hint().expect("a hint")
        };
        let both = EvalConfig { prompts: Some("prompts.parquet".into()), ..named() };
        assert!(refused(both).contains("remove `eval.tasks` or `eval.prompts`"));
        let none = EvalConfig { seen_per_task: 0, ..named() };
        assert!(refused(none.clone()).contains("eval.seen_per_task"));
        // Control: prompts with held-out kinds are enough.
        let held_out = vec!["max_words".to_owned()];
        EvalConfig { held_out, ..none }.validate().expect("valid");
    }

    #[test]
    fn invalid_settings_are_refused_by_name() {
        let error = |config: EvalConfig| config.validate().expect_err("refused").to_string();
        let default = EvalConfig::default;
        assert!(error(EvalConfig { part_size: 0, ..default() }).contains("part_size"));
        let bootstrap_samples = usize::MAX;
        assert!(error(EvalConfig { bootstrap_samples, ..default() }).contains("bootstrap_samples"));
        assert!(error(EvalConfig { seen_per_task: 1_001, ..default() }).contains("seen_per_task"));
        assert!(error(EvalConfig { confidence: 1.0, ..default() }).contains("confidence"));
        assert!(error(EvalConfig { confidence: f64::NAN, ..default() }).contains("confidence"));
        let weights = vec![0.0, f64::NAN];
        assert!(
            error(EvalConfig { constraints_per_instruction: weights, ..default() })
                .contains("constraints_per_instruction")
        );
        let baselines = vec!["sft".to_owned()];
        assert!(error(EvalConfig { baselines, ..default() }).contains("a list with `base`"));
        let benchmarks = vec!["no_such_benchmark".to_owned()];
        assert!(error(EvalConfig { benchmarks, ..default() }).contains("one of ifeval, ifbench"));
        let benchmarks = vec!["trace".to_owned()];
        assert!(
            error(EvalConfig { benchmarks, ..default() }).contains("`trace`"),
            "it needs a judge"
        );
        let held_out = vec!["no_such_kind".to_owned()];
        assert!(error(EvalConfig { held_out, ..default() }).contains("no_such_kind"));
    }
}
