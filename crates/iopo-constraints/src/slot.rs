//! The parts of a response that kinds govern, so that an instruction contains at most one kind per part.

/// A part or aspect of a response that at most one constraint of an instruction governs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// The upper bound on the number of words.
    WordsHigh,
    /// The lower bound on the number of words.
    WordsLow,
    /// The number and length of sentences.
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
    /// Bold text.
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
