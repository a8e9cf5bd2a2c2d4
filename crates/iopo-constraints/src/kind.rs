//! The kinds of constraints: ids, dimensions, and how the kinds get along.

use std::fmt;

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::{
    constraint::Constraint,
    counted::Counted,
    error::ConstraintError,
    families::{
        Case, Example, Family, Figures, Framing, Layout, Length, Lists, Marks, Situation, Voice,
        Words,
    },
    slot::Slot,
    taxonomy::{ConstraintType, Dimension},
};

/// The family whose file implements a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    Length,
    Words,
    Figures,
    Marks,
    Case,
    Voice,
    Lists,
    Layout,
    Framing,
    Situation,
    Example,
}

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident $id:literal $dimension:ident $home:ident $weight:literal
        [$($slot:ident)*])*) => {
        /// What sort of thing a constraint asks for; its parameters are in [`Constraint`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind { $($(#[$meta])* $name,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable name that files use, in snake case.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// The dimension of the taxonomy that it belongs to.
            pub fn dimension(self) -> Dimension {
                match self { $(Self::$name => Dimension::$dimension,)* }
            }

            /// A prior for choosing among kinds: how natural it is to ask for, and how well it
            /// tells everyday answers apart (1 is ordinary).
            pub fn weight(self) -> f64 {
                match self { $(Self::$name => $weight,)* }
            }

            pub(crate) fn home(self) -> Home {
                match self { $(Self::$name => Home::$home,)* }
            }

            pub(crate) fn slots(self) -> &'static [Slot] {
                match self { $(Self::$name => &[$(Slot::$slot,)*],)* }
            }
        }
    };
}

