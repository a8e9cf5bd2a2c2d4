//! Length: words, sentences, paragraphs.

use rand::Rng;

use super::{Family, all};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit::{self, clauses, outline, prose},
    measure::Measure,
    params::{self, OutOfRange, quantity, round_down, round_up},
    text,
};

const MOST_WORDS: usize = 2000;

family! {
    /// The length of a response.
    Length, LengthKind, length_kinds {
        /// Limits the number of words from above.
        MaxWords {
            /// The limit.
            n: usize,
        } = "max_words", Numerical, weight 1.6,
            slots [WordsHigh], ifeval [NumberWords], styles [ShortParagraph Brief FewSentences];
        /// Limits the number of words from below.
        MinWords {
            /// The limit.
            n: usize,
        } = "min_words", Numerical, weight 1.4,
            slots [WordsLow], ifeval [NumberWords], styles [SeveralParagraphs];
        /// Requires a number of words in a range.
        WordRange {
            /// The minimum.
            low: usize,
            /// The maximum.
            high: usize,
        } = "word_range", Numerical, weight 1.2,
            slots [WordsHigh WordsLow], ifeval [NumberWords],
            styles [ShortParagraph Brief SeveralParagraphs FewSentences];
        /// Requires an exact number of sentences.
        ExactSentences {
            /// The number.
            n: usize,
        } = "exact_sentences", Numerical, weight 1.2,
            slots [Sentences], ifeval [NumberSentences], styles [FewSentences];
        /// Limits the number of sentences from above.
        MaxSentences {
            /// The limit.
            n: usize,
        } = "max_sentences", Numerical, weight 1.2,
            slots [Sentences], ifeval [NumberSentences], styles [ShortParagraph Brief FewSentences];
        /// Limits the number of sentences from below.
        MinSentences {
            /// The limit.
            n: usize,
        } = "min_sentences", Numerical, weight 1.0,
            slots [Sentences], ifeval [NumberSentences], styles [SeveralParagraphs FewSentences];
        /// Requires an exact number of paragraphs.
        ExactParagraphs {
            /// The number.
            n: usize,
        } = "exact_paragraphs", Numerical, weight 1.2,
            slots [Blocks], ifeval [], styles [ShortParagraph SeveralParagraphs];
        /// Limits the number of words in every sentence.
        MaxSentenceWords {
            /// The limit.
            n: usize,
        } = "max_sentence_words", GrammarStructure, weight 0.7,
            slots [Sentences], ifeval [], styles [ForAChild];
        /// Requires a sentence with a minimum number of words.
        LongSentence {
            /// The limit.
            n: usize,
        } = "long_sentence", GrammarStructure, weight 0.4, slots [Sentences], ifeval [], styles [];
    }
}

impl Family for Length {
    type Kind = LengthKind;

    fn validate(&self) -> Result<(), OutOfRange> {
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
                let words = quantity(n, "word");
                vec![
                    format!("Use at most {words}."),
                    format!("Keep the whole response to {words} or fewer."),
                    format!("Your answer must not be longer than {words}."),
                    format!("Do not write more than {words}."),
                ]
            }
            Self::MinWords { n } => {
                let words = quantity(n, "word");
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
                let sentences = quantity(n, "sentence");
                vec![
                    format!("Answer in exactly {sentences}."),
                    format!("Your response must have exactly {sentences}."),
                    format!("Write {sentences}, no more and no fewer."),
                ]
            }
            Self::MaxSentences { n } => {
                let sentences = quantity(n, "sentence");
                vec![
                    format!("Use at most {sentences}."),
                    format!("Answer in no more than {sentences}."),
                    format!("Keep the response to {sentences} or fewer."),
                ]
            }
            Self::MinSentences { n } => {
                let sentences = quantity(n, "sentence");
                vec![
                    format!("Use at least {sentences}."),
                    format!("Answer in no fewer than {sentences}."),
                    format!("The response should have {sentences} or more."),
                ]
            }
            Self::ExactParagraphs { n } => {
                let paragraphs = quantity(n, "paragraph");
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
        let around = |n: usize| [n.saturating_add(1), n.saturating_sub(1), n.saturating_add(2)];
        match *self {
            Self::MaxWords { n } => {
                let up = round_up(n.saturating_add(1));
                let (next, high) = (up.saturating_add(1), up.saturating_add(up / 2));
                let range = Self::WordRange { low: up, high: round_up(high) };
                all([Self::MinWords { n: up }, Self::MinWords { n: round_up(next) }, range])
            }
            Self::MinWords { n } => {
                let down = round_down(n.saturating_sub(1)).max(1);
                all([Self::MaxWords { n: down }, Self::MaxWords { n: round_down(down - 1) }])
            }
            Self::WordRange { low, high } => all([
                Self::MinWords { n: round_up(high.saturating_add(1)) },
                Self::MaxWords { n: round_down(low.saturating_sub(1)) },
            ]),
            Self::ExactSentences { n } => all(around(n).map(|n| Self::ExactSentences { n })),
            Self::MaxSentences { n } => {
                all([1, 2].map(|more| Self::MinSentences { n: n.saturating_add(more) }))
            }
            Self::MinSentences { n } => {
                all([n.saturating_sub(1), n.saturating_sub(2)].map(|n| Self::MaxSentences { n }))
            }
            Self::ExactParagraphs { n } => all(around(n).map(|n| Self::ExactParagraphs { n })),
            Self::MaxSentenceWords { n } => {
                let up = round_up(n.saturating_add(1));
                all([up.max(5), up.saturating_add(5)].map(|n| Self::LongSentence { n }))
            }
            Self::LongSentence { n } => {
                let down = round_down(n.saturating_sub(1)).max(4);
                all([down, down.saturating_sub(5)].map(|n| Self::MaxSentenceWords { n }))
            }
        }
    }

