//! Errors of instructions and prompt files.

/// Why an instruction or a file of prompts could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstructionError {
    /// No instruction type has this id.
    #[error("unknown instruction `{id}`, expected one of the {known} ids of {benchmark}")]
    UnknownInstruction {
        /// The id that was found.
        id: String,
        /// The number of known ids.
        known: usize,
        /// The benchmark, or the benchmarks, that were searched.
        benchmark: &'static str,
    },
    /// A required parameter is absent or null.
    #[error("missing parameter `{name}` of instruction `{id}`")]
    MissingParameter {
        /// The id of the instruction.
        id: &'static str,
        /// The parameter.
        name: &'static str,
    },
    /// The instruction has no such parameter.
    #[error("unknown parameter `{name}` of instruction `{id}`")]
    ForeignParameter {
        /// The id of the instruction.
        id: &'static str,
        /// The parameter that was found.
        name: String,
    },
    /// A parameter has the wrong type or is out of range.
    #[error("invalid parameter `{name}` of instruction `{id}`: found {found}, expected {expected}")]
    BadParameter {
        /// The id of the instruction.
        id: &'static str,
        /// The parameter.
        name: &'static str,
        /// The values that are allowed.
        expected: &'static str,
        /// The start of the value that was found.
        found: String,
    },
    /// A pattern cannot be searched for exactly, in linear time and with little memory.
    #[error("unsupported pattern `{pattern}` of instruction `{id}`: {reason}")]
    UnsupportedPattern {
        /// The id of the instruction.
        id: &'static str,
        /// The start of the pattern.
        pattern: String,
        /// Why the pattern is not supported.
        reason: String,
    },
    /// A check needs a table that is not part of the crate.
    #[error("instruction `{id}` needs {table}, which is not loaded")]
    MissingTable {
        /// The id of the instruction.
        id: &'static str,
        /// The table.
        table: &'static str,
    },
    /// The text of a table is not in its format.
    #[error("line {line} of {table}: {reason}")]
    BadTable {
        /// The table.
        table: &'static str,
        /// The line number, from 1.
        line: usize,
        /// The problem of the line.
        reason: String,
    },
    /// A line of a prompt file is not a JSON object with the fields of a prompt.
    #[error("line {line} is not a prompt: {reason}")]
    BadLine {
        /// The line number, from 1.
        line: usize,
        /// The problem of the line.
        reason: String,
    },
    /// An instruction in a prompt file could not be read.
    #[error("invalid instruction of prompt {key} (line {line})")]
    BadPrompt {
        /// The line number, from 1.
        line: usize,
        /// The key of the prompt.
        key: String,
        /// The problem of the instruction.
        source: Box<InstructionError>,
    },
}

impl InstructionError {
    /// Returns a remedy, if one is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownInstruction { .. } => {
                "check the spelling, and that the file is of this benchmark and of a known version"
            }
            Self::MissingParameter { .. } => "add it to the kwargs",
            Self::ForeignParameter { .. } => "remove it from the kwargs",
            Self::BadPrompt { source, .. } => return source.hint(),
            Self::MissingTable { .. } | Self::BadTable { .. } => {
                "make the table with `cargo xtask tagger` in a clone of the repository"
            }
            Self::BadParameter { .. } | Self::UnsupportedPattern { .. } | Self::BadLine { .. } => {
                return None;
            }
        };
        Some(hint.to_owned())
    }
}

/// The start of a value, for an error message.
pub(crate) fn excerpt(text: &str) -> String {
    let mut start: String = text.chars().take(60).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}
