//! Brackets around words.

use rand::Rng;

use super::{Family, Framing, all, say};
use crate::{
    bound::Bound, constraint::Constraint, edit::prose, lexicon::ASKED_OPENERS, measure::Measure,
    params::OutOfRange, text,
};

family! {
    /// Brackets around every word or every two words.
    Wrapping, WrappingKind, wrapping_kinds {
        /// Requires square brackets around every word.
        BracketedWords = "bracketed_words", TextPattern, weight 0.0,
            slots [Placeholders Opening Closing List Headings Bold Parentheses Quotes],
            ifeval [], styles [];
        /// Requires double angle brackets around every two words. A single word that is left at the end may stand alone.
        WrappedPairs = "wrapped_pairs", TextPattern, weight 0.0,
            slots [Placeholders Opening Closing List Headings Bold Parentheses Quotes],
            ifeval [], styles [];
    }
}

impl Family for Wrapping {
    type Kind = WrappingKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::BracketedWords | Self::WrappedPairs => Ok(()),
        }
    }

    fn phrases(&self) -> Vec<String> {
        match self {
            Self::BracketedWords => say([
                "Put every word of your response in square brackets.",
                "Enclose each word in square brackets.",
                "Every word must stand in square brackets, such as [this].",
            ]),
            Self::WrappedPairs => say([
                "Put every two words of your response in double angle brackets.",
                "Wrap every pair of words in double angle brackets, such as <<like this>>.",
                "Enclose each pair of words in double angle brackets: <<I am>> <<here now>>.",
            ]),
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        vec![match self {
            Self::BracketedWords => Bound::some(Measure::Bracketed),
            Self::WrappedPairs => Bound::some(Measure::WrappedPairs),
        }]
    }

    fn revisions(&self) -> Vec<Constraint> {
        match self {
            // People do not ask for unwrapped words, but an opening is one.
            Self::BracketedWords | Self::WrappedPairs => all(ASKED_OPENERS
                .iter()
                .take(2)
                .map(|opener| Framing::StartsWith { phrase: (*opener).to_owned() })),
        }
    }

    fn edit(&self, response: &str) -> Option<String> {
        if !prose::is_running(response) || response.contains(['[', ']', '<', '>']) {
            return None;
        }
        let inner = |token: &str| {
            let start = token.find(char::is_alphanumeric).unwrap_or(0);
            let end = token.trim_end_matches(|c: char| !c.is_alphanumeric()).len();
            (start, end)
        };
        Some(match self {
            Self::BracketedWords => map_words(response, |_, token| {
                let (start, end) = inner(token);
                format!("{}[{}]{}", &token[..start], &token[start..end], &token[end..])
            }),
            Self::WrappedPairs => {
                let words = response.split_whitespace().filter(|token| text::has_text(token));
                let paired = words.count() / 2 * 2;
                map_words(response, |at, token| {
                    let (start, end) = inner(token);
                    match at {
                        at if at >= paired => token.to_owned(),
                        at if at % 2 == 0 => format!("{}<<{}", &token[..start], &token[start..]),
                        _ => format!("{}>>{}", &token[..end], &token[end..]),
                    }
                })
            }
        })
    }

    fn back_translate(kind: WrappingKind, _response: &str) -> Vec<Constraint> {
        match kind {
            WrappingKind::BracketedWords => all([Self::BracketedWords]),
            WrappingKind::WrappedPairs => all([Self::WrappedPairs]),
        }
    }

    fn draw(kind: WrappingKind, _task: &str, _rng: &mut dyn Rng) -> Self {
        match kind {
            WrappingKind::BracketedWords => Self::BracketedWords,
            WrappingKind::WrappedPairs => Self::WrappedPairs,
        }
    }
}

/// Edits every word, with its number from 0. The space between words stays.
fn map_words(response: &str, mut edit: impl FnMut(usize, &str) -> String) -> String {
    let mut edited = String::with_capacity(response.len() * 2);
    let mut number = 0;
    for part in response.split_inclusive(char::is_whitespace) {
        let token = part.trim_end();
        if text::has_text(token) {
            edited.push_str(&edit(number, token));
            edited.push_str(&part[token.len()..]);
            number += 1;
        } else {
            edited.push_str(part);
        }
    }
    edited
}
