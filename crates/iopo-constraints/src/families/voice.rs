//! Whom a response speaks as and to, and how formally.

use rand::Rng;
use serde_json::Value;

use super::{Family, all, say};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit,
    kind::Kind,
    lexicon::{EXPANSIONS, FIRST_PERSON, SECOND_PERSON},
    measure::Measure,
    params::Refusal,
    text,
};

family! {
    /// The person that a response is written in, and contractions.
    Voice {
        /// "I", "my", "we" … occurs.
        FirstPerson;
        /// "I", "my", "we" … does not occur.
        NoFirstPerson;
        /// "you", "your" … occurs.
        SecondPerson;
        /// "you", "your" … does not occur.
        NoSecondPerson;
        /// A contraction occurs.
        Contractions;
        /// No contraction occurs.
        NoContractions;
    }
}

impl Family for Voice {
    fn kind(&self) -> Kind {
        self.kind_of()
    }

    fn value(&self) -> Value {
        self.value_of()
    }

    fn validate(&self) -> Result<(), Refusal> {
        Ok(())
    }

    fn phrases(&self) -> Vec<String> {
        match self {
            Self::FirstPerson => say([
                "Write in the first person, using words such as \"I\", \"my\" or \"we\".",
                "Use the first person (\"I\" or \"we\") in your response.",
                "Speak from your own point of view, with \"I\", \"my\" or \"we\".",
            ]),
            Self::NoFirstPerson => say([
                "Do not use the first person (\"I\", \"me\", \"my\", \"we\", \"our\").",
                "Avoid first-person words such as \"I\", \"my\" and \"we\".",
                "Write the answer without \"I\", \"me\", \"my\", \"we\" or \"our\".",
            ]),
            Self::SecondPerson => say([
                "Address the reader directly as \"you\".",
                "Speak to the reader, using \"you\" or \"your\".",
                "Use the word \"you\" or \"your\" to address the reader.",
            ]),
            Self::NoSecondPerson => say([
                "Do not address the reader as \"you\".",
                "Avoid the words \"you\" and \"your\".",
                "Write impersonally, without \"you\" or \"your\".",
            ]),
            Self::Contractions => say([
                "Use at least one contraction, such as \"don't\" or \"it's\".",
                "Write casually, with a contraction like \"you'll\" or \"isn't\".",
                "Include at least one contraction like \"can't\" for an informal tone.",
            ]),
            Self::NoContractions => say([
                "Do not use contractions such as \"don't\" or \"it's\".",
                "Write formally, without any contractions.",
                "Spell out every contraction (\"do not\" instead of \"don't\").",
            ]),
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        vec![match self {
            Self::FirstPerson => Bound::some(Measure::FirstPerson),
            Self::NoFirstPerson => Bound::none(Measure::FirstPerson),
            Self::SecondPerson => Bound::some(Measure::SecondPerson),
            Self::NoSecondPerson => Bound::none(Measure::SecondPerson),
            Self::Contractions => Bound::some(Measure::Contractions),
            Self::NoContractions => Bound::none(Measure::Contractions),
        }]
    }

    fn revisions(&self) -> Vec<Constraint> {
        all([match self {
            Self::FirstPerson => Self::NoFirstPerson,
            Self::NoFirstPerson => Self::FirstPerson,
            Self::SecondPerson => Self::NoSecondPerson,
            Self::NoSecondPerson => Self::SecondPerson,
            Self::Contractions => Self::NoContractions,
            Self::NoContractions => Self::Contractions,
        }])
    }

    fn repair(&self, response: &str) -> Option<String> {
        let names = |known: &'static [&'static str]| {
            move |s: &str| text::keys(s).any(|key| known.contains(&key.as_str()))
        };
        match self {
            Self::NoFirstPerson => edit::drop_sentences(response, names(FIRST_PERSON)),
            Self::NoSecondPerson => edit::drop_sentences(response, names(SECOND_PERSON)),
            Self::NoContractions => Some(edit::replace_words(response, expanded)),
            Self::Contractions => contracted(response),
            Self::FirstPerson | Self::SecondPerson => None,
        }
    }

    fn back_translate(kind: Kind, response: &str) -> Vec<Constraint> {
        // A few words are impersonal and formal by chance.
        let long = text::word_count(response) >= 8;
        match kind {
            Kind::FirstPerson => all([Self::FirstPerson]),
            Kind::NoFirstPerson if long => all([Self::NoFirstPerson]),
            Kind::SecondPerson => all([Self::SecondPerson]),
            Kind::NoSecondPerson if long => all([Self::NoSecondPerson]),
            Kind::Contractions => all([Self::Contractions]),
            Kind::NoContractions if long => all([Self::NoContractions]),
            _ => Vec::new(),
        }
    }

    fn draw(kind: Kind, _task: &str, _rng: &mut dyn Rng) -> Constraint {
        match kind {
            Kind::NoFirstPerson => Self::NoFirstPerson,
            Kind::SecondPerson => Self::SecondPerson,
            Kind::NoSecondPerson => Self::NoSecondPerson,
            Kind::Contractions => Self::Contractions,
            Kind::NoContractions => Self::NoContractions,
            _ => Self::FirstPerson,
        }
        .into()
    }
}

/// What a contraction stands for, with the capital that it had.
fn expanded(word: &str) -> Option<String> {
    let key = text::fold(word).replace('’', "'");
    let (_, long) = EXPANSIONS.iter().find(|(short, _)| *short == key)?;
    let capital = word.starts_with(char::is_uppercase);
    Some(if capital { edit::capitalise(long) } else { (*long).to_owned() })
}

/// Contracts the first negation that can be.
fn contracted(response: &str) -> Option<String> {
    EXPANSIONS.iter().filter(|(short, _)| short.ends_with("n't")).find_map(|(short, long)| {
        let at = response.match_indices(long).map(|(at, _)| at).find(|&at| {
            let (before, after) = (&response[..at], &response[at + long.len()..]);
            !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
        })?;
        Some(format!("{}{short}{}", &response[..at], &response[at + long.len()..]))
    })
}
