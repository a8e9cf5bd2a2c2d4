//! Metrics of an evaluation with intervals.

use iopo_judge::{Evaluation, Formula, Mean, Metric};
use serde::Serialize;

use crate::EvalError;
use crate::bootstrap::{Bootstrap, Observation, Statistic};

/// A number with its interval. Each is absent where it cannot be computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Value {
    /// The estimate, unrounded.
    pub value: Option<f64>,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
}

impl Value {
    pub(super) fn new(value: Option<f64>, (low, high): (f64, f64)) -> Self {
        let finite = |end: f64| end.is_finite().then_some(end);
        Self { value, low: finite(low), high: finite(high) }
    }
}

/// A metric over a subset of the items.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JudgedMetric {
    /// Name in tables, such as `CSR`.
    pub name: &'static str,
    /// The items or constraints that it covers; `all` for all of them.
    pub subset: String,
    /// Number of items, constraints or groups behind it; absent for a number that follows from several metrics.
    pub items: Option<usize>,
    /// Those of them that have a verdict.
    pub judged: Option<usize>,
    /// The value over judged items.
    pub over_judged: Value,
    /// The value with unjudged items counted as failed.
    pub unjudged_as_failed: Value,
}

/// One of the two ways to count unjudged items.
#[derive(Clone, Copy)]
enum Count {
    Judged,
    Failed,
}

impl Count {
    /// Returns numerator and denominator.
    fn ratio(self, mean: &Mean) -> (f64, f64) {
        match self {
            Self::Judged => (mean.sum, mean.judged as f64),
            Self::Failed => (mean.sum + mean.certain, mean.items as f64),
        }
    }

    fn rate(self, mean: &Mean) -> Option<f64> {
        match self {
            Self::Judged => mean.over_judged(),
            Self::Failed => mean.unjudged_as_failed(),
        }
    }
}

/// Computes the intervals of all metrics, the combined ones first.
pub(super) fn metrics(
    evaluation: &Evaluation,
    bootstrap: Bootstrap,
) -> Result<Vec<JudgedMetric>, EvalError> {
    let combined = evaluation.combined.iter().map(|one| {
        let of = |count| combined(evaluation, &one.formula, bootstrap, count);
        JudgedMetric {
            name: one.name,
            subset: one.subset.clone(),
            items: None,
            judged: None,
            over_judged: of(Count::Judged),
            unjudged_as_failed: of(Count::Failed),
        }
    });
    let mut metrics: Vec<JudgedMetric> = combined.collect();
    for metric in &evaluation.metrics {
        metrics.push(JudgedMetric {
            name: metric.name,
            subset: metric.subset.clone(),
            items: Some(metric.mean.items),
            judged: Some(metric.mean.judged),
            over_judged: plain(metric, bootstrap, Count::Judged)?,
            unjudged_as_failed: plain(metric, bootstrap, Count::Failed)?,
        });
    }
    Ok(metrics)
}

fn plain(metric: &Metric, bootstrap: Bootstrap, count: Count) -> Result<Value, EvalError> {
    let rows: Vec<Observation> = metric
        .parts
        .iter()
        .map(|(cluster, mean)| {
            let (num, den) = count.ratio(mean);
            // Keys sort as numbers, so that the resamples follow the order of the clusters.
            Observation::ratio(format!("{cluster:09}"), "", num, den)
        })
        .collect();
    let estimate = bootstrap.estimate(&rows, Statistic::Ratio)?;
    Ok(Value::new(count.rate(&metric.mean), (estimate.low, estimate.high)))
}

fn combined(
    evaluation: &Evaluation,
    formula: &Formula,
    bootstrap: Bootstrap,
    count: Count,
) -> Value {
    let value = formula.value(|at| count.rate(&evaluation.metrics.get(at)?.mean));
    // The contribution of every cluster to the metrics of the formula.
    let mut used: Vec<Option<Vec<(f64, f64)>>> = vec![None; evaluation.metrics.len()];
    let mut note = |at: usize| {
        if let (Some(slot), Some(metric)) = (used.get_mut(at), evaluation.metrics.get(at)) {
            let mut dense = vec![(0.0, 0.0); evaluation.clusters.len()];
            for (cluster, mean) in &metric.parts {
                dense[*cluster] = count.ratio(mean);
            }
            *slot = Some(dense);
        }
    };
    match formula {
        Formula::MeanOfSums(sums) => sums.iter().flatten().for_each(|&(_, at)| note(at)),
        Formula::Drop(from, to) => [*from, *to].into_iter().for_each(note),
    }
    let clusters = vec![""; evaluation.clusters.len()];
    let interval = bootstrap.interval(&clusters, |chosen| {
        let rate = |at: usize| {
            let parts = used.get(at)?.as_ref()?;
            let (num, den) = chosen
                .iter()
                .fold((0.0, 0.0), |(num, den), &one| (num + parts[one].0, den + parts[one].1));
            (den > 0.0).then(|| num / den)
        };
        formula.value(rate).unwrap_or(f64::NAN)
    });
    Value::new(value, interval)
}

#[cfg(test)]
mod tests {
    use iopo_judge::{Answers, Mode, trace};

    use super::metrics;
    use crate::bootstrap::Bootstrap;

    fn items() -> Vec<trace::Item> {
        let item = |id: usize| trace::Item {
            id: id.to_string(),
            messages: Vec::new(),
            task: "T".to_owned(),
            constraints: vec!["c".to_owned()],
            input: None,
            dimensions: vec!["主题约束".to_owned()],
        };
        (0..40).map(item).collect()
    }

    #[test]
    fn unjudged_items_lower_one_of_the_values() {
        let mut answers = Answers::default();
        for id in 0..40 {
            let score = if id % 4 == 0 { 10 } else { 2 };
            let answer =
                if id < 4 { "?".to_owned() } else { format!("Fine Grained Score: [{score}]") };
            answers.add(&id.to_string(), 0, answer);
        }
        let evaluation = trace::evaluate(Mode::Repaired, &items(), &answers);
        let metrics = metrics(&evaluation, Bootstrap::default().with_samples(200)).expect("finite");
        let all = metrics.iter().find(|one| one.name == "IF" && one.subset == "all");
        let all = all.expect("a metric");
        assert_eq!((all.items, all.judged), (Some(40), Some(36)));
        assert_eq!(all.over_judged.value, Some(0.25));
        assert_eq!(all.unjudged_as_failed.value, Some(9.0 / 40.0));
        let (low, high) =
            (all.over_judged.low.expect("an end"), all.over_judged.high.expect("an end"));
        assert!(low < 0.25 && 0.25 < high && low > 0.05 && high < 0.5, "{low} {high}");
    }
}
