//! The settings of training, with their defaults.

mod sft;
mod validate;

use std::{collections::BTreeMap, path::PathBuf};

use iopo_core::settings::limits::{
    MAX_COUNT, MAX_EPOCHS, MAX_SEED, MAX_TOKENS, MAX_VALUES, MAX_WEIGHT,
};
use iopo_model::LoraConfig;
use iopo_schema::run_files::model_folder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Method,
    encode::TruncationMode,
    eval_strategy::{BestModelMetric, EvalStrategy},
    gradient_checkpointing::GradientCheckpointing,
    grid::Settings,
    group_weights::GroupWeighting,
    loss::LossType,
    optim::OptimizerName,
    schedule::SchedulerType,
    starts::Starts,
    tree::SequenceLayout,
};

pub use sft::{SftConfig, SftData};

/// The largest strength of a loss or of a penalty.
const MAX_STRENGTH: f64 = 1000.0;
/// The largest number of values of one setting in a grid search, which tries every combination.
const MAX_TRIED: u64 = 16;

/// Training settings, named as in TRL and transformers where these have them.
///
/// The default learning rates suit models of about 135M parameters. The paper's (1e-4 for SFT, 5e-6 for preferences)
/// are for models of 7B and 8B parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct TrainConfig {
    /// Trains these methods. SFT also runs if it is not named, because every other method starts from it, unless `start` is
    /// set. `sft-continued` is SFT for as many
    /// updates as a preference method. `dpo` uses both output pairs of a group, `dpo-paper` the pairs with
    /// a worse answer, or, without such pairs, only y1 over y2 under x1.
    /// `iopo-no-output` and `iopo-three` are the paper's ablations. Default: `["sft", "dpo", "iopo"]`.
    #[schemars(extend("uniqueItems" = true))]
    pub methods: Vec<Method>,
    /// Passes over the training groups, for each method after SFT. Default: 2.
    #[schemars(range(min = 1, max = MAX_EPOCHS), extend("aliases" = ["epochs"]))]
    pub num_train_epochs: usize,
    /// Peak learning rate of the preference methods and of continued SFT. Default: 1e-4.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0, "aliases" = ["lr"]))]
    pub learning_rate: f64,
    /// Folder of a trained model that every method continues, SFT included: an adapter of `iopo train` or PEFT for the same
    /// base model, with the rank, scale and layers of `lora`, or a whole model if `use_peft` is false. It is also the
    /// reference. Default: none; SFT starts from the base model, and the other methods from the SFT model.
    pub start: Option<PathBuf>,
    /// Settings of the SFT stage.
    pub sft: SftConfig,
    /// Strength of the preference loss. Higher values keep the policy closer to the reference. Methods without a
    /// reference use their published values (SimPO 2.0, ORPO 0.1, TPO and TPO-L 0.01) unless `overrides` sets one.
    /// Default: 0.1.
    #[schemars(range(max = MAX_STRENGTH), extend("exclusiveMinimum" = 0.0))]
    pub beta: f64,
    /// Weight of the SFT loss on the chosen responses, added to a preference loss as a mean per token. Higher values
    /// keep the chosen responses likely. Default: 1.0.
    #[schemars(range(min = 0.0, max = MAX_STRENGTH))]
    pub pref_ftx: f64,
    /// Loss as a function of the margin, for `dpo`, `dpo-paper` and `iopo`; every other method has one loss. `sigmoid_norm`
    /// and `ipo` read means per token instead of sums over a response, so they need a larger `beta`. Default: sigmoid.
    pub loss_type: LossType,
    /// Assumed probability that a preference label is flipped; softens the losses sigmoid, robust and `exo_pair`. Default: 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 0.5))]
    pub label_smoothing: f64,
    /// Weight of each group in the loss of a preference method, its SFT term included; the mean over the training groups is 1.
    /// `hardness` gives more weight to groups with a small or negative margin before training: `σ(−β·m)`, where `m` is the
    /// margin of the log-probabilities of the model that training starts from. It applies to methods with a reference.
    /// `rarity` gives more weight to groups whose changed constraints a model rarely satisfies; only a program that calls the
    /// library can pass these rates. Default: none.
    pub group_weighting: GroupWeighting,
    /// Mixes rows of `input_preferences` into the updates of each method with a reference: a response with a better and a worse
    /// instruction, as `iopo fipo` collects them. Such a row has the loss `−log σ(β(s(y|better) − s(y|worse)))` with this
    /// weight, where a group has the weight 1 and `s` is the log-ratio to the reference. The loss is a heuristic, because the
    /// two instructions have different normalizers. 0 reads no such rows. Default: 0. Range: 0 to 1000.
    #[schemars(range(min = 0.0, max = MAX_STRENGTH))]
    pub input_preference_weight: f64,
    /// Share of the updates over which the learning rate rises from 0 to its peak. The type `constant` ignores it.
    /// Default: 0.1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub warmup_ratio: f64,
    /// Course of the learning rate. `constant` stays at the peak from the first update; the others warm up, and then
    /// `constant_with_warmup` stays at the peak, while `linear` and `cosine` decay to 0. Default: cosine.
    pub lr_scheduler_type: SchedulerType,
    /// Groups whose gradients one optimizer step averages; a group has up to four sequences. Default: 8.
    #[schemars(range(min = 1, max = MAX_COUNT), extend("aliases" = ["batch_size"]))]
    pub groups_per_update: usize,
    /// Takes groups of similar length into an update. On a CPU, each thread computes a part of an update, and threads with
    /// parts of similar length wait less for each other. Default: false.
    pub group_by_length: bool,
    /// Maximum number of tokens of one forward and backward pass. Higher values use more memory. On a CPU, each thread
    /// computes one pass at a time, and an update is divided evenly over the threads. Changes results only by rounding.
    /// Default: 1024; with the backend `cuda`, up to 16384 if the estimate of the memory stays below half of the card's.
    #[schemars(range(min = 1, max = MAX_TOKENS))]
    pub tokens_per_micro_batch: Option<usize>,
    /// Recomputes activations in the backward pass, which saves memory and changes no result. A step with adapters takes
    /// about a third longer. `auto` recomputes only if the activations would not fit. Default: auto.
    pub gradient_checkpointing: GradientCheckpointing,
    /// Layout of the sequences of a group. `tree` shares common segments; `rows` computes each sequence separately, for
    /// comparison. Default: tree.
    pub sequence_layout: SequenceLayout,
    /// Trains LoRA adapters; `false` trains every weight. Default: true.
    pub use_peft: bool,
    /// Settings of the LoRA adapters.
    pub lora: LoraConfig,
    /// Maximum number of tokens of a sequence, prompt and response together. Default: 1024.
    #[schemars(range(min = 1, max = MAX_TOKENS))]
    pub max_length: usize,
    /// Treatment of groups that exceed `max_length`: `drop` skips them, `official` truncates them like the authors'
    /// released code. Default: drop.
    pub truncation_mode: TruncationMode,
    /// Scales the gradients down to this global norm if they exceed it; 0 turns clipping off. Default: 1.0.
    #[schemars(range(min = 0.0, max = MAX_WEIGHT), extend("aliases" = ["clip_norm"]))]
    pub max_grad_norm: f64,
    /// Optimizer. Default: adamw.
    pub optim: OptimizerName,
    /// Weight decay of the optimizer. Default: 0.01.
    #[schemars(range(min = 0.0, max = MAX_STRENGTH))]
    pub weight_decay: f64,
    /// Updates between two checkpoints; 0 writes none, so a stopped training starts over. Default: 10.
    #[schemars(range(max = MAX_COUNT))]
    pub save_steps: usize,
    /// Random seed of the initial adapters and of the order of the groups. Default: 0; in a run, the top-level `seed`.
    #[schemars(range(max = MAX_SEED))]
    pub seed: u64,
    /// Trains every method once for each of these random seeds, instead of `seed`. Default: `[]`.
    #[schemars(length(max = MAX_VALUES), inner(range(max = MAX_SEED)), extend("uniqueItems" = true))]
    pub seeds: Vec<u64>,
    /// Maximum number of groups of the train split to train on; 0 uses all. Default: 0.
    #[schemars(range(max = MAX_COUNT))]
    pub max_train_groups: usize,
    /// Evaluates loss and reward accuracy on the dev split during training. Default: true.
    pub do_eval: bool,
    /// Updates between two evaluations; 0 evaluates at the end of each epoch. Default: 0.
    #[schemars(range(max = MAX_COUNT))]
    pub eval_steps: usize,
    /// Stops a method after this many evaluations in a row without an improvement; 0 never stops early. Default: 0.
    #[schemars(range(max = MAX_COUNT))]
    pub early_stopping_patience: usize,
    /// Metric of the dev split that early stopping and `load_best_model_at_end` compare; `accuracy` is the reward
    /// accuracy. SFT always uses the loss. Default: loss.
    pub metric_for_best_model: BestModelMetric,
    /// Keeps the weights of the best evaluation instead of those of the last update. Default: false.
    pub load_best_model_at_end: bool,
    /// Maximum number of groups of the dev split to evaluate on; 0 uses all. Default: 64.
    #[schemars(range(max = MAX_COUNT))]
    pub max_eval_groups: usize,
    /// Settings of single methods, for instance `[train.overrides.simpo]`.
    #[schemars(extend("propertyNames" = method_names()))]
    pub overrides: BTreeMap<Method, Override>,
    /// Search grid from which the dev split chooses the settings of each method.
    pub grid: GridConfig,
}

