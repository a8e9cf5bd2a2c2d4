//! Properties of each word and of neighboring words.

use unicode_normalization::UnicodeNormalization as _;

use super::super::{
    natural::{has_word, initial, key, keys, trim, words},
    paper::ratio::share,
    paper::words::{follows_alphabet, has_consonants, is_prime, repeats_at_most, vowels},
    params::Percentage,
    stop_words::is_stop_word,
    syllables,
    tagger::Tagger,
    text::{is_alphanumeric, is_letter, neighbors_differ},
};
use crate::ifeval::{
    python::{lower, strip},
    treebank,
};

/// Whether at most this share of the words are stop words. A contraction counts as a stop word if its first part is one.
pub(super) fn few_stop_words(text: &str, most: Percentage) -> bool {
    let (mut all, mut stops) = (0, 0);
    for word in keys(text) {
        let uncontracted = word
            .rsplit_once('\'')
            .filter(|(_, end)| matches!(*end, "t" | "s" | "re" | "ve" | "ll" | "d" | "m"));
        let first = uncontracted.map_or(word.as_str(), |(first, _)| first);
        let negated = word.strip_suffix("n't").unwrap_or(first);
        all += 1;
        stops += usize::from([word.as_str(), first, negated].into_iter().any(is_stop_word));
    }
    all > 0 && share(stops, all) <= most.percent()
}

/// Whether the words start with consecutive letters.
pub(super) fn alphabetical(text: &str) -> bool {
    follows_alphabet(words(text).map(initial))
}

/// Whether a text of one line has one to three different vowels, not counting accents.
pub(super) fn few_vowels(text: &str) -> bool {
    let text = strip(text);
    let plain: String = lower(text).nfkd().collect();
    !text.contains('\n') && (1..=3).contains(&vowels(&plain))
}

/// Whether every word has two adjacent consonants.
pub(super) fn consonants(text: &str) -> bool {
    has_word(text) && keys(text).all(|word| has_consonants(&word))
}

/// Whether the number of letters of every word is a prime number.
pub(super) fn prime_lengths(text: &str) -> bool {
    let mut lengths = words(text).map(|word| word.chars().filter(|c| is_letter(*c)).count());
    let mut lengths = lengths.by_ref().filter(|length| *length > 0).peekable();
    lengths.peek().is_some() && lengths.all(is_prime)
}

/// Whether the first word is a verb as written or in lower case.
pub(super) fn starts_with_verb(text: &str, tagger: &Tagger) -> bool {
    let text = text.trim_start_matches(|c| !is_alphanumeric(c));
    let mut tokens: Vec<String> = treebank::iter(text).take(3).collect();
    if tagger.starts_with_verb(&tokens) {
        return true;
    }
    if let Some(first) = tokens.first_mut() {
        *first = lower(first);
    }
    tagger.starts_with_verb(&tokens)
}

/// Whether no word occurs more often than `most`.
pub(super) fn few_repeats(text: &str, most: usize) -> bool {
    let text = key(text);
    has_word(&text) && repeats_at_most(words(&text), most)
}

/// Whether words with even and odd numbers of syllables alternate. Words without letters are skipped.
pub(super) fn alternates_syllables(text: &str) -> bool {
    let worded = keys(text).filter(|word| word.contains(is_letter));
    let mut parities = worded.map(|word| syllables::count(&word.replace('\'', "")) % 2).peekable();
    let first = parities.next();
    first.is_some()
        && parities.peek().is_some()
        && neighbors_differ(first.into_iter().chain(parities))
}

/// Whether the first and the last word of each line with words are equal.
pub(super) fn lines_end_as_they_start(text: &str) -> bool {
    has_word(text)
        && text.split('\n').all(|line| {
            let mut words = words(line);
            let first = words.next();
            words.last().is_none_or(|last| first.map(key) == Some(key(last)))
        })
}

/// Whether no two neighboring words start with the same character.
pub(super) fn no_repeated_start(text: &str) -> bool {
    has_word(text) && neighbors_differ(keys(text).map(|word| word.chars().next()))
}

/// Whether the second and the second to last word are the keyword.
pub(super) fn second_and_second_to_last(text: &str, keyword: &str) -> bool {
    let found: Vec<&str> = words(text).collect();
    let keyword = key(trim(keyword));
    match found[..] {
        [_, second, ..] => key(second) == keyword && key(found[found.len() - 2]) == keyword,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_contractions_lose_their_end() {
        let few = |text| few_stop_words(text, Percentage::new(0.0).expect("a share"));
        // Without their last letter, these words would be `me`, `so` and `he`.
        assert!(few("men son hen tea's"));
        for text in ["don't", "can’t", "isn't", "it's", "you'll"] {
            assert!(!few(text), "{text}");
        }
    }
}
