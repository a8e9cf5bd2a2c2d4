//! Metrics of a `summary` file.

use crate::named::names;

names! {
    /// A number that evaluation reports for a model, with an interval.
    pub enum SummaryMetric {
        /// Share of prompts whose constraints all hold.
        PromptAccuracyStrict = "prompt_accuracy_strict",
        /// The same under IFEval's loose rules.
        PromptAccuracyLoose = "prompt_accuracy_loose",
        /// Share of prompts whose constraints all hold in a response that is no echo, no loop, not thin and on its task.
        CleanAccuracy = "clean_accuracy",
        /// Share of responses that repeat a constraint's sentence.
        EchoShare = "echo_share",
        /// Share of responses that repeat themselves.
        LoopShare = "loop_share",
        /// Share of responses that say little.
        ThinShare = "thin_share",
        /// Share of responses that are hardly likelier given their task than given another one.
        OffTaskShare = "off_task_share",
        /// Log-probability per token of a response given its task without constraints, minus the same given another task.
        Relevance = "relevance",
        /// Share of constraints that hold.
        InstructionAccuracyStrict = "instruction_accuracy_strict",
        /// The same under IFEval's loose rules.
        InstructionAccuracyLoose = "instruction_accuracy_loose",
        /// Words of a response, split at white space.
        ResponseWords = "response_words",
        /// Generated tokens of a response.
        ResponseTokens = "response_tokens",
        /// Distinct words over words, within a response.
        Distinct1 = "distinct_1",
        /// Distinct 2-grams over 2-grams, within a response.
        Distinct2 = "distinct_2",
        /// Distinct 3-grams over 3-grams, within a response.
        Distinct3 = "distinct_3",
        /// Share of blank responses.
        EmptyShare = "empty_share",
        /// Share of responses that the token limit cut off.
        LengthCutShare = "length_cut_share",
        /// Share of non-blank lines that repeat an earlier line of the response.
        RepeatedLines = "repeated_lines",
        /// Distinct words over words, over all responses.
        CorpusDistinct1 = "corpus_distinct_1",
        /// Distinct 2-grams over 2-grams, over all responses.
        CorpusDistinct2 = "corpus_distinct_2",
        /// Distinct 3-grams over 3-grams, over all responses.
        CorpusDistinct3 = "corpus_distinct_3",
        /// Perplexity of the responses under the base model.
        PerplexityBase = "perplexity_base",
        /// Log-probability of a chosen response.
        LogpsChosen = "logps_chosen",
        /// Log-probability of a chosen response, per token.
        LogpsChosenPerToken = "logps_chosen_per_token",
        /// Share of positive output margins: a chosen response over the rejected one under the same instruction, as TRL
        /// reports it for pairs.
        RewardsAccuracies = "rewards/accuracies",
        /// Share of groups with a positive group margin. Pairs have none.
        RewardAccuracy = "reward_accuracy",
        /// Share of groups whose output margin at x1 is positive.
        RewardAccuracyV1 = "reward_accuracy_v1",
        /// Share of groups whose output margin at x2 is positive.
        RewardAccuracyV2 = "reward_accuracy_v2",
        /// Mean output margin.
        RewardOutputMargin = "reward_output_margin",
        /// Mean input margin.
        RewardInputMargin = "reward_input_margin",
    }
}

/// What a metric of a `summary` file measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricFamily {
    /// Whether responses follow their constraints.
    Accuracy,
    /// Signs of degenerate responses.
    Degeneration,
    /// The implicit reward on test groups.
    Reward,
}

impl SummaryMetric {
    /// Returns what it measures.
    pub const fn family(self) -> MetricFamily {
        match self {
            Self::PromptAccuracyStrict
            | Self::PromptAccuracyLoose
            | Self::CleanAccuracy
            | Self::InstructionAccuracyStrict
            | Self::InstructionAccuracyLoose => MetricFamily::Accuracy,
            Self::ResponseWords
            | Self::ResponseTokens
            | Self::Distinct1
            | Self::Distinct2
            | Self::Distinct3
            | Self::EmptyShare
            | Self::LengthCutShare
            | Self::RepeatedLines
            | Self::EchoShare
            | Self::LoopShare
            | Self::ThinShare
            | Self::OffTaskShare
            | Self::Relevance
            | Self::CorpusDistinct1
            | Self::CorpusDistinct2
            | Self::CorpusDistinct3
            | Self::PerplexityBase
            | Self::LogpsChosen
            | Self::LogpsChosenPerToken => MetricFamily::Degeneration,
            Self::RewardsAccuracies
            | Self::RewardAccuracy
            | Self::RewardAccuracyV1
            | Self::RewardAccuracyV2
            | Self::RewardOutputMargin
            | Self::RewardInputMargin => MetricFamily::Reward,
        }
    }

    /// Returns whether reports show it in percent.
    pub const fn is_percentage(self) -> bool {
        match self {
            Self::PromptAccuracyStrict
            | Self::PromptAccuracyLoose
            | Self::InstructionAccuracyStrict
            | Self::InstructionAccuracyLoose
            | Self::CleanAccuracy
            | Self::EchoShare
            | Self::LoopShare
            | Self::ThinShare
            | Self::OffTaskShare
            | Self::EmptyShare
            | Self::LengthCutShare
            | Self::RepeatedLines
            | Self::RewardsAccuracies
            | Self::RewardAccuracy
            | Self::RewardAccuracyV1
            | Self::RewardAccuracyV2 => true,
            Self::ResponseWords
            | Self::ResponseTokens
            | Self::Distinct1
            | Self::Distinct2
            | Self::Distinct3
            | Self::Relevance
            | Self::CorpusDistinct1
            | Self::CorpusDistinct2
            | Self::CorpusDistinct3
            | Self::PerplexityBase
            | Self::LogpsChosen
            | Self::LogpsChosenPerToken
            | Self::RewardOutputMargin
            | Self::RewardInputMargin => false,
        }
    }
}
