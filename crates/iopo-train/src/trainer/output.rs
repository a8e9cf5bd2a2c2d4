//! The result of a training.

use iopo_schema::{MetricRow, TrainingMetric};

/// The result of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainOutput {
    /// Updates done.
    pub updates: usize,
    /// Tokens that went through the model.
    pub tokens: u64,
    /// Tokens of the same sequences laid out as padded rows.
    pub padded_tokens: u64,
    /// Update after which the kept weights were taken.
    pub kept: usize,
    /// All metrics.
    pub metrics: Vec<MetricRow>,
}

impl TrainOutput {
    /// Returns the last value of a metric during training.
    pub fn last(&self, metric: TrainingMetric) -> Option<f64> {
        self.last_until(metric.as_str(), self.updates)
    }

    /// Returns the last value of a metric on the dev split, up to the kept weights.
    pub fn kept(&self, metric: TrainingMetric) -> Option<f64> {
        self.last_until(&metric.eval_name(), self.kept)
    }

    fn last_until(&self, name: &str, step: usize) -> Option<f64> {
        let mut latest = self.metrics.iter().rev();
        latest.find(|row| row.name == name && row.step <= step as u64).map(|row| row.value)
    }
}
