//! The stages of the recipe and the reasons for which a seed or a response is dropped.

use iopo_llm::{Failure, FailureClass};

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
    /// Returns whether the judge is asked; otherwise, the writer is.
    pub fn asks_judge(self) -> bool {
        match self {
            Self::Expand
            | Self::Structure
            | Self::Response
            | Self::Worse
            | Self::Change
            | Self::SecondResponse => false,
            Self::Complete
            | Self::Redundant
            | Self::Rating
            | Self::WorseRating
            | Self::ChangeComplete
            | Self::ChangeRedundant
            | Self::Compatible
            | Self::SecondRating
            | Self::Cross => true,
        }
    }

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

/// Why a seed or a response is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The request failed.
    Failed(Failure),
    /// The answer did not have the form that was asked for, in every attempt.
    Malformed(String),
    /// The rating could not be read, in every attempt.
    Unjudged(String),
    /// The token limit cut the answer.
    Cut,
    /// The answer has no text.
    Empty,
    /// The text is in another language.
    Language,
    /// The expanded instruction is shorter than the task.
    Shorter,
    /// The expanded instruction lacks content of the task.
    LostTask,
    /// The expanded instruction contains the input twice.
    RepeatedInput,
    /// The writer calls the instruction poor.
    Poor,
    /// The instruction has no task.
    NoTask,
    /// The instruction has no constraint.
    NoConstraints,
    /// The instruction has too many constraints.
    TooMany,
    /// A constraint is too long.
    LongConstraint,
    /// Two constraints have the same words.
    EqualConstraints,
    /// Two parts of the instruction share a long run of words.
    RedundantCode,
    /// The input is not that of the instruction.
    InventedInput,
    /// The parts lack content of the instruction.
    LostContent,
    /// The label of a constraint resembles no dimension.
    UnknownDimension,
    /// A constraint maps to a kind that is held out.
    HeldOut,
    /// Two checked constraints exclude each other.
    Conflict,
    /// The judge finds the instruction incomplete.
    Incomplete,
    /// The judge finds a repetition.
    Redundant,
    /// No operation of positive weight is possible.
    NoOperation,
    /// The response resembles an earlier one.
    Duplicate,
    /// The response contains a judge's verdict.
    ForgedVerdict,
    /// A constraint that code checks does not hold, so the judge was not asked.
    FailedCheck(String),
    /// A constraint does not hold.
    Unsatisfied,
    /// No response to the instruction is accepted.
    NoResponse,
    /// The worse answer satisfies every constraint.
    NotWorse,
    /// The new constraint has the words of an existing one.
    Unchanged,
    /// The first response satisfies the new constraint by code.
    Satisfied,
}

impl Refusal {
    /// Returns the name in counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Failed(failure) => failure.class.name(),
            Self::Malformed(_) => "malformed",
            Self::Unjudged(_) => "unjudged",
            Self::Cut => FailureClass::Cut.name(),
            Self::Empty => FailureClass::Empty.name(),
            Self::Language => "language",
            Self::Shorter => "shorter",
            Self::LostTask => "lost_task",
            Self::RepeatedInput => "repeated_input",
            Self::Poor => "poor",
            Self::NoTask => "no_task",
            Self::NoConstraints => "no_constraints",
            Self::TooMany => "too_many",
            Self::LongConstraint => "long_constraint",
            Self::EqualConstraints => "equal_constraints",
            Self::RedundantCode => "redundant_code",
            Self::InventedInput => "invented_input",
            Self::LostContent => "lost_content",
            Self::UnknownDimension => "unknown_dimension",
            Self::HeldOut => "held_out",
            Self::Conflict => "conflict",
            Self::Incomplete => "incomplete",
            Self::Redundant => "redundant",
            Self::NoOperation => "no_operation",
            Self::Duplicate => "duplicate",
            Self::ForgedVerdict => "forged_verdict",
            Self::FailedCheck(_) => "failed_check",
            Self::Unsatisfied => "unsatisfied",
            Self::NoResponse => "no_response",
            Self::NotWorse => "not_worse",
            Self::Unchanged => "unchanged",
            Self::Satisfied => "satisfied",
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
}
