//! The first and the last word of the response and of its sentences.

use rand::{Rng, seq::IndexedRandom as _};

use super::{Family, Words, all, say};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit::{self, prose},
    measure::Measure,
    natural,
    params::{self, OutOfRange},
    text,
};

family! {
    /// The first and the last word of the response and of its sentences. Marks around a word and case are ignored.
    Ends, EndsKind, ends_kinds {
        /// Requires a word as the first one.
        FirstWord {
            /// The word.
            word: String,
        } = "first_word", Template, weight 0.0, slots [Opening], ifeval [], styles [];
        /// Requires a word as the last one.
        LastWord {
            /// The word.
            word: String,
        } = "last_word", Template, weight 0.0, slots [Closing], ifeval [], styles [];
        /// Requires a word at the start of every sentence.
        SentenceStarts {
            /// The word.
            word: String,
        } = "sentence_starts", GrammarStructure, weight 0.0,
            slots [Opening Sentences], ifeval [], styles [];
        /// Requires a word at the end of every sentence.
        SentenceEnds {
            /// The word.
            word: String,
        } = "sentence_ends", GrammarStructure, weight 0.0,
            slots [Closing Sentences], ifeval [], styles [];
        /// Requires the first word as the last one.
        SameEnds = "same_ends", Template, weight 0.0, slots [Opening Closing], ifeval [], styles [];
        /// Forbids the first word as the last one.
        NoSameEnds = "no_same_ends", Template, weight 0.0,
            slots [Opening Closing], ifeval [], styles [];
    }
}

impl Family for Ends {
    type Kind = EndsKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::FirstWord { word }
            | Self::LastWord { word }
            | Self::SentenceStarts { word }
            | Self::SentenceEnds { word } => params::any_word("word", word),
            Self::SameEnds | Self::NoSameEnds => Ok(()),
        }
    }

    fn phrases(&self) -> Vec<String> {
        match self {
            Self::FirstWord { word } => vec![
                format!("The first word of your response must be \"{word}\"."),
                format!("Make \"{word}\" the first word of your answer."),
                format!("Your response must have \"{word}\" as its first word."),
            ],
            Self::LastWord { word } => vec![
                format!("The last word of your response must be \"{word}\"."),
                format!("Make \"{word}\" the last word of your answer."),
                format!("Your response must have \"{word}\" as its last word."),
            ],
            Self::SentenceStarts { word } => vec![
                format!("Start every sentence with the word \"{word}\"."),
                format!("The first word of every sentence must be \"{word}\"."),
                format!("Each sentence must begin with the word \"{word}\"."),
            ],
            Self::SentenceEnds { word } => vec![
                format!("End every sentence with the word \"{word}\"."),
                format!("The last word of every sentence must be \"{word}\"."),
                format!("Each sentence must end with the word \"{word}\"."),
            ],
            Self::SameEnds => say([
                "The first and the last word of your response must be the same.",
                "End your response with the word that it starts with.",
                "Your answer must start and end with the same word.",
            ]),
            Self::NoSameEnds => say([
                "The first and the last word of your response must not be the same.",
                "Do not end your response with the word that it starts with.",
                "Your answer must not start and end with the same word.",
            ]),
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        vec![match self {
            Self::FirstWord { word } => Bound::some(Measure::FirstWord(text::fold(word))),
            Self::LastWord { word } => Bound::some(Measure::LastWord(text::fold(word))),
            Self::SentenceStarts { word } => Bound::some(Measure::SentenceStarts(text::fold(word))),
            Self::SentenceEnds { word } => Bound::some(Measure::SentenceEnds(text::fold(word))),
            Self::SameEnds => Bound::some(Measure::SameEnds),
            Self::NoSameEnds => Bound::none(Measure::SameEnds),
        }]
    }

    fn revisions(&self) -> Vec<Constraint> {
        let without = |word: &String| Words::ExcludeWord { word: word.clone() }.into();
        let first = |word: &String| other(FIRST.iter().copied(), word);
        let last = |word: &String| other(ENDINGS.iter().map(|(last, _)| *last), word);
        let tag = |word: &String| other(TAGS.iter().map(|(tag, _)| *tag), word);
        match self {
            Self::FirstWord { word } => {
                vec![Self::FirstWord { word: first(word) }.into(), without(word)]
            }
            Self::LastWord { word } => {
                vec![Self::LastWord { word: last(word) }.into(), without(word)]
            }
            Self::SentenceStarts { word } => vec![
                Self::SentenceStarts { word: first(word) }.into(),
                Self::FirstWord { word: first(word) }.into(),
                without(word),
            ],
            Self::SentenceEnds { word } => vec![
                Self::SentenceEnds { word: tag(word) }.into(),
                Self::LastWord { word: last(word) }.into(),
                without(word),
            ],
            Self::SameEnds => all([Self::NoSameEnds]),
            Self::NoSameEnds => all([Self::SameEnds]),
        }
    }

    fn edit(&self, response: &str) -> Option<String> {
        match self {
            Self::FirstWord { word } => {
                prose::open_with(response, &format!("{},", known(FIRST, word)?))
            }
            Self::LastWord { word } => {
                let word = text::fold(word);
                let (_, ending) = ENDINGS.iter().find(|(last, _)| *last == word)?;
                prose::close_with(response, ending)
            }
            Self::SentenceStarts { word } => {
                let word = known(FIRST, word)?;
                few_sentences(response, |sentence| {
                    let rest = prose::uncapitalized(sentence, response)?;
                    Some(format!("{word}, {rest}"))
                })
            }
            Self::SentenceEnds { word } => {
                let word = text::fold(word);
                let (_, tail) = TAGS.iter().find(|(tag, _)| *tag == word)?;
                few_sentences(response, |sentence| {
                    Some(format!("{}{tail}.", sentence.strip_suffix('.')?))
                })
            }
            Self::SameEnds => {
                let opened = prose::open_with(response, "Indeed,")?;
                let body = opened.trim_end().strip_suffix('.')?;
                Some(format!("{body}, indeed."))
            }
            Self::NoSameEnds => prose::close_with(response, "I hope this helps."),
        }
    }

    fn back_translate(kind: EndsKind, response: &str) -> Vec<Constraint> {
        let sentences = natural::sentences(response);
        let first = || {
            let word = natural::words(sentences.first()?).next()?;
            Some(edit::surface(response, &word))
        };
        let last = || natural::words(sentences.last()?).last();
        let several = sentences.len() > 1;
        match kind {
            EndsKind::FirstWord => all(first().map(|word| Self::FirstWord { word })),
            EndsKind::LastWord => all(last().map(|word| Self::LastWord { word })),
            EndsKind::SentenceStarts if several => {
                all(first().map(|word| Self::SentenceStarts { word }))
            }
            EndsKind::SentenceEnds if several => {
                all(last().map(|word| Self::SentenceEnds { word }))
            }
            EndsKind::SameEnds => all([Self::SameEnds]),
            EndsKind::NoSameEnds if text::word_count(response) >= 8 => all([Self::NoSameEnds]),
            EndsKind::SentenceStarts | EndsKind::SentenceEnds | EndsKind::NoSameEnds => Vec::new(),
        }
    }

    fn draw(kind: EndsKind, _task: &str, rng: &mut dyn Rng) -> Self {
        let first = params::one_of(FIRST, "Overall", rng).to_owned();
        let last = ENDINGS.choose(rng).map_or("helps", |(last, _)| *last).to_owned();
        let tag = TAGS.choose(rng).map_or("indeed", |(tag, _)| *tag).to_owned();
        match kind {
            EndsKind::FirstWord => Self::FirstWord { word: first },
            EndsKind::LastWord => Self::LastWord { word: last },
            EndsKind::SentenceStarts => Self::SentenceStarts { word: first },
            EndsKind::SentenceEnds => Self::SentenceEnds { word: tag },
            EndsKind::SameEnds => Self::SameEnds,
            EndsKind::NoSameEnds => Self::NoSameEnds,
        }
    }
}

