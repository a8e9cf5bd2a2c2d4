//! Phrases that must or must not occur.

use rand::Rng;

use super::{Family, all};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit,
    measure::Measure,
    params::{self, OutOfRange},
    text,
};

family! {
    /// Phrases that must or must not occur, ignoring case, also inside other words.
    Phrases, PhrasesKind, phrases_kinds {
        /// Requires a phrase.
        IncludePhrase {
            /// The phrase.
            phrase: String,
        } = "include_phrase", Inclusion, weight 0.0, slots [], ifeval [], styles [];
        /// Requires several phrases.
        IncludePhrases {
            /// The phrases.
            phrases: Vec<String>,
        } = "include_phrases", Inclusion, weight 0.0, slots [], ifeval [], styles [];
        /// Forbids a phrase.
        ExcludePhrase {
            /// The phrase.
            phrase: String,
        } = "exclude_phrase", Exclusion, weight 0.0, slots [], ifeval [], styles [];
    }
}

impl Family for Phrases {
    type Kind = PhrasesKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::IncludePhrase { phrase } | Self::ExcludePhrase { phrase } => {
                params::label("phrase", phrase)
            }
            Self::IncludePhrases { phrases } => params::labels("phrases", phrases),
        }
    }

    fn phrases(&self) -> Vec<String> {
        match self {
            Self::IncludePhrase { phrase } => vec![
                format!("Include the phrase \"{phrase}\"."),
                format!("Use the phrase \"{phrase}\" in your response."),
                format!("The phrase \"{phrase}\" must appear in the answer."),
            ],
            Self::IncludePhrases { phrases } => {
                let list = params::quoted_list(phrases);
                vec![
                    format!("Include the phrases {list}."),
                    format!("Use the phrases {list} in your response."),
                    format!("The answer must contain the phrases {list}."),
                ]
            }
            Self::ExcludePhrase { phrase } => vec![
                format!("Do not use the phrase \"{phrase}\"."),
                format!("Avoid the phrase \"{phrase}\"."),
                format!("The phrase \"{phrase}\" must not appear in your response."),
            ],
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        let of = |phrase: &String| Measure::Phrase(text::fold(phrase));
        match self {
            Self::IncludePhrase { phrase } => vec![Bound::some(of(phrase))],
            Self::IncludePhrases { phrases } => {
                phrases.iter().map(|phrase| Bound::some(of(phrase))).collect()
            }
            Self::ExcludePhrase { phrase } => vec![Bound::none(of(phrase))],
        }
    }

    fn revisions(&self) -> Vec<Constraint> {
        match self {
            Self::IncludePhrase { phrase } => all([Self::ExcludePhrase { phrase: phrase.clone() }]),
            Self::IncludePhrases { phrases } => all(phrases
                .iter()
                .take(3)
                .map(|phrase| Self::ExcludePhrase { phrase: phrase.clone() })),
            Self::ExcludePhrase { phrase } => all([Self::IncludePhrase { phrase: phrase.clone() }]),
        }
    }

    fn edit(&self, response: &str) -> Option<String> {
        match self {
            Self::ExcludePhrase { phrase } => {
                let phrase = text::fold(phrase);
                edit::drop_sentences(response, |sentence| text::fold(sentence).contains(&phrase))
            }
            // A phrase needs a sentence around it.
            Self::IncludePhrase { .. } | Self::IncludePhrases { .. } => None,
        }
    }

    fn back_translate(_kind: PhrasesKind, _response: &str) -> Vec<Constraint> {
        // Any run of words would be a phrase that the response has.
        Vec::new()
    }

    fn draw(kind: PhrasesKind, _task: &str, rng: &mut dyn Rng) -> Self {
        const PHRASES: &[&str] = &["for example", "on the other hand", "in other words"];
        let phrase = params::one_of(PHRASES, "for example", rng).to_owned();
        match kind {
            PhrasesKind::IncludePhrase => Self::IncludePhrase { phrase },
            PhrasesKind::IncludePhrases => {
                Self::IncludePhrases { phrases: vec![phrase, "in the end".to_owned()] }
            }
            PhrasesKind::ExcludePhrase => Self::ExcludePhrase { phrase },
        }
    }
}
