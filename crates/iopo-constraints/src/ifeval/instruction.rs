//! An instruction: its type and its parameters.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    error::IfevalError,
    kind::InstructionKind,
    language,
    params::Params,
    python::{lower, strip},
};

/// How a count is held against a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Relation {
    /// The count is the number or more.
    #[serde(rename = "at least")]
    AtLeast,
    /// The count is below the number.
    #[serde(rename = "less than")]
    LessThan,
}

impl Relation {
    /// The relation of this name.
    pub fn from_id(id: &str) -> Option<Self> {
        match id {
            "at least" => Some(Self::AtLeast),
            "less than" => Some(Self::LessThan),
            _ => None,
        }
    }

    /// Whether a count stands in this relation to a number.
    pub fn holds(self, count: usize, number: usize) -> bool {
        match self {
            Self::AtLeast => count >= number,
            Self::LessThan => count < number,
        }
    }
}

/// An instruction with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Instruction {
    /// See [`InstructionKind::CapitalWordFrequency`].
    CapitalWordFrequency {
        /// How the count is held against the number.
        relation: Relation,
        /// The number.
        count: usize,
    },
    /// See [`InstructionKind::EnglishCapital`].
    EnglishCapital,
    /// See [`InstructionKind::EnglishLowercase`].
    EnglishLowercase,
    /// See [`InstructionKind::RepeatPrompt`].
    RepeatPrompt {
        /// The text that must come first.
        prompt: String,
    },
    /// See [`InstructionKind::TwoResponses`].
    TwoResponses,
    /// See [`InstructionKind::NumberPlaceholders`].
    NumberPlaceholders {
        /// The least number.
        count: usize,
    },
    /// See [`InstructionKind::Postscript`].
    Postscript {
        /// How it starts, `P.S.` or `P.P.S`; in paper mode anything else is a regular expression.
        marker: String,
    },
    /// See [`InstructionKind::ConstrainedResponse`].
    ConstrainedResponse,
    /// See [`InstructionKind::JsonFormat`].
    JsonFormat,
    /// See [`InstructionKind::MultipleSections`].
    MultipleSections {
        /// What stands before each section's number.
        splitter: String,
        /// The least number.
        count: usize,
    },
    /// See [`InstructionKind::NumberBulletLists`].
    NumberBulletLists {
        /// The number.
        count: usize,
    },
    /// See [`InstructionKind::NumberHighlightedSections`].
    NumberHighlightedSections {
        /// The least number.
        count: usize,
    },
    /// See [`InstructionKind::Title`].
    Title,
    /// See [`InstructionKind::KeywordsExistence`].
    KeywordsExistence {
        /// The keywords.
        keywords: Vec<String>,
    },
    /// See [`InstructionKind::ForbiddenWords`].
    ForbiddenWords {
        /// The words.
        words: Vec<String>,
    },
    /// See [`InstructionKind::KeywordFrequency`].
    KeywordFrequency {
        /// The keyword.
        keyword: String,
        /// How the count is held against the number.
        relation: Relation,
        /// The number.
        count: usize,
    },
    /// See [`InstructionKind::LetterFrequency`].
    LetterFrequency {
        /// The letter, in lower case. The published code replaces what is not `a` to `z` by a
        /// random letter; here it is counted as it is.
        letter: char,
        /// How the count is held against the number.
        relation: Relation,
        /// The number.
        count: usize,
    },
    /// See [`InstructionKind::ResponseLanguage`].
    ResponseLanguage {
        /// The language's code, as `de`.
        language: String,
    },
    /// See [`InstructionKind::NthParagraphFirstWord`].
    NthParagraphFirstWord {
        /// How many paragraphs there must be.
        paragraphs: usize,
        /// Which of them, from 1.
        nth: usize,
        /// Its first word, in lower case.
        first_word: String,
    },
    /// See [`InstructionKind::NumberParagraphs`].
    NumberParagraphs {
        /// The number.
        count: usize,
    },
    /// See [`InstructionKind::NumberSentences`].
    NumberSentences {
        /// How the count is held against the number.
        relation: Relation,
        /// The number.
        count: usize,
    },
    /// See [`InstructionKind::NumberWords`].
    NumberWords {
        /// How the count is held against the number.
        relation: Relation,
        /// The number.
        count: usize,
    },
    /// See [`InstructionKind::NoComma`].
    NoComma,
    /// See [`InstructionKind::EndChecker`].
    EndChecker {
        /// The last words.
        phrase: String,
    },
    /// See [`InstructionKind::Quotation`].
    Quotation,
}

impl Instruction {
    /// An instruction from its id and keyword arguments, null ones dropped.
    ///
    /// An unknown id, a missing, foreign or mistyped argument is an error, never a pass.
    pub fn from_parts(id: &str, kwargs: &Map<String, Value>) -> Result<Self, IfevalError> {
        let kind = InstructionKind::from_id(id)?;
        let mut params = Params::new(kind, kwargs);
        let instruction = Self::read(kind, &mut params)?;
        params.finish()?;
        Ok(instruction)
    }