/// Returns the schema of the keys of `overrides`.
fn method_names() -> serde_json::Value {
    let names: Vec<&str> = Method::ALL.iter().map(|method| method.name()).collect();
    serde_json::json!({ "enum": names })
}

/// Settings of one method that replace the common ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Override {
    /// Peak learning rate. Default: that of the stage.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub learning_rate: Option<f64>,
    /// Strength of the preference loss. Default: `train.beta`, or the published value of a method without a reference.
    #[schemars(range(max = MAX_STRENGTH), extend("exclusiveMinimum" = 0.0))]
    pub beta: Option<f64>,
    /// Weight of the SFT loss. Default: `train.pref_ftx`, or the published value of a method without a reference.
    #[schemars(range(min = 0.0, max = MAX_STRENGTH))]
    pub pref_ftx: Option<f64>,
    /// Trains the method with only this many random seeds of the run, the first ones. SFT always trains with all, because the
    /// others start from it. Default: all.
    #[schemars(range(min = 1, max = 1_000))]
    pub num_seeds: Option<usize>,
    /// Target margin of simpo and tpo-l. Default: the published value.
    #[schemars(range(min = -1000.0, max = 1000.0))]
    pub gamma: Option<f64>,
}

/// Search grid: the product of its lists is tried for each method after SFT, and the dev split chooses with the first
/// random seed. An empty list keeps the method's own setting.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct GridConfig {
    /// Peak learning rates to try. Default: `[]`.
    #[schemars(
        length(max = MAX_TRIED),
        extend(
            "items" = { "type": "number", "format": "double", "exclusiveMinimum": 0.0, "maximum": 1.0 },
            "uniqueItems" = true
        )
    )]
    pub learning_rate: Vec<f64>,
    /// Values of beta to try. Default: `[]`.
    #[schemars(
        length(max = MAX_TRIED),
        extend(
            "items" = { "type": "number", "format": "double", "exclusiveMinimum": 0.0, "maximum": MAX_STRENGTH },
            "uniqueItems" = true
        )
    )]
    pub beta: Vec<f64>,
    /// Weights of the SFT loss to try. Default: `[]`.
    #[schemars(
        length(max = MAX_TRIED),
        inner(range(min = 0.0, max = MAX_STRENGTH)),
        extend("uniqueItems" = true)
    )]
    pub pref_ftx: Vec<f64>,
    /// Passes over the training groups in a trial; 0 takes `train.num_train_epochs`. Default: 0.
    #[schemars(range(max = MAX_EPOCHS))]
    pub num_train_epochs: usize,
    /// Maximum number of groups that a trial trains on; 0 takes all. Default: 0.
    #[schemars(range(max = MAX_COUNT))]
    pub max_train_groups: usize,
}

