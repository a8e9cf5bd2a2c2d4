//! Triple preference optimization (Saeidi et al., arXiv 2405.16681, version 2 of 2025).
//!
//! TPO takes three ranked responses to one instruction, `y_gold ≻ y_c ≻ y_r`. Without a reference, the loss imitates
//! the gold response and prefers the chosen one to the rejected one.
//!
//! The reward `β·log π(y|x) + β·log Z(x)` follows from maximum-entropy reinforcement learning, and Z(x) cancels between
//! two responses to one x. TPO-L, from the same paper and code, uses the length normalization and the margin of
//! `SimPO`; it is a heuristic in which Z(x) does not cancel.
//!
//! The paper writes the imitation term as a sum over tokens, `−α·log π(y_gold|x)`. The authors' code and TRL take the
//! mean over tokens, for which α = 1 was tuned, and so do these functions.

use burn::tensor::Tensor;

use crate::{
    logps::TripleLogps, sft::nll_per_token, shape::logistic, simpo::simpo, tokens::TripleTokens,
};

/// Computes the TPO loss of each triple:
/// `−log σ( β·log π(y_c|x) − β·log π(y_r|x) ) − α·log π(y_gold|x)/|y_gold|`.
///
/// # Shapes
/// `[triples]` in every field of `policy` (sums) and `tokens`; `[triples]` out.
#[must_use]
pub fn tpo(policy: &TripleLogps, tokens: &TripleTokens, beta: f64, alpha: f64) -> Tensor<1> {
    logistic(policy.pair.difference().mul_scalar(beta)) + imitation(policy, tokens, alpha)
}

/// Computes the TPO-L loss of each triple, [`simpo`](crate::simpo()) plus imitation:
/// `−log σ( β·log π(y_c|x)/|y_c| − β·log π(y_r|x)/|y_r| − γ ) − α·log π(y_gold|x)/|y_gold|`.
///
/// # Shapes
/// `[triples]` in every field of `policy` (sums) and `tokens`; `[triples]` out.
#[must_use]
pub fn tpo_l(
    policy: &TripleLogps,
    tokens: &TripleTokens,
    beta: f64,
    gamma: f64,
    alpha: f64,
) -> Tensor<1> {
    simpo(&policy.pair, &tokens.pair, beta, gamma) + imitation(policy, tokens, alpha)
}

/// Computes `−α·log π(y_gold|x)/|y_gold|`.
fn imitation(policy: &TripleLogps, tokens: &TripleTokens, alpha: f64) -> Tensor<1> {
    nll_per_token(&policy.gold, &tokens.gold).mul_scalar(alpha)
}
