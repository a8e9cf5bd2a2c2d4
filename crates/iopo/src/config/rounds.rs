//! Rounds: each samples from the policies of the round before and trains on from them.

use std::collections::{BTreeMap, BTreeSet};

use iopo_core::SettingError;
use iopo_core::settings::limits::{MAX_COUNT, MAX_EPOCHS};
use iopo_train::{GridConfig, Method};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, PipelineConfig};

/// Settings of one round after the first. A setting that is not set keeps the run's value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RoundConfig {
    /// Recipe of synthesis, as in `synth.recipe`. Default: on-policy.
    pub recipe: Option<iopo_synth::RecipeMix>,
    /// Responses sampled for each task, as in `synth.samples_per_task`.
    #[schemars(range(min = 1, max = 1_000))]
    pub samples_per_task: Option<usize>,
    /// Methods to continue. Each must have been trained in the round before; SFT is never repeated. Default: all of the round
    /// before.
    #[schemars(extend("uniqueItems" = true))]
    pub methods: Option<Vec<Method>>,
    /// Continues only this many random seeds of each method, the first ones. Default: all of the round before.
    #[schemars(range(min = 1, max = 1_000))]
    pub num_seeds: Option<usize>,
    /// Peak learning rate, as in `train.learning_rate`.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub learning_rate: Option<f64>,
    /// Passes over the training groups, as in `train.num_train_epochs`.
    #[schemars(range(min = 1, max = MAX_EPOCHS))]
    pub num_train_epochs: Option<usize>,
    /// Maximum number of groups to train on, as in `train.max_train_groups`.
    #[schemars(range(max = MAX_COUNT))]
    pub max_train_groups: Option<usize>,
}

/// A policy that is trained in every round: a method with a random seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lineage {
    /// The method.
    pub method: Method,
    /// The random seed.
    pub seed: u64,
}

impl PipelineConfig {
    /// Returns the configuration of a round. Round 1 is the run itself.
    ///
    /// A later round draws its samples from a random seed that differs from those of the rounds before.
    #[must_use]
    pub fn of_round(&self, round: usize) -> Self {
        let mut config = self.clone();
        if round < 2 {
            return config;
        }
        config.synth.seed = config.synth.seed.wrapping_add(round as u64 - 1);
        let own = self.round.get(&round.to_string()).cloned().unwrap_or_default();
        config.synth.recipe =
            own.recipe.unwrap_or_else(|| iopo_synth::RecipeMix::from(iopo_synth::Recipe::OnPolicy));
        let set = |target: &mut usize, value: Option<usize>| *target = value.unwrap_or(*target);
        set(&mut config.synth.samples_per_task, own.samples_per_task);
        set(&mut config.train.num_train_epochs, own.num_train_epochs);
        set(&mut config.train.max_train_groups, own.max_train_groups);
        config.train.learning_rate = own.learning_rate.unwrap_or(config.train.learning_rate);
        // Each policy continues with the settings that the grid chose for it.
        config.train.grid = GridConfig::default();
        // The limits are for the run's comparison, which evaluates no groups of a later round.
        config.pairs.min_train_groups = 1;
        config.pairs.min_test_tasks = 0;
        config
    }

    /// Lists the policies that a round trains, in order.
    pub fn lineages(&self, round: usize) -> Vec<Lineage> {
        let methods = self.train.resolved_methods().into_iter();
        let mut lineages: Vec<Lineage> = methods
            .filter(|method| !method.starts_from_base())
            .flat_map(|method| {
                let seeds = self.train.seeds_of(method).into_iter();
                seeds.map(move |seed| Lineage { method, seed })
            })
            .collect();
        for round in 2..=round {
            let Some(own) = self.round.get(&round.to_string()) else { continue };
            if let Some(methods) = &own.methods {
                lineages.retain(|lineage| methods.contains(&lineage.method));
            }
            if let Some(count) = own.num_seeds {
                let first = |lineage: &Lineage| {
                    let seeds = self.train.seeds_of(lineage.method).into_iter();
                    seeds.take(count).any(|seed| seed == lineage.seed)
                };
                lineages.retain(first);
            }
        }
        lineages
    }