impl GridConfig {
    /// Returns whether there is nothing to choose from.
    pub fn is_empty(&self) -> bool {
        self.learning_rate.is_empty() && self.beta.is_empty() && self.pref_ftx.is_empty()
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            methods: vec![Method::Sft, Method::Dpo, Method::Iopo],
            num_train_epochs: 2,
            learning_rate: 1e-4,
            start: None,
            sft: SftConfig::default(),
            beta: 0.1,
            pref_ftx: 1.0,
            loss_type: LossType::default(),
            label_smoothing: 0.0,
            group_weighting: GroupWeighting::default(),
            input_preference_weight: 0.0,
            warmup_ratio: 0.1,
            lr_scheduler_type: SchedulerType::default(),
            groups_per_update: 8,
            group_by_length: false,
            tokens_per_micro_batch: None,
            gradient_checkpointing: GradientCheckpointing::default(),
            sequence_layout: SequenceLayout::Tree,
            use_peft: true,
            lora: LoraConfig::default(),
            max_length: 1024,
            truncation_mode: TruncationMode::default(),
            max_grad_norm: 1.0,
            optim: OptimizerName::default(),
            weight_decay: 0.01,
            save_steps: 10,
            seed: 0,
            seeds: Vec::new(),
            max_train_groups: 0,
            do_eval: true,
            eval_steps: 0,
            early_stopping_patience: 0,
            metric_for_best_model: BestModelMetric::default(),
            load_best_model_at_end: false,
            max_eval_groups: 64,
            overrides: BTreeMap::new(),
            grid: GridConfig::default(),
        }
    }
}

