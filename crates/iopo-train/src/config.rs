//! What a user can set.

use std::collections::BTreeMap;

use iopo_model::LoraConfig;
use serde::{Deserialize, Serialize};

use crate::{
    Method, TrainError,
    encode::LengthPolicy,
    grid::Settings,
    loss::LossName,
    optim::OptimiserName,
    recompute::Recompute,
    schedule::Scheduler,
    tree::Shape,
    watch::{Keep, Watch, Watched},
};

/// Training settings. The learning rates are for models of about 135M parameters; the paper's (1e-4
/// for SFT, 5e-6 for preferences) are for 7–8B.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// The methods to train. SFT is trained in any case: the others start from it. Default: sft,
    /// dpo, iopo.
    pub methods: Vec<Method>,
    /// Epochs of each method after SFT. Default 2.
    pub epochs: usize,
    /// Epochs of SFT. Default 2.
    pub sft_epochs: usize,
    /// Peak learning rate of the preference methods and of continued SFT. Default 1e-4.
    pub learning_rate: f64,
    /// Peak learning rate of SFT. Default 5e-4.
    pub sft_learning_rate: f64,
    /// Weight of the log-ratios. Default 0.1. Methods without a reference have numbers of their own
    /// ([`Method::published`]), which `overrides` changes.
    pub beta: f64,
    /// Weight of the SFT term beside a preference loss, per token as in the authors' trainer.
    /// Default 1.0.
    pub pref_ftx: f64,
    /// From a margin to a loss, for dpo, dpo-paper and iopo: sigmoid, hinge, ipo, robust or exo-pair.
    /// Beside ipo the SFT term stays one per token. Default sigmoid.
    pub loss_shape: LossName,
    /// Probability of a flipped label, below one half, for sigmoid, robust and exo-pair. Default 0.
    pub label_smoothing: f64,
    /// Share of the updates that warm up. Default 0.1.
    pub warmup_ratio: f64,
    /// What follows the warm-up: constant, linear or cosine. Default cosine.
    pub scheduler: Scheduler,
    /// Groups of one update. Default 8.
    pub groups_per_update: usize,
    /// Flat tokens of one micro-batch: memory against speed; on a CPU each thread computes one. Default 1024.
    pub micro_batch_tokens: usize,
    /// Whether the backward pass computes each layer's activations again instead of finding them kept, which saves
    /// most of their memory, costs a quarter to three eighths more time and changes no result: auto where keeping
    /// them would not fit, always or never. Default auto.
    pub recompute: Recompute,
    /// Tree, or four rows for comparison. Default tree.
    pub shape: Shape,
    /// Train every weight instead of adapters. Default false.
    pub full: bool,
    /// The adapters' shape.
    pub lora: LoraConfig,
    /// Tokens of the longest sequence of a group. Default 1024.
    pub max_length: usize,
    /// What becomes of longer groups: drop, or official to cut them as the authors' released code
    /// does. Default drop.
    pub length_policy: LengthPolicy,
    /// Bound of the gradient's global norm; 0 switches it off. Default 1.0.
    pub clip_norm: f64,
    /// What moves the weights: adamw, adam, sgd, rmsprop, adagrad or lion. Default adamw.
    pub optimiser: OptimiserName,
    /// The optimiser's weight decay. Default 0.01.
    pub weight_decay: f64,
    /// Updates between checkpoints; 0 writes none. Default 10.
    pub checkpoint_every: usize,
    /// Seed of adapters and order. Default 0.
    pub seed: u64,
    /// Several seeds: every method is trained once for each. Default: only `seed`.
    pub seeds: Vec<u64>,
    /// Use at most this many groups of the train split; 0 uses all. Default 0.
    pub max_groups: usize,
    /// Whether loss and reward accuracy on the dev split are taken during training. Default true.
    pub evaluate_dev: bool,
    /// Updates between two evaluations; 0 evaluates at the end of each epoch. Default 0.
    pub eval_every: usize,
    /// Evaluations in a row without an improvement that end a method's training early; 0 never does.
    /// Default 0.
    pub early_stopping_patience: usize,
    /// What improves: loss, or accuracy of rewards (of SFT the loss in any case). Default loss.
    pub early_stopping_metric: Watched,
    /// Which weights are kept: last, or best by that metric. Default last.
    pub keep: Keep,
    /// Use at most this many groups of the dev split; 0 uses all. Default 64.
    pub max_dev_groups: usize,
    /// Settings of single methods.
    pub overrides: BTreeMap<Method, Override>,
    /// Lists to choose settings from, on the dev split.
    pub grid: GridConfig,
}

/// Settings of one method, where they differ from the others'.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Override {
    /// Peak learning rate.
    pub learning_rate: Option<f64>,
    /// Weight of the log-ratios.
    pub beta: Option<f64>,
    /// Weight of the SFT term.
    pub pref_ftx: Option<f64>,
    /// The margin of `SimPO` and TPO-L.
    pub gamma: Option<f64>,
}

