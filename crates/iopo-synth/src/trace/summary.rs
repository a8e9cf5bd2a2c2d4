//! The result of a run, and its counters.

use std::collections::BTreeMap;

use iopo_core::Counts;
use iopo_schema::{Breakdown, MetricRow, stats};

use super::step::Step;
use crate::SynthSummary;

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct TraceSummary {
    /// Number of tasks.
    pub tasks: u64,
    /// Number of instructions written.
    pub instructions: u64,
    /// Number of responses and failed requests written.
    pub responses: u64,
    /// Number of candidate groups written.
    pub candidates: u64,
    /// Number of candidates whose truth table is that of their operation.
    pub right: u64,
    /// Number of requests to the models.
    pub requests: u64,
    /// Number of failed requests.
    pub failed: u64,
    /// Number of dropped tasks and responses, by stage and reason: `expand/language`.
    pub dropped: BTreeMap<String, u64>,
    /// All counters, as in `synth_stats.parquet`.
    pub metrics: Vec<MetricRow>,
}

impl From<TraceSummary> for SynthSummary {
    /// Counts each response as an answer, and each candidate as kept.
    fn from(made: TraceSummary) -> Self {
        Self {
            tasks: made.tasks,
            answers: made.responses,
            kept: made.candidates,
            instructions: made.instructions,
            responses: made.responses,
            edited: 0,
            dropped: made.dropped,
            metrics: made.metrics,
        }
    }
}

impl TraceSummary {
    /// Returns the share of failed requests.
    pub fn failed_share(&self) -> f64 {
        self.failed as f64 / self.requests.max(1) as f64
    }

    /// Creates the summary from the rows of a stats file.
    pub(crate) fn from_metrics(metrics: Vec<MetricRow>) -> Self {
        let total = |name: &str| stats::count(&metrics, name);
        let sum = |prefix: &str| {
            let members = metrics.iter().filter(|row| row.name.starts_with(prefix));
            members.map(|row| row.value as u64).sum()
        };
        Self {
            tasks: total("tasks"),
            instructions: total("instructions"),
            responses: total("responses"),
            candidates: sum("candidates/"),
            right: total("table/right"),
            requests: sum("requests/"),
            failed: sum("failed/"),
            dropped: stats::members(&metrics, Breakdown::Dropped),
            metrics,
        }
    }
}

/// Returns the counters as rows, followed by the yield of each stage.
pub(crate) fn metrics(counts: &Counts) -> Vec<MetricRow> {
    let row = |name: String, value: f64| MetricRow { step: 0, name, value };
    let yields = Step::ALL.into_iter().filter_map(|step| {
        let entered = format!("entered/{}", step.name());
        let passed = format!("passed/{}", step.name());
        (counts.get(&entered) > 0)
            .then(|| row(Breakdown::Yield.of(step.name()), counts.share(&passed, &entered)))
    });
    stats::to_rows(counts, &[]).into_iter().chain(yields).collect()
}
