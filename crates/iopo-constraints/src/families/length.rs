//! How long a response is: words, sentences, paragraphs.

use rand::Rng;
use serde_json::Value;

use super::{Family, all};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit,
    kind::Kind,
    measure::Measure,
    params::{self, Refusal, counted, round_down, round_up},
    text,
};

const MOST_WORDS: usize = 2000;

family! {
    /// How long a response is.
    Length {
        /// At most so many words.
        MaxWords {
            /// The limit.
            n: usize
        };
        /// At least so many words.
        MinWords {
            /// The limit.
            n: usize
        };
        /// A number of words in a range.
        WordRange {
            /// The least number.
            low: usize,
            /// The greatest number.
            high: usize
        };
        /// Exactly so many sentences.
        ExactSentences {
            /// The number.
            n: usize
        };
        /// At most so many sentences.
        MaxSentences {
            /// The limit.
            n: usize
        };
        /// At least so many sentences.
        MinSentences {
            /// The limit.
            n: usize
        };
        /// Exactly so many paragraphs.
        ExactParagraphs {
            /// The number.
            n: usize
        };
        /// No sentence has more than so many words.
        MaxSentenceWords {
            /// The limit.
            n: usize
        };
        /// Some sentence has at least so many words.
        LongSentence {
            /// The limit.
            n: usize
        };
    }
}

impl Family for Length {
    fn kind(&self) -> Kind {
        self.kind_of()
    }

    fn value(&self) -> Value {
        self.value_of()
    }

    fn validate(&self) -> Result<(), Refusal> {
        match *self {
            Self::MaxWords { n } | Self::MinWords { n } => params::number("n", n, 1, MOST_WORDS),
            Self::WordRange { low, high } => {
                params::number("low", low, 1, MOST_WORDS)?;
                params::number("high", high, 1, MOST_WORDS)?;
                params::ordered("high", low, high)
            }
            Self::ExactSentences { n } | Self::MaxSentences { n } | Self::MinSentences { n } => {
                params::number("n", n, 1, 100)
            }
            Self::ExactParagraphs { n } => params::number("n", n, 1, 50),
            Self::MaxSentenceWords { n } => params::number("n", n, 3, 100),
            Self::LongSentence { n } => params::number("n", n, 5, 100),
        }
    }

