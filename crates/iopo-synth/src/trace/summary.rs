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
    let agreement = agreement(counts)
        .into_iter()
        .flat_map(|(kind, [share, low, high])| {
            [("share", share), ("low", low), ("high", high)]
                .map(|(name, value)| (format!("agreement_{name}/{kind}"), value))
        })
        .map(|(name, value)| row(name, value));
    stats::to_rows(counts, &[]).into_iter().chain(agreement).chain(yields).collect()
}

/// Returns the share of equal verdicts of judge and code, and the ends of its interval, by kind.
fn agreement(counts: &Counts) -> BTreeMap<&str, [f64; 3]> {
    let kinds = counts.iter().filter_map(|(name, _)| {
        name.strip_prefix("agreement/same/").or_else(|| name.strip_prefix("agreement/different/"))
    });
    let of = |same: &str, kind: &str| counts.get(&format!("agreement/{same}/{kind}"));
    kinds
        .map(|kind| {
            let (same, different) = (of("same", kind), of("different", kind));
            let all = same + different;
            let (low, high) = wilson(same, all);
            (kind, [same as f64 / all.max(1) as f64, low, high])
        })
        .collect()
}

/// Returns the 95 % interval of a share of independent cases (Wilson 1927, doi 10.1080/01621459.1927.10502953). Unlike the normal
/// approximation, it stays within 0 and 1 and has a width for shares of 0 and 1.
fn wilson(hits: u64, all: u64) -> (f64, f64) {
    /// The 97.5 % quantile of the normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    if all == 0 {
        return (0.0, 1.0);
    }
    let n = all as f64;
    let share = hits as f64 / n;
    let center = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((center - half) / scale).max(0.0), ((center + half) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use iopo_core::Counts;

    use super::{metrics, wilson};

    #[test]
    fn the_interval_is_that_of_wilson() {
        let near = |found: (f64, f64), low: f64, high: f64| {
            assert!((found.0 - low).abs() < 1e-4 && (found.1 - high).abs() < 1e-4, "{found:?}");
        };
        // By hand: (0.9 + 0.0960365 ± 1.959964 √(0.09 / 20 + 0.0024009)) / 1.1920730.
        near(wilson(18, 20), 0.699_0, 0.972_1);
        near(wilson(0, 10), 0.0, 0.277_5);
        near(wilson(10, 10), 0.722_5, 1.0);
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }

    #[test]
    fn agreement_is_counted_by_kind_even_if_one_side_is_missing() {
        let mut counts = Counts::default();
        counts.add("agreement/same/max_words", 18);
        counts.add("agreement/different/max_words", 2);
        counts.add("agreement/different/no_comma", 1);
        let rows = metrics(&counts);
        let value = |name: &str| rows.iter().find(|row| row.name == name).map(|row| row.value);
        assert_eq!(value("agreement_share/max_words"), Some(0.9));
        assert_eq!(value("agreement_share/no_comma"), Some(0.0));
        assert!(value("agreement_high/no_comma").is_some_and(|high| high > 0.7 && high < 0.8));
    }
}
