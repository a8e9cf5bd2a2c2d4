//! Inline SVG charts. The style sheet of the page sets their colors.

mod bar;
mod line;
mod scale;
mod values;
mod whisker;

pub(crate) use bar::bar;
pub(crate) use line::{LineChart, MOST_POINTS, Series};
pub(crate) use values::Values;
pub(crate) use whisker::whisker;

/// Escapes text for SVG and HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for symbol in text.chars() {
        match symbol {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#x27;"),
            other => safe.push(other),
        }
    }
    safe
}

/// Formats a coordinate with one decimal.
pub(crate) fn coordinate(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}