kinds! {
    /// At most so many words.
    MaxWords "max_words" Numerical Length 1.6 [WordsHigh]
    /// At least so many words.
    MinWords "min_words" Numerical Length 1.4 [WordsLow]
    /// Between so many and so many words.
    WordRange "word_range" Numerical Length 1.2 [WordsHigh WordsLow]
    /// Exactly so many sentences.
    ExactSentences "exact_sentences" Numerical Length 1.2 [Sentences]
    /// At most so many sentences.
    MaxSentences "max_sentences" Numerical Length 1.2 [Sentences]
    /// At least so many sentences.
    MinSentences "min_sentences" Numerical Length 1.0 [Sentences]
    /// Exactly so many paragraphs.
    ExactParagraphs "exact_paragraphs" Numerical Length 1.2 [Blocks]
    /// No sentence is longer than so many words.
    MaxSentenceWords "max_sentence_words" GrammarStructure Length 0.7 [Sentences]
    /// One sentence at least is so many words long.
    LongSentence "long_sentence" GrammarStructure Length 0.4 [Sentences]
    /// A word occurs.
    IncludeWord "include_word" Inclusion Words 1.6 []
    /// Two words occur.
    IncludeWords "include_words" Inclusion Words 1.0 []
    /// A word occurs at least so many times.
    WordFrequency "word_frequency" Inclusion Words 1.0 []
    /// A word does not occur.
    ExcludeWord "exclude_word" Exclusion Words 1.4 []
    /// A word occurs in the first sentence.
    OpeningWord "opening_word" Theme Words 1.0 []
    /// A number in digits is mentioned (beside the numbers of a list).
    MentionNumber "mention_number" Numerical Figures 0.8 [Digits]
    /// There are no digits.
    NoDigits "no_digits" Exclusion Figures 0.9 [Digits]
    /// There are no commas.
    NoCommas "no_commas" GrammarStructure Marks 0.7 []
    /// There are no exclamation marks.
    NoExclamations "no_exclamations" ToneAndStyle Marks 0.9 [Exclamations]
    /// There is an exclamation mark.
    Exclamation "exclamation" Emotion Marks 1.0 [Exclamations]
    /// There is a question mark.
    Question "question" ToneAndStyle Marks 1.0 [Questions]
    /// There are no question marks.
    NoQuestions "no_questions" ToneAndStyle Marks 0.7 [Questions]
    /// It ends with a question.
    EndsWithQuestion "ends_with_question" ToneAndStyle Marks 0.8 [Questions Closing]
    /// There is a remark in parentheses.
    Parentheses "parentheses" TextPattern Marks 0.7 [Parentheses]
    /// There are no parentheses.
    NoParentheses "no_parentheses" TextPattern Marks 0.6 [Parentheses]
    /// Something stands in double quotation marks.
    Quotation "quotation" Citation Marks 0.9 [Quotes]
    /// There are no double quotation marks.
    NoQuotation "no_quotation" Citation Marks 0.6 [Quotes]
    /// All letters are lower-case.
    AllLowercase "all_lowercase" Linguistic Case 1.0 [Case]
    /// All letters are capitals.
    AllUppercase "all_uppercase" Linguistic Case 0.6 [Case]
    /// At least so many words in capitals.
    MinCapitalWords "min_capital_words" Linguistic Case 0.4 [Case]
    /// At most so many words in capitals.
    MaxCapitalWords "max_capital_words" Linguistic Case 0.3 [Case]
    /// It speaks in the first person.
    FirstPerson "first_person" Linguistic Voice 1.0 [FirstPerson]
    /// It avoids the first person.
    NoFirstPerson "no_first_person" Linguistic Voice 0.9 [FirstPerson]
    /// It addresses the reader as "you".
    SecondPerson "second_person" ToneAndStyle Voice 1.0 [SecondPerson]
    /// It does not address the reader.
    NoSecondPerson "no_second_person" ToneAndStyle Voice 0.9 [SecondPerson]
    /// It uses contractions.
    Contractions "contractions" ToneAndStyle Voice 0.8 [Contractions]
    /// It uses no contractions.
    NoContractions "no_contractions" ToneAndStyle Voice 0.9 [Contractions]
    /// A bulleted list of exactly so many points.
    ExactBullets "exact_bullets" NumberingAndList Lists 1.2 [List Blocks Sentences]
    /// A bulleted list of at least so many points.
    MinBullets "min_bullets" NumberingAndList Lists 1.0 [List Blocks Sentences]
    /// A numbered list of exactly so many items.
    ExactNumbered "exact_numbered" NumberingAndList Lists 1.2 [List Blocks Sentences]
    /// A numbered list of at least so many items.
    MinNumbered "min_numbered" NumberingAndList Lists 1.0 [List Blocks Sentences]
    /// Prose without any list.
    NoLists "no_lists" NumberingAndList Lists 1.1 [List]
    /// Exactly so many lines "Step 1:", "Step 2:" and so on.
    Steps "steps" ProcessBackground Lists 0.6 [List Blocks Sentences]
    /// At least so many Markdown headings.
    Headings "headings" Hierarchy Layout 0.7 [Headings]
    /// The first line is a title in double angle brackets.
    AngleTitle "angle_title" Hierarchy Layout 0.4 [Opening Headings]
    /// At least so many bold phrases.
    Bold "bold" TextPattern Layout 0.9 [Bold]
    /// Plain text without Markdown.
    PlainText "plain_text" OutputFormat Layout 0.9 [Bold Headings]
    /// A Markdown table.
    Table "table" OutputFormat Layout 0.4 [List Blocks Sentences]
    /// One line without line breaks.
    SingleLine "single_line" OutputFormat Layout 0.9 [List Blocks]
    /// So many parts divided by lines of three asterisks.
    DividedParts "divided_parts" Template Layout 0.4 [Blocks]
    /// So many parts headed "Section 1", "Section 2" and so on.
    Sections "sections" Hierarchy Layout 0.4 [Blocks Headings]
    /// A JSON object.
    JsonObject "json_object" OutputFormat Layout 0.4
        [List Blocks Sentences Opening Closing Headings Bold Quotes Parentheses]
    /// It starts with a phrase.
    StartsWith "starts_with" Template Framing 1.2 [Opening]
    /// It ends with a phrase.
    EndsWith "ends_with" Template Framing 0.9 [Closing]
    /// The whole is in double quotation marks.
    WrappedInQuotes "wrapped_in_quotes" TextPattern Framing 0.6 [Opening Closing Quotes]
    /// It closes with a postscript.
    Postscript "postscript" Template Framing 0.5 [Closing Blocks]
    /// It greets in another language first.
    ForeignGreeting "foreign_greeting" Multilingual Framing 0.4 [Opening]
    /// The speaker opens with their role.
    AsRole "as_role" RolePlaying Situation 0.6 [Opening]
    /// The speaker signs with a name.
    SignedAs "signed_as" RolePlaying Situation 0.6 [Closing]
    /// It opens with "Dear …,".
    DearReader "dear_reader" TargetAudience Situation 0.7 [Opening]
    /// No word has more than so many letters.
    ShortWords "short_words" TargetAudience Situation 0.8 [WordLength]
    /// At least so many words have so many letters or more.
    LongWords "long_words" TargetAudience Situation 0.7 [WordLength]
    /// Placeholders in square brackets stand for personal details.
    Placeholders "placeholders" Privacy Situation 0.8 [Placeholders]
    /// There are no placeholders in square brackets.
    NoPlaceholders "no_placeholders" Exclusion Situation 0.7 [Placeholders]
    /// List items look like a given example.
    LikeItem "like_item" PositiveExample Example 0.9 [List Blocks Sentences]
    /// Every line is "Key: value", as in a given example.
    KeyValueLines "key_value_lines" PositiveExample Example 0.5 [List Blocks Sentences Opening]
    /// It does not open like a given example.
    NotOpening "not_opening" NegativeExample Example 0.8 [Opening]
}

