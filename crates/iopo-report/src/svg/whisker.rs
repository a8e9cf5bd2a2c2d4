//! An estimate with its interval on a small axis.

use std::fmt::Write as _;

use super::{coordinate, escape};

/// Draws an estimate with its interval on an axis, for a cell of a table that also shows both as text; `zero` marks zero.
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

#[cfg(test)]
mod tests {
    use super::whisker;

    #[test]
    fn a_whisker_without_an_interval_is_empty() {
        assert_eq!(whisker(0.5, (f64::NAN, f64::NAN), (0.0, 1.0), false, "m0"), "");
        assert!(whisker(0.5, (0.4, 0.6), (0.0, 1.0), true, "m0").contains("class=\"zero\""));
    }
}
