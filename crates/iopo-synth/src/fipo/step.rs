//! The stages of the collector.

use super::config::FipoTokens;

/// A stage, in the order in which a response passes through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FipoStep {
    /// The writer writes the better instruction.
    Better,
    /// The writer, or the model of `fipo.worse`, writes the worse instruction.
    Worse,
    /// The judge compares the instructions, the better one first.
    BetterFirst,
    /// The judge compares the instructions, the worse one first.
    WorseFirst,
    /// The base model measures how much likelier the response is under the better instruction.
    Margin,
    /// The judge rates the response by the requirements of both instructions.
    Rating,
    /// The writer writes a response that meets both instructions.
    Response,
    /// The judge rates the second response by the requirements of both instructions.
    ResponseRating,
}

/// The model of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Writer,
    Worse,
    Judge,
    /// Scores texts, and answers no request.
    Scorer,
}

impl FipoStep {
    /// All stages.
    pub const ALL: [Self; 8] = [
        Self::Better,
        Self::Worse,
        Self::BetterFirst,
        Self::WorseFirst,
        Self::Margin,
        Self::Rating,
        Self::Response,
        Self::ResponseRating,
    ];

    /// Returns the name in counters and in the `sampling` column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::BetterFirst => "better-first",
            Self::WorseFirst => "worse-first",
            Self::Margin => "margin",
            Self::Rating => "rating",
            Self::Response => "response",
            Self::ResponseRating => "response-rating",
        }
    }

    /// Returns whether the judge is asked.
    pub fn asks_judge(self) -> bool {
        self.asked() == Asked::Judge
    }

    /// Returns whether the model of `fipo.worse` is asked, if there is one.
    pub fn asks_for_worse(self) -> bool {
        self.asked() == Asked::Worse
    }

    /// Returns whether the stage decides about a preference. The others decide only whether it becomes a group.
    pub fn is_of_preference(self) -> bool {
        self < Self::Rating
    }

    /// Returns the maximum number of tokens of an answer.
    pub(crate) const fn limit(self, limits: &FipoTokens) -> usize {
        match self {
            Self::Better | Self::Worse => limits.rewrite,
            Self::Response => limits.response,
            Self::BetterFirst
            | Self::WorseFirst
            | Self::Margin
            | Self::Rating
            | Self::ResponseRating => limits.judge,
        }
    }

    pub(crate) const fn asked(self) -> Asked {
        match self {
            Self::Better | Self::Response => Asked::Writer,
            Self::Worse => Asked::Worse,
            Self::Margin => Asked::Scorer,
            Self::BetterFirst | Self::WorseFirst | Self::Rating | Self::ResponseRating => {
                Asked::Judge
            }
        }
    }

    pub(crate) const fn is_rating(self) -> bool {
        matches!(self, Self::Rating | Self::ResponseRating)
    }
}
