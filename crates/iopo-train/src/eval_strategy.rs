//! Evaluation during training: when it runs, when it stops the training early and which weights it keeps.
//!
//! Every decision is a function of the metrics so far, so a resumed run decides like an uninterrupted one.

use iopo_schema::{MetricRow, TrainingMetric};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::batch::Plan;

/// Metric of the dev split by which evaluations compare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BestModelMetric {
    /// The loss: lower is better.
    #[default]
    Loss,
    /// The reward accuracy: higher is better. A method without rewards falls back to the loss.
    Accuracy,
}

/// Evaluation, early stopping and the choice of the weights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EvalStrategy {
    /// Updates between two evaluations; 0 evaluates at the end of each epoch.
    pub eval_steps: usize,
    /// Evaluations in a row without an improvement that stop the training; 0 never stops it.
    pub early_stopping_patience: usize,
    /// Metric that must improve.
    pub metric_for_best_model: BestModelMetric,
    /// Keeps the weights of the best evaluation (the first of equals) instead of the last update's.
    pub load_best_model_at_end: bool,
}

impl EvalStrategy {
    /// Returns whether any decision depends on evaluations.
    pub fn needs_evaluations(&self) -> bool {
        self.early_stopping_patience > 0 || self.load_best_model_at_end
    }

    /// Returns whether an evaluation is due after `step` updates. One is always due after the last update.
    pub fn is_due(&self, step: usize, plan: &Plan) -> bool {
        match (step, self.eval_steps) {
            (0, _) => false,
            (step, 0) => plan.ends_epoch(step - 1),
            (step, every) => step.is_multiple_of(every) || step == plan.updates(),
        }
    }

    /// Returns the step of the best evaluation so far, the first of equals.
    pub fn best_step(&self, metrics: &[MetricRow]) -> Option<usize> {
        let series = self.series(metrics);
        best(&series).map(|at| series[at].0)
    }

    /// Returns whether as many evaluations as the patience allows have passed since the best one.
    pub fn stops_early(&self, metrics: &[MetricRow]) -> bool {
        let series = self.series(metrics);
        let since = best(&series).map_or(0, |at| series.len() - 1 - at);
        self.early_stopping_patience > 0 && since >= self.early_stopping_patience
    }

    /// Returns step and value of every evaluation so far; higher values are better.
    fn series(&self, metrics: &[MetricRow]) -> Vec<(usize, f64)> {
        let of = |metric: TrainingMetric, sign: f64| -> Vec<(usize, f64)> {
            let name = metric.eval_name();
            let found = metrics.iter().filter(|row| row.name == name);
            found.map(|row| (row.step as usize, sign * row.value)).collect()
        };
        if self.metric_for_best_model == BestModelMetric::Accuracy {
            let accuracies = of(TrainingMetric::RewardsAccuracies, 1.0);
            if !accuracies.is_empty() {
                return accuracies;
            }
        }
        of(TrainingMetric::Loss, -1.0)
    }
}

/// Returns the index of the first of the greatest values.
fn best(series: &[(usize, f64)]) -> Option<usize> {
    let better = |best: usize, at: usize| if series[at].1 > series[best].1 { at } else { best };
    (0..series.len()).reduce(better)
}

#[cfg(test)]
mod tests {
    use iopo_schema::MetricRow;

    use super::{BestModelMetric, EvalStrategy};
    use crate::batch::Plan;

    fn rows(name: &str, values: &[f64]) -> Vec<MetricRow> {
        let row = |(at, &value)| MetricRow { step: 5 * (at as u64 + 1), name: name.into(), value };
        values.iter().enumerate().map(row).collect()
    }

    #[test]
    fn evaluations_are_due_at_the_interval_and_at_the_end() {
        let plan = Plan { groups: 7, per_update: 2, epochs: 2, seed: 0, group_by_length: false };
        let due = |eval_steps| -> Vec<usize> {
            let strategy = EvalStrategy { eval_steps, ..EvalStrategy::default() };
            (0..=plan.updates()).filter(|&step| strategy.is_due(step, &plan)).collect()
        };
        assert_eq!(due(0), [4, 8]);
        assert_eq!(due(3), [3, 6, 8]);
        assert_eq!(due(100), [8]);
    }

    #[test]
    fn the_first_best_counts_and_patience_runs_from_it() {
        let strategy = EvalStrategy {
            early_stopping_patience: 2,
            load_best_model_at_end: true,
            ..EvalStrategy::default()
        };
        let losses = rows("eval_loss", &[0.7, 0.5, 0.5, 0.6]);
        assert_eq!(strategy.best_step(&losses), Some(10));
        assert!(strategy.stops_early(&losses) && !strategy.stops_early(&losses[..3]));
        assert!(!EvalStrategy { early_stopping_patience: 0, ..strategy }.stops_early(&losses));
        assert_eq!(strategy.best_step(&[]), None);
        assert!(!strategy.stops_early(&[]));
    }

    #[test]
    fn a_method_without_rewards_falls_back_to_the_loss() {
        let strategy = EvalStrategy {
            metric_for_best_model: BestModelMetric::Accuracy,
            ..EvalStrategy::default()
        };
        let mut metrics = rows("eval_loss", &[0.7, 0.5]);
        assert_eq!(strategy.best_step(&metrics), Some(10));
        metrics.extend(rows("eval_rewards/accuracies", &[0.9, 0.8]));
        assert_eq!(strategy.best_step(&metrics), Some(5));
    }
}
