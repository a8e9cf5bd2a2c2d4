//! Evaluation during training: when it is due, when it ends the training early, which weights are
//! kept.
//!
//! All of it is a function of the metrics so far, so that a resumed run decides as an uninterrupted
//! one does.

use iopo_schema::MetricRow;
use serde::{Deserialize, Serialize};

use crate::batch::Plan;

/// What the names of metrics on the dev split begin with.
pub const EVALUATION: &str = "eval_";
const LOSS: &str = "eval_loss";
const ACCURACY: &str = "eval_rewards/accuracies";

/// What must improve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Watched {
    /// The loss on the dev split.
    #[default]
    Loss,
    /// The reward accuracy on the dev split; the loss where a method has no rewards.
    Accuracy,
}

/// Which weights a training keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// Those after its last update.
    #[default]
    Last,
    /// Those of its best evaluation, the first among equals.
    Best,
}

/// What is watched during a training.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Watch {
    /// Updates between two evaluations; 0 evaluates at the end of each epoch.
    pub every: usize,
    /// Evaluations in a row without an improvement that end the training; 0 never does.
    pub patience: usize,
    /// What must improve.
    pub watched: Watched,
    /// Which weights are kept.
    pub keep: Keep,
}

impl Watch {
    /// Whether it decides anything by evaluations.
    pub fn needs_evaluations(&self) -> bool {
        self.patience > 0 || self.keep == Keep::Best
    }

    /// Whether an evaluation is due after `step` updates: in any case after the last one.
    pub fn due(&self, step: usize, plan: &Plan) -> bool {
        match (step, self.every) {
            (0, _) => false,
            (step, 0) => plan.ends_epoch(step - 1),
            (step, every) => step.is_multiple_of(every) || step == plan.updates(),
        }
    }

    /// The step of the best evaluation so far, the first among equals.
    pub fn best(&self, metrics: &[MetricRow]) -> Option<usize> {
        let series = self.series(metrics);
        best(&series).map(|at| series[at].0)
    }

    /// Whether the last evaluations, as many as the patience, brought nothing better.
    pub fn ends(&self, metrics: &[MetricRow]) -> bool {
        let series = self.series(metrics);
        let since = best(&series).map_or(0, |at| series.len() - 1 - at);
        self.patience > 0 && since >= self.patience
    }

    /// Step and value of every evaluation so far; more is better.
    fn series(&self, metrics: &[MetricRow]) -> Vec<(usize, f64)> {
        let of = |name: &str, sign: f64| -> Vec<(usize, f64)> {
            let found = metrics.iter().filter(|row| row.name == name);
            found.map(|row| (row.step as usize, sign * row.value)).collect()
        };
        if self.watched == Watched::Accuracy {
            let accuracies = of(ACCURACY, 1.0);
            if !accuracies.is_empty() {
                return accuracies;
            }
        }
        of(LOSS, -1.0)
    }
}

/// The first of the greatest values.
fn best(series: &[(usize, f64)]) -> Option<usize> {
    let better = |best: usize, at: usize| if series[at].1 > series[best].1 { at } else { best };
    (0..series.len()).reduce(better)
}

#[cfg(test)]
mod tests {
    use iopo_schema::MetricRow;

    use super::{Keep, Watch, Watched};
    use crate::batch::Plan;

    fn rows(name: &str, values: &[f64]) -> Vec<MetricRow> {
        let row = |(at, &value)| MetricRow { step: 5 * (at as u64 + 1), name: name.into(), value };
        values.iter().enumerate().map(row).collect()
    }

    #[test]
    fn evaluations_are_due_as_often_as_asked_and_at_the_end() {
        let plan = Plan { groups: 7, per_update: 2, epochs: 2, seed: 0 };
        let due = |every| -> Vec<usize> {
            let watch = Watch { every, ..Watch::default() };
            (0..=plan.updates()).filter(|&step| watch.due(step, &plan)).collect()
        };
        assert_eq!(due(0), [4, 8]);
        assert_eq!(due(3), [3, 6, 8]);
        assert_eq!(due(100), [8]);
    }

    #[test]
    fn the_first_best_is_kept_and_patience_counts_from_it() {
        let watch = Watch { patience: 2, keep: Keep::Best, ..Watch::default() };
        let losses = rows("eval_loss", &[0.7, 0.5, 0.5, 0.6]);
        assert_eq!(watch.best(&losses), Some(10));
        assert!(watch.ends(&losses) && !watch.ends(&losses[..3]));
        assert!(!Watch { patience: 0, ..watch }.ends(&losses));
        assert_eq!(watch.best(&[]), None);
        assert!(!watch.ends(&[]));
    }

    #[test]
    fn a_method_without_rewards_is_watched_by_its_loss() {
        let watch = Watch { watched: Watched::Accuracy, ..Watch::default() };
        let mut metrics = rows("eval_loss", &[0.7, 0.5]);
        assert_eq!(watch.best(&metrics), Some(10));
        metrics.extend(rows("eval_rewards/accuracies", &[0.9, 0.8]));
        assert_eq!(watch.best(&metrics), Some(5));
    }
}
