//! The accuracy table with its intervals, and the paired differences.

use iopo_schema::{MetricFamily, Subset, SummaryMetric, SummaryRow};
use minijinja::Value;
use serde::Serialize;

use super::{Cell, Column, Row, Table};
use crate::models::color;
use crate::svg::whisker;
use crate::{format, models};

/// A column of the table, on the page and in the terminal.
pub(crate) struct Measure {
    pub(crate) metric: SummaryMetric,
    pub(crate) subset: Subset,
    /// Heading over the columns of a metric: the quantity.
    pub(crate) counted: &'static str,
    /// Heading of the column: the rows that it covers.
    pub(crate) over: &'static str,
}

impl Measure {
    pub(crate) const fn new(
        metric: SummaryMetric,
        counted: &'static str,
        subset: Subset,
        over: &'static str,
    ) -> Self {
        Self { metric, subset, counted, over }
    }

    fn is(&self, row: &SummaryRow) -> bool {
        row.metric == self.metric && row.subset == self.subset
    }
}

const CLEAN: SummaryMetric = SummaryMetric::CleanAccuracy;
const PROMPTS: SummaryMetric = SummaryMetric::PromptAccuracyStrict;
const CONSTRAINTS: SummaryMetric = SummaryMetric::InstructionAccuracyStrict;

/// The columns of the table.
pub(crate) static COLUMNS: [Measure; 7] = [
    Measure::new(CLEAN, "Clean", Subset::All, "all"),
    Measure::new(CLEAN, "Clean", Subset::Seen, "seen kinds"),
    Measure::new(CLEAN, "Clean", Subset::Unseen, "unseen kinds"),
    Measure::new(PROMPTS, "Prompts", Subset::Seen, "seen kinds"),
    Measure::new(PROMPTS, "Prompts", Subset::Unseen, "unseen kinds"),
    Measure::new(CONSTRAINTS, "Constraints", Subset::Seen, "seen kinds"),
    Measure::new(CONSTRAINTS, "Constraints", Subset::Unseen, "unseen kinds"),
];

/// The table and the differences.
#[derive(Debug, Serialize)]
pub(crate) struct Accuracy {
    table: Table,
    /// Prompts that the first column covers.
    prompts: String,
    differences: Vec<Differences>,
    /// Accuracies of other subsets, for instance of prompts with two constraints.
    subsets: Option<Table>,
}

#[derive(Debug, Serialize)]
struct Differences {
    baseline: String,
    table: Table,
}

/// Lists the models of a summary in the order of the page.
pub(crate) fn models(rows: &[SummaryRow]) -> Vec<&str> {
    let mut names: Vec<&str> = rows.iter().map(|row| row.model.as_str()).collect();
    names.sort_by(|left, right| models::order(left, right));
    names.dedup();
    names
}

/// Finds a row of the summary.
pub(crate) fn find<'a>(
    rows: &'a [SummaryRow],
    model: &str,
    baseline: Option<&str>,
    metric: SummaryMetric,
    subset: &Subset,
) -> Option<&'a SummaryRow> {
    rows.iter().find(|row| {
        row.model == model
            && row.baseline.as_deref() == baseline
            && row.metric == metric
            && row.subset == *subset
    })
}

/// Formats a coverage that precedes a noun: `95 % `.
pub(crate) fn coverage(confidence: f64) -> String {
    format!("{} % ", format::number(100.0 * confidence))
}

/// Explains how to read the table, one sentence per line.
pub(crate) fn reading(rows: &[SummaryRow], confidence: Option<f64>) -> Vec<String> {
    let coverage = confidence.map(coverage).unwrap_or_default();
    let mut notes = vec![format!(
        "The {coverage}intervals come from resampling the test tasks, and the training seeds where a method has several."
    )];
    let compared = rows
        .iter()
        .filter(|row| row.baseline.is_some() && COLUMNS.iter().any(|column| column.is(row)));
    match compared.count() {
        0 => {}
        1 => notes.push("One difference between models is tested.".to_owned()),
        n => notes.push(format!(
            "{n} differences between models are tested without correction for multiple comparisons, so some intervals may exclude zero by chance."
        )),
    }
    notes.push(
        "Compare models within a column. Columns are not comparable, because prompts with seen and with unseen kinds are drawn differently."
            .to_owned(),
    );
    notes
}

/// Makes the cell of an accuracy in percent, drawn between 0 and 100 %.
pub(crate) fn share(row: &SummaryRow, color: &str) -> Cell {
    Cell {
        shown: format::percent(row.value),
        interval: interval(row, format::percent),
        picture: Value::from_safe_string(whisker(
            row.value,
            (row.low, row.high),
            (0.0, 1.0),
            false,
            color,
        )),
        sign: "",
    }
}

/// Formats an interval; empty if there is none.
pub(crate) fn interval(row: &SummaryRow, shown: impl Fn(f64) -> String) -> String {
    if row.low.is_finite() && row.high.is_finite() {
        format!("{} to {}", shown(row.low), shown(row.high))
    } else {
        String::new()
    }
}