/// Lists whose product is tried for each method after SFT; the choice is made on the dev split with
/// the first seed. An empty list keeps the method's setting.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GridConfig {
    /// Peak learning rates.
    pub learning_rate: Vec<f64>,
    /// Weights of the log-ratios.
    pub beta: Vec<f64>,
    /// Weights of the SFT term.
    pub pref_ftx: Vec<f64>,
    /// Epochs of a trial; 0 takes `epochs`. Default 0.
    pub epochs: usize,
    /// Groups of a trial; 0 takes all. Default 0.
    pub max_groups: usize,
}

impl GridConfig {
    /// Whether there is anything to choose from.
    pub fn is_empty(&self) -> bool {
        self.learning_rate.is_empty() && self.beta.is_empty() && self.pref_ftx.is_empty()
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            methods: vec![Method::Sft, Method::Dpo, Method::Iopo],
            epochs: 2,
            sft_epochs: 2,
            learning_rate: 1e-4,
            sft_learning_rate: 5e-4,
            beta: 0.1,
            pref_ftx: 1.0,
            loss_shape: LossName::default(),
            label_smoothing: 0.0,
            warmup_ratio: 0.1,
            scheduler: Scheduler::default(),
            groups_per_update: 8,
            micro_batch_tokens: 1024,
            recompute: Recompute::default(),
            shape: Shape::Tree,
            full: false,
            lora: LoraConfig::default(),
            max_length: 1024,
            length_policy: LengthPolicy::default(),
            clip_norm: 1.0,
            optimiser: OptimiserName::default(),
            weight_decay: 0.01,
            checkpoint_every: 10,
            seed: 0,
            seeds: Vec::new(),
            max_groups: 0,
            evaluate_dev: true,
            eval_every: 0,
            early_stopping_patience: 0,
            early_stopping_metric: Watched::default(),
            keep: Keep::default(),
            max_dev_groups: 64,
            overrides: BTreeMap::new(),
            grid: GridConfig::default(),
        }
    }
}

impl TrainConfig {
    /// The methods of a run: SFT first, then each named one once, in a fixed order.
    pub fn resolved_methods(&self) -> Vec<Method> {
        let wanted = |method: &Method| *method == Method::Sft || self.methods.contains(method);
        Method::ALL.into_iter().filter(wanted).collect()
    }

    /// The seeds of a run.
    pub fn resolved_seeds(&self) -> Vec<u64> {
        if self.seeds.is_empty() { vec![self.seed] } else { self.seeds.clone() }
    }

    /// A method's folder: its name, with the seed where there are several.
    pub fn folder(&self, method: Method, seed: u64) -> String {
        if self.seeds.len() < 2 { method.to_string() } else { format!("{method}-seed{seed}") }
    }

