//! Words that must occur an exact number of times or at a certain place.

use rand::{Rng, seq::IndexedRandom as _};

use super::{Family, Words, all, words::named};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit::{self, swap},
    lexicon::{COMMON_WORDS, STOP_WORDS},
    measure::Measure,
    natural,
    params::{self, OutOfRange, quantity},
    text,
};

family! {
    /// Words that must occur an exact number of times or at a certain place. Case and possessive "'s" are ignored.
    Keywords, KeywordsKind, keywords_kinds {
        /// Requires a word exactly once.
        WordOnce {
            /// The word.
            word: String,
        } = "word_once", Inclusion, weight 0.0, slots [], ifeval [], styles [];
        /// Requires a word an exact number of times.
        ExactFrequency {
            /// The word.
            word: String,
            /// The number of occurrences.
            n: usize,
        } = "exact_frequency", Inclusion, weight 0.0, slots [], ifeval [], styles [];
        /// Requires one word exactly once and another one exactly twice.
        OnceAndTwice {
            /// The word that occurs once.
            first: String,
            /// The word that occurs twice.
            second: String,
        } = "once_and_twice", Inclusion, weight 0.0, slots [], ifeval [], styles [];
        /// Requires a word at a position of a sentence.
        WordAtPosition {
            /// The word.
            word: String,
            /// The number of the sentence, from 1.
            sentence: usize,
            /// The number of the word in the sentence, from 1.
            position: usize,
        } = "word_at_position", TextPattern, weight 0.0, slots [], ifeval [], styles [];
    }
}

