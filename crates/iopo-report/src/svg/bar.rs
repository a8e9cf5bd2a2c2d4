//! A horizontal bar with the whiskers of its interval.

use std::fmt::Write as _;

use super::{coordinate, escape};

/// The width of a full bar. The style sheet stretches the picture to the width of its cell.
const WIDTH: f64 = 100.0;

/// Draws a bar from 0 to `most`, for a row of a table that also shows the value.
///
/// `interval` holds the ends of an interval and its text, which screen readers read and a tooltip shows.
pub(crate) fn bar(
    value: f64,
    most: f64,
    interval: Option<((f64, f64), String)>,
    color: &str,
) -> String {
    let most = if most > 0.0 { most } else { 1.0 };
    let place = |value: f64| (value / most).clamp(0.0, 1.0) * WIDTH;
    let length = if value.is_finite() { place(value) } else { 0.0 };
    let interval = interval.filter(|((low, high), _)| low.is_finite() && high.is_finite());
    let (role, title) = match &interval {
        Some((_, text)) => ("role=\"img\"", format!("<title>{}</title>", escape(text))),
        None => ("aria-hidden=\"true\"", String::new()),
    };
    let mut svg = format!(
        "<svg class=\"bar\" viewBox=\"0 0 {WIDTH} 9\" preserveAspectRatio=\"none\" {role}>{title}\
         <rect class=\"track\" width=\"{WIDTH}\" height=\"9\"/>\
         <rect class=\"filled {}\" width=\"{}\" height=\"9\"/>",
        escape(color),
        coordinate(length)
    );
    if let Some(((low, high), _)) = interval {
        let (low, high) = (coordinate(place(low)), coordinate(place(high)));
        let _ = write!(
            svg,
            "<path class=\"interval\" d=\"M{low} 1.5V7.5M{low} 4.5H{high}M{high} 1.5V7.5\"/>"
        );
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn a_bar_ends_where_its_track_does() {
        let svg = bar(9.0, 3.0, None, "m1");
        assert!(svg.contains("<rect class=\"filled m1\" width=\"100\""), "{svg}");
        assert!(svg.contains("aria-hidden") && !svg.contains("interval"), "{svg}");
    }

    #[test]
    fn an_interval_has_whiskers_and_a_text() {
        let svg = bar(0.5, 1.0, Some(((0.25, 0.75), "25 to <75>".to_owned())), "m0");
        assert!(
            svg.contains("<title>25 to &lt;75&gt;</title>") && svg.contains("M25 1.5"),
            "{svg}"
        );
        let open = bar(0.5, 1.0, Some(((f64::NAN, 0.75), "none".to_owned())), "m0");
        assert!(!open.contains("NaN") && !open.contains("<title>"), "{open}");
    }

    #[test]
    fn a_value_that_is_not_finite_has_an_empty_bar() {
        assert!(bar(f64::NAN, 0.0, None, "").contains("width=\"0\""));
    }
}
