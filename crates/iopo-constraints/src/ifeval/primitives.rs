//! The counts that the checks of paper mode use.

use super::{punkt, python, treebank};

/// The number of sentences, as Punkt splits them.
pub fn sentence_count(text: &str) -> usize {
    punkt::sentences(text).len()
}

/// The number of runs of letters, digits and underscores.
pub fn word_count(text: &str) -> usize {
    python::word_runs(text)
}

/// The Penn Treebank tokens, in order.
pub fn tokens(text: &str) -> Vec<String> {
    treebank::tokens(text)
}

/// The number of tokens in capitals.
pub fn capital_word_count(text: &str) -> usize {
    treebank::capitals(text)
}

/// Whether a text has cased letters and all of them are capitals.
pub fn is_upper(text: &str) -> bool {
    python::is_upper(text)
}

/// Whether a text has cased letters and all of them are lower-case.
pub fn is_lower(text: &str) -> bool {
    python::is_lower(text)
}

/// The language code of a text, detected with seed 0. `None` when the text has no letters to detect it by.
pub fn language(text: &str) -> Option<String> {
    super::language::detect(text)
}