impl Family for Keywords {
    type Kind = KeywordsKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::WordOnce { word } => params::word("word", word),
            Self::ExactFrequency { word, n } => {
                params::word("word", word)?;
                params::number("n", *n, 2, 50)
            }
            Self::OnceAndTwice { first, second } => {
                params::word("first", first)?;
                params::word("second", second)?;
                params::distinct("second", first, second)
            }
            Self::WordAtPosition { word, sentence, position } => {
                params::spaced_word("word", word)?;
                params::number("sentence", *sentence, 1, 50)?;
                params::number("position", *position, 1, 100)
            }
        }
    }

    fn phrases(&self) -> Vec<String> {
        match self {
            Self::WordOnce { word } => vec![
                format!("Use the word \"{word}\" exactly once."),
                format!("The word \"{word}\" must appear exactly once."),
                format!("Mention \"{word}\" exactly one time in your response."),
            ],
            Self::ExactFrequency { word, n } => {
                let times = quantity(*n, "time");
                vec![
                    format!("Use the word \"{word}\" exactly {times}."),
                    format!("The word \"{word}\" must appear exactly {times}."),
                    format!("Mention \"{word}\" {times}, no more and no fewer."),
                ]
            }
            Self::OnceAndTwice { first, second } => vec![
                format!(
                    "Use the word \"{first}\" exactly once and the word \"{second}\" exactly twice."
                ),
                format!(
                    "The word \"{first}\" must appear once, and the word \"{second}\" must appear twice."
                ),
                format!("Mention \"{first}\" exactly one time and \"{second}\" exactly two times."),
            ],
            Self::WordAtPosition { word, sentence, position } => vec![
                format!(
                    "The word \"{word}\" must be word number {position} of sentence number {sentence}."
                ),
                format!(
                    "Use the word \"{word}\" as the {} word of the {} sentence.",
                    ordinal(*position),
                    ordinal(*sentence)
                ),
                format!("Place the word \"{word}\" at position {position} of sentence {sentence}."),
            ],
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        let of = |word: &String| Measure::Word(text::fold(word));
        match self {
            Self::WordOnce { word } => vec![Bound::exactly(of(word), 1)],
            Self::ExactFrequency { word, n } => vec![Bound::exactly(of(word), *n)],
            Self::OnceAndTwice { first, second } => {
                vec![Bound::exactly(of(first), 1), Bound::exactly(of(second), 2)]
            }
            Self::WordAtPosition { word, sentence, position } => {
                let (word, sentence, position) = (text::fold(word), *sentence, *position);
                vec![Bound::some(Measure::WordAt { word, sentence, position })]
            }
        }
    }

    fn revisions(&self) -> Vec<Constraint> {
        let without = |word: &String| Words::ExcludeWord { word: word.clone() }.into();
        match self {
            Self::WordOnce { word } => {
                let more = Words::WordFrequency { word: word.clone(), n: 2 };
                let exact = Self::ExactFrequency { word: word.clone(), n: 2 };
                vec![exact.into(), more.into(), without(word)]
            }
            Self::ExactFrequency { word, n } => {
                let other = |n| Self::ExactFrequency { word: word.clone(), n };
                let mut found = all([other(n.saturating_add(1)), other(n.saturating_sub(1))]);
                found.push(Self::WordOnce { word: word.clone() }.into());
                found.push(without(word));
                found
            }
            Self::OnceAndTwice { first, second } => {
                let swapped = Self::OnceAndTwice { first: second.clone(), second: first.clone() };
                vec![swapped.into(), without(first), without(second)]
            }
            Self::WordAtPosition { word, sentence, position } => {
                let other = COMMON_WORDS.iter().find(|other| text::fold(word) != **other);
                let other = other.map(|other| Self::WordAtPosition {
                    word: (*other).to_owned(),
                    sentence: *sentence,
                    position: *position,
                });
                let mut found = vec![without(word)];
                found.extend(all(other));
                found
            }
        }
    }

    fn edit(&self, response: &str) -> Option<String> {
        match self {
            Self::WordOnce { word } => with_exactly(response, word, 1),
            Self::ExactFrequency { word, n } => with_exactly(response, word, *n),
            Self::OnceAndTwice { first, second } => {
                with_exactly(&with_exactly(response, first, 1)?, second, 2)
            }
            // Words move only with the clauses around them.
            Self::WordAtPosition { .. } => None,
        }
    }

    fn back_translate(kind: KeywordsKind, response: &str) -> Vec<Constraint> {
        let ranked = edit::content_words(response);
        let shown = |word: &str| edit::surface(response, word);
        let counted = |wanted: usize| {
            ranked.iter().filter(move |(_, count)| *count == wanted).map(|(word, _)| word.as_str())
        };
        match kind {
            KeywordsKind::WordOnce => {
                all(counted(1).take(4).map(|word| Self::WordOnce { word: shown(word) }))
            }
            KeywordsKind::ExactFrequency => all(ranked
                .iter()
                .filter(|(_, count)| (2..=8).contains(count))
                .take(3)
                .map(|(word, n)| Self::ExactFrequency { word: shown(word), n: *n })),
            KeywordsKind::OnceAndTwice => {
                all(counted(1).zip(counted(2)).take(3).map(|(first, second)| Self::OnceAndTwice {
                    first: shown(first),
                    second: shown(second),
                }))
            }
            KeywordsKind::WordAtPosition => {
                let sentences = natural::sentences(response).into_iter().take(3).enumerate();
                let placed = sentences.flat_map(|(sentence, text)| {
                    let words = natural::words(text).enumerate().take(12);
                    words.map(move |(position, word)| (word, sentence + 1, position + 1))
                });
                let telling = placed
                    .filter(|(word, ..)| word.len() >= 4 && !STOP_WORDS.contains(&word.as_str()));
                all(telling.step_by(2).take(4).map(|(word, sentence, position)| {
                    Self::WordAtPosition { word: shown(&word), sentence, position }
                }))
            }
        }
    }

    fn draw(kind: KeywordsKind, task: &str, rng: &mut dyn Rng) -> Self {
        let word = word_for(task, rng);
        match kind {
            KeywordsKind::WordOnce => Self::WordOnce { word },
            KeywordsKind::ExactFrequency => {
                Self::ExactFrequency { word, n: params::between(2, 6, rng) }
            }
            KeywordsKind::OnceAndTwice => {
                let others: Vec<&str> =
                    COMMON_WORDS.iter().copied().filter(|other| *other != word).collect();
                let second = params::one_of(&others, "today", rng).to_owned();
                Self::OnceAndTwice { first: word, second }
            }
            KeywordsKind::WordAtPosition => Self::WordAtPosition {
                word,
                sentence: params::between(1, 5, rng),
                position: params::between(1, 10, rng),
            },
        }
    }
}

/// A content word of the task, or a frequent one.
fn word_for(task: &str, rng: &mut dyn Rng) -> String {
    let mut words: Vec<String> =
        edit::content_words(task).into_iter().map(|(word, _)| word).collect();
    words.push(params::one_of(COMMON_WORDS, "help", rng).to_owned());
    words.choose(rng).cloned().unwrap_or_else(|| "help".to_owned())
}

/// A number as an ordinal: 1st, 2nd, 11th.
fn ordinal(n: usize) -> String {
    let ending = match (n % 10, n % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

/// A text with a word exactly `n` times: with the word in place of others, or without the sentences from the next
/// occurrence on.
fn with_exactly(response: &str, word: &str, n: usize) -> Option<String> {
    let word = text::fold(word);
    let found = text::occurrences(response, &word);
    if found > n {
        let mut kept = 0;
        return edit::keep_sentences(response, |_, sentence| {
            kept += text::occurrences(sentence, &word);
            kept <= n
        });
    }
    match n - found {
        0 => Some(response.to_owned()),
        1 if found == 0 => swap::included(response, &word),
        _ => named(response, &word, n),
    }
}
