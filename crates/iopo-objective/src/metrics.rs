//! Accuracies of the implicit reward, to log while training.
//!
//! Rewards and margins come with [`PerSequence`](iopo_core::PerSequence):
//! `let rewards = policy.rewards(&reference, beta)`, then `rewards.output_margins()` and `rewards.input_margins()`. For
//! a [`LossShape`](crate::LossShape) that is per token, take the rewards of both [per
//! token](crate::GroupLogpsExt::per_token), as the IOPO authors' trainer does.

use burn::tensor::{Bool, Tensor};

use crate::logps::GroupLogps;

/// Returns whether the chosen response has the strictly higher reward, for (x1: y1 over y2) and (x2: y2 over y1).
///
/// # Shapes
/// `[groups]` in every field; `[groups]` each out.
#[must_use]
pub fn output_accuracies(rewards: &GroupLogps) -> [Tensor<1, Bool>; 2] {
    rewards.output_pairs().map(|(preferred, other)| preferred.clone().greater(other.clone()))
}

/// Returns whether a response has the strictly higher reward under its own instruction, for (y1: x1 over x2) and
/// (y2: x2 over x1).
///
/// # Shapes
/// `[groups]` in every field; `[groups]` each out.
#[must_use]
pub fn input_accuracies(rewards: &GroupLogps) -> [Tensor<1, Bool>; 2] {
    rewards.input_pairs().map(|(preferred, other)| preferred.clone().greater(other.clone()))
}
