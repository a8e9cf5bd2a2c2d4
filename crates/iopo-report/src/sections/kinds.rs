//! Accuracy by constraint kind: one chart per kind, one bar per model.

use std::collections::BTreeSet;

use iopo_schema::{Subset, SummaryMetric, SummaryRow};
use minijinja::Value;
use serde::Serialize;

use super::accuracy::{find, models};
use crate::format;
use crate::models::color;
use crate::svg::{Bar, bars, label_width};

const METRIC: SummaryMetric = SummaryMetric::InstructionAccuracyStrict;

/// The charts of all kinds in the summary.
#[derive(Debug, Serialize)]
pub(crate) struct Kinds {
    kinds: Vec<Kind>,
}

#[derive(Debug, Serialize)]
struct Kind {
    name: String,
    count: String,
    held_out: bool,
    picture: Value,
}

impl Kinds {
    /// Makes the charts, held-out kinds last; `None` if the summary has no kinds.
    pub(crate) fn of(rows: &[SummaryRow], unseen: &BTreeSet<String>) -> Option<Self> {
        let kinds = rows.iter().filter(|row| row.metric == METRIC && row.baseline.is_none());
        let names: BTreeSet<&str> = kinds.filter_map(|row| row.subset.kind()).collect();
        let models = models(rows);
        let mut kinds: Vec<Kind> =
            names.iter().map(|name| kind(rows, &models, name, unseen)).collect();
        kinds.sort_by_key(|kind| kind.held_out);
        (!kinds.is_empty()).then_some(Self { kinds })
    }
}

fn kind(rows: &[SummaryRow], models: &[&str], name: &str, unseen: &BTreeSet<String>) -> Kind {
    let subset = Subset::Kind(name.to_owned());
    let found: Vec<&SummaryRow> =
        models.iter().filter_map(|model| find(rows, model, None, METRIC, &subset)).collect();
    let bar = |row: &&SummaryRow| Bar {
        label: row.model.clone(),
        shown: format::percent(row.value),
        color: color(&row.model),
        value: row.value,
        interval: Some((row.low, row.high)),
    };
    let drawn: Vec<Bar> = found.iter().map(bar).collect();
    let title = name.replace('_', " ");
    let count = found.iter().map(|row| row.n).max().unwrap_or(0);
    Kind {
        picture: Value::from_safe_string(bars(
            &format!("accuracy of {title}"),
            &drawn,
            1.0,
            label_width(&drawn),
        )),
        name: title,
        count: format::number(count as f64),
        held_out: unseen.contains(name),
    }
}