    /// Checks the settings of the rounds.
    pub(super) fn validate_rounds(&self) -> Result<(), ConfigError> {
        for (name, own) in &self.round {
            let round =
                name.parse::<usize>().ok().filter(|round| (2..=self.rounds).contains(round));
            let Some(round) = round.filter(|round| round.to_string() == *name) else {
                let expected = match self.rounds {
                    0 | 1 => "no section, because `rounds` is 1".to_owned(),
                    last => format!("a round from 2 to {last}"),
                };
                return Err(
                    SettingError::new("round", format!("`[round.{name}]`"), expected).into()
                );
            };
            self.validate_round(round, own)?;
        }
        // The remaining errors are settings of the run that a round does not allow, such as a random seed at its limit.
        for round in 2..=self.rounds {
            let config = self.of_round(round);
            config.synth.validate()?;
            config.train.validate()?;
        }
        Ok(())
    }

    fn validate_round(&self, round: usize, own: &RoundConfig) -> Result<(), ConfigError> {
        let before = self.lineages(round - 1);
        let methods: BTreeSet<Method> = before.iter().map(|lineage| lineage.method).collect();
        let seeds: BTreeSet<u64> = before.iter().map(|lineage| lineage.seed).collect();
        if let Some(recipe) = &own.recipe {
            recipe.validate().map_err(|error| error.inside(&format!("round.{round}")))?;
            if recipe.is_trace() {
                let key = format!("round.{round}.recipe");
                let expected = "a recipe that samples the policy of the round before";
                return Err(SettingError::new(key, "`trace`", expected).into());
            }
        }
        if own.methods.as_ref().is_some_and(Vec::is_empty) {
            let key = format!("round.{round}.methods");
            return Err(SettingError::new(key, "no method", "at least one").into());
        }
        if let Some(count) = own.num_seeds.filter(|count| *count > seeds.len()) {
            let key = format!("round.{round}.num_seeds");
            let expected = format!("at most {}, the seeds of round {}", seeds.len(), round - 1);
            return Err(SettingError::new(key, count, expected).into());
        }
        let overridden = |method: &&Method| {
            self.train.overrides.get(*method).is_some_and(|own| own.learning_rate.is_some())
        };
        if let (Some(rate), Some(method)) = (own.learning_rate, methods.iter().find(overridden)) {
            let key = format!("round.{round}.learning_rate");
            let expected =
                format!("no value beside `train.overrides.{method}.learning_rate`, which wins");
            return Err(SettingError::new(key, rate, expected).into());
        }
        if let Some(other) = own.methods.iter().flatten().find(|method| !methods.contains(method)) {
            let known: Vec<String> = methods.iter().map(ToString::to_string).collect();
            let before = round - 1;
            let expected = match known.as_slice() {
                [] => format!("no method, because round {before} trains none that can continue"),
                known => format!("one of round {before}: {}", known.join(", ")),
            };
            let key = format!("round.{round}.methods");
            return Err(SettingError::new(key, other, expected).into());
        }
        Ok(())
    }
}

/// The rounds by their numbers.
pub type Rounds = BTreeMap<String, RoundConfig>;

#[cfg(test)]
mod tests {
    use iopo_train::Method;

    use super::{Lineage, PipelineConfig};

    fn two_rounds(round: &str) -> Result<PipelineConfig, String> {
        let text =
            format!("rounds = 2\n[train]\nmethods = [\"dpo\", \"iopo\"]\nseeds = [0, 1]\n{round}");
        let table = crate::config::parse(&text, "test").map_err(|error| error.to_string())?;
        crate::config::resolve(&table).map_err(|error| error.to_string())
    }

