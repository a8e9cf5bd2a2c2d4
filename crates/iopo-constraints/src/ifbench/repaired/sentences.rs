//! Properties of each sentence and of neighboring sentences.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation as _;

use super::super::{
    emoji::{is_emoji, is_emoji_cluster},
    natural::{content, has_word, initial, key, keys, straight, trim, worded_sentences, words},
    text::{is_alphanumeric, length, sentences},
};
use crate::ifeval::{
    python::{fold, is_space, is_word, strip},
    search::Needle,
};

/// The numbers of statements, questions and exclamations. Quotes, brackets, asterisks and emoji may follow the mark.
fn types(text: &str) -> [usize; 3] {
    let closes = |c: char| {
        is_space(c)
            || is_emoji(c)
            || matches!(
                c,
                '"' | '\''
                    | '”'
                    | '’'
                    | '»'
                    | ')'
                    | ']'
                    | '}'
                    | '*'
                    | '_'
                    | '\u{fe0f}'
                    | '\u{200d}'
            )
    };
    let mut counts = [0; 3];
    for sentence in sentences(text) {
        match sentence.trim_end_matches(closes).chars().next_back() {
            Some('.' | '…') => counts[0] += 1,
            Some('?') => counts[1] += 1,
            Some('!') => counts[2] += 1,
            _ => {}
        }
    }
    counts
}

/// Whether there are twice as many statements as questions, and at least one question.
pub(super) fn two_statements_per_question(text: &str) -> bool {
    let [statements, questions, _] = types(text);
    questions > 0 && statements == 2 * questions
}

/// Whether statements, questions and exclamations are equally many, and there is at least one of each.
pub(super) fn balanced(text: &str) -> bool {
    let [statements, questions, exclamations] = types(text);
    statements > 0 && statements == questions && questions == exclamations
}

/// Whether there are three sentences with the same number of characters and no word in common.
pub(super) fn three_of_a_length(text: &str) -> bool {
    let found: Vec<&str> = sentences(text).take(4).map(strip).collect();
    let [one, two, three] = found[..] else { return false };
    if length(one) != length(two) || length(two) != length(three) {
        return false;
    }
    let sets = [one, two, three].map(|sentence| keys(sentence).collect::<HashSet<_>>());
    let all: HashSet<&String> = sets.iter().flatten().collect();
    all.len() == sets.iter().map(HashSet::len).sum::<usize>()
}

/// Whether each sentence has a longer run of words with the same first letter than the one before.
pub(super) fn alliteration_grows(text: &str) -> bool {
    let longest = |sentence| {
        let (mut longest, mut run, mut last) = (0, 0, None);
        for first in words(sentence).map(initial) {
            run = if first.is_some() && first == last {
                run + 1
            } else {
                usize::from(first.is_some())
            };
            longest = longest.max(run);
            last = first;
        }
        longest
    };
    compare(worded_sentences(text).map(longest), |before, after| after > before)
}

/// Whether each sentence has `step` words more than the one before.
pub(super) fn grows_by(text: &str, step: usize) -> bool {
    let counts = worded_sentences(text).map(|sentence| words(sentence).count());
    compare(counts, |before, after| *after == before + step)
}

/// Whether each sentence starts with the last word of the one before.
pub(super) fn last_is_first(text: &str) -> bool {
    let ends = |sentence| {
        let mut words = words(sentence);
        let first = words.next().map(key);
        (first.clone(), words.last().map(key).or(first))
    };
    compare(worded_sentences(text).map(ends), |before, after| before.1 == after.0)
}

/// Whether there are at least two items and each pair of neighbors meets a condition.
fn compare<T>(items: impl Iterator<Item = T>, agree: impl Fn(&T, &T) -> bool) -> bool {
    let mut last = None;
    let mut pairs = 0;
    for item in items {
        if let Some(before) = &last {
            if !agree(before, &item) {
                return false;
            }
            pairs += 1;
        }
        last = Some(item);
    }
    pairs > 0
}

/// Whether a sentence contains a keyword with no letter, digit or underscore next to it. Sentences count from 1.
pub(super) fn has_keyword(text: &str, keyword: &str, sentence: usize) -> bool {
    let Some(sentence) = worded_sentences(text).nth(sentence - 1) else { return false };
    let (folded, needle) = (fold(&straight(sentence)), Needle::new(&fold(&straight(keyword))));
    needle.places(&folded).any(|start| {
        let after = folded[needle.end(start)..].chars().next();
        !folded[..start].ends_with(is_word) && !after.is_some_and(is_word)
    })
}

/// Whether a word at a position of a sentence is the keyword. Both count from 1.
pub(super) fn is_at(text: &str, keyword: &str, sentence: usize, word: usize) -> bool {
    let sentence = worded_sentences(text).nth(sentence - 1);
    let found = sentence.and_then(|sentence| words(sentence).nth(word - 1));
    found.is_some_and(|word| key(word) == key(trim(keyword)))
}

/// Whether 26 sentences start with the letters of the alphabet.
pub(super) fn spell_alphabet(text: &str) -> bool {
    let text = content(text).collect::<Vec<_>>().join("\n");
    let firsts = worded_sentences(&text).map(|sentence| words(sentence).next().and_then(initial));
    firsts.eq(('a'..='z').map(Some))
}

/// Whether each sentence ends with an emoji. Emoji after the mark belong to the sentence before.
pub(super) fn emoji(text: &str) -> bool {
    let parts: Vec<(bool, &str)> = sentences(text).map(leading_emoji).collect();
    let worded = || parts.iter().enumerate().filter(|(_, (_, rest))| has_word(rest));
    worded().next().is_some()
        && worded().all(|(at, (_, rest))| {
            ends_with_emoji(rest) || parts.get(at + 1).is_some_and(|(leads, _)| *leads)
        })
}

/// Whether a sentence starts with emoji, and what follows them.
fn leading_emoji(sentence: &str) -> (bool, &str) {
    let (mut found, mut rest) = (false, sentence);
    for cluster in sentence.graphemes(true) {
        let emoji = is_emoji_cluster(cluster);
        if !emoji && !cluster.chars().all(is_space) {
            break;
        }
        found |= emoji;
        rest = &rest[cluster.len()..];
    }
    (found, rest)
}

/// Whether the last emoji, letter or digit is an emoji.
fn ends_with_emoji(sentence: &str) -> bool {
    let mut clusters = sentence.graphemes(true).rev();
    let last =
        clusters.find(|cluster| is_emoji_cluster(cluster) || cluster.contains(is_alphanumeric));
    last.is_some_and(is_emoji_cluster)
}
