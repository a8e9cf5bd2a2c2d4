//! Training curves: one chart a metric, the methods over each other.

use std::collections::BTreeSet;

use iopo_schema::MetricRow;
use minijinja::Value;
use serde::Serialize;

use crate::models;
use crate::run::series;
use crate::svg::{LineChart, Series};

/// Charts of metrics that this page has no place of their own for.
const MOST_OTHERS: usize = 24;

/// The curves of all methods.
#[derive(Debug, Serialize)]
pub(crate) struct Training {
    legend: Vec<Key>,
    charts: Vec<Chart>,
    others: Vec<Chart>,
}

#[derive(Debug, Serialize)]
struct Key {
    name: String,
    colour: String,
}

#[derive(Debug, Serialize)]
struct Chart {
    title: String,
    /// What the lines are, where there are two a method.
    note: String,
    picture: Value,
}

/// Title, whether zero matters, and one or two metrics with their names: the first solid, the second dashed.
struct Plan {
    title: &'static str,
    zero: bool,
    metrics: &'static [(&'static str, &'static str)],
}

const PLANS: [Plan; 9] = [
    Plan { title: "Loss", zero: false, metrics: &[("loss", "loss")] },
    Plan {
        title: "Reward accuracy",
        zero: false,
        metrics: &[("rewards/accuracies_v1", "x1"), ("rewards/accuracies_v2", "x2")],
    },
    Plan {
        title: "Output margins",
        zero: true,
        metrics: &[
            ("rewards/margins_v1", "x1: y1 over y2"),
            ("rewards/margins_v2", "x2: y2 over y1"),
        ],
    },
    Plan {
        title: "Input margins",
        zero: true,
        metrics: &[
            ("rewards/input_margins_v1", "y1: x1 over x2"),
            ("rewards/input_margins_v2", "y2: x2 over x1"),
        ],
    },
    Plan {
        title: "Rewards under x1",
        zero: true,
        metrics: &[("rewards/chosen_v1", "y1, chosen"), ("rewards/rejected_v1", "y2, rejected")],
    },
    Plan {
        title: "Rewards under x2",
        zero: true,
        metrics: &[("rewards/chosen_v2", "y2, chosen"), ("rewards/rejected_v2", "y1, rejected")],
    },
    Plan {
        title: "Chosen log-probabilities",
        zero: false,
        metrics: &[("logps/chosen_v1", "y1 under x1"), ("logps/chosen_v2", "y2 under x2")],
    },
    Plan { title: "Learning rate", zero: false, metrics: &[("learning_rate", "learning rate")] },
    Plan { title: "Gradient norm", zero: false, metrics: &[("grad_norm", "gradient norm")] },
];

impl Training {
    pub(crate) fn of(runs: &[(String, Vec<MetricRow>)]) -> Self {
        let mut legend: Vec<Key> = Vec::new();
        for (name, _) in runs {
            let name = models::method(name);
            if legend.iter().all(|key| key.name != name) {
                legend.push(Key { name: name.to_owned(), colour: models::colour(name) });
            }
        }
        let planned: BTreeSet<&str> =
            PLANS.iter().flat_map(|plan| plan.metrics).map(|metric| metric.0).collect();
        let names: BTreeSet<&str> =
            runs.iter().flat_map(|run| &run.1).map(|row| row.name.as_str()).collect();
        let other = |name: &&str| chart(name, false, &[(name, name)], runs);
        Self {
            legend,
            charts: PLANS
                .iter()
                .filter_map(|plan| chart(plan.title, plan.zero, plan.metrics, runs))
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
    let mut lines = Vec::new();
    for (name, rows) in runs {
        let mut found = series(rows);
        for (index, (metric, meaning)) in metrics.iter().enumerate() {
            lines.extend(found.remove(metric).map(|points| Series {
                label: format!("{name}: {meaning}"),
                colour: models::colour(name),
                dashed: index > 0,
                points,
            }));
        }
    }
    let picture = LineChart { title: title.to_owned(), series: lines, zero }.draw();
    let note = match metrics {
        [(_, solid), (_, dashed), ..] => format!("solid {solid} · dashed {dashed}"),
        _ => String::new(),
    };
    let chart =
        Chart { title: title.to_owned(), note, picture: Value::from_safe_string(picture.clone()) };
    (!picture.is_empty()).then_some(chart)
}
