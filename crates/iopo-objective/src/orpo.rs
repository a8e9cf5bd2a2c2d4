//! Odds ratio preference optimisation (Hong et al., 2024, arXiv 2403.07691).

use burn::tensor::Tensor;

use crate::{logps::PairLogps, sft::nll_per_token, shape::logistic, tokens::PairTokens};

/// A response of probability 1 has infinite odds: log-probabilities per token end here.
const CERTAIN: f64 = -1e-12;

/// ORPO, one loss a pair: `−log p_c − λ·log σ( log odds(p_c) − log odds(p_r) )`, with
/// `log p = log π(y|x)/|y|` of the chosen and the rejected response and `odds(p) = p / (1 − p)`.
///
/// The first term is SFT on the chosen response, so ORPO needs neither an SFT model nor a reference.
/// `p` is the geometric mean of the response's token probabilities, as the authors have it: a
/// heuristic, without a partition function. SFT covers response tokens alone, where TRL takes the
/// prompt in as well. λ is `beta` in TRL.
///
/// # Shapes
/// `[pairs]` in every field of `policy` (sums) and `tokens`; `[pairs]` out.
#[must_use]
pub fn orpo(policy: &PairLogps, tokens: &PairTokens, lambda: f64) -> Tensor<1> {
    let means = policy.per_token(tokens);
    let ratio = log_odds(means.chosen) - log_odds(means.rejected);
    nll_per_token(&policy.chosen, &tokens.chosen) + logistic(ratio).mul_scalar(lambda)
}

/// `log p − log(1 − p)` of `log p`.
///
/// With `t = tanh(−½·log p)`, `1 − p = 2t/(1+t)`, which loses no digits near `p = 1`.
fn log_odds(logp: Tensor<1>) -> Tensor<1> {
    let logp = logp.clamp_max(CERTAIN);
    let t = logp.clone().mul_scalar(-0.5).tanh();
    logp + t.clone().log1p() - t.mul_scalar(2.0).log()
}