/// Words that can start nearly every sentence, before a comma.
const FIRST: &[&str] = &[
    "Overall",
    "Generally",
    "Basically",
    "Usually",
    "Typically",
    "Today",
    "Indeed",
    "Naturally",
    "Clearly",
    "Ideally",
    "Often",
    "Normally",
];

/// Last words with a closing that suits nearly every response.
const ENDINGS: &[(&str, &str)] = &[
    ("helps", "I hope this helps."),
    ("questions", "Let me know if you have any questions."),
    ("know", "If you need more, just let me know."),
    ("more", "Feel free to ask for more."),
    ("reading", "Thank you for reading."),
    ("luck", "Good luck!"),
    ("day", "Have a great day!"),
    ("useful", "I hope you find this useful."),
    ("ask", "If anything is unclear, just ask."),
    ("you", "I hope this helps you."),
];

/// Last words that can end nearly every sentence.
const TAGS: &[(&str, &str)] = &[
    ("indeed", ", indeed"),
    ("course", ", of course"),
    ("know", ", you know"),
    ("fact", ", in fact"),
];

/// The most sentences that are all changed alike.
const MOST_SENTENCES: usize = 4;

/// A word of a list that differs from another one.
fn other(mut words: impl Iterator<Item = &'static str>, word: &str) -> String {
    let found = words.find(|other| text::fold(other) != text::fold(word));
    found.unwrap_or_default().to_owned()
}

/// A word of a list, as the list writes it.
fn known(words: &[&'static str], word: &str) -> Option<&'static str> {
    words.iter().copied().find(|known| text::fold(known) == text::fold(word))
}

/// Edits every sentence of a short running text.
fn few_sentences(response: &str, edit: impl FnMut(&str) -> Option<String>) -> Option<String> {
    let few = text::sentences(response).len() <= MOST_SENTENCES;
    (few && prose::is_running(response)).then(|| prose::map_sentences(response, edit))
}
