//! Line charts with axes, grid and several series.

use std::fmt::Write as _;

use super::scale::{Scale, range};
use super::{coordinate, escape};
use crate::format;

const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 214.0;
const LEFT: f64 = 50.0;
const RIGHT: f64 = 10.0;
/// Room for the label of the vertical axis above its highest tick.
const TOP: f64 = 26.0;
const BOTTOM: f64 = 36.0;
/// Maximum number of points per line. More points are averaged: at this width, the noise of single steps hides the trend.
pub(crate) const MOST_POINTS: usize = 50;

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    /// Tooltip.
    pub(crate) label: String,
    /// Style class of the color.
    pub(crate) color: String,
    /// Whether the line is dashed, as the second of two related lines.
    pub(crate) dashed: bool,
    /// (step, value) pairs ordered by step; a value that is not finite leaves a gap.
    pub(crate) points: Vec<(f64, f64)>,
}

/// A chart over training steps or rounds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LineChart {
    /// Title for screen readers.
    pub(crate) title: String,
    /// Label of the horizontal axis: `step` or `round`.
    pub(crate) x: &'static str,
    /// Label of the vertical axis: the unit, or the quantity if it has none.
    pub(crate) y: &'static str,
    pub(crate) series: Vec<Series>,
    /// Whether to draw a line at zero.
    pub(crate) zero: bool,
}

impl LineChart {
    /// Draws the chart; empty if no series has a finite value.
    pub(crate) fn draw(&self) -> String {
        let drawn: Vec<Vec<(f64, f64)>> =
            self.series.iter().map(|series| thinned(&series.points)).collect();
        let points = || drawn.iter().flatten();
        let values = points().map(|point| point.1).chain(self.zero.then_some(0.0));
        let finite = points().any(|point| point.1.is_finite());
        let (Some(x), Some(y), true) =
            (range(points().map(|point| point.0), 0.0), range(values, 0.06), finite)
        else {
            return String::new();
        };
        let x = Scale { low: x.0, high: x.1, start: LEFT, end: WIDTH - RIGHT };
        let y = Scale { low: y.0, high: y.1, start: HEIGHT - BOTTOM, end: TOP };
        let mut svg = format!(
            "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
            escape(&self.alternative())
        );
        self.push_axes(&mut svg, &x, &y);
        for (series, points) in self.series.iter().zip(&drawn) {
            draw_series(&mut svg, series, points, &x, &y);
        }
        svg.push_str("</svg>");
        svg
    }

    /// Returns the text for screen readers.
    fn alternative(&self) -> String {
        let unit = if self.title.to_lowercase() == self.y {
            String::new()
        } else {
            format!(", {}", self.y)
        };
        format!("{}{unit}, by {}. The table below the chart has the values.", self.title, self.x)
    }

    // Writing to a string cannot fail, so the results of `write!` are ignored below.

    fn push_axes(&self, svg: &mut String, x: &Scale, y: &Scale) {
        let (left, right) = (coordinate(x.start), coordinate(x.end));
        let (ticks, step) = y.ticks(4);
        for tick in ticks {
            let at = coordinate(y.place(tick));
            let class = if self.zero && tick.abs() < step * 1e-6 { "zero" } else { "grid" };
            let label = format::tick(tick, step);
            let _ = write!(
                svg,
                "<line class=\"{class}\" x1=\"{left}\" x2=\"{right}\" y1=\"{at}\" y2=\"{at}\"/>"
            );
            let text = coordinate(y.place(tick) + 4.0);
            let end = coordinate(x.start - 7.0);
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{end}\" y=\"{text}\" text-anchor=\"end\">{label}</text>"
            );
        }
        let base = coordinate(y.start);
        let _ = write!(
            svg,
            "<line class=\"axis\" x1=\"{left}\" x2=\"{right}\" y1=\"{base}\" y2=\"{base}\"/>"
        );
        let (ticks, step) = x.ticks(5);
        for tick in ticks.into_iter().filter(|tick| tick.fract() == 0.0) {
            let at = coordinate(x.place(tick));
            let below = coordinate(y.start + 15.0);
            let label = format::tick(tick, step.max(1.0));
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{at}\" y=\"{below}\" text-anchor=\"middle\">{label}</text>"
            );
        }
        let (middle, below) = (coordinate(f64::midpoint(x.start, x.end)), coordinate(HEIGHT - 4.0));
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{}</text>\
             <text class=\"tick\" x=\"0\" y=\"12\">{}</text>",
            self.x,
            escape(self.y)
        );
    }
}

fn draw_series(svg: &mut String, series: &Series, points: &[(f64, f64)], x: &Scale, y: &Scale) {
    let (label, color) = (escape(&series.label), escape(&series.color));
    let dashed = if series.dashed { " dashed" } else { "" };
    let place = |point: &(f64, f64)| (coordinate(x.place(point.0)), coordinate(y.place(point.1)));
    for stretch in points.split(|point| !point.1.is_finite()) {
        match stretch {
            [] => {}
            [only] => {
                let (cx, cy) = place(only);
                let _ = write!(
                    svg,
                    "<circle class=\"dot {color}\" cx=\"{cx}\" cy=\"{cy}\" r=\"3\"><title>{label}</title></circle>"
                );
            }
            _ => {
                let _ = write!(svg, "<polyline class=\"line {color}{dashed}\" points=\"");
                for (index, point) in stretch.iter().enumerate() {
                    let (px, py) = place(point);
                    let _ = write!(svg, "{}{px},{py}", if index == 0 { "" } else { " " });
                }
                let _ = write!(svg, "\"><title>{label}</title></polyline>");
            }
        }
    }
}

/// Reduces points to at most [`MOST_POINTS`] means of neighbors. A mean over a value that is not finite is not finite.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= MOST_POINTS {
        return points.to_vec();
    }
    let mean = |run: &[(f64, f64)]| {
        let count = run.len() as f64;
        let sum = run.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (sum.0 / count, sum.1 / count)
    };
    points.chunks(points.len().div_ceil(MOST_POINTS)).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<(f64, f64)>) -> String {
        let series = Series { label: "a<b".into(), color: "m0".into(), dashed: false, points };
        LineChart {
            title: "loss \"x\"".into(),
            x: "step",
            y: "a & b",
            series: vec![series],
            zero: false,
        }
        .draw()
    }

    #[test]
    fn gaps_dots_and_hostile_labels() {
        let svg = chart(vec![(0.0, 1.0), (1.0, f64::NAN), (2.0, 2.0), (3.0, 1.5)]);
        assert_eq!((svg.matches("<circle").count(), svg.matches("<polyline").count()), (1, 1));
        assert!(
            svg.contains("a&lt;b") && svg.contains("loss &quot;x&quot;") && !svg.contains("NaN"),
            "{svg}"
        );
        assert!(svg.contains(">a &amp; b</text>") && svg.contains(">step</text>"), "{svg}");
    }

    #[test]
    fn a_chart_without_values_is_empty() {
        assert_eq!(chart(vec![]), "");
        assert_eq!(chart(vec![(0.0, f64::INFINITY)]), "");
    }

    #[test]
    fn many_points_are_averaged() {
        let points: Vec<(f64, f64)> = (0..10_000).map(|step| (f64::from(step), 1.0)).collect();
        let thin = thinned(&points);
        assert!(
            thin.len() <= MOST_POINTS && thin.iter().all(|point| (point.1 - 1.0).abs() < 1e-12)
        );
    }
}