impl TrainConfig {
    /// Returns the methods of a run without starts of single methods: SFT first, then each named one once, in a fixed order.
    /// SFT is left out if `start` is set and `methods` does not name it.
    pub fn resolved_methods(&self) -> Vec<Method> {
        Starts::new(self, &BTreeMap::new()).methods()
    }

    /// Returns the random seeds of a run.
    pub fn resolved_seeds(&self) -> Vec<u64> {
        if self.seeds.is_empty() { vec![self.seed] } else { self.seeds.clone() }
    }

    /// Returns the random seeds of a method.
    pub fn seeds_of(&self, method: Method) -> Vec<u64> {
        let mut seeds = self.resolved_seeds();
        if let Some(count) = self.overrides.get(&method).and_then(|own| own.num_seeds) {
            seeds.truncate(count);
        }
        seeds
    }

    /// Returns the directory name of a method: its name, followed by the random seed if there are several.
    pub fn folder(&self, method: Method, seed: u64) -> String {
        model_folder(method.name(), (self.seeds.len() > 1).then_some(seed))
    }

    /// Returns the passes of a method over its data.
    pub fn epochs(&self, method: Method) -> usize {
        if method.starts_from_base() { self.sft.num_train_epochs } else { self.num_train_epochs }
    }

    /// Returns the settings of a method: its overrides, then its published values, then the common settings.
    pub fn settings(&self, method: Method) -> Settings {
        let own = self.overrides.get(&method).copied().unwrap_or_default();
        let rate =
            if method.starts_from_base() { self.sft.learning_rate } else { self.learning_rate };
        let (beta, pref_ftx, gamma) = match method.published() {
            Some(published) => (published.beta, published.pref_ftx, published.gamma),
            None => (self.beta, self.pref_ftx, None),
        };
        Settings {
            learning_rate: own.learning_rate.unwrap_or(rate),
            beta: own.beta.unwrap_or(beta),
            pref_ftx: own.pref_ftx.unwrap_or(pref_ftx),
            gamma: own.gamma.or(gamma),
        }
    }

    /// Returns when to evaluate, when to stop early and which weights to keep.
    pub fn eval_strategy(&self) -> EvalStrategy {
        EvalStrategy {
            eval_steps: self.eval_steps,
            early_stopping_patience: self.early_stopping_patience,
            metric_for_best_model: self.metric_for_best_model,
            load_best_model_at_end: self.load_best_model_at_end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Settings, TrainConfig};
    use crate::Method;

    #[test]
    fn unknown_settings_are_refused_and_overrides_apply_to_one_method() {
        let json = r#"{"overrides": {"iopo": {"beta": 0.2}}, "methods": ["dpo-paper", "iopo"]}"#;
        let config: TrainConfig = serde_json::from_str(json).expect("a configuration");
        let settings = |method| {
            let Settings { learning_rate, beta, pref_ftx, gamma } = config.settings(method);
            (learning_rate, beta, pref_ftx, gamma)
        };
        assert_eq!(settings(Method::Iopo), (1e-4, 0.2, 1.0, None));
        assert_eq!(settings(Method::Sft), (5e-4, 0.1, 1.0, None));
        assert_eq!(settings(Method::Simpo), (1e-4, 2.0, 0.0, Some(1.0)));
        assert_eq!(config.resolved_methods(), [Method::Sft, Method::DpoPaper, Method::Iopo]);
        assert!(serde_json::from_str::<TrainConfig>(r#"{"betta": 1}"#).is_err());
    }
}
