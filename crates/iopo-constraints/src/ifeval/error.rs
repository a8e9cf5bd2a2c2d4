//! What can go wrong when instructions are made from foreign data.

/// Why an instruction, or a file of them, could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IfevalError {
    /// No check has this id.
    #[error(
        "unknown instruction `{id}`: expected one of the {known} ids that `InstructionKind::ALL` lists"
    )]
    UnknownInstruction {
        /// The id that was found.
        id: String,
        /// How many there are.
        known: usize,
    },
    /// A parameter that the instruction needs is absent or null.
    #[error("instruction `{id}` lacks its parameter `{name}`: add it to the kwargs")]
    MissingParameter {
        /// The instruction's id.
        id: &'static str,
        /// The parameter.
        name: &'static str,
    },
    /// A parameter that the instruction does not have.
    #[error("instruction `{id}` has no parameter `{name}`")]
    ForeignParameter {
        /// The instruction's id.
        id: &'static str,
        /// The parameter that was found.
        name: String,
    },
    /// A parameter of another type, or with a value that the instruction does not take.
    #[error("parameter `{name}` of `{id}` must be {expected}, found {found}")]
    BadParameter {
        /// The instruction's id.
        id: &'static str,
        /// The parameter.
        name: &'static str,
        /// The values that it may take.
        expected: &'static str,
        /// The start of what was found.
        found: String,
    },
    /// A pattern from the data that cannot be searched for in linear time and little memory.
    #[error("pattern `{pattern}` of `{id}` is refused: {reason}")]
    PatternRefused {
        /// The instruction's id.
        id: &'static str,
        /// The start of the pattern.
        pattern: String,
        /// Why.
        reason: String,
    },
    /// A line of a prompt file that is no JSON object with the fields of a prompt.
    #[error("line {line} is no prompt: {reason}")]
    BadLine {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// An instruction of a prompt file that could not be read.
    #[error("prompt {key} (line {line})")]
    BadPrompt {
        /// The line's number, from 1.
        line: usize,
        /// The prompt's key.
        key: String,
        /// What is wrong with the instruction.
        source: Box<IfevalError>,
    },
}

/// The start of a value, for an error message.
pub(crate) fn excerpt(text: &str) -> String {
    let mut start: String = text.chars().take(60).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}
