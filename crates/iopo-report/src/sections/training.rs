//! Training curves: one chart per metric with a line per method.

use std::collections::BTreeSet;

use iopo_schema::{MetricRow, TrainingMetric as Metric, run_files::method_of};
use minijinja::Value;
use serde::Serialize;

use crate::models::color;
use crate::run::series;
use crate::svg::{LineChart, MOST_POINTS, Series, Values};

/// Maximum number of charts of other metrics.
const MOST_OTHERS: usize = 24;

/// The curves of all methods.
#[derive(Debug, Serialize)]
pub(crate) struct Training {
    legend: Vec<Key>,
    charts: Vec<Chart>,
    others: Vec<Chart>,
    /// Whether a line has more steps than points.
    has_means: bool,
}

#[derive(Debug, Serialize)]
struct Key {
    name: String,
    color: String,
}

#[derive(Debug, Serialize)]
struct Chart {
    title: String,
    /// Meaning of the solid and the dashed line; empty if a method has one line.
    note: String,
    picture: Value,
    values: Values,
}

/// A chart of one or two metrics: the first solid, the second dashed.
struct Plan {
    title: &'static str,
    /// Whether the chart shows zero.
    zero: bool,
    /// Metrics with the meaning of their lines.
    metrics: &'static [(Metric, &'static str)],
}

const PLANS: [Plan; 9] = [
    Plan { title: "Loss", zero: false, metrics: &[(Metric::Loss, "loss")] },
    Plan {
        title: "Reward accuracy",
        zero: false,
        metrics: &[
            (Metric::RewardsAccuraciesV1, "under x1"),
            (Metric::RewardsAccuraciesV2, "under x2"),
        ],
    },
    Plan {
        title: "Output margins",
        zero: true,
        metrics: &[
            (Metric::RewardsMarginsV1, "y1 over y2 under x1"),
            (Metric::RewardsMarginsV2, "y2 over y1 under x2"),
        ],
    },
    Plan {
        title: "Input margins",
        zero: true,
        metrics: &[
            (Metric::RewardsInputMarginsV1, "x1 over x2 for y1"),
            (Metric::RewardsInputMarginsV2, "x2 over x1 for y2"),
        ],
    },
    Plan {
        title: "Rewards under x1",
        zero: true,
        metrics: &[
            (Metric::RewardsChosenV1, "y1, chosen"),
            (Metric::RewardsRejectedV1, "y2, rejected"),
        ],
    },
    Plan {
        title: "Rewards under x2",
        zero: true,
        metrics: &[
            (Metric::RewardsChosenV2, "y2, chosen"),
            (Metric::RewardsRejectedV2, "y1, rejected"),
        ],
    },
    Plan {
        title: "Chosen log-probabilities",
        zero: false,
        metrics: &[(Metric::LogpsChosenV1, "y1 under x1"), (Metric::LogpsChosenV2, "y2 under x2")],
    },
    Plan {
        title: "Learning rate",
        zero: false,
        metrics: &[(Metric::LearningRate, "learning rate")],
    },
    Plan { title: "Gradient norm", zero: false, metrics: &[(Metric::GradNorm, "gradient norm")] },
];

/// Returns the label of a metric's axis (its unit, or its quantity if it has none) and the conversion factor to that unit.
fn axis(metric: &str) -> (&'static str, f64) {
    let Some((metric, _)) = Metric::parse(metric) else { return ("value", 1.0) };
    match metric {
        Metric::Loss => ("mean loss", 1.0),
        Metric::GradNorm => ("L2 norm", 1.0),
        Metric::LearningRate => ("learning rate", 1.0),
        Metric::LogpsChosenV1
        | Metric::LogpsRejectedV1
        | Metric::LogpsChosenV2
        | Metric::LogpsRejectedV2 => ("nats per response", 1.0),
        Metric::NllChosen => ("nats per token", 1.0),
        Metric::RewardsChosenV1
        | Metric::RewardsRejectedV1
        | Metric::RewardsChosenV2
        | Metric::RewardsRejectedV2
        | Metric::RewardsMargins
        | Metric::RewardsMarginsV1
        | Metric::RewardsMarginsV2
        | Metric::RewardsInputMarginsV1
        | Metric::RewardsInputMarginsV2 => ("nats", 1.0),
        Metric::RewardsAccuracies | Metric::RewardsAccuraciesV1 | Metric::RewardsAccuraciesV2 => {
            ("% of groups", 100.0)
        }
        Metric::Epoch => ("epochs", 1.0),
        Metric::TokensComputed | Metric::TokensPaddedRows => ("tokens", 1.0),
    }
}

impl Training {
    pub(crate) fn of(runs: &[(String, Vec<MetricRow>)]) -> Self {
        let mut legend: Vec<Key> = Vec::new();
        for (name, _) in runs {
            let name = method_of(name);
            if legend.iter().all(|key| key.name != name) {
                legend.push(Key { name: name.to_owned(), color: color(name) });
            }
        }
        let planned: BTreeSet<&str> =
            PLANS.iter().flat_map(|plan| plan.metrics).map(|metric| metric.0.as_str()).collect();
        let names: BTreeSet<&str> =
            runs.iter().flat_map(|run| &run.1).map(|row| row.name.as_str()).collect();
        let other = |name: &&str| chart(name, false, &[(name, name)], runs);
        let steps =
            |rows: &Vec<MetricRow>| series(rows).values().map(Vec::len).max().unwrap_or_default();
        Self {
            has_means: runs.iter().any(|run| steps(&run.1) > MOST_POINTS),
            legend,
            charts: PLANS
                .iter()
                .filter_map(|plan| {
                    let metrics: Vec<(&str, &str)> = plan
                        .metrics
                        .iter()
                        .map(|(metric, line)| (metric.as_str(), *line))
                        .collect();
                    chart(plan.title, plan.zero, &metrics, runs)
                })
                .collect(),
            others: names.difference(&planned).filter_map(other).take(MOST_OTHERS).collect(),
        }
    }
}

fn chart(
    title: &str,
    zero: bool,
    metrics: &[(&str, &str)],
    runs: &[(String, Vec<MetricRow>)],
) -> Option<Chart> {
    let (y, factor) = axis(metrics.first()?.0);
    let mut lines = Vec::new();
    for (name, rows) in runs {
        let mut found = series(rows);
        for (index, (metric, meaning)) in metrics.iter().enumerate() {
            lines.extend(found.remove(metric).map(|points| Series {
                label: if metrics.len() > 1 { format!("{name}, {meaning}") } else { name.clone() },
                color: color(name),
                dashed: index > 0,
                points: points.into_iter().map(|(step, value)| (step, factor * value)).collect(),
            }));
        }
    }
    let chart = LineChart { title: title.to_owned(), x: "step", y, series: lines, zero };
    let picture = chart.draw();
    let note = match metrics {
        [(_, solid), (_, dashed), ..] => format!("solid: {solid} · dashed: {dashed}"),
        _ => String::new(),
    };
    (!picture.is_empty()).then(|| Chart {
        title: title.to_owned(),
        note,
        picture: Value::from_safe_string(picture),
        values: Values::of(&chart),
    })
}
