//! The measures of an answer that the rules use: sentences, words and marks, by language.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use crate::text::{is_space, words};
use crate::{Language, Mode};

static LIST_NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^[ \t]*(\*\*)?[ \t]*\d{1,3}(?:[.)][ \t]+|[、．][ \t]*)")
        .unwrap_or_else(|error| unreachable!("a constant pattern: {error}"))
});

/// A character of a Python `\w`.
pub(super) fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Removes numbers of list items at the starts of lines.
pub(super) fn without_numbers(text: &str) -> Cow<'_, str> {
    LIST_NUMBER.replace_all(text, "$1")
}

/// An answer under one set of rules.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) mode: Mode,
    pub(super) language: Language,
    pub(super) text: &'a str,
}

impl<'a> View<'a> {
    /// The same rules on a part of the answer.
    pub(super) fn part(self, text: &'a str) -> Self {
        Self { text, ..self }
    }

    /// The pieces between sentence ends. `paper` keeps blank ones.
    pub(super) fn pieces(self) -> Vec<&'a str> {
        let is_end = |c: char| match self.language {
            Language::English => matches!(c, '.' | '!' | '?'),
            Language::Chinese => matches!(c, '。' | '！' | '？'),
        };
        let keep = |piece: &&str| match self.mode {
            Mode::Paper => !piece.is_empty(),
            Mode::Repaired => !piece.trim().is_empty(),
        };
        self.text.split(is_end).filter(keep).collect()
    }

    /// The number of words of a piece, or of code points in Chinese.
    pub(super) fn piece_words(self, piece: &str) -> usize {
        match (self.language, self.mode) {
            (Language::English, _) => words(piece).count(),
            (Language::Chinese, Mode::Paper) => piece.chars().count(),
            (Language::Chinese, Mode::Repaired) => piece.trim().chars().count(),
        }
    }

    /// The number of words of the answer, or of code points in Chinese. `paper` splits at single spaces.
    pub(super) fn text_words(self) -> usize {
        match (self.language, self.mode) {
            (Language::English, Mode::Paper) => self.text.split(' ').count(),
            (Language::English | Language::Chinese, _) => self.piece_words(self.text),
        }
    }

    /// Whether the answer contains a word, or a substring in Chinese.
    pub(super) fn has(self, word: &str) -> bool {
        let mut matches = self.text.match_indices(word);
        match self.language {
            Language::Chinese => matches.next().is_some(),
            Language::English => matches.any(|(at, _)| {
                let before = self.text[..at].chars().next_back();
                let after = self.text[at + word.len()..].chars().next();
                !before.is_some_and(is_word) && !after.is_some_and(is_word)
            }),
        }
    }

    /// The number of punctuation marks.
    pub(super) fn marks(self) -> usize {
        let is_mark = |c: char| {
            c.is_ascii_punctuation()
                || self.language == Language::Chinese && "，。：’“”".contains(c)
        };
        self.text.chars().filter(|&c| is_mark(c)).count()
    }

    /// Whether a word of a list is followed by white space and a word with a given ending.
    pub(super) fn has_pair(self, first: &[&str], ending: &str) -> bool {
        let starts = first.iter().flat_map(|&first| {
            self.text.match_indices(first).map(move |(at, _)| (at, at + first.len()))
        });
        starts.into_iter().any(|(at, end)| {
            let bounded = !self.text[..at].chars().next_back().is_some_and(is_word);
            let rest = &self.text[end..];
            let next = rest.trim_start_matches(is_space);
            let length = next.find(|c| !is_word(c)).unwrap_or(next.len());
            let word = &next[..length];
            bounded
                && next.len() < rest.len()
                && word.len() > ending.len()
                && word.ends_with(ending)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(text: &str) -> View<'_> {
        View { mode: Mode::Paper, language: Language::English, text }
    }

    #[test]
    fn words_have_boundaries() {
        assert!(view("the films.").has("films") && !view("thefilms").has("films"));
        assert!(view("they have\n grown").has_pair(&["has", "have"], ""));
        assert!(!view("they have.").has_pair(&["has", "have"], ""));
        assert!(!view("behave well").has_pair(&["has", "have"], ""));
        assert!(view("they are moving.").has_pair(&["am", "is", "are"], "ing"));
        assert!(!view("they are moved, ing").has_pair(&["am", "is", "are"], "ing"));
    }

    #[test]
    fn list_numbers_are_removed() {
        assert_eq!(without_numbers("1. a\n **2) b\n3.5 c\n4、d"), "a\n**b\n3.5 c\nd");
    }
}
