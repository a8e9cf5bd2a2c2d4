//! The outcome of one request: a completion, or a failure with its class and reason.

use serde::{Deserialize, Serialize};

use crate::Completion;

/// The outcome of one request.
pub type Outcome = Result<Completion, Failure>;

/// Why one request has no completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureClass {
    /// The prompt, with the tokens to generate, exceeds the model's context.
    TooLong,
    /// A content filter blocked the prompt or the answer.
    Filtered,
    /// The model refused to answer.
    Refused,
    /// The model or its server rejects the request.
    BadRequest,
    /// The token limit was reached before the answer began, for instance by reasoning.
    Cut,
    /// The answer has no text.
    Empty,
    /// The answer cannot be read.
    Malformed,
    /// The server or the network failed in every attempt.
    Transient,
    /// The server limited the rate in every attempt.
    RateLimited,
    /// The request timed out in every attempt.
    Timeout,
}

impl FailureClass {
    /// Returns the name of the class, as in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Filtered => "filtered",
            Self::Refused => "refused",
            Self::BadRequest => "bad_request",
            Self::Cut => "cut",
            Self::Empty => "empty",
            Self::Malformed => "malformed",
            Self::Transient => "transient",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
        }
    }

    /// Returns whether the same request would fail again.
    pub fn is_permanent(self) -> bool {
        use FailureClass::{Malformed, RateLimited, Timeout, Transient};
        !matches!(self, Malformed | Transient | RateLimited | Timeout)
    }
}

/// The failure of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}: {reason}", class.name())]
pub struct Failure {
    /// The class.
    pub class: FailureClass,
    /// The reason, in words.
    pub reason: String,
    /// Number of times the request was sent.
    #[serde(default)]
    pub attempts: u32,
}

impl Failure {
    /// Creates a failure with 0 attempts, as of a request that was not sent.
    pub fn new(class: FailureClass, reason: impl Into<String>) -> Self {
        Self { class, reason: reason.into(), attempts: 0 }
    }
}
