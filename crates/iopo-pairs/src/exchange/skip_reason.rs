//! Reasons to skip a group or a row.

use std::collections::BTreeMap;
use std::fmt;

/// Why an export skips a group, or an import skips a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// Export: the truth table has no strict output pair.
    NoPreference,
    /// Export: the group is sided, and the format has full groups only.
    Sided,
    /// Export: the row is a pair, and the format supports only groups of two instructions.
    OneInstruction,
    /// Export: turns precede the instruction, and the format has no place for them.
    Context,
    /// A turn calls a tool or holds a tool's result.
    ToolTurn,
    /// A turn or a response has no text.
    NoText,
    /// The row has images, videos, sounds or tools beside its texts.
    BesideText,
    /// The content of a turn is a list of parts.
    ContentParts,
    /// The turns before a response are not a chat that ends with the user's turn, or one response has several turns.
    OtherTurns,
    /// The two responses belong to different prompts.
    DifferentPrompts,
    /// A text is empty.
    EmptyText,
    /// Both instructions have the same text.
    SameInstructions,
    /// Both responses have the same text.
    SameResponses,
    /// An earlier row or file has the same texts.
    Repeated,
    /// Another split has a group or pair of the same task or prompt.
    OtherSplit,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NoPreference => "no strict pair",
            Self::Sided => "sided group, but the format has full groups only",
            Self::OneInstruction => "one instruction, but the format requires two",
            Self::Context => "turns before the instruction, which the format cannot represent",
            Self::ToolTurn => "a turn calls a tool or holds its result",
            Self::NoText => "a turn or a response without text",
            Self::BesideText => "images, videos, sounds or tools beside the texts",
            Self::ContentParts => "content in parts instead of text",
            Self::OtherTurns => "turns do not form a chat that ends with one response",
            Self::DifferentPrompts => "chosen and rejected belong to different prompts",
            Self::EmptyText => "empty text",
            Self::SameInstructions => "both instructions are the same",
            Self::SameResponses => "both responses are the same",
            Self::Repeated => "an earlier row is the same",
            Self::OtherSplit => "another split has the same task",
        })
    }
}

/// Formats reasons with their counts for an error.
pub(super) fn listed(counts: &BTreeMap<SkipReason, u64>) -> String {
    let parts: Vec<String> =
        counts.iter().map(|(reason, count)| format!("{count}: {reason}")).collect();
    if parts.is_empty() { "the file is empty".to_owned() } else { parts.join("; ") }
}
