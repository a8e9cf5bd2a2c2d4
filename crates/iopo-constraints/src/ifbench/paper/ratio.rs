//! Shares and balances of words, sentences and trigrams.

use std::collections::HashSet;

use super::super::{
    params::Percentage,
    stop_words::is_stop_word,
    text::{length, sentences, word_runs},
};
use crate::ifeval::python::{lower, strip};

/// Whether at most this share of the words are stop words.
pub(super) fn few_stop_words(text: &str, most: Percentage) -> bool {
    let (words, stops) = stop_words(text);
    words > 0 && share(stops, words) <= most.percent()
}

/// The number of words, and the number of stop words among them.
pub(in super::super) fn stop_words(text: &str) -> (usize, usize) {
    let mut counts = (0, 0);
    for run in word_runs(text) {
        counts.0 += 1;
        counts.1 += usize::from(is_stop_word(&lower(run)));
    }
    counts
}

/// A share in percent, computed in the order of the published code.
#[expect(clippy::cast_precision_loss, reason = "texts have far less than 2^52 words")]
pub(in super::super) fn share(part: usize, whole: usize) -> f64 {
    (part as f64 / whole as f64) * 100.0
}

/// The number of sentences that end in a mark.
fn ending_in(text: &str, marks: [char; 3]) -> [usize; 3] {
    let mut counts = [0; 3];
    for last in sentences(text).filter_map(|sentence| sentence.chars().next_back()) {
        if let Some(at) = marks.iter().position(|mark| *mark == last) {
            counts[at] += 1;
        }
    }
    counts
}

/// Whether there are twice as many statements as questions, or neither.
pub(super) fn two_statements_per_question(text: &str) -> bool {
    let [statements, questions, _] = ending_in(text, ['.', '?', '!']);
    statements == 2 * questions
}

/// Whether statements, questions and exclamations are equally many, or there are none.
pub(super) fn balanced(text: &str) -> bool {
    let [statements, questions, exclamations] = ending_in(text, ['.', '?', '!']);
    statements == questions && questions == exclamations
}

/// Whether there are three sentences with the same number of characters.
pub(super) fn three_of_a_length(text: &str) -> bool {
    let lengths: Vec<usize> =
        sentences(text).take(4).map(|sentence| length(strip(sentence))).collect();
    matches!(lengths[..], [one, two, three] if one == two && two == three)
}

/// The different trigrams of characters.
pub(in super::super) fn trigrams(text: &str) -> HashSet<[char; 3]> {
    let mut last = ['\0'; 3];
    let mut found = HashSet::new();
    for (at, c) in text.chars().enumerate() {
        last = [last[1], last[2], c];
        if at >= 2 {
            found.insert(last);
        }
    }
    found
}

/// Whether the reference contains this share of the trigrams, give or take two points.
pub(in super::super) fn overlaps(
    text: &str,
    reference: &HashSet<[char; 3]>,
    wanted: Percentage,
) -> bool {
    let found = trigrams(text);
    if found.is_empty() {
        return false;
    }
    let common = found.iter().filter(|trigram| reference.contains(*trigram)).count();
    let (share, wanted) = (share(common, found.len()), wanted.percent());
    wanted - 2.0 <= share && share <= wanted + 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contractions_are_two_words() {
        assert_eq!(stop_words("Don't drink THE _the_ tea"), (6, 3));
        assert!(!few_stop_words("...", Percentage::new(50.0).unwrap()));
    }

    #[test]
    fn only_the_last_character_of_a_sentence_counts() {
        assert!(two_statements_per_question("A. B. Why?") && two_statements_per_question("Hi!"));
        assert!(!two_statements_per_question("So it is. He said \"why?\""));
        assert!(balanced("A. B? C!") && balanced("no mark") && !balanced("A. B? C?"));
        assert!(
            three_of_a_length("I go. I do. He. ".trim())
                != three_of_a_length("Aa bb. Cc dd. Ee ff.")
        );
    }

    #[test]
    fn trigrams_are_compared_within_two_points() {
        let reference = trigrams("abcdef");
        let within = |percent| overlaps("abcx", &reference, Percentage::new(percent).unwrap());
        assert!(within(50.0) && within(48.0) && within(52.0) && !within(47.5) && !within(53.0));
        assert!(!overlaps("ab", &reference, Percentage::new(0.0).unwrap()));
    }
}
