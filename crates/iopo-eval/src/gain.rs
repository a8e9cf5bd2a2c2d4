//! Whether a higher clean accuracy counts as a gain.
//!
//! A model can satisfy more constraints because it says less, leaves its task or writes text that the base finds unlikely.
//! A gain is claimed only if the interval of the difference from the base is above zero and the model is no worse than the
//! base in relevance, plain answers and perplexity, by margins that the configuration states.

use std::fmt;

use iopo_schema::{Subset, SummaryMetric, SummaryRow};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much worse than the base a model may be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct GainMargins {
    /// Largest loss of relevance over the test prompts, in nats per token. Default: 0.1. Range: 0 to 1000.
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub max_relevance_loss: f64,
    /// Largest loss of clean answers to the test tasks without constraints, as a share. Default: 0.05. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_plain_loss: f64,
    /// Largest perplexity of the responses under the base, as a multiple of the base's. Default: 1.5. Range: 1 to
    /// 1000000.
    #[schemars(range(min = 1.0, max = 1e6))]
    pub max_perplexity_ratio: f64,
}

impl Default for GainMargins {
    fn default() -> Self {
        Self { max_relevance_loss: 0.1, max_plain_loss: 0.05, max_perplexity_ratio: 1.5 }
    }
}

/// A measure in which a model is worse than the base by more than its margin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worse {
    /// The measure.
    pub metric: SummaryMetric,
    /// Its value for the model.
    pub model: f64,
    /// Its value for the base.
    pub base: f64,
    /// The worst value that the margin allows.
    pub allowed: f64,
}

impl fmt::Display for Worse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { metric, model, base, allowed } = self;
        match metric {
            SummaryMetric::CleanAccuracy => write!(
                f,
                "{:.1} % of the plain answers are clean (base: {:.1} %, allowed: {:.1} %)",
                100.0 * model,
                100.0 * base,
                100.0 * allowed
            ),
            SummaryMetric::Relevance => {
                write!(f, "relevance is {model:.2} (base: {base:.2}, allowed: {allowed:.2})")
            }
            _ => write!(f, "perplexity is {model:.2} (base: {base:.2}, allowed: {allowed:.2})"),
        }
    }
}

/// The clean accuracy of a model beside that of the base.
#[derive(Debug, Clone, PartialEq)]
pub struct Gain {
    /// The model.
    pub model: String,
    /// The prompts: with seen or with held-out kinds.
    pub subset: Subset,
    /// Difference from the base with its interval.
    pub difference: (f64, f64, f64),
    /// Measures that are worse than the margins allow.
    pub worse: Vec<Worse>,
}

impl Gain {
    /// Reads the gain of a model from a summary; `None` if the summary lacks one of the measures.
    pub fn of(
        rows: &[SummaryRow],
        model: &str,
        subset: &Subset,
        margins: &GainMargins,
    ) -> Option<Self> {
        let value = |name: &str, metric, subset: &Subset| {
            let found = |row: &&SummaryRow| {
                row.model == name
                    && row.baseline.is_none()
                    && row.metric == metric
                    && row.subset == *subset
            };
            rows.iter().find(found).map(|row| row.value)
        };
        let both = |metric, subset: &Subset| {
            Some((value(model, metric, subset)?, value(BASE, metric, subset)?))
        };
        let difference = rows.iter().find(|row| {
            row.model == model
                && row.baseline.as_deref() == Some(BASE)
                && row.metric == SummaryMetric::CleanAccuracy
                && row.subset == *subset
        })?;
        let mut worse = Vec::new();
        let (own, base) = both(SummaryMetric::Relevance, &Subset::All)?;
        let allowed = base - margins.max_relevance_loss;
        if !is_at_least(own, allowed) {
            worse.push(Worse { metric: SummaryMetric::Relevance, model: own, base, allowed });
        }
        let (own, base) = both(SummaryMetric::CleanAccuracy, &Subset::Plain)?;
        let allowed = base - margins.max_plain_loss;
        if !is_at_least(own, allowed) {
            worse.push(Worse { metric: SummaryMetric::CleanAccuracy, model: own, base, allowed });
        }
        let (own, base) = both(SummaryMetric::PerplexityBase, &Subset::All)?;
        let allowed = base * margins.max_perplexity_ratio;
        if !is_at_least(allowed, own) {
            worse.push(Worse { metric: SummaryMetric::PerplexityBase, model: own, base, allowed });
        }
        Some(Self {
            model: model.to_owned(),
            subset: subset.clone(),
            difference: (difference.value, difference.low, difference.high),
            worse,
        })
    }

