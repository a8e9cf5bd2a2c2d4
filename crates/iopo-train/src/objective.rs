//! The loss of a method and its gradient with respect to the log-probabilities of the sequences.

mod losses;
mod tensors;
#[cfg(test)]
mod tests;

use iopo_core::{PerSequence, Sequence};
use iopo_model::ModelError;
use iopo_objective::LossShape;

use crate::{Method, TrainError, encode::EncodedGroup, reference::ReferenceLogps};

/// A method with the numbers of its loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// The method.
    pub method: Method,
    /// Strength of the preference loss.
    pub beta: f64,
    /// Weight of the SFT loss that is added to a preference loss.
    pub pref_ftx: f64,
    /// Target margin of `SimPO` and TPO-L.
    pub gamma: f64,
    /// Maps a margin to a loss, for the methods that take a `loss_type`.
    pub shape: LossShape,
}

/// Size of an update, over which a loss is a mean: a micro-batch sees only a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UpdateSize {
    /// Groups of the update.
    pub groups: usize,
    /// Tokens of the chosen responses of the update; SFT is a mean over these.
    pub chosen_tokens: u64,
}

impl UpdateSize {
    /// Measures the groups of an update.
    pub fn of<'a>(groups: impl IntoIterator<Item = &'a EncodedGroup>) -> Self {
        groups.into_iter().fold(Self::default(), |size, group| Self {
            groups: size.groups + 1,
            chosen_tokens: size.chosen_tokens + group.chosen_tokens() as u64,
        })
    }
}

/// A group with its summed logps under policy and reference; sequences that were not computed are 0.
#[derive(Debug, Clone, Copy)]
pub struct GroupWithLogps<'a> {
    /// The group.
    pub group: &'a EncodedGroup,
    /// Logps under the model in training.
    pub policy: PerSequence<f64>,
    /// Logps under the frozen reference; 0 for a method without one.
    pub reference: PerSequence<f64>,
    /// Weight of the group in the loss of an update; 1 unless [groups are weighted](crate::group_weights). SFT ignores it.
    pub weight: f64,
}

impl<'a> GroupWithLogps<'a> {
    /// Joins a group with its logps under the policy and, if the method has one, under the reference.
    ///
    /// # Errors
    /// Returns [`TrainError::MissingReference`] if the method compares with a reference that has no such group.
    pub fn new(
        group: &'a EncodedGroup,
        policy: PerSequence<f64>,
        method: Method,
        reference: &ReferenceLogps,
    ) -> Result<Self, TrainError> {
        let reference = match reference.get(&group.id) {
            Some(logps) => *logps,
            None if method.has_reference() => {
                return Err(TrainError::MissingReference { group: group.id.clone() });
            }
            None => PerSequence::default(),
        };
        Ok(Self { group, policy, reference, weight: 1.0 })
    }

    /// Sets the weight of the group.
    #[must_use]
    pub fn with_weight(self, weight: f64) -> Self {
        Self { weight, ..self }
    }
}

/// Losses and their gradient.
#[derive(Debug, Clone)]
pub struct LossOutput {
    /// Loss of each group before the mean; for SFT the group's negative log-likelihood per token.
    pub losses: Vec<f64>,
    /// Contribution of these groups to the update's loss.
    pub loss: f64,
    /// `∂ loss of the update / ∂ summed logp`, per group and sequence.
    pub gradients: Vec<PerSequence<f64>>,
}

impl Objective {
    /// Makes an objective with target margin 0 and the sigmoid without label smoothing.
    pub fn new(method: Method, beta: f64, pref_ftx: f64) -> Self {
        Self { method, beta, pref_ftx, gamma: 0.0, shape: LossShape::default() }
    }

    /// Returns whether the loss compares logps per token instead of sums.
    fn is_per_token(&self) -> bool {
        self.method.is_per_token().unwrap_or_else(|| self.shape.is_per_token())
    }

    /// Returns the rewards of a group's sequences: beta times the log-ratio, or the logp for a method without a
    /// reference; summed or per token, as the loss compares them.
    pub fn rewards(&self, scored: &GroupWithLogps<'_>) -> PerSequence<f64> {
        let reference =
            if self.method.has_reference() { scored.reference } else { PerSequence::default() };
        let (policy, reference) = if self.is_per_token() {
            let tokens = scored.group.response_tokens().map(|tokens| f64::from(tokens.max(1)));
            let per_token = |logps: PerSequence<f64>| logps.zip(tokens, |logp, count| logp / count);
            (per_token(scored.policy), per_token(reference))
        } else {
            (scored.policy, reference)
        };
        policy.rewards(&reference, self.beta)
    }

    /// Computes the losses of some groups of an update and the gradient of the update's loss: the weighted mean over its
    /// groups, or for SFT the mean over its tokens.
    ///
    /// # Errors
    /// Returns an error if Burn cannot return the values.
    pub fn evaluate(
        &self,
        groups: &[GroupWithLogps<'_>],
        size: UpdateSize,
    ) -> Result<LossOutput, ModelError> {
        if groups.is_empty() {
            return Ok(LossOutput { losses: Vec::new(), loss: 0.0, gradients: Vec::new() });
        }
        let leaves = tensors::Leaves::new(groups);
        let (losses, weights) = losses::losses(self, &leaves, groups, size);
        let weighted = losses.clone() * weights;
        let gradients = leaves.gradients(&weighted.clone().sum().backward())?;
        let loss = tensors::host(weighted)?.iter().sum();
        Ok(LossOutput { losses: tensors::host(losses)?, loss, gradients })
    }
}

/// Returns the sequences for which `wanted` holds.
pub(crate) fn sequences(wanted: PerSequence<bool>) -> impl Iterator<Item = Sequence> {
    Sequence::ALL.into_iter().filter(move |sequence| *wanted.get(*sequence))
}
