//! Simple preference optimization (`SimPO`, Meng et al., 2024, arXiv 2405.14734).

use burn::tensor::Tensor;

use crate::{logps::PairLogps, shape::logistic, tokens::PairTokens};

/// Computes the `SimPO` loss of each pair: `−log σ( β·log π(y_c|x)/|y_c| − β·log π(y_r|x)/|y_r| − γ )`, where `c` is
/// the chosen and `r` the rejected response.
///
/// The reward is the logp per token, without a reference. It is a heuristic: no optimal policy implies it, so there is
/// no partition function, and only the learning rate keeps the policy near its start. `gamma` is TRL's `simpo_gamma`;
/// the authors' code takes the ratio `γ/β` instead.
///
/// For a group, take the mean over its [`pairs`](crate::GroupLogpsExt::pairs).
///
/// # Shapes
/// `[pairs]` in every field of `policy` (sums) and `tokens`; `[pairs]` out.
#[must_use]
pub fn simpo(policy: &PairLogps, tokens: &PairTokens, beta: f64, gamma: f64) -> Tensor<1> {
    logistic(policy.per_token(tokens).difference().mul_scalar(beta).sub_scalar(gamma))
}