    /// Whether the interval is above zero and no measure is worse than its margin allows.
    pub fn is_claimed(&self) -> bool {
        self.difference.1 > 0.0 && self.worse.is_empty()
    }
}

/// Whether a value reaches a bound. A value that is not a number does not.
fn is_at_least(value: f64, bound: f64) -> bool {
    value >= bound
}

/// Name of the base model in a summary.
pub const BASE: &str = "base";

#[cfg(test)]
mod tests {
    use iopo_schema::{Subset, SummaryMetric, SummaryRow};

    use super::{Gain, GainMargins};

    fn row(model: &str, metric: SummaryMetric, subset: Subset, value: f64) -> SummaryRow {
        SummaryRow {
            model: model.to_owned(),
            baseline: None,
            metric,
            subset,
            value,
            low: f64::NAN,
            high: f64::NAN,
            n: 100,
        }
    }

    /// A model that gains 9 points, with a relevance, a share of clean plain answers and a perplexity.
    fn summary(relevance: f64, plain: f64, perplexity: f64, low: f64) -> Vec<SummaryRow> {
        let all = |model, relevance, plain, perplexity| {
            [
                row(model, SummaryMetric::Relevance, Subset::All, relevance),
                row(model, SummaryMetric::CleanAccuracy, Subset::Plain, plain),
                row(model, SummaryMetric::PerplexityBase, Subset::All, perplexity),
            ]
        };
        let gain = row("iopo", SummaryMetric::CleanAccuracy, Subset::Seen, 0.09);
        let gain = SummaryRow { baseline: Some("base".to_owned()), low, high: 0.14, ..gain };
        let rows = all("base", 0.6, 0.98, 3.0).into_iter();
        rows.chain(all("iopo", relevance, plain, perplexity)).chain([gain]).collect()
    }

    #[test]
    fn a_gain_is_claimed_only_if_nothing_is_worse_than_its_margin_allows() {
        let of = |rows: &[SummaryRow]| {
            Gain::of(rows, "iopo", &Subset::Seen, &GainMargins::default()).expect("all measures")
        };
        assert!(of(&summary(0.55, 0.95, 4.4, 0.04)).is_claimed());
        let worse = |rows: &[SummaryRow]| -> Vec<SummaryMetric> {
            let gain = of(rows);
            assert!(!gain.is_claimed());
            gain.worse.iter().map(|worse| worse.metric).collect()
        };
        assert_eq!(worse(&summary(0.45, 0.95, 4.4, 0.04)), [SummaryMetric::Relevance]);
        assert_eq!(worse(&summary(0.55, 0.92, 4.4, 0.04)), [SummaryMetric::CleanAccuracy]);
        assert_eq!(worse(&summary(0.55, 0.95, 4.6, 0.04)), [SummaryMetric::PerplexityBase]);
        assert_eq!(worse(&summary(0.55, 0.95, f64::NAN, 0.04)), [SummaryMetric::PerplexityBase]);
        assert_eq!(worse(&summary(0.55, 0.95, 4.4, -0.01)), [], "the interval holds zero");
    }

    #[test]
    fn a_summary_without_the_measures_has_no_gain() {
        let rows = summary(0.55, 0.95, 4.4, 0.04);
        let of =
            |rows: &[SummaryRow], subset| Gain::of(rows, "iopo", &subset, &GainMargins::default());
        assert_eq!(of(&rows, Subset::Unseen), None);
        let without: Vec<SummaryRow> =
            rows.into_iter().filter(|row| row.metric != SummaryMetric::Relevance).collect();
        assert_eq!(of(&without, Subset::Seen), None);
    }
}
