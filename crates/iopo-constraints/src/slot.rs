//! What a kind claims for itself, so that two kinds do not fight over it in one instruction.

/// A part or aspect of a response that one constraint at most should govern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// The upper bound on the number of words.
    WordsHigh,
    /// The lower bound on the number of words.
    WordsLow,
    /// How many sentences there are and how long they are.
    Sentences,
    /// Paragraphs and sections.
    Blocks,
    /// Lists and tables.
    List,
    /// Letter case.
    Case,
    /// The first words.
    Opening,
    /// The last words.
    Closing,
    /// Headings and titles.
    Headings,
    /// Bold print.
    Bold,
    /// Digits.
    Digits,
    /// Exclamation marks.
    Exclamations,
    /// Question marks.
    Questions,
    /// Parentheses.
    Parentheses,
    /// Double quotation marks.
    Quotes,
    /// "I" and "we".
    FirstPerson,
    /// "you".
    SecondPerson,
    /// "don't" and "do not".
    Contractions,
    /// The length of words.
    WordLength,
    /// `[placeholders]`.
    Placeholders,
}
