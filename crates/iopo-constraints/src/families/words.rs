//! Words that must or must not occur.

use std::collections::BTreeSet;

use rand::{Rng, seq::IndexedRandom as _};

use super::{Family, all};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit::{self, clauses, nouns, prose, swap},
    lexicon::{self, COMMON_WORDS},
    measure::Measure,
    params::{self, OutOfRange, quantity},
    text,
};

family! {
    /// Words that must or must not occur. Case and possessive "'s" are ignored.
    Words, WordsKind, words_kinds {
        /// Requires a word.
        IncludeWord {
            /// The word.
            word: String,
        } = "include_word", Inclusion, weight 1.6, slots [], ifeval [KeywordsExistence], styles [];
        /// Requires two words.
        IncludeWords {
            /// The first word.
            first: String,
            /// The second word.
            second: String,
        } = "include_words", Inclusion, weight 1.0, slots [], ifeval [KeywordsExistence], styles [];
        /// Requires a word a minimum number of times.
        WordFrequency {
            /// The word.
            word: String,
            /// The minimum number of occurrences.
            n: usize,
        } = "word_frequency", Inclusion, weight 1.0, slots [], ifeval [KeywordFrequency], styles [];
        /// Forbids a word.
        ExcludeWord {
            /// The word.
            word: String,
        } = "exclude_word", Exclusion, weight 1.4, slots [], ifeval [ForbiddenWords], styles [];
        /// Requires a word in the first sentence.
        OpeningWord {
            /// The word.
            word: String,
        } = "opening_word", Theme, weight 1.0, slots [], ifeval [], styles [];
    }
}

