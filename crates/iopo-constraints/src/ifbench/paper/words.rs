//! Properties of each word and of neighboring words.

use std::collections::HashMap;

use super::super::{
    syllables,
    tagger::Tagger,
    text::{
        MARKS, first_lower, is_alphanumeric, length, neighbors_differ, same, sentences, trim_edges,
        trim_end, trim_start, without_marks,
    },
};
use crate::ifeval::{
    python::{lower, split, strip},
    treebank,
};

/// Whether the words start with consecutive letters. After z comes a.
pub(super) fn alphabetical(text: &str) -> bool {
    let text = without_marks(text);
    let mut words = split(trim_edges(&text));
    // The first word is lower-cased only in its first character, the other words completely.
    let first = words.next().map(first_lower);
    let others = words.map(|word| lower(trim_edges(word)).chars().next());
    follows_alphabet(first.into_iter().chain(others))
}

/// Whether the first letters are consecutive letters of the alphabet, and there is at least one.
pub(in super::super) fn follows_alphabet(mut firsts: impl Iterator<Item = Option<char>>) -> bool {
    let first = firsts.next().flatten().filter(char::is_ascii_lowercase);
    let Some(mut last) = first else { return false };
    firsts.all(|first| {
        last = if last == 'z' { 'a' } else { char::from(last as u8 + 1) };
        first == Some(last)
    })
}

/// Whether a text of one line has at most three different vowels.
pub(super) fn few_vowels(text: &str) -> bool {
    let text = strip(text);
    !text.contains('\n') && vowels(&lower(text)) <= 3
}

/// The number of different vowels in a text in lower case.
pub(in super::super) fn vowels(text: &str) -> usize {
    ['a', 'e', 'i', 'o', 'u'].iter().filter(|vowel| text.contains(**vowel)).count()
}

/// Whether every token has two adjacent consonants.
pub(super) fn consonants(text: &str) -> bool {
    split(&lower(text)).all(has_consonants)
}

/// Whether a word in lower case has two adjacent consonants.
pub(in super::super) fn has_consonants(word: &str) -> bool {
    let is_one = |c: &u8| c.is_ascii_lowercase() && !b"aeiou".contains(c);
    word.as_bytes().windows(2).any(|two| two.iter().all(is_one))
}

/// Whether there are ten palindromes of at least five characters.
pub(super) fn palindromes(text: &str) -> bool {
    let text = lower(&without_marks(text));
    split(&text).filter(|word| is_palindrome(word)).take(10).count() == 10
}

/// Whether a word has at least five characters and is the same backwards.
pub(in super::super) fn is_palindrome(word: &str) -> bool {
    length(word) >= 5 && word.chars().eq(word.chars().rev())
}

/// Whether the length of every word is a prime number below 100.
pub(super) fn prime_lengths(text: &str) -> bool {
    split(&without_marks(text)).map(length).all(|length| length < 100 && is_prime(length))
}

pub(in super::super) fn is_prime(number: usize) -> bool {
    number >= 2 && (2..=number.isqrt()).all(|factor| !number.is_multiple_of(factor))
}

/// Whether the first token is a verb. Only the first three tokens are split.
pub(super) fn starts_with_verb(text: &str, tagger: &Tagger) -> bool {
    tagger.starts_with_verb(&treebank::iter(text).take(3).collect::<Vec<_>>())
}

/// Whether no word occurs more often than `most`.
pub(super) fn few_repeats(text: &str, most: usize) -> bool {
    let text = without_marks(&lower(text));
    repeats_at_most(split(&text), most)
}

pub(in super::super) fn repeats_at_most<'a>(
    words: impl Iterator<Item = &'a str>,
    most: usize,
) -> bool {
    let mut counts = HashMap::new();
    words.into_iter().all(|word| {
        let count = counts.entry(word).or_insert(0);
        *count += 1;
        *count <= most
    })
}

/// Whether words with even and odd numbers of syllables alternate.
pub(super) fn alternates_syllables(text: &str) -> bool {
    let text = lower(&without_marks(text));
    neighbors_differ(split(&text).map(|word| syllables::count(word) % 2))
}

/// Whether each sentence starts with the last word of the one before.
pub(super) fn last_is_first(text: &str) -> bool {
    let mut last: Option<&str> = None;
    sentences(text).enumerate().all(|(at, sentence)| {
        let first = split(trim_start(sentence)).next();
        let before = last;
        last = split(trim_end(sentence)).last();
        at == 0 || matches!((before, first), (Some(last), Some(first)) if same(last, first))
    })
}

