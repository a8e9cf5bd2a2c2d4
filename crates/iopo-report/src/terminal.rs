//! The accuracy table for the terminal.

use comfy_table::{Cell, CellAlignment, Table, presets::UTF8_BORDERS_ONLY};
use iopo_schema::{MetricRow, SummaryRow};

use crate::sections::accuracy::{COLUMNS, Measure, find, models, reading};
use crate::sections::recipe;
use crate::{Headline, format};

/// Returns up to three lines about the counters of a recipe with a writer and a judge: yields, main reasons for dropping, and
/// judge against code. Empty for the counters of another recipe.
pub fn recipe_lines(synth_stats: &[MetricRow]) -> Vec<String> {
    recipe::lines(synth_stats)
}

/// Renders the accuracies as a text table in percent, with the interval below each estimate and notes on how to read it.
///
/// The headlines come first. `confidence` is the coverage of the intervals, between 0 and 1; `None` if it is unknown.
pub fn terminal_table(
    summary: &[SummaryRow],
    headlines: &[Headline],
    confidence: Option<f64>,
) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY);
    let mut header = vec![Cell::new("model")];
    let heading = |column: &Measure| {
        Cell::new(format!("{}\n{}", column.counted.to_lowercase(), column.over))
            .set_alignment(CellAlignment::Right)
    };
    header.extend(COLUMNS.iter().map(heading));
    table.set_header(header);
    for model in models(summary) {
        let found = COLUMNS
            .each_ref()
            .map(|column| find(summary, model, None, column.metric, &column.subset));
        if found.iter().all(Option::is_none) {
            continue;
        }
        let mut row = vec![Cell::new(model)];
        row.extend(found.map(|found| {
            Cell::new(found.map_or_else(|| "–".to_owned(), shown))
                .set_alignment(CellAlignment::Right)
        }));
        table.add_row(row);
    }
    headlines
        .iter()
        .flat_map(|headline| [headline.title(), headline.detail(confidence)])
        .chain(std::iter::once(table.to_string()))
        .chain(reading(summary, confidence))
        .collect::<Vec<_>>()
        .join("\n")
}

fn shown(row: &SummaryRow) -> String {
    let estimate = format::percent(row.value);
    if row.low.is_finite() && row.high.is_finite() {
        format!("{estimate}\n{} to {}", format::percent(row.low), format::percent(row.high))
    } else {
        estimate
    }
}
