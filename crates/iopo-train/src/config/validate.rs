//! Checks of the settings before anything is computed.

use super::TrainConfig;
use crate::{TrainError, loss::LossType};

/// Upper bound of counts, so that products of two of them fit 64 bits.
const MAX_COUNT: usize = 1_000_000_000;

impl TrainConfig {
    /// Checks that every setting is in its range and that the settings fit together.
    ///
    /// # Errors
    /// Returns [`TrainError::BadConfig`] for the first setting that is out of range.
    pub fn validate(&self) -> Result<(), TrainError> {
        self.check_counts()?;
        self.check_numbers()?;
        self.check_losses()?;
        self.check_overrides()?;
        self.check_evaluation()?;
        let mut seeds = self.seeds.clone();
        seeds.sort_unstable();
        seeds.dedup();
        if seeds.len() != self.seeds.len() {
            return bad("train.seeds", format!("{:?}", self.seeds), "distinct random seeds");
        }
        if self.use_peft {
            self.lora.validate()?;
        }
        Ok(())
    }

    fn check_counts(&self) -> Result<(), TrainError> {
        let counts = [
            ("train.num_train_epochs", self.num_train_epochs),
            ("train.sft.num_train_epochs", self.sft.num_train_epochs),
            ("train.groups_per_update", self.groups_per_update),
            ("train.tokens_per_micro_batch", self.tokens_per_micro_batch),
            ("train.max_length", self.max_length),
        ];
        for (key, value) in counts {
            if value == 0 || value > MAX_COUNT {
                return bad(key, value, "a whole number from 1 to 1,000,000,000");
            }
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), TrainError> {
        let is_rate = |value: f64| value > 0.0 && value <= 1.0;
        let is_positive = |value: f64| value > 0.0 && value.is_finite();
        let is_weight = |value: f64| value >= 0.0 && value.is_finite();
        check("train.sft.learning_rate", &[self.sft.learning_rate], is_rate, RATE)?;
        check("train.learning_rate", &[self.learning_rate], is_rate, RATE)?;
        check("train.grid.learning_rate", &self.grid.learning_rate, is_rate, RATE)?;
        check("train.beta", &[self.beta], is_positive, POSITIVE)?;
        check("train.grid.beta", &self.grid.beta, is_positive, POSITIVE)?;
        check("train.pref_ftx", &[self.pref_ftx], is_weight, WEIGHT)?;
        check("train.grid.pref_ftx", &self.grid.pref_ftx, is_weight, WEIGHT)?;
        check("train.max_grad_norm", &[self.max_grad_norm], is_weight, WEIGHT)?;
        check("train.weight_decay", &[self.weight_decay], is_weight, WEIGHT)?;
        for (method, own) in &self.overrides {
            let key = |name: &str| format!("train.overrides.{method}.{name}");
            check(&key("learning_rate"), own.learning_rate.as_slice(), is_rate, RATE)?;
            check(&key("beta"), own.beta.as_slice(), is_positive, POSITIVE)?;
            check(&key("pref_ftx"), own.pref_ftx.as_slice(), is_weight, WEIGHT)?;
            check(&key("gamma"), own.gamma.as_slice(), f64::is_finite, "a finite number")?;
        }
        if !(0.0..=1.0).contains(&self.warmup_ratio) {
            return bad("train.warmup_ratio", self.warmup_ratio, "a number from 0 to 1");
        }
        Ok(())
    }

    fn check_losses(&self) -> Result<(), TrainError> {
        let smoothing = self.label_smoothing;
        if !(0.0..0.5).contains(&smoothing) {
            return bad("train.label_smoothing", smoothing, "a number from 0 to below 0.5");
        }
        if smoothing > 0.0 && !self.loss_type.is_smoothed() {
            let allowed = "0, because this `train.loss_type` has no label smoothing";
            return bad("train.label_smoothing", smoothing, allowed);
        }
        let is_default = self.loss_type == LossType::default();
        if !is_default && !self.resolved_methods().iter().any(|method| method.has_reference()) {
            let allowed = "sigmoid, because no method of `train.methods` has a reference";
            return bad("train.loss_type", self.loss_type.name(), allowed);
        }
        Ok(())
    }

    /// Refuses overrides that the method's loss would not read.
    fn check_overrides(&self) -> Result<(), TrainError> {
        for (method, own) in &self.overrides {
            let has_gamma = method.published().is_some_and(|published| published.gamma.is_some());
            if let Some(gamma) = own.gamma
                && !has_gamma
            {
                let allowed = "no value, because only simpo and tpo-l have a target margin";
                return bad(format!("train.overrides.{method}.gamma"), gamma, allowed);
            }
            if let Some(pref_ftx) = own.pref_ftx
                && method.is_preference()
                && !method.has_sft_weight()
            {
                let allowed = "no value, because the method's formula has no such weight";
                return bad(format!("train.overrides.{method}.pref_ftx"), pref_ftx, allowed);
            }
        }
        Ok(())
    }

    fn check_evaluation(&self) -> Result<(), TrainError> {
        if self.do_eval {
            return Ok(());
        }
        let strategy = self.eval_strategy();
        if strategy.needs_evaluations() {
            let allowed =
                "true, because early stopping and `train.load_best_model_at_end` need evaluations";
            return bad("train.do_eval", false, allowed);
        }
        if self.eval_steps > 0 {
            return bad("train.eval_steps", self.eval_steps, "0, because `train.do_eval` is false");
        }
        Ok(())
    }
}

const RATE: &str = "a number above 0 and at most 1";
const POSITIVE: &str = "a number above 0";
const WEIGHT: &str = "a number of 0 or more";

fn check(
    key: &str,
    values: &[f64],
    is_allowed: impl Fn(f64) -> bool,
    allowed: &'static str,
) -> Result<(), TrainError> {
    match values.iter().find(|value| !is_allowed(**value)) {
        Some(value) => bad(key, value, allowed),
        None => Ok(()),
    }
}

fn bad(
    key: impl Into<String>,
    found: impl ToString,
    allowed: impl Into<String>,
) -> Result<(), TrainError> {
    Err(TrainError::BadConfig {
        key: key.into(),
        found: found.to_string(),
        allowed: allowed.into(),
    })
}

#[cfg(test)]
mod tests {
    use crate::{Method, Override, TrainConfig, loss::LossType};

