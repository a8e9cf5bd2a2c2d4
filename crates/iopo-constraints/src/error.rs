//! What can go wrong when a constraint is made from foreign data.

/// Why a constraint could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    /// No kind has this id.
    #[error(
        "unknown constraint kind `{id}`: expected one of the {known} ids that `Kind::ALL` lists \
         (check the spelling, or the version of the file)"
    )]
    UnknownKind {
        /// The id that was found.
        id: String,
        /// How many kinds there are.
        known: usize,
    },
    /// The parameters are no JSON, lack a field, have one too many or of another type.
    #[error("parameters of `{id}` are unreadable: {reason} (found `{params}`)")]
    Unreadable {
        /// The kind's id.
        id: String,
        /// The start of what was found.
        params: String,
        /// What the parser said.
        reason: String,
    },
    /// A parameter has a value that the kind does not take.
    #[error("parameter `{name}` of `{id}` must be {expected}, found {found}")]
    OutOfRange {
        /// The kind's id.
        id: String,
        /// The parameter.
        name: String,
        /// The values that it may take.
        expected: String,
        /// The value that was found.
        found: String,
    },
}
