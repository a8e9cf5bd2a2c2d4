//! Errors, by the class of the Python exception that `transformers` would see.

/// The class of an error. Templates cannot catch errors, but some filters and tests do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The source does not compile.
    Syntax,
    /// An operation does not accept this type.
    Type,
    /// An argument has the right type, but not a valid value.
    Value,
    /// An index or a key does not exist.
    Lookup,
    /// An undefined value was used.
    Undefined,
    /// An attribute or a call that the sandbox refuses.
    Security,
    /// A division by zero, or a number out of range.
    Arithmetic,
    /// The template called `raise_exception`.
    Raised,
    /// The template exceeded its steps, its memory or its depth.
    Limit,
    /// Valid Jinja that is not available here, such as an include without a loader.
    Unsupported,
}

/// A template that does not compile or does not render.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}{reason}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct Error {
    pub(crate) kind: ErrorKind,
    pub(crate) line: Option<usize>,
    pub(crate) reason: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self { kind, line: None, reason: reason.into() }
    }

    pub(crate) fn syntax(line: usize, reason: impl Into<String>) -> Self {
        Self { line: Some(line), ..Self::new(ErrorKind::Syntax, reason) }
    }

    pub(crate) fn of_type(reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::Type, reason)
    }

    pub(crate) fn value(reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::Value, reason)
    }

    pub(crate) fn limit(reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::Limit, reason)
    }

    /// Adds the line, unless an inner statement has set it.
    pub(crate) fn at(mut self, line: usize) -> Self {
        self.line = self.line.or(Some(line));
        self
    }

    /// Returns the class of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the line of the template, counted from 1, if it is known.
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

/// The result of a step of a template.
pub(crate) type Result<T> = std::result::Result<T, Error>;
