//! Repetitions of the request.

use crate::ifeval::python::{lower, split, strip};

/// Whether a text differs from the request but has the same words after the first.
pub(super) fn changes_first_word(text: &str, prompt: &str) -> bool {
    text != prompt && split(text).skip(1).eq(split(prompt).skip(1))
}

/// Whether a text is the characters of the request from `first` to `last`, inclusive.
pub(super) fn is_span(text: &str, prompt: &str, first: usize, last: usize) -> bool {
    let length = last.saturating_add(1).saturating_sub(first);
    let span: String = prompt.chars().skip(first).take(length).collect();
    equal(text, &span)
}

/// Whether two texts are equal in lower case, without surrounding space.
pub(in super::super) fn equal(text: &str, other: &str) -> bool {
    lower(strip(text)) == lower(strip(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_need_not_differ() {
        assert!(changes_first_word("Tell a  tale.", "Write a tale."));
        assert!(changes_first_word("Write  a tale.", "Write a tale."));
        assert!(!changes_first_word("Write a tale.", "Write a tale."));
    }

    #[test]
    fn a_span_counts_characters() {
        assert!(is_span("\nLAIN ", "Explain it.", 3, 6) && is_span("it.", "Explain it.", 8, 99));
        assert!(!is_span("x", "Explain it.", 6, 3));
    }
}
