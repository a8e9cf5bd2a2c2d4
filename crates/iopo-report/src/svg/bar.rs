//! Horizontal bars with interval whiskers.

use std::fmt::Write as _;

use super::{coordinate, escape};

const WIDTH: f64 = 300.0;
const ROW: f64 = 17.0;
const THICK: f64 = 9.0;
/// Width of a character in labels.
const CHARACTER: f64 = 5.7;
const MOST_CHARACTERS: usize = 29;

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bar {
    /// Text left of the bar.
    pub(crate) label: String,
    /// Text right of the bar.
    pub(crate) shown: String,
    /// Style class of the color.
    pub(crate) color: String,
    pub(crate) value: f64,
    /// Interval, if there is one.
    pub(crate) interval: Option<(f64, f64)>,
}

/// Shortens a label that is too long.
fn shortened(label: &str) -> String {
    if label.chars().count() <= MOST_CHARACTERS {
        return label.to_owned();
    }
    label.chars().take(MOST_CHARACTERS - 1).chain(['…']).collect()
}

/// Returns the width that the labels of these bars need, within limits.
pub(crate) fn label_width(bars: &[Bar]) -> f64 {
    let longest = bars.iter().map(|bar| bar.label.chars().count()).max().unwrap_or(0);
    (longest as f64 * CHARACTER + 4.0).clamp(24.0, 170.0)
}

/// Draws bars from 0 to `most`, one per line; `label` is the width of the labels.
pub(crate) fn bars(title: &str, bars: &[Bar], most: f64, label: f64) -> String {
    let height = ROW * bars.len() as f64 + 2.0;
    let mut svg = format!(
        "<svg class=\"bars\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\">",
        coordinate(height),
        escape(title)
    );
    let (start, end) = (label + 6.0, WIDTH - 40.0);
    let most = if most > 0.0 { most } else { 1.0 };
    let place = |value: f64| start + (value / most).clamp(0.0, 1.0) * (end - start);
    for (index, bar) in bars.iter().enumerate() {
        let top = ROW * index as f64 + (ROW - THICK) / 2.0;
        let (text, middle) = (coordinate(top + THICK - 1.0), top + THICK / 2.0);
        let (name, shown, color) =
            (escape(&shortened(&bar.label)), escape(&bar.shown), escape(&bar.color));
        let value = if bar.value.is_finite() { bar.value } else { 0.0 };
        let _ = write!(
            svg,
            "<text class=\"name\" x=\"{}\" y=\"{text}\" text-anchor=\"end\">{name}</text>\
             <rect class=\"track\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{THICK}\" rx=\"2\"/>\
             <rect class=\"bar {color}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{THICK}\" rx=\"2\"/>",
            coordinate(label),
            coordinate(start),
            coordinate(top),
            coordinate(end - start),
            coordinate(start),
            coordinate(top),
            coordinate(place(value) - start),
        );
        if let Some((low, high)) =
            bar.interval.filter(|(low, high)| low.is_finite() && high.is_finite())
        {
            push_whisker(&mut svg, place(low), place(high), middle, 3.0);
        }
        let _ = write!(
            svg,
            "<text class=\"value\" x=\"{}\" y=\"{text}\">{shown}</text>",
            coordinate(end + 5.0)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Draws an estimate with its interval on an axis, for a cell of a table; `zero` marks zero.
pub(crate) fn whisker(
    value: f64,
    interval: (f64, f64),
    axis: (f64, f64),
    zero: bool,
    color: &str,
) -> String {
    if !(value.is_finite() && interval.0.is_finite() && interval.1.is_finite()) {
        return String::new();
    }
    let place = |value: f64| 2.0 + ((value - axis.0) / (axis.1 - axis.0)).clamp(0.0, 1.0) * 96.0;
    let mut svg = "<svg class=\"whisker\" viewBox=\"0 0 100 10\" aria-hidden=\"true\">\
                   <line class=\"grid\" x1=\"2\" x2=\"98\" y1=\"5\" y2=\"5\"/>"
        .to_owned();
    if zero {
        let at = coordinate(place(0.0));
        let _ = write!(svg, "<line class=\"zero\" x1=\"{at}\" x2=\"{at}\" y1=\"0\" y2=\"10\"/>");
    }
    let (low, high) = (coordinate(place(interval.0)), coordinate(place(interval.1)));
    let color = escape(color);
    let _ = write!(
        svg,
        "<line class=\"span {color}\" x1=\"{low}\" x2=\"{high}\" y1=\"5\" y2=\"5\"/>\
         <circle class=\"dot {color}\" cx=\"{}\" cy=\"5\" r=\"3.4\"/></svg>",
        coordinate(place(value))
    );
    svg
}

fn push_whisker(svg: &mut String, low: f64, high: f64, middle: f64, half: f64) {
    let (low, high) = (coordinate(low), coordinate(high));
    let (top, bottom, middle) =
        (coordinate(middle - half), coordinate(middle + half), coordinate(middle));
    let _ = write!(
        svg,
        "<path class=\"interval\" d=\"M{low} {top}V{bottom}M{low} {middle}H{high}M{high} {top}V{bottom}\"/>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stay_inside_and_labels_are_escaped() {
        let bar = Bar {
            label: "<b>".into(),
            shown: "9".into(),
            color: "m1".into(),
            value: 9.0,
            interval: Some((f64::NAN, 1.0)),
        };
        let svg = bars("t", &[bar], 3.0, 80.0);
        assert!(
            svg.contains("&lt;b&gt;") && !svg.contains("NaN") && !svg.contains("interval"),
            "{svg}"
        );
        assert!(
            svg.contains("width=\"174\" height=\"9\" rx=\"2\"/><text"),
            "a bar ends where its track does: {svg}"
        );
    }

    #[test]
    fn a_whisker_without_an_interval_is_empty() {
        assert_eq!(whisker(0.5, (f64::NAN, f64::NAN), (0.0, 1.0), false, "m0"), "");
    }
}
