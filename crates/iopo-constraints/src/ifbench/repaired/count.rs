//! Counts of words, numbers and keywords.

use std::collections::HashSet;

use super::super::{
    lists::CONJUNCTIONS,
    natural,
    text::{all_digits, is_letter, numbers, without_marks},
};
use crate::ifeval::{python::is_decimal, repaired::words::occurrences};

pub(super) fn words(text: &str) -> usize {
    natural::words(text).count()
}

/// The number of different words.
pub(super) fn unique_words(text: &str) -> usize {
    natural::keys(text).collect::<HashSet<_>>().len()
}

/// The number of different conjunctions.
pub(super) fn conjunctions(text: &str) -> usize {
    let is_one = |word: &String| CONJUNCTIONS.contains(&word.as_str());
    natural::keys(text).filter(is_one).collect::<HashSet<_>>().len()
}

/// Counts numbers. The ends of a range and the parts of a time are separate numbers.
pub(super) fn all_numbers(text: &str) -> usize {
    let mut parted = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut last = ' ';
    while let Some(c) = chars.next() {
        let between = is_decimal(last) && chars.peek().is_some_and(|next| is_decimal(*next));
        parted.push(if between && matches!(c, '-' | ':') { ' ' } else { c });
        last = c;
    }
    numbers(&without_marks(&parted)).count()
}

/// Whether there is an nth word, and every nth word contains a Japanese character. Numbers are exempt.
pub(super) fn every_nth_japanese(text: &str, every: usize) -> bool {
    let Some(skipped) = every.checked_sub(1) else { return false };
    let mut words = natural::words(text).skip(skipped).step_by(every).peekable();
    words.peek().is_some() && words.all(|word| all_digits(word) || word.contains(is_japanese))
}

fn is_japanese(c: char) -> bool {
    matches!(c, '\u{3005}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ff66}'..='\u{ff9f}')
}

/// Whether the keywords occur once, twice, three, five and seven times as whole words.
pub(super) fn has_all_counts(text: &str, keywords: [&str; 5]) -> bool {
    let text = natural::straight(text);
    let counted = |word: &str| occurrences(&text, &natural::straight(word));
    keywords.into_iter().zip([1, 2, 3, 5, 7]).all(|(word, count)| counted(word) == count)
}

/// The number of different words of at least five letters that are the same backwards.
pub(super) fn palindromes(text: &str) -> usize {
    let is_one = |word: &String| {
        word.chars().all(is_letter) && super::super::paper::words::is_palindrome(word)
    };
    natural::keys(text).filter(is_one).collect::<HashSet<_>>().len()
}
