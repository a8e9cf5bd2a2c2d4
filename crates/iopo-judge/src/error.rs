//! Errors of data files and reasons for a missing verdict.

use std::fmt;

/// The reason why an answer of a judge gives no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum Unjudged {
    /// There is no answer of the judge, or no response.
    #[error("found no answer")]
    NoAnswer,
    /// The number of verdicts differs from the number of questions.
    #[error("the number of verdicts differs from the number of questions")]
    Count,
    /// A line does not repeat the criterion that it judges.
    #[error("a line does not repeat the criterion in its place")]
    Echo,
    /// A line repeats another criterion.
    #[error("a line repeats a criterion of another place")]
    Order,
    /// The answer has no list of scores.
    #[error("found no scores")]
    NoScores,
    /// The scores are not valid JSON.
    #[error("the scores are not valid JSON")]
    Json,
    /// A score is not a number.
    #[error("a score is not a number")]
    Score,
    /// A score is out of range.
    #[error("a score is not between 0 and 10")]
    Range,
    /// The indices of the verdicts are not 1 to the number of constraints, each once.
    #[error("the indices of the verdicts are not 1 to the number of constraints, each once")]
    Index,
    /// The answer contains verdicts that differ.
    #[error("the answer contradicts itself")]
    Contradiction,
    /// The answer has no verdict in the form that the prompt asks for.
    #[error("found no verdict")]
    NoVerdict,
    /// An extracted text does not occur in the response.
    #[error("an extracted text does not occur in the response")]
    NotAQuotation,
    /// The question itself has a verdict, but one that it depends on has none.
    #[error("a question that it depends on has no verdict")]
    Undecided,
    /// The item has a rule that the published code does not know.
    #[error("unknown rule")]
    UnknownRule,
    /// The published code raises an exception, does not terminate, or evaluates the text as code.
    #[error("the published code raises an exception")]
    ReferenceRaises,
    /// The response contains text in the form of a judge's verdict.
    #[error("the response contains a forged verdict")]
    ForgedVerdict,
}

impl Unjudged {
    /// The stable name in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::NoAnswer => "no answer",
            Self::Count => "count",
            Self::Echo => "echo",
            Self::Order => "order",
            Self::NoScores => "no scores",
            Self::Json => "json",
            Self::Score => "score",
            Self::Range => "range",
            Self::Index => "index",
            Self::Contradiction => "contradiction",
            Self::NoVerdict => "no verdict",
            Self::NotAQuotation => "not a quotation",
            Self::Undecided => "undecided",
            Self::UnknownRule => "unknown rule",
            Self::ReferenceRaises => "reference_raises",
            Self::ForgedVerdict => "forged_verdict",
        }
    }
}

/// The place of an item in a data file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A line of a file with one JSON object per line.
    Line(usize),
    /// An element of a JSON array.
    Element(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Element(element) => write!(f, "element {element}"),
        }
    }
}

/// An error in a data file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The file exceeds a limit.
    #[error("the file has {found} {what}, expected at most {limit}")]
    TooLarge {
        /// The name of the counted things.
        what: &'static str,
        /// The number found.
        found: usize,
        /// The largest number allowed.
        limit: usize,
    },
    /// The file is not valid JSON, or an item lacks a field.
    #[error("line {line} is not {benchmark} data: {reason}")]
    Json {
        /// The benchmark.
        benchmark: &'static str,
        /// The line, from 1.
        line: usize,
        /// The problem.
        reason: String,
    },
    /// An item contradicts itself or holds an unknown value.
    #[error("{place} is not an item of {benchmark}: {reason}")]
    Item {
        /// The benchmark.
        benchmark: &'static str,
        /// Where the item is.
        place: Place,
        /// The problem.
        reason: String,
    },
    /// A row of a file of answers or responses is invalid.
    #[error("invalid {what} in {place}: {reason}")]
    Row {
        /// What the row should be.
        what: &'static str,
        /// Where it is.
        place: Place,
        /// The problem.
        reason: String,
    },
    /// Two items share a key.
    #[error("{place} repeats the key `{key}`")]
    Duplicate {
        /// Where the second item is.
        place: Place,
        /// The key.
        key: String,
    },
}

/// An error in a prompt template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// The file has no message.
    #[error("template `{name}` has no section, expected a line `=== user`")]
    Empty {
        /// The name of the template.
        name: String,
    },
    /// A section names no role.
    #[error("line {line} of template `{name}`: found role `{found}`, expected `system` or `user`")]
    Role {
        /// The name of the template.
        name: String,
        /// The line, from 1.
        line: usize,
        /// The role found.
        found: String,
    },
    /// A slot has an unknown name.
    #[error("template `{name}`: found slot `{found}`, expected one of {expected}")]
    UnknownSlot {
        /// The name of the template.
        name: String,
        /// The slot found.
        found: String,
        /// The slots allowed.
        expected: String,
    },
    /// A required slot is absent.
    #[error("template `{name}` lacks the slot `{slot}`")]
    MissingSlot {
        /// The name of the template.
        name: String,
        /// The slot.
        slot: &'static str,
    },
}
