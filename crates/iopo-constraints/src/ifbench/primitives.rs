//! The parts of paper mode that can be compared with those of the published code.

use super::{csv, emoji, paper, stop_words, syllables, text, unicode};
use crate::ifeval::treebank;

/// The sentences that Punkt finds.
pub fn sentences(text: &str) -> Vec<&str> {
    text::sentences(text).collect()
}

/// The Penn Treebank tokens, in order.
pub fn tokens(text: &str) -> Vec<String> {
    treebank::tokens(text)
}

/// The number of syllables of a word, 0 for a word with digits.
pub fn syllables(word: &str) -> usize {
    syllables::count(word)
}

/// Whether a character is an emoji by itself.
pub fn is_emoji(c: char) -> bool {
    emoji::is_emoji(c)
}

/// Whether a word in lower case is a stop word.
pub fn is_stop_word(word: &str) -> bool {
    stop_words::is_stop_word(word)
}

/// The number of words, and the number of stop words among them.
pub fn stop_words(text: &str) -> (usize, usize) {
    paper::ratio::stop_words(text)
}

/// The fields of a text with separated values, by record. `None` if the text cannot be read.
pub fn csv(text: &str, delimiter: char) -> Option<Vec<Vec<String>>> {
    let dialect = csv::Dialect { delimiter, skips_spaces: false, most: usize::MAX };
    let texts = |record: Vec<csv::Field>| record.into_iter().map(|field| field.text).collect();
    Some(csv::records(text, dialect).ok()?.into_iter().map(texts).collect())
}

/// The text in compatibility decomposition, without all characters that are not ASCII.
pub fn to_ascii(text: &str) -> String {
    unicode::to_ascii(text)
}

/// The number of different trigrams of characters in a text, and how many of them a reference contains.
pub fn trigrams(text: &str, reference: &str) -> (usize, usize) {
    let (found, reference) = (paper::ratio::trigrams(text), paper::ratio::trigrams(reference));
    (found.len(), found.intersection(&reference).count())
}

/// The lines whose indents are compared.
pub fn indented_lines(text: &str) -> Vec<&str> {
    paper::format::indented_lines(text)
}
