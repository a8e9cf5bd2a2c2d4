//! Parts of equal length: sentences in each part, words in each sentence.

use rand::Rng;

use super::{Family, Layout, all};
use crate::{
    bound::Bound,
    constraint::Constraint,
    measure::Measure,
    natural,
    params::{self, OutOfRange, quantity},
    text,
};

family! {
    /// Parts of equal length, separated by lines of `***` or `* * *`.
    Composition, CompositionKind, composition_kinds {
        /// Requires parts with equally many sentences of equally many words.
        EvenParts {
            /// The number of parts.
            parts: usize,
            /// The number of sentences in each part.
            sentences: usize,
            /// The number of words in each sentence.
            words: usize,
        } = "even_parts", Template, weight 0.0,
            slots [Blocks Sentences WordsHigh WordsLow List Headings], ifeval [], styles [];
    }
}

impl Family for Composition {
    type Kind = CompositionKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match *self {
            Self::EvenParts { parts, sentences, words } => {
                params::number("parts", parts, 2, 20)?;
                params::number("sentences", sentences, 1, 20)?;
                params::number("words", words, 2, 60)
            }
        }
    }

    fn phrases(&self) -> Vec<String> {
        match *self {
            Self::EvenParts { parts, sentences, words } => {
                let sentences = quantity(sentences, "sentence");
                vec![
                    format!(
                        "Write {parts} parts with *** on a line between them, each with exactly {sentences} of exactly {words} words."
                    ),
                    format!(
                        "Your response must have {parts} parts, separated by lines of ***; every part must have {sentences} of {words} words."
                    ),
                    format!(
                        "Divide your answer into {parts} parts with a line of *** between them. Each part must consist of {sentences}, and each sentence of {words} words."
                    ),
                ]
            }
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        match *self {
            Self::EvenParts { parts, sentences, words } => {
                vec![Bound::exactly(Measure::EvenParts { sentences, words }, parts)]
            }
        }
    }

    fn revisions(&self) -> Vec<Constraint> {
        match *self {
            Self::EvenParts { parts, sentences, words } => {
                let mut found = all([
                    Self::EvenParts { parts, sentences, words: words.saturating_add(1) },
                    Self::EvenParts { parts: parts.saturating_add(1), sentences, words },
                    Self::EvenParts { parts, sentences: sentences.saturating_add(1), words },
                ]);
                found.push(Layout::SingleLine.into());
                found
            }
        }
    }

    fn edit(&self, _response: &str) -> Option<String> {
        match self {
            // Sentences of equal length would have to be invented.
            Self::EvenParts { .. } => None,
        }
    }

    fn back_translate(kind: CompositionKind, response: &str) -> Vec<Constraint> {
        match kind {
            CompositionKind::EvenParts => {
                let first = response.split("***").next().unwrap_or_default();
                let first = first.split("* * *").next().unwrap_or_default();
                let found = natural::sentences(first);
                let sentences = found.len();
                let words = found.first().map_or(0, |sentence| text::word_count(sentence));
                let parts = Measure::EvenParts { sentences, words }.count(response);
                all([Self::EvenParts { parts, sentences, words }])
            }
        }
    }

    fn draw(kind: CompositionKind, _task: &str, rng: &mut dyn Rng) -> Self {
        match kind {
            CompositionKind::EvenParts => Self::EvenParts {
                parts: params::between(2, 4, rng),
                sentences: params::between(1, 3, rng),
                words: params::between(3, 10, rng),
            },
        }
    }
}
