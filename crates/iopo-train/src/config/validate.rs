//! Checks the settings before anything is computed. Ranges are declared in the types; checks of several settings are here.

use std::fmt::Display;

use iopo_core::{SettingError, settings};
use iopo_model::ModelError;

use super::{SftData, TrainConfig};
use crate::{Method, TrainError, group_weights::GroupWeighting, loss::LossType};

impl TrainConfig {
    /// Checks that every setting is in its range and that the settings fit together.
    ///
    /// # Errors
    /// Returns [`TrainError::Setting`] for the first setting that is out of range or that nothing would read.
    pub fn validate(&self) -> Result<(), TrainError> {
        settings::check(self).map_err(|error| error.inside("train"))?;
        self.check_losses()?;
        self.check_weighting()?;
        self.check_input_preferences()?;
        self.check_overrides()?;
        self.check_evaluation()?;
        if self.sft.data == SftData::Groups && self.sft.max_rows > 0 {
            let expected = "0, because `train.sft.data` is groups";
            return bad("train.sft.max_rows", self.sft.max_rows, expected);
        }
        if self.use_peft {
            self.lora.validate().map_err(|error| match error {
                ModelError::Setting(error) => TrainError::Setting(error.inside("train")),
                other => TrainError::Model(other),
            })?;
        }
        Ok(())
    }

    fn check_losses(&self) -> Result<(), TrainError> {
        let smoothing = self.label_smoothing;
        if smoothing > 0.0 && !self.loss_type.is_smoothed() {
            let expected = "0, because this `train.loss_type` has no label smoothing";
            return bad("train.label_smoothing", smoothing, expected);
        }
        let is_default = self.loss_type == LossType::default();
        if !is_default && !self.resolved_methods().iter().any(|method| method.has_loss_type()) {
            let expected = "sigmoid, because no method of `train.methods` reads it";
            return bad("train.loss_type", self.loss_type.name(), expected);
        }
        Ok(())
    }

    fn check_weighting(&self) -> Result<(), TrainError> {
        let weighting = self.group_weighting;
        let reads = |method: &Method| method.is_weighted(weighting);
        if weighting != GroupWeighting::None && !self.resolved_methods().iter().any(reads) {
            let expected = "none, because no method of `train.methods` reads it";
            return bad("train.group_weighting", weighting.name(), expected);
        }
        Ok(())
    }

    fn check_input_preferences(&self) -> Result<(), TrainError> {
        let weight = self.input_preference_weight;
        let takes = |method: &Method| method.takes_input_preferences();
        if weight > 0.0 && !self.resolved_methods().iter().any(takes) {
            let expected = "0, because no method of `train.methods` compares with a reference";
            return bad("train.input_preference_weight", weight, expected);
        }
        Ok(())
    }

    /// Refuses overrides that the method's loss would not read.
    fn check_overrides(&self) -> Result<(), TrainError> {
        for (method, own) in &self.overrides {
            if let Some(count) = own.num_seeds
                && method.starts_from_base()
            {
                let expected = "no value, because every other method starts from SFT with its seed";
                return bad(format!("train.overrides.{method}.num_seeds"), count, expected);
            }
            if let Some(gamma) = own.gamma
                && !method.has_gamma()
            {
                let with_gamma: Vec<&str> = Method::ALL
                    .iter()
                    .filter(|known| known.has_gamma())
                    .map(|known| known.name())
                    .collect();
                let expected = format!(
                    "no value, because only {} have a target margin",
                    with_gamma.join(" and ")
                );
                return bad(format!("train.overrides.{method}.gamma"), gamma, expected);
            }
            if let Some(pref_ftx) = own.pref_ftx
                && method.is_preference()
                && !method.has_sft_weight()
            {
                let expected = "no value, because the method's formula has no such weight";
                return bad(format!("train.overrides.{method}.pref_ftx"), pref_ftx, expected);
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
            let expected =
                "true, because early stopping and `train.load_best_model_at_end` need evaluations";
            return bad("train.do_eval", false, expected);
        }
        if self.eval_steps > 0 {
            return bad("train.eval_steps", self.eval_steps, "0, because `train.do_eval` is false");
        }
        Ok(())
    }
}

fn bad(
    key: impl Into<String>,
    found: impl Display,
    expected: impl Into<String>,
) -> Result<(), TrainError> {
    Err(SettingError::new(key, found, expected).into())
}

#[cfg(test)]
mod tests {
    use iopo_model::LoraConfig;

    use crate::{GroupWeighting, Method, Override, TrainConfig, config::SftData, loss::LossType};

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
        let own = Override { beta: Some(-0.1), ..Override::default() };
        config.overrides.insert(Method::Dpo, own);
        refused(&config, "train.overrides.dpo.beta");
        let adapter = LoraConfig::new(0, 16.0);
        refused(&TrainConfig { lora: adapter, ..TrainConfig::default() }, "train.lora.r");
        let unknown = TrainConfig { learning_rate: f64::NAN, ..TrainConfig::default() };
        refused(&unknown, "train.learning_rate");
        let clipped = TrainConfig { max_grad_norm: -1.0, ..TrainConfig::default() };
        let error = clipped.validate().expect_err("negative").to_string();
        assert_eq!(error, "`train.max_grad_norm`: found -1.0, expected a number, 0 to 1000000");
    }

    #[test]
    fn a_method_can_train_with_the_first_seeds_only() {
        let with = |method, count| TrainConfig {
            seeds: vec![3, 4],
            overrides: [(method, Override { num_seeds: Some(count), ..Override::default() })]
                .into(),
            ..TrainConfig::default()
        };
        let config = with(Method::Dpo, 1);
        config.validate().expect("the first of both");
        assert_eq!(config.seeds_of(Method::Dpo), [3]);
        assert_eq!(config.seeds_of(Method::Iopo), [3, 4]);
        refused(&with(Method::Dpo, 0), "train.overrides.dpo.num_seeds");
        refused(&with(Method::Sft, 1), "train.overrides.sft.num_seeds");
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
        let weighted = |method, group_weighting| TrainConfig {
            methods: vec![method],
            group_weighting,
            ..TrainConfig::default()
        };
        refused(&weighted(Method::Simpo, GroupWeighting::Hardness), "train.group_weighting");
        refused(&weighted(Method::SftContinued, GroupWeighting::Rarity), "train.group_weighting");
        let mixed = |method| TrainConfig {
            methods: vec![method],
            input_preference_weight: 0.5,
            ..TrainConfig::default()
        };
        mixed(Method::Iopo).validate().expect("compares with a reference");
        refused(&mixed(Method::Simpo), "train.input_preference_weight");
        weighted(Method::Simpo, GroupWeighting::Rarity).validate().expect("it has groups");
        let mut limited = TrainConfig::default();
        limited.sft.max_rows = 100;
        refused(&limited, "train.sft.max_rows");
        limited.sft.data = SftData::Responses;
        limited.validate().expect("it reads responses");
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
