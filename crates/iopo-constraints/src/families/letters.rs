//! The number of letters, words in lower case, and the initials of neighboring words.

use rand::Rng;

use super::{Case, Family, Framing, all, say};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit,
    measure::Measure,
    params::{self, OutOfRange, quantity, round_down, round_up},
    text,
};

/// The largest number of letters that can be asked for.
const MOST_LETTERS: usize = 100_000;

/// The largest number of words in lower case that can be asked for.
const MOST_WORDS: usize = 10_000;

family! {
    /// The number of letters, words in lower case, and the initials of neighboring words.
    Letters, LettersKind, letters_kinds {
        /// Requires a minimum number of letters.
        MinLetters {
            /// The limit.
            n: usize,
        } = "min_letters", Numerical, weight 0.0, slots [WordsLow], ifeval [], styles [];
        /// Limits the number of letters.
        MaxLetters {
            /// The limit.
            n: usize,
        } = "max_letters", Numerical, weight 0.0, slots [WordsHigh], ifeval [], styles [];
        /// Requires a minimum number of words in lower case.
        MinLowercaseWords {
            /// The limit.
            n: usize,
        } = "min_lowercase_words", Linguistic, weight 0.0,
            slots [Case WordsLow], ifeval [], styles [];
        /// Limits the number of words in lower case.
        MaxLowercaseWords {
            /// The limit.
            n: usize,
        } = "max_lowercase_words", Linguistic, weight 0.0,
            slots [Case WordsHigh], ifeval [], styles [];
        /// Forbids neighboring words that start with consecutive letters of the alphabet.
        NoConsecutiveInitials = "no_consecutive_initials", TextPattern, weight 0.0,
            slots [], ifeval [], styles [];
    }
}

impl Family for Letters {
    type Kind = LettersKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match *self {
            Self::MinLetters { n } | Self::MaxLetters { n } => {
                params::number("n", n, 2, MOST_LETTERS)
            }
            Self::MinLowercaseWords { n } => params::number("n", n, 2, MOST_WORDS),
            Self::MaxLowercaseWords { n } => params::number("n", n, 1, MOST_WORDS),
            Self::NoConsecutiveInitials => Ok(()),
        }
    }

    fn phrases(&self) -> Vec<String> {
        let at_least = |count: String| {
            vec![
                format!("Use at least {count}."),
                format!("Your response must contain at least {count}."),
                format!("Write no fewer than {count}."),
            ]
        };
        let at_most = |count: String| {
            vec![
                format!("Use at most {count}."),
                format!("Your response must contain no more than {count}."),
                format!("Keep your answer to {count} or fewer."),
            ]
        };
        match *self {
            Self::MinLetters { n } => at_least(quantity(n, "letter")),
            Self::MaxLetters { n } => at_most(quantity(n, "letter")),
            Self::MinLowercaseWords { n } => at_least(quantity(n, "lower-case word")),
            Self::MaxLowercaseWords { n } => at_most(quantity(n, "lower-case word")),
            Self::NoConsecutiveInitials => say([
                "Avoid neighboring words that start with consecutive letters of the alphabet.",
                "Neighboring words must not start with consecutive letters of the alphabet.",
                "Do not put two words side by side that start with consecutive letters of the alphabet.",
            ]),
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        vec![match *self {
            Self::MinLetters { n } => Bound::at_least(Measure::Letters, n),
            Self::MaxLetters { n } => Bound::at_most(Measure::Letters, n),
            Self::MinLowercaseWords { n } => Bound::at_least(Measure::LowercaseWords, n),
            Self::MaxLowercaseWords { n } => Bound::at_most(Measure::LowercaseWords, n),
            Self::NoConsecutiveInitials => Bound::none(Measure::InitialSteps),
        }]
    }

    fn revisions(&self) -> Vec<Constraint> {
        let above = |n: usize| [round_up(n.saturating_add(1)), n.saturating_add(1)];
        let below = |n: usize| [round_down(n.saturating_sub(1)), n.saturating_sub(1)];
        match *self {
            Self::MinLetters { n } => all(below(n).map(|n| Self::MaxLetters { n })),
            Self::MaxLetters { n } => all(above(n).map(|n| Self::MinLetters { n })),
            Self::MinLowercaseWords { n } => {
                let mut found = all(below(n).map(|n| Self::MaxLowercaseWords { n }));
                found.push(Case::AllUppercase.into());
                found
            }
            Self::MaxLowercaseWords { n } => all(above(n).map(|n| Self::MinLowercaseWords { n })),
            // Both phrases have such neighbors: "in just", "let me".
            Self::NoConsecutiveInitials => all([
                Framing::StartsWith { phrase: "In just a few words:".to_owned() },
                Framing::EndsWith { phrase: "Please let me know what you think.".to_owned() },
            ]),
        }
    }

    fn edit(&self, response: &str) -> Option<String> {
        let within = |measure: Measure, most: usize| {
            let mut count = 0;
            edit::keep_sentences(response, |_, sentence| {
                count += measure.count(sentence);
                count <= most
            })
        };
        match *self {
            Self::MaxLetters { n } => within(Measure::Letters, n),
            Self::MaxLowercaseWords { n } => within(Measure::LowercaseWords, n),
            Self::NoConsecutiveInitials => within(Measure::InitialSteps, 0),
            // More words would be invented.
            Self::MinLetters { .. } | Self::MinLowercaseWords { .. } => None,
        }
    }

    fn back_translate(kind: LettersKind, response: &str) -> Vec<Constraint> {
        let letters = Measure::Letters.count(response);
        let words = Measure::LowercaseWords.count(response);
        match kind {
            LettersKind::MinLetters if letters >= 40 => {
                all([Self::MinLetters { n: round_down(letters) }])
            }
            LettersKind::MaxLetters if (10..=2_000).contains(&letters) => {
                all([Self::MaxLetters { n: round_up(letters) }])
            }
            LettersKind::MinLowercaseWords if words >= 10 => {
                all([Self::MinLowercaseWords { n: round_down(words) }])
            }
            LettersKind::MaxLowercaseWords if (5..=400).contains(&words) => {
                all([Self::MaxLowercaseWords { n: round_up(words) }])
            }
            LettersKind::NoConsecutiveInitials if text::word_count(response) >= 8 => {
                all([Self::NoConsecutiveInitials])
            }
            LettersKind::MinLetters
            | LettersKind::MaxLetters
            | LettersKind::MinLowercaseWords
            | LettersKind::MaxLowercaseWords
            | LettersKind::NoConsecutiveInitials => Vec::new(),
        }
    }

    fn draw(kind: LettersKind, _task: &str, rng: &mut dyn Rng) -> Self {
        const LETTERS: &[usize] = &[50, 100, 150, 200, 300, 400, 600, 1_000];
        const WORDS: &[usize] = &[5, 10, 20, 30, 40, 50, 60, 80, 100];
        match kind {
            LettersKind::MinLetters => Self::MinLetters { n: params::one_of(LETTERS, 200, rng) },
            LettersKind::MaxLetters => Self::MaxLetters { n: params::one_of(LETTERS, 200, rng) },
            LettersKind::MinLowercaseWords => {
                Self::MinLowercaseWords { n: params::one_of(WORDS, 30, rng) }
            }
            LettersKind::MaxLowercaseWords => {
                Self::MaxLowercaseWords { n: params::one_of(WORDS, 30, rng) }
            }
            LettersKind::NoConsecutiveInitials => Self::NoConsecutiveInitials,
        }
    }
}
