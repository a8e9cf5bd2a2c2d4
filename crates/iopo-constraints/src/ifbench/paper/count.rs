//! Counts of words, numbers and marks.

use std::{collections::HashSet, sync::LazyLock};

use super::super::{
    lists::{CONJUNCTIONS, PERSON_NAMES, PRONOUNS},
    text::{all_digits, numbers, trim_edges, without_marks, word_runs},
};
use crate::ifeval::{
    python::{lower, split},
    treebank,
};

/// The number of different words in lower case. Tokens of punctuation count as one empty word.
pub(super) fn unique_words(text: &str) -> usize {
    let lowered = lower(text);
    split(&lowered).map(trim_edges).collect::<HashSet<_>>().len()
}

/// The number of different tokens that are conjunctions. `and` and `And,` differ.
pub(super) fn conjunctions(text: &str) -> usize {
    let is_one = |token: &&str| CONJUNCTIONS.contains(&lower(trim_edges(token)).as_str());
    split(text).filter(is_one).collect::<HashSet<_>>().len()
}

/// The number of different names. A name is a whole run of letters, digits and underscores.
pub(crate) fn person_names(text: &str) -> usize {
    let is_one = |run: &&str| PERSON_NAMES.contains(run);
    word_runs(text).filter(is_one).collect::<HashSet<_>>().len()
}

/// The number of runs of digits, after punctuation is removed.
pub(super) fn digit_runs(text: &str) -> usize {
    numbers(&without_marks(text)).count()
}

/// The number of tokens that are pronouns.
pub(crate) fn pronouns(text: &str) -> usize {
    static KNOWN: LazyLock<HashSet<&str>> = LazyLock::new(|| PRONOUNS.into());
    let text = lower(&text.replace('/', " "));
    treebank::iter(&text).filter(|token| KNOWN.contains(token.as_str())).count()
}

/// Whether there is an interrobang, and also every standard mark.
pub(crate) fn all_marks(text: &str) -> bool {
    let found = ["?!", "!?"].into_iter().find_map(|mark| text.split_once(mark));
    let parts = match found {
        Some((before, after)) => [before, after],
        None if text.contains('‽') => [text, ""],
        None => return false,
    };
    ['.', ',', '!', '?', ';', ':'].iter().all(|mark| parts.iter().any(|part| part.contains(*mark)))
}

/// Whether every nth word contains a Japanese character. Tokens of punctuation or digits are exempt.
pub(super) fn every_nth_japanese(text: &str, every: usize) -> bool {
    let Some(skipped) = every.checked_sub(1) else { return false };
    split(text)
        .skip(skipped)
        .step_by(every)
        .map(trim_edges)
        .all(|word| word.is_empty() || all_digits(word) || word.contains(is_japanese))
}

fn is_japanese(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_compared_as_written() {
        assert_eq!(unique_words("Tea tea, -- ... “tea”"), 3);
        assert_eq!(conjunctions("and And and, and/or “and” yet"), 4);
        assert_eq!(person_names("Emma's Emma Emma_ Masonry Ella-Mia"), 3);
        assert_eq!(digit_runs("1,000 3.14 10-20 1–2 ½ A4"), 6);
        assert_eq!(pronouns("It's mine/yours, gimme y'all that"), 5);
    }

    #[test]
    fn the_interrobang_does_not_supply_its_marks() {
        assert!(all_marks("a? b! c?! d; e: f, g.") && all_marks("‽?!?!.,;:"));
        assert!(!all_marks("c?! d; e: f, g.") && !all_marks("a? b! d; e: f, g."));
    }

    #[test]
    fn every_nth_word_is_japanese_or_excused() {
        assert!(every_nth_japanese("a お茶 b 12 c --", 2) && every_nth_japanese("a", 2));
        assert!(!every_nth_japanese("a b", 2) && !every_nth_japanese("a …", 2));
        assert!(!every_nth_japanese("a", 0));
    }
}
