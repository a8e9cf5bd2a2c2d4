//! Published benchmarks: accuracies of the base, SFT and the best method, and their differences from the base.

use iopo_schema::{Subset, SummaryMetric, SummaryRow};
use serde::Serialize;

use super::accuracy::{Measure, difference, find, models, reach, share};
use super::{Cell, Column, Row, Table};
use crate::models::color;

const STRICT: SummaryMetric = SummaryMetric::PromptAccuracyStrict;
const LOOSE: SummaryMetric = SummaryMetric::PromptAccuracyLoose;

/// Makes the columns of a benchmark. Those of near types are left out if no row has them.
fn columns(rows: &[SummaryRow]) -> Vec<Measure> {
    let has_near = rows.iter().any(|row| row.subset == Subset::Near && row.n > 0);
    let mut columns = Vec::new();
    for (metric, counted) in [(STRICT, "Prompts, strict"), (LOOSE, "Prompts, loose")] {
        columns.push(Measure::new(metric, counted, Subset::All, "all"));
        columns.push(Measure::new(metric, counted, Subset::Seen, "seen types"));
        if has_near {
            columns.push(Measure::new(metric, counted, Subset::Near, "near types"));
        }
        columns.push(Measure::new(metric, counted, Subset::Unseen, "unseen types"));
    }
    columns
}

/// One benchmark.
#[derive(Debug, Serialize)]
pub(crate) struct Benchmark {
    id: String,
    accuracies: Table,
    /// Differences from the first model.
    differences: Option<Table>,
}

impl Benchmark {
    pub(crate) fn of(id: &str, rows: &[SummaryRow]) -> Self {
        let (names, columns) = (models(rows), columns(rows));
        let reach = reach(rows.iter().filter(|row| row.baseline.is_some()));
        let baseline = rows.iter().find_map(|row| row.baseline.as_deref());
        let accuracy = |name: &str, column: &Measure| {
            find(rows, name, None, column.metric, &column.subset)
                .map_or_else(Cell::default, |row| share(row, &color(name)))
        };
        let gain = |name: &str, column: &Measure| {
            find(rows, name, baseline, column.metric, &column.subset)
                .map_or_else(Cell::default, |row| difference(row, reach, &color(name)))
        };
        let others: Vec<&str> =
            names.iter().copied().filter(|name| Some(*name) != baseline).collect();
        Self {
            accuracies: table(format!("{id}: accuracy in percent"), &names, &columns, &accuracy),
            differences: baseline.map(|baseline| {
                let caption = format!(
                    "{id}: difference from {baseline} in percentage points, paired by prompt"
                );
                table(caption, &others, &columns, &gain)
            }),
            id: id.to_owned(),
        }
    }
}

fn table(
    caption: String,
    names: &[&str],
    columns: &[Measure],
    cell: &dyn Fn(&str, &Measure) -> Cell,
) -> Table {
    let row = |name: &&str| Row {
        name: (*name).to_owned(),
        detail: String::new(),
        color: color(name),
        cells: columns.iter().map(|column| cell(name, column)).collect(),
    };
    Table::new(caption, Column::measures(columns), names.iter().map(row).collect())
}
