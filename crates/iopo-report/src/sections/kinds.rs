//! Accuracy by constraint kind: one table per kind, one bar per model.

use std::collections::BTreeSet;

use iopo_schema::{Subset, SummaryMetric, SummaryRow};
use minijinja::Value;
use serde::Serialize;

use super::accuracy::{find, interval, models};
use super::{BarRow, Bars};
use crate::format;
use crate::models::color;
use crate::svg::bar;

const METRIC: SummaryMetric = SummaryMetric::InstructionAccuracyStrict;

/// The tables of all kinds in the summary.
#[derive(Debug, Serialize)]
pub(crate) struct Kinds {
    kinds: Vec<Kind>,
}

#[derive(Debug, Serialize)]
struct Kind {
    count: String,
    held_out: bool,
    bars: Bars,
}

impl Kinds {
    /// Makes the tables, held-out kinds last; `None` if the summary has no kinds.
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
    let row = |row: &&SummaryRow| {
        let color = color(&row.model);
        let text = format!("interval {} %", interval(row, format::percent));
        let picture = bar(row.value, 1.0, Some(((row.low, row.high), text)), &color);
        BarRow {
            name: row.model.clone(),
            color,
            shown: format!("{} %", format::percent(row.value)),
            picture: Value::from_safe_string(picture),
        }
    };
    let count = found.iter().map(|row| row.n).max().unwrap_or(0);
    Kind {
        bars: Bars { caption: name.replace('_', " "), rows: found.iter().map(row).collect() },
        count: format::number(count as f64),
        held_out: unseen.contains(name),
    }
}