impl Kind {
    /// Kinds that are sensible to hold out of synthesis: each is near kinds that stay in, so a
    /// small model has a fair chance on them, and none is a mere negation of one that stays in.
    pub const HELD_OUT_DEFAULT: &'static [Self] = &[
        Self::WordRange,
        Self::MaxSentences,
        Self::IncludeWords,
        Self::EndsWithQuestion,
        Self::NoContractions,
        Self::MinBullets,
        Self::WrappedInQuotes,
        Self::SignedAs,
        // The last three keep types of IFEval unseen.
        Self::Postscript,
        Self::AngleTitle,
        Self::Sections,
    ];

    /// The kind with this id.
    pub fn from_id(id: &str) -> Result<Self, ConstraintError> {
        Self::ALL.iter().copied().find(|kind| kind.id() == id).ok_or_else(|| {
            ConstraintError::UnknownKind {
                id: id.chars().take(60).collect(),
                known: Self::ALL.len(),
            }
        })
    }

    /// The type of the taxonomy that it belongs to.
    pub fn constraint_type(self) -> ConstraintType {
        self.dimension().constraint_type()
    }

    /// The constraints of this kind that a response satisfies: few (at most 6), the tightest and
    /// most telling first, none for values that nobody would ask for.
    pub fn back_translate(self, response: &str) -> Vec<Constraint> {
        self.back_translate_counted(&Counted::new(response))
    }

    /// [`Kind::back_translate`] of a response that other kinds count too.
    pub fn back_translate_counted(self, counted: &Counted<'_>) -> Vec<Constraint> {
        let response = counted.response();
        if response.trim().is_empty() {
            return Vec::new();
        }
        let found = match self.home() {
            Home::Length => Length::back_translate(self, response),
            Home::Words => Words::back_translate(self, response),
            Home::Figures => Figures::back_translate(self, response),
            Home::Marks => Marks::back_translate(self, response),
            Home::Case => Case::back_translate(self, response),
            Home::Voice => Voice::back_translate(self, response),
            Home::Lists => Lists::back_translate(self, response),
            Home::Layout => Layout::back_translate(self, response),
            Home::Framing => Framing::back_translate(self, response),
            Home::Situation => Situation::back_translate(self, response),
            Home::Example => Example::back_translate(self, response),
        };
        let mut kept: Vec<Constraint> = Vec::new();
        for constraint in found {
            let good = constraint.validate().is_ok() && counted.satisfies(&constraint);
            if good && !kept.contains(&constraint) && kept.len() < 6 {
                kept.push(constraint);
            }
        }
        kept
    }

    /// A constraint of this kind with random sensible parameters, for a task.
    pub fn draw(self, task: &str, rng: &mut impl Rng) -> Constraint {
        match self.home() {
            Home::Length => Length::draw(self, task, rng),
            Home::Words => Words::draw(self, task, rng),
            Home::Figures => Figures::draw(self, task, rng),
            Home::Marks => Marks::draw(self, task, rng),
            Home::Case => Case::draw(self, task, rng),
            Home::Voice => Voice::draw(self, task, rng),
            Home::Lists => Lists::draw(self, task, rng),
            Home::Layout => Layout::draw(self, task, rng),
            Home::Framing => Framing::draw(self, task, rng),
            Home::Situation => Situation::draw(self, task, rng),
            Home::Example => Example::draw(self, task, rng),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
