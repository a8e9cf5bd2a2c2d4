//! The accuracy table with its intervals, and the paired differences.

use iopo_schema::SummaryRow;
use minijinja::Value;
use serde::Serialize;

use super::{Cell, Column, Row, Table};
use crate::svg::whisker;
use crate::{format, models};

/// The columns of the table, here and in the terminal: metric, subset, and their names.
pub(crate) const COLUMNS: [(&str, &str, &str, &str); 6] = [
    ("prompt_accuracy_strict", "all", "Prompts", "all"),
    ("prompt_accuracy_strict", "seen", "Prompts", "seen kinds"),
    ("prompt_accuracy_strict", "unseen", "Prompts", "unseen kinds"),
    ("instruction_accuracy_strict", "all", "Constraints", "all"),
    ("instruction_accuracy_strict", "seen", "Constraints", "seen kinds"),
    ("instruction_accuracy_strict", "unseen", "Constraints", "unseen kinds"),
];

/// The table and the differences.
#[derive(Debug, Serialize)]
pub(crate) struct Accuracy {
    table: Table,
    /// Prompts behind the first column.
    prompts: String,
    differences: Vec<Differences>,
    /// Accuracies of other subsets, such as one number of constraints.
    subsets: Option<Table>,
}

#[derive(Debug, Serialize)]
struct Differences {
    baseline: String,
    table: Table,
}

/// The models of a summary, in the order of the page.
pub(crate) fn models(rows: &[SummaryRow]) -> Vec<&str> {
    let mut names: Vec<&str> = rows.iter().map(|row| row.model.as_str()).collect();
    names.sort_by(|left, right| models::order(left, right));
    names.dedup();
    names
}

/// A cell of the summary.
pub(crate) fn find<'a>(
    rows: &'a [SummaryRow],
    model: &str,
    baseline: Option<&str>,
    metric: &str,
    subset: &str,
) -> Option<&'a SummaryRow> {
    rows.iter().find(|row| {
        row.model == model
            && row.baseline.as_deref() == baseline
            && row.metric == metric
            && row.subset == subset
    })
}

/// A coverage before a noun: `95 % `.
pub(crate) fn coverage(confidence: f64) -> String {
    format!("{} % ", format::number(100.0 * confidence))
}

/// How the table is to be read, a sentence a line: what the intervals leave out, and what may be compared.
pub(crate) fn reading(rows: &[SummaryRow], confidence: Option<f64>) -> Vec<String> {
    let coverage = confidence.map(coverage).unwrap_or_default();
    let mut notes = vec![format!(
        "The {coverage}intervals resample the test tasks; they do not include the spread between training seeds."
    )];
    let compared = rows.iter().filter(|row| {
        let column = |column: &(&str, &str, &str, &str)| {
            (column.0, column.1) == (row.metric.as_str(), row.subset.as_str())
        };
        row.baseline.is_some() && COLUMNS.iter().any(column)
    });
    match compared.count() {
        0 => {}
        1 => notes.push("One difference between models is tested.".to_owned()),
        n => notes.push(format!(
            "{n} differences between models are tested, and nothing is corrected for their number: some may leave zero out by chance."
        )),
    }
    notes.push(
        "Only differences between models within a column mean something: prompts of seen and of unseen kinds are drawn differently."
            .to_owned(),
    );
    notes
}

/// An accuracy in percent, drawn between 0 and 100 %.
pub(crate) fn share(row: &SummaryRow, colour: &str) -> Cell {
    Cell {
        shown: format::percent(row.value),
        interval: interval(row, format::percent),
        picture: Value::from_safe_string(whisker(
            row.value,
            (row.low, row.high),
            (0.0, 1.0),
            false,
            colour,
        )),
        sign: "",
    }
}

/// The interval in words; empty where there is none.
pub(crate) fn interval(row: &SummaryRow, shown: impl Fn(f64) -> String) -> String {
    if row.low.is_finite() && row.high.is_finite() {
        format!("{} to {}", shown(row.low), shown(row.high))
    } else {
        String::new()
    }
}

