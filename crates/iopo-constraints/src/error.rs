//! Errors of constraints read from files.

/// Why a constraint could not be created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConstraintError {
    /// No kind has this id.
    #[error("unknown constraint kind `{id}`, expected one of the {known} ids in `Kind::ALL`")]
    UnknownKind {
        /// The id that was found.
        id: String,
        /// The number of known kinds.
        known: usize,
    },
    /// The parameters are not a JSON object, or a parameter is missing, unknown or of the wrong type.
    #[error("unreadable parameters of constraint `{id}`: {reason}, found `{params}`")]
    Unreadable {
        /// The id of the kind.
        id: String,
        /// The start of the parameters that were found.
        params: String,
        /// The error of the parser.
        reason: String,
    },
    /// A parameter is out of range.
    #[error(
        "parameter `{name}` of constraint `{id}` is out of range: found {found}, expected {expected}"
    )]
    OutOfRange {
        /// The id of the kind.
        id: String,
        /// The parameter.
        name: String,
        /// The values that are allowed.
        expected: String,
        /// The value that was found.
        found: String,
    },
}

impl ConstraintError {
    /// Returns a remedy, if one is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownKind { .. } => "check the spelling and the version of the file",
            Self::Unreadable { .. } | Self::OutOfRange { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
