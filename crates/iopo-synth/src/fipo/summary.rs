//! The result of a run, and its counters.

use std::collections::BTreeMap;

use iopo_core::Counts;
use iopo_schema::{Breakdown, MetricRow, stats};

use super::step::FipoStep;

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct FipoSummary {
    /// Number of responses that a pair of instructions was written for.
    pub seeds: u64,
    /// Number of preferences: rows of `input_preferences`.
    pub preferences: u64,
    /// Number of candidate groups.
    pub candidates: u64,
    /// Number of preferences without a candidate group.
    pub ungrouped: u64,
    /// Number of requests to the models.
    pub requests: u64,
    /// Number of failed requests.
    pub failed: u64,
    /// Number of drops, by stage and reason: `better/leak`. Those of a stage after the judge's decision leave a preference without
    /// a group.
    pub dropped: BTreeMap<String, u64>,
    /// All counters, as in `synth_stats.parquet`.
    pub metrics: Vec<MetricRow>,
}

impl FipoSummary {
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
            seeds: total("seeds"),
            preferences: total("preferences"),
            candidates: sum("candidates/"),
            ungrouped: sum("ungrouped/"),
            requests: sum("requests/"),
            failed: sum("failed/"),
            dropped: stats::members(&metrics, Breakdown::Dropped),
            metrics,
        }
    }
}

/// Returns the counters as rows, followed by the yield of each stage and the share of preferences that are groups.
pub(crate) fn metrics(counts: &Counts) -> Vec<MetricRow> {
    let row = |name: String, value: f64| MetricRow { step: 0, name, value };
    let yields = FipoStep::ALL.into_iter().filter_map(|step| {
        let entered = format!("entered/{}", step.name());
        let passed = format!("passed/{}", step.name());
        (counts.get(&entered) > 0)
            .then(|| row(Breakdown::Yield.of(step.name()), counts.share(&passed, &entered)))
    });
    let of_all = (counts.get("preferences") > 0)
        .then(|| row("group_share".to_owned(), counts.share("candidates/rewrite", "preferences")));
    stats::to_rows(counts, &[]).into_iter().chain(yields).chain(of_all).collect()
}
