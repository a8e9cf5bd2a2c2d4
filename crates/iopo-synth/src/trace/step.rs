//! The stages of the recipe and the reasons for which a seed or a response is dropped.

use iopo_llm::Failure;

/// A stage, in the order of a seed's way through the recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The writer adds constraints to the task.
    Expand,
    /// The writer splits the instruction into its parts.
    Structure,
    /// The judge decides whether the first instruction is complete; with `qc.joint`, also whether it repeats itself.
    Complete,
    /// The judge decides whether the first instruction repeats itself.
    Redundant,
    /// The writer answers the first instruction.
    Response,
    /// The judge rates the responses to the first instruction.
    Rating,
    /// The writer writes a worse answer.
    Worse,
    /// The judge rates the worse answers.
    WorseRating,
    /// The writer writes the new constraint of the second instruction.
    Change,
    /// As [`Complete`](Self::Complete), for the second instruction.
    ChangeComplete,
    /// As [`Redundant`](Self::Redundant), for the second instruction.
    ChangeRedundant,
    /// The judge decides whether one answer can meet the old and the new constraint.
    Compatible,
    /// The writer answers the second instruction.
    SecondResponse,
    /// The judge rates the responses to the second instruction.
    SecondRating,
    /// The judge rates each response by the changed constraint of the other instruction.
    Cross,
}

impl Step {
    /// All stages.
    pub const ALL: [Self; 15] = [
        Self::Expand,
        Self::Structure,
        Self::Complete,
        Self::Redundant,
        Self::Response,
        Self::Rating,
        Self::Worse,
        Self::WorseRating,
        Self::Change,
        Self::ChangeComplete,
        Self::ChangeRedundant,
        Self::Compatible,
        Self::SecondResponse,
        Self::SecondRating,
        Self::Cross,
    ];

    /// Returns the name in counters and in the `sampling` column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Structure => "structure",
            Self::Complete => "complete",
            Self::Redundant => "redundant",
            Self::Response => "response",
            Self::Rating => "rating",
            Self::Worse => "worse",
            Self::WorseRating => "worse-rating",
            Self::Change => "change",
            Self::ChangeComplete => "change-complete",
            Self::ChangeRedundant => "change-redundant",
            Self::Compatible => "compatible",
            Self::SecondResponse => "second-response",
            Self::SecondRating => "second-rating",
            Self::Cross => "cross",
        }
    }

    /// Whether the writer is asked, not the judge.
    pub const fn is_writer(self) -> bool {
        matches!(
            self,
            Self::Expand
                | Self::Structure
                | Self::Response
                | Self::Worse
                | Self::Change
                | Self::SecondResponse
        )
    }

    /// Whether the answers are ratings.
    pub const fn is_rating(self) -> bool {
        matches!(self, Self::Rating | Self::WorseRating | Self::SecondRating | Self::Cross)
    }
}

/// Declares [`Refusal`], the names of its variants in counters, and the list of all names.
macro_rules! refusals {
    ($($(#[$meta:meta])* $variant:ident $(($detail:ty))? $name:literal;)*) => {
        /// Why a seed or a response is dropped.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Refusal {
            /// The request failed.
            Failed(Failure),
            $($(#[$meta])* $variant $(($detail))?,)*
        }

        /// The names of all reasons but the classes of failed requests, in the order of [`Refusal`].
        pub const REFUSALS: &[&str] = &[$($name,)*];

        impl Refusal {
            /// Returns the name in counters; for a failed request, its class.
            pub fn name(&self) -> &'static str {
                match self {
                    Self::Failed(failure) => failure.class.name(),
                    $(Self::$variant { .. } => $name,)*
                }
            }
        }
    };
}

refusals! {
    /// The answer did not have the form that was asked for, in every attempt.
    Malformed(String) "malformed";
    /// The rating could not be read, in every attempt.
    Unjudged(String) "unjudged";
    /// The token limit cut the answer.
    Cut "cut";
    /// The answer has no text.
    Empty "empty";
    /// The text is in another language.
    Language "language";
    /// The expanded instruction is shorter than the task.
    Shorter "shorter";
    /// The expanded instruction lacks content of the task.
    LostTask "lost_task";
    /// The expanded instruction contains the input twice.
    RepeatedInput "repeated_input";
    /// The writer calls the instruction poor.
    Poor "poor";
    /// The instruction has no task.
    NoTask "no_task";
    /// The instruction has no constraint.
    NoConstraints "no_constraints";
    /// The instruction has too many constraints.
    TooMany "too_many";
    /// A constraint is too long.
    LongConstraint "long_constraint";
    /// Two constraints have the same words.
    EqualConstraints "equal_constraints";
    /// Two parts of the instruction share a long run of words.
    RedundantCode "redundant_code";
    /// The input is not that of the instruction.
    InventedInput "invented_input";
    /// The parts lack content of the instruction.
    LostContent "lost_content";
    /// The label of a constraint resembles no dimension.
    UnknownDimension "unknown_dimension";
    /// The instruction overlaps with a prompt that the run is tested on.
    Contaminated "contaminated";
    /// A constraint maps to a kind that is held out.
    HeldOut "held_out";
    /// Two checked constraints exclude each other.
    Conflict "conflict";
    /// The judge finds the instruction incomplete.
    Incomplete "incomplete";
    /// The judge finds a repetition.
    Redundant "redundant";
    /// No operation of positive weight is possible.
    NoOperation "no_operation";
    /// The response resembles an earlier one.
    Duplicate "duplicate";
    /// The response contains a judge's verdict.
    ForgedVerdict "forged_verdict";
    /// A constraint that code checks does not hold, so the judge was not asked.
    FailedCheck(String) "failed_check";
    /// A constraint does not hold.
    Unsatisfied "unsatisfied";
    /// No response to the instruction is accepted.
    NoResponse "no_response";
    /// The worse answer satisfies every constraint.
    NotWorse "not_worse";
    /// The new constraint has the words of an existing one.
    Unchanged "unchanged";
    /// The first response satisfies the new constraint by code.
    Satisfied "satisfied";
}

impl Refusal {
    /// Whether a request has no usable answer, so that it has a row of its own.
    pub(crate) fn is_of_request(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Malformed(_) | Self::Unjudged(_))
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
}
