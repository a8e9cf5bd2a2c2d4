//! Text functions of the published code, which treats only ASCII characters as punctuation.

use std::sync::LazyLock;

use crate::ifeval::{
    punkt,
    python::{Ranges, holds, is_decimal, is_word, lower, ranges},
};

/// The ASCII punctuation in the order of Python's `string.punctuation`.
pub(super) const MARKS: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// ASCII punctuation or a space, but no other white space.
fn is_edge(c: char) -> bool {
    c == ' ' || c.is_ascii_punctuation()
}

/// The text with ASCII punctuation deleted, so `well-known` becomes `wellknown`.
pub(super) fn without_marks(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_punctuation()).collect()
}

/// The text without ASCII punctuation and spaces at both ends.
pub(super) fn trim_edges(text: &str) -> &str {
    text.trim_matches(is_edge)
}

/// The text without ASCII punctuation and spaces at its start.
pub(super) fn trim_start(text: &str) -> &str {
    text.trim_start_matches(is_edge)
}

/// The text without ASCII punctuation and spaces at its end.
pub(super) fn trim_end(text: &str) -> &str {
    text.trim_end_matches(is_edge)
}

/// The sentences that Punkt finds.
pub(super) fn sentences(text: &str) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
    punkt::sentences(text).into_iter().map(|range| &text[range])
}

/// The number of characters.
pub(super) fn length(text: &str) -> usize {
    text.chars().count()
}

/// The first character in lower case. `None` if its lower case is longer, as that of `İ`.
pub(super) fn first_lower(text: &str) -> Option<char> {
    let mut lowered = text.chars().next()?.to_lowercase();
    lowered.next().filter(|_| lowered.next().is_none())
}

/// Whether two texts are equal in lower case.
pub(super) fn same(one: &str, other: &str) -> bool {
    lower(one) == lower(other)
}

static LETTERS: LazyLock<Ranges> = LazyLock::new(|| ranges(r"\p{L}"));

/// `str.isalpha` of one character.
pub(super) fn is_letter(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphabetic() } else { holds(&LETTERS, c) }
}

/// `str.isalnum` of one character.
pub(super) fn is_alphanumeric(c: char) -> bool {
    c != '_' && is_word(c)
}

/// `str.isdigit` of one character: decimal digits, and other digit characters such as `²` and `①`.
pub(super) fn is_digit(c: char) -> bool {
    is_decimal(c)
        || matches!(c, '\u{b2}' | '\u{b3}' | '\u{b9}' | '\u{1369}'..='\u{1371}' | '\u{19da}'
            | '\u{2070}' | '\u{2074}'..='\u{2079}' | '\u{2080}'..='\u{2089}'
            | '\u{2460}'..='\u{2468}' | '\u{2474}'..='\u{247c}' | '\u{2488}'..='\u{2490}'
            | '\u{24ea}' | '\u{24f5}'..='\u{24fd}' | '\u{24ff}' | '\u{2776}'..='\u{277e}'
            | '\u{2780}'..='\u{2788}' | '\u{278a}'..='\u{2792}' | '\u{10a40}'..='\u{10a43}'
            | '\u{10e60}'..='\u{10e68}' | '\u{11052}'..='\u{1105a}' | '\u{1f100}'..='\u{1f10a}')
}

/// `str.isdigit`: at least one character, all of them digits.
pub(super) fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_digit)
}

/// The runs of decimal digits.
pub(super) fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_decimal(c)).filter(|run| !run.is_empty())
}

/// The runs of letters, digits and underscores.
pub(super) fn word_runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word(c)).filter(|run| !run.is_empty())
}

/// Whether no two neighbors are equal.
pub(super) fn neighbors_differ<T: PartialEq>(items: impl IntoIterator<Item = T>) -> bool {
    let mut items = items.into_iter();
    let mut last = items.next();
    items.all(|item| {
        let differs = last.as_ref() != Some(&item);
        last = Some(item);
        differs
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ascii_punctuation_and_spaces_are_trimmed() {
        assert_eq!(trim_edges(" (a-b). "), "a-b");
        assert_eq!(trim_edges("“a”\n"), "“a”\n");
        assert_eq!(without_marks("well-known — 3.14"), "wellknown — 314");
        assert_eq!(MARKS.len(), 32);
        assert!(MARKS.chars().all(|c| c.is_ascii_punctuation()));
    }

    #[test]
    fn letters_and_digits_are_those_of_python() {
        assert!(is_letter('ª') && is_letter('日') && !is_letter('\u{93f}') && !is_letter('ⓐ'));
        assert!(all_digits("１²①") && !all_digits("½") && !all_digits("") && !all_digits("Ⅳ"));
        assert!(is_alphanumeric('½') && !is_alphanumeric('_'));
        assert_eq!(numbers("A4 1,000 ²٣").collect::<Vec<_>>(), ["4", "1", "000", "٣"]);
    }

    #[test]
    fn neighbors_are_compared() {
        assert!(neighbors_differ([1, 2, 1]) && !neighbors_differ([1, 2, 2]));
        assert!(neighbors_differ([1]) && neighbors_differ(Vec::<u8>::new()));
    }
}