/// Whether the first and the last word of each line are equal.
pub(super) fn lines_end_as_they_start(text: &str) -> bool {
    text.split('\n').all(|line| {
        let line = lower(strip(line));
        let mut words = split(trim_edges(&line));
        let first = words.next();
        words.last().is_none_or(|last| first == Some(last))
    })
}

/// Whether no two neighboring words start with the same character.
pub(super) fn no_repeated_start(text: &str) -> bool {
    let text = without_marks(&lower(text));
    neighbors_differ(split(&text).map(|word| word.chars().next()))
}

/// Whether a token with letters or digits at a position of a sentence is the keyword. Both count from 1.
pub(super) fn is_at(text: &str, keyword: &str, sentence: usize, word: usize) -> bool {
    let Some(sentence) = sentences(text).nth(sentence - 1) else { return false };
    let mut tokens = treebank::iter(sentence).filter(|token| token.contains(is_alphanumeric));
    tokens.nth(word - 1).is_some_and(|token| same(&token, keyword))
}

/// Whether the second and the second to last token are the keyword. A last token that occurs in the list of ASCII
/// punctuation is skipped.
pub(super) fn second_and_second_to_last(text: &str, keyword: &str) -> bool {
    let mut tokens = treebank::iter(text);
    let Some((first, second)) = tokens.next().zip(tokens.next()) else { return false };
    if !same(&second, keyword) {
        return false;
    }
    // If a text has fewer than five tokens, the first two count among its last three.
    let end: Vec<String> = tokens.rev().chain([second, first]).take(3).collect();
    let second_to_last = match &end[..] {
        [last, _, third] if MARKS.contains(last.as_str()) => third,
        [last, ..] if MARKS.contains(last.as_str()) => return false,
        [_, two, ..] => two,
        _ => return false,
    };
    same(second_to_last, keyword)
}

/// The number of words of a text without punctuation.
pub(super) fn word_count(text: &str) -> usize {
    split(&without_marks(text)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_continues_with_a_after_z() {
        assert!(alphabetical("Yes, zebras act. --") && alphabetical("m"));
        assert!(!alphabetical("a-b c") && !alphabetical("“a b") && !alphabetical("a 1"));
        assert!(!alphabetical("..."));
    }

    #[test]
    fn letters_are_ascii() {
        assert!(few_vowels(" why é is a, e \n") && !few_vowels("a\nb") && !few_vowels("aeIo"));
        assert!(consonants("its by 10th gym") && !consonants("its - by") && !consonants("s.t"));
        let level = "level ".repeat(9);
        assert!(
            palindromes(&format!("{level} 12321")) && !palindromes(&format!("{level} “level”"))
        );
    }

    #[test]
    fn lengths_and_syllables_are_of_bare_words() {
        assert!(prime_lengths("it's so") && !prime_lengths("tea book") && prime_lengths("..."));
        assert!(!prime_lengths(&"a".repeat(101)));
        assert!(alternates_syllables("ability - tea 3rd act") && !alternates_syllables("tea act"));
        assert!(few_repeats("It's its, — tea", 2) && !few_repeats("It's its tea", 1));
    }

    #[test]
    fn ends_and_starts_are_compared() {
        assert!(
            last_is_first("I like tea. (Tea is hot.) Hot it is!")
                && !last_is_first("Tea is hot. It is.")
        );
        assert!(!last_is_first("Do you like “tea”? Tea!"));
        assert!(
            lines_end_as_they_start("Go and go!\n \n--\nx")
                && !lines_end_as_they_start("**Go** and go")
        );
        assert!(no_repeated_start("ant bee, “cat” dog") && !no_repeated_start("x ** x"));
    }

    #[test]
    fn positions_are_those_of_tokens() {
        assert!(is_at("One. Don't, Cat go.", "cat", 2, 3) && !is_at("One.", "cat", 2, 1));
        let second = |text| second_and_second_to_last(text, "cat");
        assert!(second("A cat dog") && second("A cat is cat x."));
        assert!(
            !second("A cat")
                && !second("A cat dog.\"")
                && !second("A, cat x cat y")
                && !second("cat .")
        );
    }
}