    fn edit(&self, response: &str) -> Option<String> {
        match *self {
            Self::MaxWords { n: high } | Self::WordRange { high, .. } => {
                let mut words = 0;
                edit::keep_sentences(response, |_, sentence| {
                    words += text::word_count(sentence);
                    words <= high
                })
            }
            Self::ExactSentences { n } if text::sentences(response).len() < n => {
                clauses::more_sentences(response, n)
            }
            Self::ExactSentences { n } | Self::MaxSentences { n } => {
                edit::keep_sentences(response, |index, _| index <= n)
            }
            Self::ExactParagraphs { n: 1 } if edit::is_prose(response) => {
                Some(edit::join_lines(response))
            }
            Self::ExactParagraphs { n } => {
                let gap = if prose::is_running(response) { "\n\n" } else { "\n" };
                let parts = outline::parts(response, n)?;
                let parts = parts.into_iter().map(|part| part.replace("\n\n", gap));
                Some(parts.collect::<Vec<_>>().join("\n\n"))
            }
            Self::MinSentences { n } => clauses::more_sentences(response, n).or_else(|| {
                // One more sentence may be a polite one.
                let ended = prose::close_with(response, "I hope this helps.")?;
                clauses::more_sentences(&ended, n)
            }),
            Self::MaxSentenceWords { n } => clauses::shorter_sentences(response, n),
            Self::LongSentence { n } => clauses::longer_sentence(response, n),
            // More words would be invented.
            Self::MinWords { .. } => None,
        }
    }

    fn back_translate(kind: LengthKind, response: &str) -> Vec<Constraint> {
        let words = text::word_count(response);
        let sentences = text::sentences(response).len();
        let longest = Measure::LongestSentence.count(response);
        let clear = edit::is_clear_prose(response);
        match kind {
            LengthKind::MaxWords if (2..=400).contains(&words) => {
                let tight = round_up(words);
                all([tight, round_up(tight + 1)].map(|n| Self::MaxWords { n }))
            }
            LengthKind::MinWords if words >= 10 => {
                let tight = round_down(words);
                let loose = round_down(tight.saturating_sub(1));
                all([tight, loose].into_iter().filter(|&n| n >= 10).map(|n| Self::MinWords { n }))
            }
            LengthKind::WordRange if (12..=400).contains(&words) => {
                let (low, high) = (round_down(words), round_up(words + 1));
                let lower = round_down(low.saturating_sub(1)).max(5);
                all([Self::WordRange { low: lower, high }, Self::WordRange { low, high }])
            }
            LengthKind::ExactSentences if clear && sentences <= 8 => {
                all([Self::ExactSentences { n: sentences }])
            }
            LengthKind::MaxSentences if clear && sentences <= 10 => {
                all([sentences, sentences + 1].map(|n| Self::MaxSentences { n }))
            }
            LengthKind::MinSentences if clear && sentences >= 2 => all([sentences, sentences - 1]
                .into_iter()
                .filter(|n| (2..=10).contains(n))
                .map(|n| Self::MinSentences { n })),
            LengthKind::ExactParagraphs if edit::is_prose(response) => {
                let n = text::paragraphs(response).len();
                // A single short line does not suggest a request for paragraphs.
                let telling = (n > 1 && n <= 8) || (n == 1 && sentences > 1);
                all(telling.then_some(Self::ExactParagraphs { n }))
            }
            LengthKind::MaxSentenceWords if clear && sentences > 1 && longest <= 30 => {
                all([round_up(longest.max(5))].map(|n| Self::MaxSentenceWords { n }))
            }
            LengthKind::LongSentence if clear && longest >= 15 => {
                all([Self::LongSentence { n: round_down(longest).min(30) }])
            }
            LengthKind::MaxWords
            | LengthKind::MinWords
            | LengthKind::WordRange
            | LengthKind::ExactSentences
            | LengthKind::MaxSentences
            | LengthKind::MinSentences
            | LengthKind::ExactParagraphs
            | LengthKind::MaxSentenceWords
            | LengthKind::LongSentence => Vec::new(),
        }
    }

    fn draw(kind: LengthKind, _task: &str, rng: &mut dyn Rng) -> Self {
        let few = params::between(1, 5, rng);
        let low = params::one_of(&[20, 30, 40, 50, 60, 80], 40, rng);
        match kind {
            LengthKind::MinWords => Self::MinWords { n: low },
            LengthKind::WordRange => {
                // Wider ranges for longer responses.
                let width = low / 2 + 10 * (few + 1);
                Self::WordRange { low, high: low + width }
            }
            LengthKind::ExactSentences => Self::ExactSentences { n: few },
            LengthKind::MaxSentences => Self::MaxSentences { n: few },
            LengthKind::MinSentences => Self::MinSentences { n: few + 1 },
            LengthKind::ExactParagraphs => Self::ExactParagraphs { n: few.min(3) },
            LengthKind::MaxSentenceWords => {
                Self::MaxSentenceWords { n: params::one_of(&[10, 15, 20], 15, rng) }
            }
            LengthKind::LongSentence => {
                Self::LongSentence { n: params::one_of(&[15, 20, 25], 20, rng) }
            }
            LengthKind::MaxWords => Self::MaxWords { n: low },
        }
    }
}
