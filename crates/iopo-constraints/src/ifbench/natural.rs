//! Words as a reader sees them: runs between white space, without punctuation and symbols around them.

use std::sync::LazyLock;

use super::text::{first_lower, is_alphanumeric, is_letter, sentences};
use crate::ifeval::python::{Ranges, holds, is_space, lower, ranges};

static COMBINING: LazyLock<Ranges> = LazyLock::new(|| ranges(r"\p{M}"));

/// Whether a character belongs to the letter before it. Variation selectors belong to symbols.
fn combines(c: char) -> bool {
    !c.is_ascii() && c != '\u{fe0f}' && holds(&COMBINING, c)
}

/// The text without everything around its first and its last letter or digit.
pub(super) fn trim(text: &str) -> &str {
    let text = text.trim_start_matches(|c| !is_alphanumeric(c));
    text.trim_end_matches(|c| !is_alphanumeric(c) && !combines(c))
}

/// The words. A run without letters and digits is not a word.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).map(trim).filter(|word| !word.is_empty())
}

/// The words in the form in which they are compared.
pub(super) fn keys(text: &str) -> impl Iterator<Item = String> {
    words(text).map(key)
}

/// A text in lower case, with straight quotes.
pub(super) fn key(text: &str) -> String {
    lower(&straight(text))
}

/// The text with straight instead of curly quotes.
pub(super) fn straight(text: &str) -> String {
    let one = |c| match c {
        '‘' | '’' | 'ʼ' => '\'',
        '“' | '”' | '„' => '"',
        _ => c,
    };
    text.chars().map(one).collect()
}

/// The sentences that contain a word.
pub(super) fn worded_sentences(text: &str) -> impl Iterator<Item = &str> {
    sentences(text).filter(|sentence| has_word(sentence))
}

/// Whether a text contains a letter or a digit.
pub(super) fn has_word(text: &str) -> bool {
    text.contains(is_alphanumeric)
}

/// The first letter of a word in lower case. `None` if it starts with a digit.
pub(super) fn initial(word: &str) -> Option<char> {
    first_lower(word).filter(|c| is_letter(*c))
}

/// The lines with text, without code fences and without the marks of list items.
pub(super) fn content(text: &str) -> impl Iterator<Item = &str> {
    unfenced(text).map(|line| &line[crate::lines::marker_len(line)..])
}

/// The lines with text, without code fences.
pub(super) fn unfenced(text: &str) -> impl Iterator<Item = &str> {
    crate::lines::filled(text).filter(|line| !line.trim_start().starts_with("```"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_punctuation_and_symbols_around_them() {
        let found: Vec<_> = words("“Well-known” — **don’t**, ❤️ हिन्दी! ❤️ 3.5% ...").collect();
        assert_eq!(found, ["Well-known", "don’t", "हिन्दी", "3.5"]);
        assert_eq!(key("DON’T"), "don't");
        assert_eq!((initial("Éa"), initial("3rd"), initial("Tea")), (Some('é'), None, Some('t')));
    }

    #[test]
    fn fences_and_list_marks_are_no_content() {
        let found: Vec<_> = content("```csv\n- a\n\n2. b, c\n```").collect();
        assert_eq!(found, ["a", "b, c"]);
    }
}