/// Makes the cell of a difference, drawn between `−reach` and `reach`.
pub(crate) fn difference(row: &SummaryRow, reach: f64, color: &str) -> Cell {
    Cell {
        shown: format::points(row.value),
        interval: interval(row, format::points),
        picture: Value::from_safe_string(whisker(
            row.value,
            (row.low, row.high),
            (-reach, reach),
            true,
            color,
        )),
        sign: match (row.low > 0.0, row.high < 0.0) {
            (true, _) => "up",
            (_, true) => "down",
            _ => "",
        },
    }
}

/// Returns the end of the axis that shows every interval of some differences.
pub(crate) fn reach<'a>(rows: impl Iterator<Item = &'a SummaryRow>) -> f64 {
    let ends = rows.flat_map(|row| [row.low.abs(), row.high.abs()]).filter(|end| end.is_finite());
    ends.fold(0.05, f64::max) * 1.05
}

impl Accuracy {
    pub(crate) fn of(rows: &[SummaryRow], confidence: Option<f64>) -> Self {
        let names = models(rows);
        let row = |name: &&str| {
            let cell = |column: &Measure| {
                find(rows, name, None, column.metric, &column.subset)
                    .map_or_else(Cell::default, |row| share(row, &color(name)))
            };
            let cells: Vec<Cell> = COLUMNS.iter().map(cell).collect();
            Row { name: (*name).to_owned(), detail: String::new(), color: color(name), cells }
        };
        let measured = |row: &Row| row.cells.iter().any(|cell| !cell.shown.is_empty());
        let coverage = confidence.map(coverage).unwrap_or_default();
        let table = Table::new(
            format!("Accuracy in percent, with {coverage}intervals"),
            Column::measures(&COLUMNS),
            names.iter().map(row).filter(measured).collect(),
        );
        let counts = rows.iter().filter(|row| {
            row.baseline.is_none() && row.metric == PROMPTS && row.subset == Subset::All
        });
        let mut baselines: Vec<&str> =
            rows.iter().filter_map(|row| row.baseline.as_deref()).collect();
        baselines.sort_by(|left, right| models::order(left, right));
        baselines.dedup();
        Self {
            table,
            prompts: counts
                .map(|row| row.n)
                .max()
                .map(|n| format::number(n as f64))
                .unwrap_or_default(),
            differences: baselines
                .into_iter()
                .filter_map(|baseline| differences(rows, &names, baseline))
                .collect(),
            subsets: subsets(rows, &names),
        }
    }
}

/// Makes the table of differences to one baseline, all drawn on one axis.
fn differences(rows: &[SummaryRow], names: &[&str], baseline: &str) -> Option<Differences> {
    let found = |name: &str, column: &Measure| {
        find(rows, name, Some(baseline), column.metric, &column.subset)
    };
    let ends =
        names.iter().flat_map(|name| COLUMNS.iter().filter_map(|column| found(name, column)));
    let reach = reach(ends);
    let row = |name: &&str| {
        let own = color(name);
        let cell = |column| {
            found(name, column).map_or_else(Cell::default, |row| difference(row, reach, &own))
        };
        let cells: Vec<Cell> = COLUMNS.iter().map(cell).collect();
        let any = cells.iter().any(|cell| !cell.shown.is_empty());
        any.then(|| Row {
            name: (*name).to_owned(),
            detail: String::new(),
            color: own.clone(),
            cells,
        })
    };
    let table: Vec<Row> = names.iter().filter_map(row).collect();
    (!table.is_empty()).then(|| Differences {
        baseline: baseline.to_owned(),
        table: Table::new(
            format!("Difference from {baseline} in percentage points, paired by prompt"),
            Column::measures(&COLUMNS),
            table,
        ),
    })
}

/// Makes the table of the remaining subsets, without single kinds: one row per subset, one column per model.
fn subsets(rows: &[SummaryRow], names: &[&str]) -> Option<Table> {
    let other = |row: &&SummaryRow| {
        row.baseline.is_none()
            && row.metric.family() == MetricFamily::Accuracy
            && row.subset.kind().is_none()
            && !COLUMNS.iter().any(|column| column.is(row))
    };
    let mut keys: Vec<(SummaryMetric, &Subset)> = Vec::new();
    for row in rows.iter().filter(other) {
        let key = (row.metric, &row.subset);
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let table_row = |(metric, subset): (SummaryMetric, &Subset)| Row {
        name: subset.to_string().replace('/', ": "),
        detail: metric.as_str().replace('_', " "),
        color: String::new(),
        cells: names
            .iter()
            .map(|name| {
                find(rows, name, None, metric, subset)
                    .map_or_else(Cell::default, |row| share(row, &color(name)))
            })
            .collect(),
    };
    (!keys.is_empty()).then(|| {
        Table::new(
            "Accuracy in percent on other subsets",
            Column::models(names),
            keys.into_iter().map(table_row).collect(),
        )
    })
}
