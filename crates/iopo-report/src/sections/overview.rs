//! The numbers at the top of the page.

use iopo_schema::run_files::method_of;
use iopo_schema::{GroupKind, Split, Subset, SummaryMetric, Total};
use serde::Serialize;

use super::accuracy::find;
use super::recipe;
use crate::format;
use crate::run::Run;

/// A number with its name and a detail to compare it with.
#[derive(Debug, Serialize)]
pub(crate) struct Tile {
    value: String,
    unit: &'static str,
    name: String,
    detail: String,
}

/// Makes the tiles, in the order of the stages.
///
/// The accuracy is left out if a headline shows it.
pub(crate) fn tiles(run: &Run, has_headline: bool) -> Vec<Tile> {
    let mut tiles = Vec::new();
    if let Some(rows) = &run.synth_stats
        && let Some(responses) = rows.iter().find(|row| row.name == Total::Responses.as_str())
    {
        let edited = rows.iter().find(|row| row.name == Total::EditedShare.as_str());
        tiles.push(Tile {
            value: format::number(responses.value),
            unit: "",
            // The recipes by language models also write the responses that they refuse.
            name: if recipe::is_recipe(rows) { "responses" } else { "verified responses" }
                .to_owned(),
            detail: edited
                .map_or_else(String::new, |row| format!("{} % edited", format::percent(row.value))),
        });
    }
    if let Some(groups) = &run.preferences {
        let count = |split| groups.iter().filter(|group| group.split == split).count();
        let full = groups.iter().filter(|group| group.kind == GroupKind::Full).count();
        let splits: Vec<String> =
            Split::ALL.iter().map(|split| format!("{} {split}", count(*split))).collect();
        tiles.push(Tile {
            value: format::number(groups.len() as f64),
            unit: "",
            name: match groups.iter().filter(|group| group.kind == GroupKind::Pair).count() {
                0 => format!("preference groups, {full} full"),
                pairs => format!("preference groups and pairs: {full} full, {pairs} pairs"),
            },
            detail: splits.join(" · "),
        });
    }
    if !run.training.is_empty() {
        let last =
            |rows: &[iopo_schema::MetricRow]| rows.iter().map(|row| row.step).max().unwrap_or(0);
        let steps = run.training.iter().map(|(_, rows)| last(rows)).max().unwrap_or(0);
        tiles.push(Tile {
            value: run.training.len().to_string(),
            unit: "",
            name: if run.training.len() == 1 { "training run" } else { "training runs" }.to_owned(),
            detail: format!("up to {} steps", format::number(steps as f64)),
        });
    }
    if let Some(rows) = run.summary.as_ref().filter(|_| !has_headline) {
        let names = super::accuracy::models(rows);
        let clean = rows.iter().any(|row| row.metric == SummaryMetric::CleanAccuracy);
        let (metric, counted) = if clean {
            (SummaryMetric::CleanAccuracy, "of prompts answered cleanly")
        } else {
            (SummaryMetric::PromptAccuracyStrict, "of prompts followed in full")
        };
        let value = |name: &str| find(rows, name, None, metric, &Subset::All);
        let base = value("base");
        // IOPO if it was trained, else the last model of the table.
        let shown = names.iter().find(|name| method_of(name) == "iopo").or(names.last());
        if let Some(row) = shown.and_then(|name| value(name)) {
            tiles.push(Tile {
                value: format::percent(row.value),
                unit: "%",
                name: format!("{counted}: {}", row.model),
                detail: match base {
                    Some(base) if base.model != row.model => {
                        format!("base: {} %", format::percent(base.value))
                    }
                    _ => String::new(),
                },
            });
        }
    }
    tiles
}

#[cfg(test)]
mod tests {
    use iopo_schema::MetricRow;

    use super::tiles;
    use crate::run::Run;

    #[test]
    fn only_responses_that_are_all_verified_are_called_so() {
        let row = |name: &str| MetricRow { step: 0, name: name.to_owned(), value: 2.0 };
        let name = |rows: Vec<MetricRow>| {
            let run = Run { synth_stats: Some(rows), ..Run::default() };
            tiles(&run, false).remove(0).name
        };
        assert_eq!(name(vec![row("responses")]), "verified responses");
        assert_eq!(name(vec![row("responses"), row("entered/expand")]), "responses");
    }
}