    fn read(kind: InstructionKind, params: &mut Params<'_>) -> Result<Self, IfevalError> {
        use InstructionKind as Kind;
        Ok(match kind {
            Kind::CapitalWordFrequency => Self::CapitalWordFrequency {
                relation: params.relation("capital_relation")?,
                count: params.count("capital_frequency", 0)?,
            },
            Kind::EnglishCapital => Self::EnglishCapital,
            Kind::EnglishLowercase => Self::EnglishLowercase,
            Kind::RepeatPrompt => Self::RepeatPrompt { prompt: params.text("prompt_to_repeat")? },
            Kind::TwoResponses => Self::TwoResponses,
            Kind::NumberPlaceholders => {
                Self::NumberPlaceholders { count: params.count("num_placeholders", 0)? }
            }
            Kind::Postscript => {
                Self::Postscript { marker: strip(&params.text("postscript_marker")?).to_owned() }
            }
            Kind::ConstrainedResponse => Self::ConstrainedResponse,
            Kind::JsonFormat => Self::JsonFormat,
            Kind::MultipleSections => Self::MultipleSections {
                splitter: strip(&params.text("section_spliter")?).to_owned(),
                count: params.count("num_sections", 0)?,
            },
            Kind::NumberBulletLists => {
                Self::NumberBulletLists { count: params.count("num_bullets", 0)? }
            }
            Kind::NumberHighlightedSections => {
                Self::NumberHighlightedSections { count: params.count("num_highlights", 0)? }
            }
            Kind::Title => Self::Title,
            Kind::KeywordsExistence => {
                Self::KeywordsExistence { keywords: params.texts("keywords")? }
            }
            Kind::ForbiddenWords => {
                Self::ForbiddenWords { words: params.texts("forbidden_words")? }
            }
            Kind::KeywordFrequency => Self::KeywordFrequency {
                keyword: strip(&params.text("keyword")?).to_owned(),
                relation: params.relation("relation")?,
                count: params.count("frequency", 0)?,
            },
            Kind::LetterFrequency => Self::LetterFrequency {
                letter: letter(params)?,
                relation: params.relation("let_relation")?,
                count: params.count("let_frequency", 0)?,
            },
            Kind::ResponseLanguage => Self::ResponseLanguage { language: code(params)? },
            Kind::NthParagraphFirstWord => {
                let paragraphs = params.count("num_paragraphs", 1)?;
                let nth = params.count("nth_paragraph", 1)?;
                if nth > paragraphs {
                    let expected = "at most `num_paragraphs`";
                    return Err(params.bad("nth_paragraph", expected, &nth.to_string()));
                }
                let first_word = lower(&params.text("first_word")?);
                Self::NthParagraphFirstWord { paragraphs, nth, first_word }
            }
            Kind::NumberParagraphs => {
                Self::NumberParagraphs { count: params.count("num_paragraphs", 0)? }
            }
            Kind::NumberSentences => Self::NumberSentences {
                relation: params.relation("relation")?,
                count: params.count("num_sentences", 0)?,
            },
            Kind::NumberWords => Self::NumberWords {
                relation: params.relation("relation")?,
                count: params.count("num_words", 0)?,
            },
            Kind::NoComma => Self::NoComma,
            Kind::EndChecker => Self::EndChecker { phrase: params.text("end_phrase")? },
            Kind::Quotation => Self::Quotation,
        })
    }

    /// Its type.
    pub fn kind(&self) -> InstructionKind {
        use InstructionKind as Kind;
        match self {
            Self::CapitalWordFrequency { .. } => Kind::CapitalWordFrequency,
            Self::EnglishCapital => Kind::EnglishCapital,
            Self::EnglishLowercase => Kind::EnglishLowercase,
            Self::RepeatPrompt { .. } => Kind::RepeatPrompt,
            Self::TwoResponses => Kind::TwoResponses,
            Self::NumberPlaceholders { .. } => Kind::NumberPlaceholders,
            Self::Postscript { .. } => Kind::Postscript,
            Self::ConstrainedResponse => Kind::ConstrainedResponse,
            Self::JsonFormat => Kind::JsonFormat,
            Self::MultipleSections { .. } => Kind::MultipleSections,
            Self::NumberBulletLists { .. } => Kind::NumberBulletLists,
            Self::NumberHighlightedSections { .. } => Kind::NumberHighlightedSections,
            Self::Title => Kind::Title,
            Self::KeywordsExistence { .. } => Kind::KeywordsExistence,
            Self::ForbiddenWords { .. } => Kind::ForbiddenWords,
            Self::KeywordFrequency { .. } => Kind::KeywordFrequency,
            Self::LetterFrequency { .. } => Kind::LetterFrequency,
            Self::ResponseLanguage { .. } => Kind::ResponseLanguage,
            Self::NthParagraphFirstWord { .. } => Kind::NthParagraphFirstWord,
            Self::NumberParagraphs { .. } => Kind::NumberParagraphs,
            Self::NumberSentences { .. } => Kind::NumberSentences,
            Self::NumberWords { .. } => Kind::NumberWords,
            Self::NoComma => Kind::NoComma,
            Self::EndChecker { .. } => Kind::EndChecker,
            Self::Quotation => Kind::Quotation,
        }
    }
}

/// One character, in lower case.
fn letter(params: &mut Params<'_>) -> Result<char, IfevalError> {
    let text = params.text("letter")?;
    let lowered = lower(strip(&text));
    let mut chars = lowered.chars();
    match (chars.next(), chars.next()) {
        (Some(letter), None) => Ok(letter),
        _ => Err(params.bad("letter", "one letter", &text)),
    }
}

/// A code that the detector can answer with.
fn code(params: &mut Params<'_>) -> Result<String, IfevalError> {
    let text = params.text("language")?;
    if language::is_known(&text) {
        Ok(text)
    } else {
        Err(params.bad("language", "the code of a language that can be detected", &text))
    }
}
