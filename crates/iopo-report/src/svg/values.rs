//! The values of a line chart as text.

use serde::Serialize;

use super::{LineChart, Series};
use crate::format;

/// Maximum number of rows. With more points, each row shows the means over several of them.
const MOST_ROWS: usize = 10;

/// The values of a chart, as a table with one column per line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Values {
    /// Heading of the first column: `step` or `round`.
    x: &'static str,
    /// Unit of the values.
    y: &'static str,
    /// Whether rows show means over several points.
    has_means: bool,
    columns: Vec<String>,
    rows: Vec<ValuesRow>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ValuesRow {
    /// The x value of a point, or the first and the last of several.
    x: String,
    cells: Vec<String>,
}

impl Values {
    /// Makes the table of a chart.
    pub(crate) fn of(chart: &LineChart) -> Self {
        let points = chart.series.iter().flat_map(|series| &series.points);
        let mut places: Vec<f64> = points.map(|point| point.0).collect();
        places.sort_by(f64::total_cmp);
        places.dedup();
        let size = places.len().div_ceil(MOST_ROWS).max(1);
        let row = |span: &[f64]| {
            let (first, last) = (*span.first()?, *span.last()?);
            let cells = chart.series.iter().map(|series| mean(series, first, last)).collect();
            let ends = [first, last].map(format::number);
            let x = if span.len() == 1 { ends[0].clone() } else { ends.join("–") };
            Some(ValuesRow { x, cells })
        };
        Self {
            x: chart.x,
            y: chart.y,
            has_means: size > 1,
            columns: chart.series.iter().map(|series| series.label.clone()).collect(),
            rows: places.chunks(size).filter_map(row).collect(),
        }
    }
}

/// Formats the mean of a line between two x values. A value that is not finite makes the mean not finite.
fn mean(series: &Series, first: f64, last: f64) -> String {
    let inside = series.points.iter().filter(|point| (first..=last).contains(&point.0));
    let (count, sum) = inside.fold((0_u32, 0.0), |(count, sum), point| (count + 1, sum + point.1));
    let mean = sum / f64::from(count);
    match (count, mean.is_finite()) {
        (0, _) => "–".to_owned(),
        (_, true) => format::number(mean),
        (_, false) => "not finite".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LineChart, Series};
    use super::Values;

    fn chart(lines: &[(&str, Vec<(f64, f64)>)]) -> LineChart {
        let series = lines.iter().map(|(label, points)| Series {
            label: (*label).to_owned(),
            color: String::new(),
            dashed: false,
            points: points.clone(),
        });
        LineChart {
            title: String::new(),
            x: "step",
            y: "nats",
            series: series.collect(),
            zero: false,
        }
    }

    fn rows(values: &Values) -> Vec<(&str, Vec<&str>)> {
        values
            .rows
            .iter()
            .map(|row| (row.x.as_str(), row.cells.iter().map(String::as_str).collect()))
            .collect()
    }

    #[test]
    fn few_places_have_a_row_each() {
        let values = Values::of(&chart(&[
            ("a", vec![(1.0, 0.5), (2.0, f64::NAN)]),
            ("b", vec![(2.0, 3.0), (3.0, 4.0)]),
        ]));
        assert_eq!(
            rows(&values),
            [("1", vec!["0.5", "–"]), ("2", vec!["not finite", "3"]), ("3", vec!["–", "4"]),]
        );
        assert!(!values.has_means);
    }

    #[test]
    fn many_places_share_rows_with_their_means() {
        let points = (1..=25).map(|step| (f64::from(step), f64::from(step))).collect();
        let values = Values::of(&chart(&[("a", points)]));
        let rows = rows(&values);
        assert_eq!(rows.len(), 9);
        assert_eq!(rows[0], ("1–3", vec!["2"]));
        assert_eq!(rows[8], ("25", vec!["25"]));
        assert!(values.has_means);
    }
}
