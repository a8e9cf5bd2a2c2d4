//! The counts that the checks of the paper mode stand on.

use super::{punkt, python, treebank};

/// Sentences as Punkt finds them.
pub fn sentence_count(text: &str) -> usize {
    punkt::sentences(text).len()
}

/// Runs of letters, digits and underscores.
pub fn word_count(text: &str) -> usize {
    python::word_runs(text)
}

/// Tokens of the Penn Treebank, in order.
pub fn tokens(text: &str) -> Vec<String> {
    treebank::tokens(text)
}

/// Tokens in capitals.
pub fn capital_word_count(text: &str) -> usize {
    treebank::capitals(text)
}

/// Whether a text has a cased letter and all are capitals.
pub fn is_upper(text: &str) -> bool {
    python::is_upper(text)
}

/// Whether a text has a cased letter and all are lower-case.
pub fn is_lower(text: &str) -> bool {
    python::is_lower(text)
}

/// The code of a text's language with seed 0, `None` where it has no features of any.
pub fn language(text: &str) -> Option<String> {
    super::language::detect(text)
}
