//! The reasons for which there is no preference or no group.

use iopo_llm::{Failure, FailureClass};

use crate::trace::Refusal;

/// Why a response gives no preference, or a preference no group.
#[derive(Debug, Clone, PartialEq)]
pub enum FipoRefusal {
    /// The request failed.
    Failed(Failure),
    /// The answer did not have the form that was asked for, in every attempt.
    Malformed(String),
    /// The rating could not be read, in every attempt.
    Unjudged(String),
    /// The token limit cut the text.
    Cut,
    /// The text is empty.
    Empty,
    /// The text is in another language.
    Language,
    /// The rewrite lacks content of the task.
    LostTask,
    /// The rewrite contains the input, which follows it anyway.
    RepeatedInput,
    /// The rewrite has more words than `max_words`.
    TooLong,
    /// The rewrite has a run of words of the response.
    Leak,
    /// The rewrite overlaps with a prompt that the run is tested on.
    Contaminated,
    /// The rewrite lists more requirements than an instruction may have.
    TooMany,
    /// A listed requirement is not in the rewrite.
    Unstated,
    /// Two listed requirements have the same words.
    EqualConstraints,
    /// A requirement is of a kind that is held out.
    HeldOut,
    /// The label of a requirement resembles no dimension.
    UnknownDimension,
    /// Two checked requirements exclude each other.
    Conflict,
    /// The response violates a requirement of the better rewrite that code checks.
    FailedCheck(String),
    /// The two rewrites have the same words.
    SameInstructions,
    /// The judge does not name the better rewrite in both orders.
    Undecided,
    /// The base model cannot score the response.
    Unscored,
    /// The response is not likelier enough under the better rewrite.
    LowMargin,
    /// A rewrite states no requirement, or the worse one no other than the better one.
    NoConstraints,
    /// A requirement of the better rewrite does not hold in the response, or one of both in the second response.
    Unsatisfied,
    /// The response satisfies every requirement of the worse rewrite.
    NotViolated,
    /// No requirement of the worse rewrite is clearly violated.
    Ambiguous,
    /// The second response resembles the first one.
    Duplicate,
    /// The second response contains a judge's verdict.
    ForgedVerdict,
}

impl FipoRefusal {
    /// Returns the name in counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Failed(failure) => failure.class.name(),
            Self::Malformed(_) => "malformed",
            Self::Unjudged(_) => "unjudged",
            Self::Cut => FailureClass::Cut.name(),
            Self::Empty => FailureClass::Empty.name(),
            Self::Language => "language",
            Self::LostTask => "lost_task",
            Self::RepeatedInput => "repeated_input",
            Self::TooLong => "over_words",
            Self::Leak => "leak",
            Self::Contaminated => "contaminated",
            Self::TooMany => "too_many",
            Self::Unstated => "unstated",
            Self::EqualConstraints => "equal_constraints",
            Self::HeldOut => "held_out",
            Self::UnknownDimension => "unknown_dimension",
            Self::Conflict => "conflict",
            Self::FailedCheck(_) => "failed_check",
            Self::SameInstructions => "same_instructions",
            Self::Undecided => "undecided",
            Self::Unscored => "unscored",
            Self::LowMargin => "low_margin",
            Self::NoConstraints => "no_constraints",
            Self::Unsatisfied => "unsatisfied",
            Self::NotViolated => "not_violated",
            Self::Ambiguous => "ambiguous",
            Self::Duplicate => "duplicate",
            Self::ForgedVerdict => "forged_verdict",
        }
    }

    /// Returns the text of the `error` column: the name, and the details if there are any.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Failed(failure) => failure.to_string(),
            Self::Malformed(detail) | Self::Unjudged(detail) | Self::FailedCheck(detail) => {
                format!("{}: {detail}", self.name())
            }
            _ => self.name().to_owned(),
        }
    }

    /// Whether a request has no usable answer, so that it has a row of its own.
    pub(crate) fn is_of_request(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Malformed(_) | Self::Unjudged(_))
    }
}

/// Refusals of asking: the others arise in the recipe `trace` only.
impl From<Refusal> for FipoRefusal {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Failed(failure) => Self::Failed(failure),
            Refusal::Unjudged(detail) => Self::Unjudged(detail),
            Refusal::Malformed(detail) => Self::Malformed(detail),
            other => Self::Malformed(other.text()),
        }
    }
}
