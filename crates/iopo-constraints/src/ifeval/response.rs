//! A response with the variants that the loose verdict tries.

use std::{borrow::Cow, sync::OnceLock};

use super::python::{is_blank, strip};

/// The number of variants besides the response itself.
const OTHERS: usize = 7;

/// A response with its loose variants. All instructions share the variants, which are built when first needed.
#[derive(Debug, Clone)]
pub struct Response<'a> {
    text: &'a str,
    blank: bool,
    others: OnceLock<[Option<Variant<'a>>; OTHERS]>,
}

/// A text to check in place of the response.
#[derive(Debug, Clone)]
pub(crate) struct Variant<'a> {
    /// The text, not blank.
    pub(crate) text: Cow<'a, str>,
    /// Whether asterisks were removed.
    pub(crate) without_asterisks: bool,
}

impl<'a> Response<'a> {
    /// Wraps a response. Its variants drop the first line, the last line, both, and all asterisks, in all combinations.
    pub fn new(text: &'a str) -> Self {
        Self { text, blank: is_blank(text), others: OnceLock::new() }
    }

    /// The response itself, `None` if it is blank.
    pub(crate) fn whole(&self) -> Option<&'a str> {
        (!self.blank).then_some(self.text)
    }

    /// The other variants with their numbers from 1. Blank variants are skipped, and so are variants without asterisks
    /// of a text that has none.
    pub(crate) fn others(&self) -> impl Iterator<Item = (usize, &Variant<'a>)> {
        let others = self.others.get_or_init(|| others(self.text));
        others.iter().enumerate().filter_map(|(at, variant)| Some((at + 1, variant.as_ref()?)))
    }
}

fn others(text: &str) -> [Option<Variant<'_>>; OTHERS] {
    let (first, last) = (text.find('\n'), text.rfind('\n'));
    let rest = first.map_or("", |at| &text[at + 1..]);
    let front = last.map_or("", |at| &text[..at]);
    let middle = rest.rfind('\n').map_or("", |at| &rest[..at]);
    let [rest, front, middle] = [rest, front, middle].map(strip);
    [
        bare(text),
        unchanged(rest),
        unchanged(front),
        unchanged(middle),
        bare(rest),
        bare(front),
        bare(middle),
    ]
}

fn unchanged(text: &str) -> Option<Variant<'_>> {
    (!is_blank(text)).then_some(Variant { text: text.into(), without_asterisks: false })
}

fn bare(text: &str) -> Option<Variant<'_>> {
    let bare = text.contains('*').then(|| text.replace('*', ""))?;
    (!is_blank(&bare)).then_some(Variant { text: bare.into(), without_asterisks: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variants(text: &str) -> Vec<(usize, String)> {
        let response = Response::new(text);
        let whole = response.whole().map(|text| (0, text.to_owned()));
        let others = response.others().map(|(at, variant)| (at, variant.text.to_string()));
        whole.into_iter().chain(others).collect()
    }

    #[test]
    fn lines_and_asterisks_are_dropped_in_turn() {
        let expected: Vec<(usize, String)> = [
            (0, "Sure:\n *a* \nb\n*end*"),
            (1, "Sure:\n a \nb\nend"),
            (2, "*a* \nb\n*end*"),
            (3, "Sure:\n *a* \nb"),
            (4, "*a* \nb"),
            (5, "a \nb\nend"),
            (6, "Sure:\n a \nb"),
            (7, "a \nb"),
        ]
        .map(|(at, text)| (at, text.to_owned()))
        .into();
        assert_eq!(variants("Sure:\n *a* \nb\n*end*"), expected);
    }

    #[test]
    fn a_single_line_has_only_itself_and_a_blank_response_has_no_variants() {
        assert_eq!(variants("tea"), [(0, "tea".to_owned())]);
        assert_eq!(variants("***"), [(0, "***".to_owned())]);
        assert_eq!(variants(" \n\u{1c} "), []);
        assert_eq!(variants(""), []);
    }
}
