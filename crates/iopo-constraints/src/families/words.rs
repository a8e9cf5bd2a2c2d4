//! Which words a response uses.

use std::collections::BTreeSet;

use rand::{Rng, seq::IndexedRandom as _};
use serde_json::Value;

use super::{Family, all};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit,
    kind::Kind,
    lexicon::{self, COMMON_WORDS},
    measure::Measure,
    params::{self, Refusal, counted},
    text,
};

family! {
    /// Which words a response uses; letter case and possessive "'s" do not matter.
    Words {
        /// A word occurs.
        IncludeWord {
            /// The word.
            word: String
        };
        /// Two words occur.
        IncludeWords {
            /// One word.
            first: String,
            /// The other word.
            second: String
        };
        /// A word occurs at least so many times.
        WordFrequency {
            /// The word.
            word: String,
            /// The least number of times.
            n: usize
        };
        /// A word does not occur.
        ExcludeWord {
            /// The word.
            word: String
        };
        /// A word occurs in the first sentence.
        OpeningWord {
            /// The word.
            word: String
        };
    }
}

impl Family for Words {
    fn kind(&self) -> Kind {
        self.kind_of()
    }

    fn value(&self) -> Value {
        self.value_of()
    }

    fn validate(&self) -> Result<(), Refusal> {
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
                let times = counted(*n, "time");
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

    fn repair(&self, response: &str) -> Option<String> {
        let Self::ExcludeWord { word } = self else { return None };
        let word = text::fold(word);
        edit::drop_sentences(response, |sentence| text::occurrences(sentence, &word) > 0)
    }

    fn back_translate(kind: Kind, response: &str) -> Vec<Constraint> {
        let ranked = edit::content_words(response);
        let shown = |word: &str| edit::surface(response, word);
        let words = || ranked.iter().map(|(word, _)| shown(word));
        match kind {
            Kind::IncludeWord => all(words().take(4).map(|word| Self::IncludeWord { word })),
            Kind::IncludeWords => {
                let pair = |at: usize| {
                    let (first, second) =
                        (ranked.get(at)?.0.clone(), ranked.get(at + 1)?.0.clone());
                    Some(Self::IncludeWords { first, second })
                };
                all([0, 2, 1].into_iter().filter_map(pair))
            }
            Kind::WordFrequency => {
                all(ranked.iter().filter(|(_, count)| *count >= 2).take(3).map(|(word, count)| {
                    Self::WordFrequency { word: shown(word), n: (*count).min(4) }
                }))
            }
            Kind::ExcludeWord => {
                let used: BTreeSet<String> = text::keys(response).collect();
                let unused = lexicon::rotated(COMMON_WORDS, text::word_count(response))
                    .filter(|word| !used.contains(*word));
                all(unused.take(6).map(|word| Self::ExcludeWord { word: word.to_owned() }))
            }
            Kind::OpeningWord => {
                let first = text::sentences(response).into_iter().next();
                let opening = first.map_or("", |range| &response[range]);
                let words = edit::content_words(opening).into_iter().take(3);
                all(words.map(|(word, _)| Self::OpeningWord { word: shown(&word) }))
            }
            _ => Vec::new(),
        }
    }

    fn draw(kind: Kind, task: &str, rng: &mut dyn Rng) -> Constraint {
        let own: Vec<String> =
            edit::content_words(task).into_iter().map(|(word, _)| word).collect();
        let theme = own.choose(rng).cloned();
        let common = params::one_of(COMMON_WORDS, "help", rng).to_owned();
        let word = theme.clone().unwrap_or_else(|| common.clone());
        match kind {
            Kind::IncludeWords => {
                let second = if word == common { "today".to_owned() } else { common };
                Self::IncludeWords { first: word, second }
            }
            Kind::WordFrequency => Self::WordFrequency { word, n: params::between(2, 3, rng) },
            Kind::ExcludeWord => Self::ExcludeWord { word: common },
            Kind::OpeningWord => Self::OpeningWord { word },
            _ => Self::IncludeWord { word: common },
        }
        .into()
    }
}
