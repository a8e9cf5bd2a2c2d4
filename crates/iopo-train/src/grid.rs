//! The search for learning rate, beta and `pref_ftx` on the dev split.

use std::{cmp::Ordering, path::Path};

use iopo_schema::{MetricRow, Provenance, TrainingMetric, write};
use serde::{Deserialize, Serialize};

use crate::{Method, TrainConfig, TrainError, trainer::TrainOutput};

/// Settings of one method.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Strength of the preference loss.
    pub beta: f64,
    /// Weight of the SFT loss.
    pub pref_ftx: f64,
    /// Target margin of `SimPO` and TPO-L; the other methods have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma: Option<f64>,
}

/// A candidate and its result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trial {
    /// The settings.
    pub settings: Settings,
    /// Share of strict dev pairs with the higher reward on the chosen response; absent for SFT.
    pub accuracy: Option<f64>,
    /// Negative log-likelihood per token of the dev split's chosen responses.
    pub nll: f64,
}

/// Returns the candidates of a method: the product of the grid's lists that its loss reads, or the method's own settings.
pub fn candidates(config: &TrainConfig, method: Method) -> Vec<Settings> {
    let own = config.settings(method);
    if method.starts_from_base() || config.grid.is_empty() {
        return vec![own];
    }
    let or = |list: &[f64], own: f64, read: bool| {
        if list.is_empty() || !read { vec![own] } else { list.to_vec() }
    };
    let rates = or(&config.grid.learning_rate, own.learning_rate, true);
    let betas = or(&config.grid.beta, own.beta, method.is_preference());
    let weights = or(&config.grid.pref_ftx, own.pref_ftx, method.has_sft_weight());
    let mut made = Vec::new();
    for &learning_rate in &rates {
        for &beta in &betas {
            for &pref_ftx in &weights {
                made.push(Settings { learning_rate, beta, pref_ftx, ..own });
            }
        }
    }
    made
}

/// Makes a trial from the result of a training.
pub fn trial(settings: Settings, output: &TrainOutput) -> Trial {
    Trial {
        settings,
        accuracy: output.kept(TrainingMetric::RewardsAccuracies),
        nll: output.kept(TrainingMetric::NllChosen).unwrap_or(f64::INFINITY),
    }
}

/// Largest excess of a trial's negative log-likelihood over the lowest one, in nats per token.
const NLL_SLACK: f64 = 0.25;

/// Returns the settings of the best trial: the highest reward accuracy, then the lowest negative log-likelihood, then the
/// first.
///
/// Trials that diverged are excluded, and so are trials whose negative log-likelihood on the dev split exceeds the lowest
/// one by more than a quarter nat per token: reward accuracy does not show that the log-probabilities of chosen
/// and rejected responses fall together. Losses are not compared, because they depend on beta.
pub fn best(trials: &[Trial]) -> Option<Settings> {
    let lowest = trials.iter().map(|trial| trial.nll).fold(f64::INFINITY, f64::min);
    let better = |a: &&Trial, b: &&Trial| -> Ordering {
        let accuracy = |trial: &Trial| trial.accuracy.unwrap_or(0.0);
        accuracy(b).total_cmp(&accuracy(a)).then(a.nll.total_cmp(&b.nll))
    };
    let sound = |trial: &&Trial| trial.nll.is_finite() && trial.nll <= lowest + NLL_SLACK;
    trials.iter().filter(sound).min_by(better).map(|trial| trial.settings)
}

/// Writes every trial of every method as metrics `grid/<method>/<name>`; the step is the trial's index.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub fn save(
    path: &Path,
    trials: &[(Method, Vec<Trial>)],
    provenance: &Provenance,
) -> Result<(), TrainError> {
    let mut rows = Vec::new();
    for (method, of_method) in trials {
        let chosen = best(of_method);
        for (index, trial) in of_method.iter().enumerate() {
            let mut push = |what: &str, value: f64| {
                rows.push(MetricRow {
                    step: index as u64,
                    name: format!("grid/{method}/{what}"),
                    value,
                });
            };
            push("learning_rate", trial.settings.learning_rate);
            push("beta", trial.settings.beta);
            push("pref_ftx", trial.settings.pref_ftx);
            if let Some(accuracy) = trial.accuracy {
                push("dev_accuracy", accuracy);
            }
            push("dev_nll", trial.nll);
            push("chosen", f64::from(u8::from(chosen == Some(trial.settings))));
        }
    }
    Ok(write(path, &rows, provenance)?)
}

#[cfg(test)]
mod tests {
    use super::{Settings, Trial, best, candidates};
    use crate::{GridConfig, Method, TrainConfig};

    #[test]
    fn a_grid_is_a_product_and_continued_sft_has_rates_only() {
        let grid = GridConfig {
            learning_rate: vec![1e-4, 3e-4],
            beta: vec![0.1, 0.5],
            pref_ftx: vec![0.0, 1.0, 2.0],
            ..GridConfig::default()
        };
        let config = TrainConfig { grid, ..TrainConfig::default() };
        assert_eq!(candidates(&config, Method::Iopo).len(), 12);
        assert_eq!(candidates(&config, Method::SftContinued).len(), 2);
        assert_eq!(candidates(&config, Method::Tpo).len(), 12);
        assert_eq!(candidates(&config, Method::Simpo).len(), 4);
        assert!(candidates(&config, Method::Simpo).iter().all(|one| one.gamma == Some(1.0)));
        assert_eq!(candidates(&config, Method::Sft).len(), 1);
        assert_eq!(candidates(&TrainConfig::default(), Method::Iopo).len(), 1);
    }

    #[test]
    fn accuracy_decides_and_then_the_likelihood_of_the_chosen() {
        let trial = |beta, accuracy, nll| Trial {
            settings: Settings { learning_rate: 1e-4, beta, pref_ftx: 1.0, gamma: None },
            accuracy,
            nll,
        };
        let trials =
            [trial(0.1, Some(0.9), 1.4), trial(0.2, Some(0.95), 1.6), trial(0.3, Some(0.95), 1.5)];
        assert_eq!(best(&trials).map(|settings| settings.beta), Some(0.3));
        let supervised = [trial(0.1, None, 1.0), trial(0.2, None, 0.5)];
        assert_eq!(best(&supervised).map(|settings| settings.beta), Some(0.2));
        assert_eq!(best(&[]), None);
        // A trial with unlikely chosen responses is excluded, and so is one that diverged.
        let lost = [trial(0.1, Some(0.8), 1.0), trial(0.2, Some(0.99), 2.0)];
        assert_eq!(best(&lost).map(|settings| settings.beta), Some(0.1));
        assert_eq!(best(&[trial(0.1, None, f64::INFINITY)]), None);
    }
}