impl Family for Words {
    type Kind = WordsKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::IncludeWord { word }
            | Self::ExcludeWord { word }
            | Self::OpeningWord { word } => params::word("word", word),
            Self::IncludeWords { first, second } => {
                params::word("first", first)?;
                params::word("second", second)?;
                params::distinct("second", first, second)
            }
            Self::WordFrequency { word, n } => {
                params::word("word", word)?;
                params::number("n", *n, 2, 20)
            }
        }
    }

    fn phrases(&self) -> Vec<String> {
        match self {
            Self::IncludeWord { word } => vec![
                format!("Include the word \"{word}\"."),
                format!("Use the word \"{word}\" in your response."),
                format!("The word \"{word}\" must appear in the answer."),
                format!("Make sure to mention the word \"{word}\"."),
            ],
            Self::IncludeWords { first, second } => vec![
                format!("Include the words \"{first}\" and \"{second}\"."),
                format!("Use both \"{first}\" and \"{second}\" in your response."),
                format!("The answer must mention the words \"{first}\" and \"{second}\"."),
            ],
            Self::WordFrequency { word, n } => {
                let times = quantity(*n, "time");
                vec![
                    format!("Use the word \"{word}\" at least {times}."),
                    format!("The word \"{word}\" should appear at least {times}."),
                    format!("Mention \"{word}\" {times} or more."),
                ]
            }
            Self::ExcludeWord { word } => vec![
                format!("Do not use the word \"{word}\"."),
                format!("Avoid the word \"{word}\"."),
                format!("The word \"{word}\" must not appear in your response."),
                format!("Write the answer without the word \"{word}\"."),
            ],
            Self::OpeningWord { word } => vec![
                format!("Mention the word \"{word}\" in the first sentence."),
                format!("The first sentence must contain the word \"{word}\"."),
                format!("Bring up the word \"{word}\" right in your opening sentence."),
            ],
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        let of = |word: &String| Measure::Word(text::fold(word));
        match self {
            Self::IncludeWord { word } => vec![Bound::some(of(word))],
            Self::IncludeWords { first, second } => {
                vec![Bound::some(of(first)), Bound::some(of(second))]
            }
            Self::WordFrequency { word, n } => vec![Bound::at_least(of(word), *n)],
            Self::ExcludeWord { word } => vec![Bound::none(of(word))],
            Self::OpeningWord { word } => vec![Bound::some(Measure::OpeningWord(text::fold(word)))],
        }
    }

    fn revisions(&self) -> Vec<Constraint> {
        let without = |word: &String| Self::ExcludeWord { word: word.clone() };
        match self {
            Self::IncludeWord { word }
            | Self::WordFrequency { word, .. }
            | Self::OpeningWord { word } => all([without(word)]),
            Self::IncludeWords { first, second } => all([without(first), without(second)]),
            Self::ExcludeWord { word } => all([
                Self::IncludeWord { word: word.clone() },
                Self::WordFrequency { word: word.clone(), n: 2 },
            ]),
        }
    }

    fn edit(&self, response: &str) -> Option<String> {
        match self {
            Self::ExcludeWord { word } => {
                let word = text::fold(word);
                swap::excluded(response, &word).or_else(|| {
                    edit::drop_sentences(response, |sentence| {
                        text::occurrences(sentence, &word) > 0
                    })
                })
            }
            Self::IncludeWord { word } => swap::included(response, &text::fold(word)),
            Self::IncludeWords { first, second } => {
                let mut edited = response.to_owned();
                for word in [first, second].map(|word| text::fold(word)) {
                    if text::occurrences(&edited, &word) == 0 {
                        edited = swap::included(&edited, &word)?;
                    }
                }
                Some(edited)
            }
            Self::OpeningWord { word } => {
                let word = text::fold(word);
                brought_forward(response, &word).or_else(|| {
                    let phrase = nouns::noun_phrase(response, &word)?;
                    prose::open_with(response, &format!("When it comes to {phrase},"))
                })
            }
            Self::WordFrequency { word, n } => named(response, &text::fold(word), *n),
        }
    }

    fn back_translate(kind: WordsKind, response: &str) -> Vec<Constraint> {
        let ranked = edit::content_words(response);
        let shown = |word: &str| edit::surface(response, word);
        let words = || ranked.iter().map(|(word, _)| shown(word));
        match kind {
            WordsKind::IncludeWord => all(words().take(4).map(|word| Self::IncludeWord { word })),
            WordsKind::IncludeWords => {
                let pair = |at: usize| {
                    let (first, second) =
                        (ranked.get(at)?.0.clone(), ranked.get(at + 1)?.0.clone());
                    Some(Self::IncludeWords { first, second })
                };
                all([0, 2, 1].into_iter().filter_map(pair))
            }
            WordsKind::WordFrequency => {
                all(ranked.iter().filter(|(_, count)| *count >= 2).take(3).map(|(word, count)| {
                    Self::WordFrequency { word: shown(word), n: (*count).min(4) }
                }))
            }
            WordsKind::ExcludeWord => {
                let used: BTreeSet<String> = text::keys(response).collect();
                let unused = lexicon::rotated(COMMON_WORDS, text::word_count(response))
                    .filter(|word| !used.contains(*word));
                all(unused.take(6).map(|word| Self::ExcludeWord { word: word.to_owned() }))
            }
            WordsKind::OpeningWord => {
                let first = text::sentences(response).into_iter().next();
                let opening = first.map_or("", |range| &response[range]);
                let words = edit::content_words(opening).into_iter().take(3);
                all(words.map(|(word, _)| Self::OpeningWord { word: shown(&word) }))
            }
        }
    }

    fn draw(kind: WordsKind, task: &str, rng: &mut dyn Rng) -> Self {
        let own: Vec<String> =
            edit::content_words(task).into_iter().map(|(word, _)| word).collect();
        let theme = own.choose(rng).cloned();
        let common = params::one_of(COMMON_WORDS, "help", rng).to_owned();
        let word = theme.clone().unwrap_or_else(|| common.clone());
        match kind {
            WordsKind::IncludeWords => {
                let second = if word == common { "today".to_owned() } else { common };
                Self::IncludeWords { first: word, second }
            }
            WordsKind::WordFrequency => Self::WordFrequency { word, n: params::between(2, 3, rng) },
            WordsKind::ExcludeWord => Self::ExcludeWord { word: common },
            WordsKind::OpeningWord => Self::OpeningWord { word },
            WordsKind::IncludeWord => Self::IncludeWord { word: common },
        }
    }
}

/// Joins the first sentence with the next one if that has a word, or drops a first sentence that only leads to it.
fn brought_forward(response: &str, word: &str) -> Option<String> {
    if !prose::is_running(response) {
        return None;
    }
    let sentences = text::sentences(response);
    let [first, second, ..] = sentences.as_slice() else { return None };
    let (start, next) = (&response[first.clone()], &response[second.clone()]);
    if text::occurrences(next, word) == 0 || &response[first.end..second.start] != " " {
        return None;
    }
    let joined = clauses::joined(&[start, next], response)?;
    Some(format!("{joined}{}", &response[second.end..]))
}

/// Names a noun of the text once more, in a sentence at the end.
pub(super) fn named(response: &str, word: &str, n: usize) -> Option<String> {
    const ENDINGS: &[&str] =
        &["Let me know if you would like to hear more about", "Feel free to ask me about"];
    let phrase = nouns::noun_phrase(response, word)?;
    let ending = format!("{} {phrase}.", prose::varied(ENDINGS, response));
    let edited = prose::close_with(response, &ending)?;
    (text::occurrences(&edited, word) >= n).then_some(edited)
}
