//! Simple preference optimisation (`SimPO`, Meng et al., 2024, arXiv 2405.14734).

use burn::tensor::Tensor;

use crate::{logps::PairLogps, shape::logistic, tokens::PairTokens};

/// `SimPO`, one loss a pair: `−log σ( β·log π(y_c|x)/|y_c| − β·log π(y_r|x)/|y_r| − γ )`,
/// `c` the chosen and `r` the rejected response.
///
/// The reward is the log-probability per token, without a reference: a heuristic that is not derived
/// from an optimal policy, so there is no partition function to cancel, and nothing but the learning
/// rate keeps the policy near where it started. The authors' code takes the ratio `γ/β` instead of
/// `γ`; TRL's `simpo_gamma` is `γ`.
///
/// For a group give [`pair_v1`](crate::GroupLogps::pair_v1) and
/// [`pair_v2`](crate::GroupLogps::pair_v2) and take the mean.
///
/// # Shapes
/// `[pairs]` in every field of `policy` (sums) and `tokens`; `[pairs]` out.
#[must_use]
pub fn simpo(policy: &PairLogps, tokens: &PairTokens, beta: f64, gamma: f64) -> Tensor<1> {
    logistic(policy.per_token(tokens).difference().mul_scalar(beta).sub_scalar(gamma))
}
