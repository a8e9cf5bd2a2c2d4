//! Metrics of a training run, named as TRL names them.

use crate::named::names;

names! {
    /// A number that training reports for a step.
///
/// `v1` is the comparison at x1 (for input margins, of y1), `v2` the one at x2 (of y2).
    pub enum TrainingMetric {
        /// Mean loss.
        Loss = "loss",
        /// Norm of the gradient before clipping.
        GradNorm = "grad_norm",
        /// Learning rate of the step.
        LearningRate = "learning_rate",
        /// Log-probability of y1 under x1.
        LogpsChosenV1 = "logps/chosen_v1",
        /// Log-probability of y2 under x1.
        LogpsRejectedV1 = "logps/rejected_v1",
        /// Log-probability of y2 under x2.
        LogpsChosenV2 = "logps/chosen_v2",
        /// Log-probability of y1 under x2.
        LogpsRejectedV2 = "logps/rejected_v2",
        /// Negative log-likelihood of the chosen responses, per token.
        NllChosen = "nll/chosen",
        /// Implicit reward of y1 under x1.
        RewardsChosenV1 = "rewards/chosen_v1",
        /// Implicit reward of y2 under x1.
        RewardsRejectedV1 = "rewards/rejected_v1",
        /// Implicit reward of y2 under x2.
        RewardsChosenV2 = "rewards/chosen_v2",
        /// Implicit reward of y1 under x2.
        RewardsRejectedV2 = "rewards/rejected_v2",
        /// Mean output margin.
        RewardsMargins = "rewards/margins",
        /// Output margin at x1: y1 over y2.
        RewardsMarginsV1 = "rewards/margins_v1",
        /// Output margin at x2: y2 over y1.
        RewardsMarginsV2 = "rewards/margins_v2",
        /// Input margin of y1: x1 over x2.
        RewardsInputMarginsV1 = "rewards/input_margins_v1",
        /// Input margin of y2: x2 over x1.
        RewardsInputMarginsV2 = "rewards/input_margins_v2",
        /// Share of positive output margins.
        RewardsAccuracies = "rewards/accuracies",
        /// Share of positive output margins at x1.
        RewardsAccuraciesV1 = "rewards/accuracies_v1",
        /// Share of positive output margins at x2.
        RewardsAccuraciesV2 = "rewards/accuracies_v2",
        /// Epochs completed, as a fraction: progress of the training.
        Epoch = "epoch",
        /// Rows of tokens that the forward pass computed.
        TokensComputed = "tokens/computed",
        /// Rows of tokens that the same groups need as four padded sequences.
        TokensPaddedRows = "tokens/padded_rows",
    }
}

impl TrainingMetric {
    /// The prefix of metrics on the dev split.
    pub const EVAL_PREFIX: &'static str = "eval_";

    /// Returns the metric's name on the dev split, for instance `eval_loss`.
    pub fn eval_name(self) -> String {
        format!("{}{self}", Self::EVAL_PREFIX)
    }

    /// Parses a stored name and tells whether it is from the dev split. Returns `None` for other names.
    pub fn parse(name: &str) -> Option<(Self, bool)> {
        match name.strip_prefix(Self::EVAL_PREFIX) {
            Some(name) => Some((name.parse().ok()?, true)),
            None => Some((name.parse().ok()?, false)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TrainingMetric;

    #[test]
    fn dev_metrics_have_a_prefix() {
        for metric in TrainingMetric::ALL {
            assert_eq!(TrainingMetric::parse(metric.as_str()), Some((*metric, false)));
            assert_eq!(TrainingMetric::parse(&metric.eval_name()), Some((*metric, true)));
        }
        assert_eq!(TrainingMetric::parse("eval_rows"), None);
    }
}