    fn refused(config: &TrainConfig, key: &str) {
        let error = config.validate().expect_err(key).to_string();
        assert!(error.starts_with(&format!("`{key}`: found ")), "{error}");
    }

    #[test]
    fn numbers_out_of_range_are_refused_with_their_full_key() {
        let mut config = TrainConfig { groups_per_update: 0, ..TrainConfig::default() };
        refused(&config, "train.groups_per_update");
        config.groups_per_update = 1;
        config.validate().expect("the rest is the default");
        let own = Override { beta: Some(f64::NAN), ..Override::default() };
        config.overrides.insert(Method::Dpo, own);
        refused(&config, "train.overrides.dpo.beta");
        let clipped = TrainConfig { max_grad_norm: -1.0, ..TrainConfig::default() };
        let error = clipped.validate().expect_err("negative").to_string();
        assert_eq!(error, "`train.max_grad_norm`: found -1, expected a number of 0 or more");
    }

    #[test]
    fn settings_that_no_method_reads_are_refused() {
        let own = |method, own: Override| TrainConfig {
            overrides: [(method, own)].into(),
            ..TrainConfig::default()
        };
        let gamma = Override { gamma: Some(0.3), ..Override::default() };
        refused(&own(Method::Iopo, gamma), "train.overrides.iopo.gamma");
        own(Method::TpoL, gamma).validate().expect("it has a margin");
        let term = Override { pref_ftx: Some(0.3), ..Override::default() };
        refused(&own(Method::Orpo, term), "train.overrides.orpo.pref_ftx");
        let smoothed = |loss_type, label_smoothing| TrainConfig {
            loss_type,
            label_smoothing,
            ..TrainConfig::default()
        };
        refused(&smoothed(LossType::Hinge, 0.1), "train.label_smoothing");
        refused(&smoothed(LossType::Robust, 0.5), "train.label_smoothing");
        smoothed(LossType::ExoPair, 0.1).validate().expect("smoothed");
        let alone = TrainConfig { methods: vec![Method::Sft], ..smoothed(LossType::Hinge, 0.0) };
        refused(&alone, "train.loss_type");
    }

    #[test]
    fn decisions_by_evaluations_need_evaluations() {
        let blind =
            TrainConfig { do_eval: false, load_best_model_at_end: true, ..TrainConfig::default() };
        refused(&blind, "train.do_eval");
        let idle = TrainConfig { do_eval: false, eval_steps: 5, ..TrainConfig::default() };
        refused(&idle, "train.eval_steps");
    }
}