fn difference(row: &SummaryRow, reach: f64, colour: &str) -> Cell {
    Cell {
        shown: format::points(row.value),
        interval: interval(row, format::points),
        picture: Value::from_safe_string(whisker(
            row.value,
            (row.low, row.high),
            (-reach, reach),
            true,
            colour,
        )),
        sign: match (row.low > 0.0, row.high < 0.0) {
            (true, _) => "up",
            (_, true) => "down",
            _ => "",
        },
    }
}

fn headings() -> Vec<Column> {
    COLUMNS.iter().map(|column| Column { over: column.2, name: column.3.to_owned() }).collect()
}

impl Accuracy {
    pub(crate) fn of(rows: &[SummaryRow]) -> Self {
        let names = models(rows);
        let row = |name: &&str| {
            let cell = |(metric, subset, _, _): &(&str, &str, &str, &str)| {
                find(rows, name, None, metric, subset)
                    .map_or_else(Cell::default, |row| share(row, &models::colour(name)))
            };
            let cells: Vec<Cell> = COLUMNS.iter().map(cell).collect();
            Row {
                name: (*name).to_owned(),
                detail: String::new(),
                colour: models::colour(name),
                cells,
            }
        };
        let measured = |row: &Row| row.cells.iter().any(|cell| !cell.shown.is_empty());
        let table =
            Table { columns: headings(), rows: names.iter().map(row).filter(measured).collect() };
        let counts = rows.iter().filter(|row| {
            row.baseline.is_none() && row.metric == COLUMNS[0].0 && row.subset == COLUMNS[0].1
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

/// The differences to one baseline, all drawn on one axis.
fn differences(rows: &[SummaryRow], names: &[&str], baseline: &str) -> Option<Differences> {
    let found = |name: &str, column: &(&str, &str, &str, &str)| {
        find(rows, name, Some(baseline), column.0, column.1)
    };
    let ends =
        names.iter().flat_map(|name| COLUMNS.iter().filter_map(|column| found(name, column)));
    let reach = ends.flat_map(|row| [row.low.abs(), row.high.abs()]).filter(|end| end.is_finite());
    let reach = reach.fold(0.05, f64::max) * 1.05;
    let row = |name: &&str| {
        let colour = models::colour(name);
        let cell = |column| {
            found(name, column).map_or_else(Cell::default, |row| difference(row, reach, &colour))
        };
        let cells: Vec<Cell> = COLUMNS.iter().map(cell).collect();
        let any = cells.iter().any(|cell| !cell.shown.is_empty());
        any.then(|| Row {
            name: (*name).to_owned(),
            detail: String::new(),
            colour: colour.clone(),
            cells,
        })
    };
    let table: Vec<Row> = names.iter().filter_map(row).collect();
    (!table.is_empty()).then(|| Differences {
        baseline: baseline.to_owned(),
        table: Table { columns: headings(), rows: table },
    })
}

/// Accuracies of the subsets that are neither a column above nor a kind: one row a subset, one column a model.
fn subsets(rows: &[SummaryRow], names: &[&str]) -> Option<Table> {
    let other = |row: &&SummaryRow| {
        row.baseline.is_none()
            && row.metric.contains("accuracy_")
            && !row.metric.starts_with("reward")
            && !row.subset.starts_with("kind/")
            && !COLUMNS
                .iter()
                .any(|column| (column.0, column.1) == (row.metric.as_str(), row.subset.as_str()))
    };
    let mut keys: Vec<(&str, &str)> = Vec::new();
    for row in rows.iter().filter(other) {
        let key = (row.metric.as_str(), row.subset.as_str());
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let table_row = |(metric, subset): (&str, &str)| Row {
        name: subset.replace('/', ": ").replace('_', " "),
        detail: metric.replace('_', " "),
        colour: String::new(),
        cells: names
            .iter()
            .map(|name| {
                find(rows, name, None, metric, subset)
                    .map_or_else(Cell::default, |row| share(row, &models::colour(name)))
            })
            .collect(),
    };
    (!keys.is_empty()).then(|| Table {
        columns: Column::models(names),
        rows: keys.into_iter().map(table_row).collect(),
    })
}
