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
    /// The file has no mirrored row: another prompt with chosen and rejected swapped.
    NoMirror,
    /// The turns are not one user turn and one assistant turn.
    OtherTurns,
    /// The row has one instruction instead of two.
    OneInstruction,
    /// A text is empty.
    EmptyText,
    /// Both instructions have the same text.
    SameInstructions,
    /// Both responses have the same text.
    SameResponses,
    /// An earlier row or file has the same four texts.
    Repeated,
    /// An earlier file of another split has a group of the same task.
    OtherSplit,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NoPreference => "no strict pair",
            Self::Sided => "sided group, but the format has full groups only",
            Self::NoMirror => "no mirrored row (another prompt, chosen and rejected swapped)",
            Self::OtherTurns => "turns other than one user turn and one assistant turn",
            Self::OneInstruction => "one instruction instead of two",
            Self::EmptyText => "empty text",
            Self::SameInstructions => "both instructions are the same",
            Self::SameResponses => "both responses are the same",
            Self::Repeated => "an earlier group is the same",
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