    fn phrases(&self) -> Vec<String> {
        match *self {
            Self::MaxWords { n } => {
                let words = counted(n, "word");
                vec![
                    format!("Use at most {words}."),
                    format!("Keep the whole response to {words} or fewer."),
                    format!("Your answer must not be longer than {words}."),
                    format!("Do not write more than {words}."),
                ]
            }
            Self::MinWords { n } => {
                let words = counted(n, "word");
                vec![
                    format!("Use at least {words}."),
                    format!("Your answer must be at least {words} long."),
                    format!("Write no fewer than {words}."),
                    format!("Make the response {words} long or longer."),
                ]
            }
            Self::WordRange { low, high } => vec![
                format!("Use between {low} and {high} words."),
                format!("The response should be {low} to {high} words long."),
                format!("Write at least {low} but at most {high} words."),
            ],
            Self::ExactSentences { n } => {
                let sentences = counted(n, "sentence");
                vec![
                    format!("Answer in exactly {sentences}."),
                    format!("Your response must have exactly {sentences}."),
                    format!("Write {sentences}, no more and no fewer."),
                ]
            }
            Self::MaxSentences { n } => {
                let sentences = counted(n, "sentence");
                vec![
                    format!("Use at most {sentences}."),
                    format!("Answer in no more than {sentences}."),
                    format!("Keep the response to {sentences} or fewer."),
                ]
            }
            Self::MinSentences { n } => {
                let sentences = counted(n, "sentence");
                vec![
                    format!("Use at least {sentences}."),
                    format!("Answer in no fewer than {sentences}."),
                    format!("The response should have {sentences} or more."),
                ]
            }
            Self::ExactParagraphs { n } => {
                let paragraphs = counted(n, "paragraph");
                let apart = if n == 1 { "" } else { ", separated by blank lines" };
                vec![
                    format!("Write exactly {paragraphs}{apart}."),
                    format!("Your response must consist of {paragraphs}{apart}."),
                    format!("Organize the answer into exactly {paragraphs}{apart}."),
                ]
            }
            Self::MaxSentenceWords { n } => vec![
                format!("No sentence may have more than {n} words."),
                format!("Keep every sentence to at most {n} words."),
                format!("Write short sentences of no more than {n} words each."),
            ],
            Self::LongSentence { n } => vec![
                format!("At least one sentence must have {n} words or more."),
                format!("Include a long sentence of at least {n} words."),
                format!("Write at least one sentence that is {n} or more words long."),
            ],
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        vec![match *self {
            Self::MaxWords { n } => Bound::at_most(Measure::Words, n),
            Self::MinWords { n } => Bound::at_least(Measure::Words, n),
            Self::WordRange { low, high } => Bound { measure: Measure::Words, low, high },
            Self::ExactSentences { n } => Bound::exactly(Measure::Sentences, n),
            Self::MaxSentences { n } => Bound::at_most(Measure::Sentences, n),
            Self::MinSentences { n } => Bound::at_least(Measure::Sentences, n),
            Self::ExactParagraphs { n } => Bound::exactly(Measure::Paragraphs, n),
            Self::MaxSentenceWords { n } => Bound::at_most(Measure::LongestSentence, n),
            Self::LongSentence { n } => Bound::at_least(Measure::LongestSentence, n),
        }]
    }

    fn revisions(&self) -> Vec<Constraint> {
        let around = |n: usize| [n + 1, n.saturating_sub(1), n + 2];
        match *self {
            Self::MaxWords { n } => {
                let up = round_up(n + 1);
                let range = Self::WordRange { low: up, high: round_up(up + up / 2) };
                all([Self::MinWords { n: up }, Self::MinWords { n: round_up(up + 1) }, range])
            }
            Self::MinWords { n } => {
                let down = round_down(n.saturating_sub(1)).max(1);
                all([Self::MaxWords { n: down }, Self::MaxWords { n: round_down(down - 1) }])
            }
            Self::WordRange { low, high } => all([
                Self::MinWords { n: round_up(high + 1) },
                Self::MaxWords { n: round_down(low.saturating_sub(1)) },
            ]),
            Self::ExactSentences { n } => all(around(n).map(|n| Self::ExactSentences { n })),
            Self::MaxSentences { n } => all([n + 1, n + 2].map(|n| Self::MinSentences { n })),
            Self::MinSentences { n } => {
                all([n.saturating_sub(1), n.saturating_sub(2)].map(|n| Self::MaxSentences { n }))
            }
            Self::ExactParagraphs { n } => all(around(n).map(|n| Self::ExactParagraphs { n })),
            Self::MaxSentenceWords { n } => {
                all([round_up(n + 1).max(5), round_up(n + 1) + 5].map(|n| Self::LongSentence { n }))
            }
            Self::LongSentence { n } => {
                let down = round_down(n - 1).max(4);
                all([down, down.saturating_sub(5)].map(|n| Self::MaxSentenceWords { n }))
            }
        }
    }

    fn repair(&self, response: &str) -> Option<String> {
        match *self {
            Self::MaxWords { n: high } | Self::WordRange { high, .. } => {
                let mut words = 0;
                edit::keep_sentences(response, |_, sentence| {
                    words += text::word_count(sentence);
                    words <= high
                })
            }
            Self::ExactSentences { n } | Self::MaxSentences { n } => {
                edit::keep_sentences(response, |index, _| index <= n)
            }
            Self::ExactParagraphs { n: 1 } if edit::is_prose(response) => {
                Some(edit::join_lines(response))
            }
            Self::ExactParagraphs { n } => {
                let last = text::paragraphs(response).into_iter().nth(n.checked_sub(1)?)?;
                Some(response[..last.end].to_owned())
            }
            _ => None,
        }
    }

    fn back_translate(kind: Kind, response: &str) -> Vec<Constraint> {
        let words = text::word_count(response);
        let sentences = text::sentences(response).len();
        let longest = Measure::LongestSentence.count(response);
        let clear = edit::is_clear_prose(response);
        match kind {
            Kind::MaxWords if (2..=400).contains(&words) => {
                let tight = round_up(words);
                all([tight, round_up(tight + 1)].map(|n| Self::MaxWords { n }))
            }
            Kind::MinWords if words >= 10 => {
                let tight = round_down(words);
                let loose = round_down(tight.saturating_sub(1));
                all([tight, loose].into_iter().filter(|&n| n >= 10).map(|n| Self::MinWords { n }))
            }
            Kind::WordRange if (12..=400).contains(&words) => {
                let (low, high) = (round_down(words), round_up(words + 1));
                let lower = round_down(low.saturating_sub(1)).max(5);
                all([Self::WordRange { low: lower, high }, Self::WordRange { low, high }])
            }
            Kind::ExactSentences if clear && sentences <= 8 => {
                all([Self::ExactSentences { n: sentences }])
            }
            Kind::MaxSentences if clear && sentences <= 10 => {
                all([sentences, sentences + 1].map(|n| Self::MaxSentences { n }))
            }
            Kind::MinSentences if clear && sentences >= 2 => all([sentences, sentences - 1]
                .into_iter()
                .filter(|n| (2..=10).contains(n))
                .map(|n| Self::MinSentences { n })),
            Kind::ExactParagraphs if edit::is_prose(response) => {
                let n = text::paragraphs(response).len();
                // One short line is no paragraph to speak of.
                let telling = (n > 1 && n <= 8) || (n == 1 && sentences > 1);
                all(telling.then_some(Self::ExactParagraphs { n }))
            }
            Kind::MaxSentenceWords if clear && sentences > 1 && longest <= 30 => {
                all([round_up(longest.max(5))].map(|n| Self::MaxSentenceWords { n }))
            }
            Kind::LongSentence if clear && longest >= 15 => {
                all([Self::LongSentence { n: round_down(longest).min(30) }])
            }
            _ => Vec::new(),
        }
    }

    fn draw(kind: Kind, _task: &str, rng: &mut dyn Rng) -> Constraint {
        let few = params::between(1, 5, rng);
        let low = params::one_of(&[20, 30, 40, 50, 60, 80], 40, rng);
        match kind {
            Kind::MinWords => Self::MinWords { n: low },
            Kind::WordRange => Self::WordRange { low, high: low + low.max(30) },
            Kind::ExactSentences => Self::ExactSentences { n: few },
            Kind::MaxSentences => Self::MaxSentences { n: few },
            Kind::MinSentences => Self::MinSentences { n: few + 1 },
            Kind::ExactParagraphs => Self::ExactParagraphs { n: few.min(3) },
            Kind::MaxSentenceWords => {
                Self::MaxSentenceWords { n: params::one_of(&[10, 15, 20], 15, rng) }
            }
            Kind::LongSentence => Self::LongSentence { n: params::one_of(&[15, 20, 25], 20, rng) },
            _ => Self::MaxWords { n: low },
        }
        .into()
    }
}
