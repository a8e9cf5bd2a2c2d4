//! The closed list of instruction types, and their ids.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::{IfevalError, excerpt};

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident $id:literal)*) => {
        /// A type of instruction; the parameters are in [`super::Instruction`].
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum InstructionKind {
            $($(#[$meta])* #[serde(rename = $id)] $name,)*
        }

        impl InstructionKind {
            /// Every type, in the order of the ids.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The id that data files use.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }
        }
    };
}

kinds! {
    /// So many words in capitals.
    CapitalWordFrequency "change_case:capital_word_frequency"
    /// English, all in capitals.
    EnglishCapital "change_case:english_capital"
    /// English, all in lower case.
    EnglishLowercase "change_case:english_lowercase"
    /// The request comes first, word for word.
    RepeatPrompt "combination:repeat_prompt"
    /// Two different answers divided by six asterisks.
    TwoResponses "combination:two_responses"
    /// At least so many placeholders in square brackets.
    NumberPlaceholders "detectable_content:number_placeholders"
    /// A postscript.
    Postscript "detectable_content:postscript"
    /// One of three fixed answers.
    ConstrainedResponse "detectable_format:constrained_response"
    /// JSON and nothing else.
    JsonFormat "detectable_format:json_format"
    /// At least so many sections with a given heading.
    MultipleSections "detectable_format:multiple_sections"
    /// Exactly so many bullet points.
    NumberBulletLists "detectable_format:number_bullet_lists"
    /// At least so many highlighted passages.
    NumberHighlightedSections "detectable_format:number_highlighted_sections"
    /// A title in double angle brackets.
    Title "detectable_format:title"
    /// All of some keywords.
    KeywordsExistence "keywords:existence"
    /// None of some words.
    ForbiddenWords "keywords:forbidden_words"
    /// A keyword so many times.
    KeywordFrequency "keywords:frequency"
    /// A letter so many times.
    LetterFrequency "keywords:letter_frequency"
    /// A given language.
    ResponseLanguage "language:response_language"
    /// So many paragraphs, one of them with a given first word.
    NthParagraphFirstWord "length_constraints:nth_paragraph_first_word"
    /// Exactly so many paragraphs divided by three asterisks.
    NumberParagraphs "length_constraints:number_paragraphs"
    /// So many sentences.
    NumberSentences "length_constraints:number_sentences"
    /// So many words.
    NumberWords "length_constraints:number_words"
    /// No commas.
    NoComma "punctuation:no_comma"
    /// A given last phrase.
    EndChecker "startend:end_checker"
    /// All in double quotation marks.
    Quotation "startend:quotation"
}

impl InstructionKind {
    /// The type with this id.
    pub fn from_id(id: &str) -> Result<Self, IfevalError> {
        Self::ALL.iter().copied().find(|kind| kind.id() == id).ok_or_else(|| {
            IfevalError::UnknownInstruction { id: excerpt(id), known: Self::ALL.len() }
        })
    }
}

impl fmt::Display for InstructionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
