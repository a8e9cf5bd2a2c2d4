//! Clean accuracy on the dev prompts, round by round.

use iopo_schema::run_files::{method_of, round_of};
use iopo_schema::{Subset, SummaryMetric, SummaryRow};
use minijinja::Value;
use serde::Serialize;

use super::accuracy::{models, share};
use super::{Column, Row, Table};
use crate::models::color;
use crate::svg::{LineChart, Series};

/// The curve of every method, and its numbers.
#[derive(Debug, Serialize)]
pub(crate) struct Rounds {
    picture: Value,
    table: Table,
}

impl Rounds {
    /// Makes the section; `None` without a second round.
    pub(crate) fn of(rows: &[SummaryRow]) -> Option<Self> {
        let clean: Vec<&SummaryRow> = rows
            .iter()
            .filter(|row| {
                row.baseline.is_none()
                    && row.metric == SummaryMetric::CleanAccuracy
                    && row.subset == Subset::All
                    && !row.model.contains("-seed")
            })
            .collect();
        let last = clean.iter().map(|row| round_of(&row.model)).max().filter(|last| *last > 1)?;
        let names = models(rows);
        let mut methods: Vec<&str> = names.iter().map(|name| method_of(name)).collect();
        methods.dedup();
        let at = |method: &str, round: usize| {
            let of = |row: &&&SummaryRow| {
                method_of(&row.model) == method && round_of(&row.model) == round
            };
            clean.iter().find(of).copied()
        };
        let series = methods.iter().map(|method| Series {
            label: (*method).to_owned(),
            color: color(method),
            dashed: false,
            points: (1..=last)
                .filter_map(|round| Some((round as f64, 100.0 * at(method, round)?.value)))
                .collect(),
        });
        let chart = LineChart {
            title: "Clean accuracy on dev prompts".to_owned(),
            x: "round",
            y: "%",
            series: series.filter(|series| series.points.len() > 1).collect(),
            zero: false,
        };
        let row = |method: &&str| Row {
            name: (*method).to_owned(),
            detail: String::new(),
            color: color(method),
            cells: (1..=last)
                .map(|round| at(method, round).map(|row| share(row, &color(method))))
                .map(Option::unwrap_or_default)
                .collect(),
        };
        let columns = (1..=last).map(|round| Column { over: "Round", name: round.to_string() });
        Some(Self {
            picture: Value::from_safe_string(chart.draw()),
            table: Table::new(
                "Clean accuracy on the dev prompts in percent, by round",
                columns.collect(),
                methods.iter().map(row).collect(),
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use iopo_schema::{Subset, SummaryMetric, SummaryRow};

    use super::Rounds;

    fn row(model: &str, value: f64) -> SummaryRow {
        SummaryRow {
            model: model.to_owned(),
            baseline: None,
            metric: SummaryMetric::CleanAccuracy,
            subset: Subset::All,
            value,
            low: f64::NAN,
            high: f64::NAN,
            n: 10,
        }
    }

    #[test]
    fn a_method_has_a_point_in_each_of_its_rounds() {
        let rows = [row("base", 0.1), row("dpo", 0.2), row("iopo", 0.2), row("iopo-round2", 0.35)];
        let rounds = Rounds::of(&rows).expect("two rounds");
        let shown: Vec<(&str, Vec<&str>)> = rounds
            .table
            .rows
            .iter()
            .map(|row| {
                let cells = row.cells.iter().map(|cell| cell.shown.as_str());
                (row.name.as_str(), cells.collect())
            })
            .collect();
        assert_eq!(
            shown,
            [("base", vec!["10.0", ""]), ("dpo", vec!["20.0", ""]), ("iopo", vec!["20.0", "35.0"])]
        );
        assert!(Rounds::of(&rows[..3]).is_none(), "a single round has no curve");
    }
}
