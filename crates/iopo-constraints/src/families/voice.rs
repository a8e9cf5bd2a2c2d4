//! Grammatical person and formality.

use rand::Rng;

use super::{Family, all, say};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit::{self, person},
    lexicon::{EXPANSIONS, FIRST_PERSON, SECOND_PERSON},
    measure::Measure,
    params::OutOfRange,
    text,
};

family! {
    /// Grammatical person and contractions.
    Voice, VoiceKind, voice_kinds {
        /// Requires "I", "my", "we" or another first-person word.
        FirstPerson = "first_person", Linguistic, weight 1.0,
            slots [FirstPerson], ifeval [], styles [];
        /// Forbids "I", "my", "we" and other first-person words.
        NoFirstPerson = "no_first_person", Linguistic, weight 0.9,
            slots [FirstPerson], ifeval [], styles [Formal];
        /// Requires "you", "your" or another second-person word.
        SecondPerson = "second_person", ToneAndStyle, weight 1.0,
            slots [SecondPerson], ifeval [], styles [ToAFriend AddressReader];
        /// Forbids "you", "your" and other second-person words.
        NoSecondPerson = "no_second_person", ToneAndStyle, weight 0.9,
            slots [SecondPerson], ifeval [], styles [Formal];
        /// Requires a contraction.
        Contractions = "contractions", ToneAndStyle, weight 0.8,
            slots [Contractions], ifeval [], styles [ToAFriend];
        /// Forbids contractions.
        NoContractions = "no_contractions", ToneAndStyle, weight 0.9,
            slots [Contractions], ifeval [], styles [Formal];
    }
}

impl Family for Voice {
    type Kind = VoiceKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::FirstPerson
            | Self::NoFirstPerson
            | Self::SecondPerson
            | Self::NoSecondPerson
            | Self::Contractions
            | Self::NoContractions => Ok(()),
        }
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

    fn edit(&self, response: &str) -> Option<String> {
        let names = |known: &'static [&'static str]| {
            move |s: &str| text::keys(s).any(|key| known.contains(&key.as_str()))
        };
        match self {
            Self::FirstPerson => person::with_first_person(response),
            Self::NoFirstPerson => {
                let plain = person::without_views(response);
                if Measure::FirstPerson.count(&plain) == 0 {
                    return Some(plain);
                }
                edit::drop_sentences(&plain, names(FIRST_PERSON))
            }
            Self::SecondPerson => person::with_second_person(response),
            Self::NoSecondPerson => edit::drop_sentences(response, names(SECOND_PERSON))
                .or_else(|| person::without_second_person(response)),
            Self::NoContractions => Some(edit::replace_words(response, expanded)),
            Self::Contractions => person::contracted(response),
        }
    }

    fn back_translate(kind: VoiceKind, response: &str) -> Vec<Constraint> {
        // A few words may be impersonal or formal by chance.
        let long = text::word_count(response) >= 8;
        match kind {
            VoiceKind::FirstPerson => all([Self::FirstPerson]),
            VoiceKind::NoFirstPerson if long => all([Self::NoFirstPerson]),
            VoiceKind::SecondPerson => all([Self::SecondPerson]),
            VoiceKind::NoSecondPerson if long => all([Self::NoSecondPerson]),
            VoiceKind::Contractions => all([Self::Contractions]),
            VoiceKind::NoContractions if long => all([Self::NoContractions]),
            VoiceKind::NoFirstPerson | VoiceKind::NoSecondPerson | VoiceKind::NoContractions => {
                Vec::new()
            }
        }
    }

    fn draw(kind: VoiceKind, _task: &str, _rng: &mut dyn Rng) -> Self {
        match kind {
            VoiceKind::NoFirstPerson => Self::NoFirstPerson,
            VoiceKind::SecondPerson => Self::SecondPerson,
            VoiceKind::NoSecondPerson => Self::NoSecondPerson,
            VoiceKind::Contractions => Self::Contractions,
            VoiceKind::NoContractions => Self::NoContractions,
            VoiceKind::FirstPerson => Self::FirstPerson,
        }
    }
}

/// The expansion of a contraction, capitalized like the contraction.
fn expanded(word: &str) -> Option<String> {
    let key = text::fold(word).replace('’', "'");
    let (_, long) = EXPANSIONS.iter().find(|(short, _)| *short == key)?;
    let capital = word.starts_with(char::is_uppercase);
    Some(if capital { edit::capitalize(long) } else { (*long).to_owned() })
}
