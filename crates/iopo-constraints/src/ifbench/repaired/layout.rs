//! Lines, lists and headings.

use super::super::{
    lists::HEADINGS,
    natural::{has_word, words},
    text::{is_letter, sentences},
};
use crate::{
    ifeval::python::{is_lower, is_upper},
    lines::{self, Marker},
};

/// Whether every line that is not blank has one word.
pub(super) fn word_per_line(text: &str) -> bool {
    has_word(text) && lines::filled(text).all(|line| words(line).count() == 1)
}

/// Whether there are at least two lines that are not blank, each indented more than the one before.
pub(super) fn indents_grow(text: &str) -> bool {
    let indents: Vec<usize> =
        lines::filled(text).map(|line| line.len() - line.trim_start_matches(' ').len()).collect();
    indents.len() >= 2 && indents.is_sorted_by(|one, next| one < next)
}

/// Whether at least two lines start with the separator.
pub(super) fn is_list(text: &str, separator: &str) -> bool {
    let separator = separator.trim();
    text.split('\n').filter(|line| line.trim_start().starts_with(separator)).take(2).count() == 2
}

/// Whether there is a bullet with an asterisk, and a bullet with a hyphen follows each of them.
pub(super) fn sub_bullets(text: &str) -> bool {
    let (mut any, mut open) = (false, false);
    for (marker, _) in lines::filled(text).filter_map(lines::item) {
        match marker {
            Marker::Star if open => return false,
            Marker::Star => (any, open) = (true, true),
            Marker::Dash => open = false,
            Marker::Dot | Marker::NumberDot | Marker::NumberParen => {}
        }
    }
    any && !open
}

/// Whether at least two sentences that end in a period come first, and only bullets, at least two, after them.
pub(super) fn sentences_then_bullets(text: &str) -> bool {
    let is_bullet = |line: &&str| matches!(lines::item(line), Some((Marker::Star, _)));
    let filled: Vec<&str> = lines::filled(text).collect();
    let start = filled.iter().position(is_bullet).unwrap_or(filled.len());
    let (before, after) = filled.split_at(start);
    let ends =
        |sentence: &&str| sentence.trim_end_matches(['"', '\'', '”', '’', ')', ']']).ends_with('.');
    let periods: usize = before.iter().map(|line| sentences(line).filter(ends).count()).sum();
    periods >= 2 && after.len() >= 2 && after.iter().all(is_bullet)
}

/// Whether a text or a section starts with text in HTML italics, and something follows.
pub(super) fn thesis(text: &str) -> bool {
    let folded = text.to_ascii_lowercase();
    let mut tags = [Italics::new("<i>", "</i>"), Italics::new("<em>", "</em>")];
    let mut starts = true;
    lines::all(&folded).any(|(start, line)| {
        let blank = line.trim().is_empty();
        let here = std::mem::replace(&mut starts, blank || lines::heading(line).is_some());
        // The line after a blank one starts a section too.
        let at = start + line.len() - line.trim_start().len();
        here && !blank && tags.iter_mut().any(|tags| tags.hold_thesis(&folded, at))
    })
}

/// A pair of tags, and the place of the closing tag that was found last. Each part of a text is searched once.
struct Italics {
    open: &'static str,
    close: &'static str,
    /// `None` if no closing tag is left.
    closer: Option<usize>,
}

impl Italics {
    fn new(open: &'static str, close: &'static str) -> Self {
        Self { open, close, closer: Some(0) }
    }

    /// Whether the pair starts at a place with text in it, and text follows. Places must not decrease.
    fn hold_thesis(&mut self, text: &str, at: usize) -> bool {
        if !text[at..].starts_with(self.open) {
            return false;
        }
        let inside = at + self.open.len();
        if self.closer.is_some_and(|closer| closer < inside) {
            self.closer = text[inside..].find(self.close).map(|found| inside + found);
        }
        self.closer.is_some_and(|closer| {
            has_word(&text[inside..closer]) && has_word(&text[closer + self.close.len()..])
        })
    }
}

/// Whether the headings of the template occur in order, with text after each. Asterisks are ignored.
pub(super) fn has_headings(text: &str) -> bool {
    let text = text.replace('*', "");
    let mut rest = text.as_str();
    let mut sections = Vec::with_capacity(HEADINGS.len());
    for heading in HEADINGS {
        let Some((before, after)) = rest.split_once(heading) else { return false };
        sections.push(before);
        rest = after;
    }
    sections.push(rest);
    sections.into_iter().skip(1).all(has_word)
}

/// Short words that title case may leave in lower case: articles, conjunctions and prepositions.
const MINOR: [&str; 34] = [
    "a", "an", "the", "and", "but", "for", "nor", "or", "so", "yet", "as", "if", "at", "by",
    "down", "from", "in", "into", "like", "near", "of", "off", "on", "onto", "out", "over", "past",
    "per", "than", "to", "up", "upon", "via", "with",
];

/// Whether words start with a capital. Short minor words may be in lower case, except the first and the last word.
pub(super) fn title_case(text: &str) -> bool {
    let found: Vec<&str> = words(text).filter(|word| word.starts_with(is_letter)).collect();
    let last = found.len().saturating_sub(1);
    !found.is_empty()
        && found.iter().enumerate().all(|(at, word)| {
            let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
            let small = is_lower(first) && (rest.is_empty() || is_lower(rest) || is_upper(rest));
            !small || at > 0 && at < last && MINOR.contains(word)
        })
}

#[cfg(test)]
mod tests {
    use super::thesis;

    #[test]
    fn a_thesis_starts_a_text_or_a_section() {
        for text in [
            "<i>Tea is hot.</i> It is.",
            " \n\n <EM>Tea</EM> is hot.",
            "# Tea\n<i>Tea</i> is hot.",
            "<i></i> a\n\n<i>Tea</i>\nis hot.",
            "<i>Tea\n\n<em>is</i> hot.</em>",
            "<em>tea\n\n<i>is</i> hot.",
        ] {
            assert!(thesis(text), "{text}");
        }
        for text in [
            "Tea <i>is</i> hot.",
            "tea\n<i>is</i> hot.",
            "<i>Tea</i> .",
            "<i>tea\n\n<i>hot",
            "<i>tea</em> a",
        ] {
            assert!(!thesis(text), "{text}");
        }
    }

    #[test]
    fn open_tags_cost_no_more_than_other_text() {
        // Quadratic searches of these texts take minutes.
        for unit in ["<i>\n\n", "<em>\n\n", "<i>.</i>\n\n", "\n", " \n", "# a\n<i>\n"] {
            assert!(!thesis(&unit.repeat(1 << 18)), "{unit:?}");
        }
    }
}
