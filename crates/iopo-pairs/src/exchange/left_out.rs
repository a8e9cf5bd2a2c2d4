//! Why a group or a row is left out.

use std::collections::BTreeMap;
use std::fmt;

/// Why a group or a row is left out; shown as a reason for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// Export: no cell of the truth table makes a strict pair.
    NoPreference,
    /// Export: the format can only say that the whole table holds.
    Sided,
    /// A pair whose mirror (other prompt, chosen and rejected swapped) is not in the file.
    NoMirror,
    /// Another number or order of turns than the format's plainest, or a system turn.
    OtherTurns,
    /// One instruction where two are needed.
    OneInstruction,
    /// A text is empty.
    EmptyText,
    /// Both instructions are the same text.
    SameInstructions,
    /// Both responses are the same text.
    SameResponses,
    /// The same four texts stood further up, or in a file before.
    Repeated,
    /// A file before, of another split, has a group of the same task.
    OtherSplit,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NoPreference => "no response is strictly better under an instruction",
            Self::Sided => "sided, but the format means a full truth table",
            Self::NoMirror => "no row mirrors it (another prompt, chosen and rejected swapped)",
            Self::OtherTurns => "other turns than one user's and one assistant's",
            Self::OneInstruction => "one instruction, a group has two",
            Self::EmptyText => "an empty text",
            Self::SameInstructions => "twice the same instruction",
            Self::SameResponses => "twice the same response",
            Self::Repeated => "the same group stood there before",
            Self::OtherSplit => "another split has groups of the same task",
        })
    }
}

/// The reasons with their counts, for an error.
pub(super) fn listed(counts: &BTreeMap<LeftOut, u64>) -> String {
    let parts: Vec<String> =
        counts.iter().map(|(reason, count)| format!("{count}: {reason}")).collect();
    if parts.is_empty() { "it is empty".to_owned() } else { parts.join("; ") }
}