    /// A method's own settings.
    pub fn settings(&self, method: Method) -> Settings {
        let own = self.overrides.get(&method).copied().unwrap_or_default();
        let rate = if method == Method::Sft { self.sft_learning_rate } else { self.learning_rate };
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

    /// What is watched during training.
    pub fn watch(&self) -> Watch {
        Watch {
            every: self.eval_every,
            patience: self.early_stopping_patience,
            watched: self.early_stopping_metric,
            keep: self.keep,
        }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// Names the first setting that is out of bounds.
    pub fn validate(&self) -> Result<(), TrainError> {
        let counts = [
            ("epochs", self.epochs),
            ("sft_epochs", self.sft_epochs),
            ("groups_per_update", self.groups_per_update),
            ("micro_batch_tokens", self.micro_batch_tokens),
            ("max_length", self.max_length),
        ];
        for (key, value) in counts {
            if value == 0 || value > 1_000_000_000 {
                return bad(key, "a whole number from 1 to 1,000,000,000", value.to_string());
            }
        }
        let rates =
            Method::ALL.map(|method| ("learning_rate", self.settings(method).learning_rate));
        let grid = self.grid.learning_rate.iter().map(|&rate| ("grid.learning_rate", rate));
        for (key, value) in rates.into_iter().chain(grid) {
            if !(value > 0.0 && value <= 1.0) {
                return bad(key, "above 0 and at most 1", value.to_string());
            }
        }
        let betas = Method::ALL.map(|method| ("beta", self.settings(method).beta));
        let grid = self.grid.beta.iter().map(|&beta| ("grid.beta", beta));
        for (key, value) in betas.into_iter().chain(grid) {
            if !(value > 0.0 && value.is_finite()) {
                return bad(key, "above 0", value.to_string());
            }
        }
        let terms = Method::ALL.map(|method| ("pref_ftx", self.settings(method).pref_ftx));
        let grid = self.grid.pref_ftx.iter().map(|&term| ("grid.pref_ftx", term));
        let others = [("clip_norm", self.clip_norm), ("weight_decay", self.weight_decay)];
        for (key, value) in terms.into_iter().chain(grid).chain(others) {
            if !(value >= 0.0 && value.is_finite()) {
                return bad(key, "0 or above", value.to_string());
            }
        }
        if !(0.0..=1.0).contains(&self.warmup_ratio) {
            return bad("warmup_ratio", "between 0 and 1", self.warmup_ratio.to_string());
        }
        self.check_objectives()?;
        self.check_watch()?;
        let mut seeds = self.seeds.clone();
        seeds.sort_unstable();
        seeds.dedup();
        if seeds.len() != self.seeds.len() {
            return bad("seeds", "different seeds", format!("{:?}", self.seeds));
        }
        if !self.full {
            self.lora.validate()?;
        }
        Ok(())
    }

    fn check_objectives(&self) -> Result<(), TrainError> {
        let smoothing = self.label_smoothing;
        if !(0.0..0.5).contains(&smoothing) {
            return bad("label_smoothing", "0 or above, and below 0.5", smoothing.to_string());
        }
        if smoothing > 0.0 && !self.loss_shape.is_smoothed() {
            let expected = "0 beside this `loss_shape`, which has no label smoothing";
            return bad("label_smoothing", expected, smoothing.to_string());
        }
        let plain = self.loss_shape == LossName::default();
        if !plain && !self.resolved_methods().iter().any(|method| method.has_reference()) {
            let expected = "sigmoid, where no method has a reference";
            return bad("loss_shape", expected, format!("{:?}", self.loss_shape));
        }
        for (method, own) in &self.overrides {
            if let Some(gamma) = own.gamma {
                if method.published().and_then(|published| published.gamma).is_none() {
                    return bad(
                        "overrides.gamma",
                        "none but for simpo and tpo-l",
                        method.to_string(),
                    );
                }
                if !gamma.is_finite() {
                    return bad("overrides.gamma", "a finite number", gamma.to_string());
                }
            }
            if own.pref_ftx.is_some() && method.is_preference() && !method.has_sft_weight() {
                let expected = "none for a method whose formula has no such weight";
                return bad("overrides.pref_ftx", expected, method.to_string());
            }
        }
        Ok(())
    }

    fn check_watch(&self) -> Result<(), TrainError> {
        if self.watch().needs_evaluations() && !self.evaluate_dev {
            let expected = "true, which early stopping and `keep = \"best\"` need";
            return bad("evaluate_dev", expected, "false".to_owned());
        }
        if self.eval_every > 0 && !self.evaluate_dev {
            return bad(
                "eval_every",
                "0 beside `evaluate_dev = false`",
                self.eval_every.to_string(),
            );
        }
        Ok(())
    }
}

fn bad(key: &'static str, expected: &str, got: String) -> Result<(), TrainError> {
    Err(TrainError::BadConfig { key, expected: expected.to_owned(), got })
}

#[cfg(test)]
mod tests {
    use super::{Keep, LossName, Override, Settings, TrainConfig};
    use crate::Method;

    #[test]
    fn unknown_settings_are_refused_and_overrides_are_by_name() {
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

    #[test]
    fn bad_numbers_are_named() {
        let mut config = TrainConfig { groups_per_update: 0, ..TrainConfig::default() };
        assert!(config.validate().expect_err("0 groups").to_string().contains("groups_per_update"));
        config.groups_per_update = 1;
        config.validate().expect("the rest is the default");
        config
            .overrides
            .insert(Method::Dpo, Override { beta: Some(f64::NAN), ..Override::default() });
        assert!(config.validate().is_err());
    }

    #[test]
    fn settings_that_nothing_would_read_are_named() {
        let refused = |config: TrainConfig, key: &str| {
            let error = config.validate().expect_err(key).to_string();
            assert!(error.contains(key), "{error}");
        };
        let own = |method, own: Override| TrainConfig {
            overrides: [(method, own)].into(),
            ..TrainConfig::default()
        };
        let gamma = Override { gamma: Some(0.3), ..Override::default() };
        refused(own(Method::Iopo, gamma), "overrides.gamma");
        own(Method::TpoL, gamma).validate().expect("it has a margin");
        let term = Override { pref_ftx: Some(0.3), ..Override::default() };
        refused(own(Method::Orpo, term), "overrides.pref_ftx");
        let smoothed = |loss_shape, label_smoothing| TrainConfig {
            loss_shape,
            label_smoothing,
            ..TrainConfig::default()
        };
        refused(smoothed(LossName::Hinge, 0.1), "label_smoothing");
        refused(smoothed(LossName::Robust, 0.5), "label_smoothing");
        smoothed(LossName::ExoPair, 0.1).validate().expect("smoothed");
        let blind = TrainConfig { evaluate_dev: false, keep: Keep::Best, ..TrainConfig::default() };
        refused(blind, "evaluate_dev");
    }
}