    #[test]
    fn a_round_continues_the_policies_of_the_round_before() {
        let all = two_rounds("").expect("valid");
        assert_eq!(all.lineages(1).len(), 4);
        assert_eq!(all.lineages(2), all.lineages(1));
        let some = two_rounds("[round.2]\nmethods = [\"iopo\"]\nnum_seeds = 1\n").expect("valid");
        assert_eq!(some.lineages(2), [Lineage { method: Method::Iopo, seed: 0 }]);
        assert_eq!(some.lineages(1).len(), 4, "the first round keeps all");
    }

    #[test]
    fn a_round_has_its_settings_and_draws_other_samples() {
        let config =
            two_rounds("[round.2]\nlearning_rate = 5e-5\nsamples_per_task = 9\n").expect("valid");
        let second = config.of_round(2);
        assert_eq!((second.train.learning_rate, second.synth.samples_per_task), (5e-5, 9));
        assert_ne!(second.synth.seed, config.synth.seed);
        assert_eq!(config.of_round(1), config);
    }

    #[test]
    fn limits_of_the_run_do_not_stop_a_later_round() {
        let mut config = two_rounds("").expect("valid");
        config.pairs.min_train_groups = 1000;
        let later = config.of_round(2).pairs;
        assert_eq!((later.min_train_groups, later.min_test_tasks), (1, 0));
    }

    #[test]
    fn rounds_that_cannot_run_are_refused() {
        let error = |round: &str| two_rounds(round).expect_err("refused");
        assert!(error("[round.3]\n").contains("a round from 2 to 2"), "{}", error("[round.3]\n"));
        assert!(error("[round.02]\n").contains("`[round.02]`"));
        let found = error("[round.2]\nmethods = [\"simpo\"]\n");
        assert!(found.contains("round.2.methods") && found.contains("dpo, iopo"), "{found}");
        for bad in ["num_seeds = 0", "num_seeds = 3"] {
            assert!(error(&format!("[round.2]\n{bad}\n")).contains("round.2.num_seeds"), "{bad}");
        }
        assert!(error("[round.2]\nmethods = []\n").contains("at least one"));
        let both =
            "[train.overrides.iopo]\nlearning_rate = 1e-4\n[round.2]\nlearning_rate = 1e-5\n";
        assert!(error(both).contains("train.overrides.iopo.learning_rate"), "{}", error(both));
        for (bad, key) in [
            ("learning_rate = 2.0", "`round.2.learning_rate`"),
            ("num_train_epochs = 100000", "`round.2.num_train_epochs`"),
            ("samples_per_task = 100000", "`round.2.samples_per_task`"),
            ("recipe = { edit = 0.0 }", "`round.2.recipe`"),
            ("recipe = { edit = -1.0 }", "`round.2.recipe.edit`"),
            ("methods = [\"dpo\", \"dpo\"]", "`round.2.methods[1]`"),
        ] {
            let found = error(&format!("[round.2]\n{bad}\n"));
            assert!(found.starts_with(key), "{bad}: {found}");
        }
    }

    #[test]
    fn a_run_without_a_method_that_continues_has_rounds_without_work() {
        let mut config = two_rounds("").expect("valid");
        config.train.methods = vec![Method::Sft];
        config.validate().expect("valid");
        assert_eq!(config.lineages(2), []);
        let mut smoke = crate::config::preset("smoke").expect("a preset");
        crate::config::set(&mut smoke, "train.methods=[\"sft\"]").expect("a list");
        crate::config::resolve(&smoke).expect("a preset of two rounds without work in the second");
        let named = "rounds = 2\n[train]\nmethods = [\"sft\"]\n[round.2]\nmethods = [\"iopo\"]\n";
        let table = crate::config::parse(named, "test").expect("TOML");
        let error = crate::config::resolve(&table).expect_err("refused").to_string();
        assert!(error.contains("no method, because round 1 trains none"), "{error}");
    }
}
