//! Odds ratio preference optimization (Hong et al., 2024, arXiv 2403.07691).

use burn::tensor::Tensor;

use crate::{logps::PairLogps, sft::nll_per_token, shape::logistic, tokens::PairTokens};

/// Upper bound of a logp per token, because a response of probability 1 has infinite odds.
const MAX_LOGP: f64 = -1e-12;

/// Computes the ORPO loss of each pair: `−log p_c − λ·log σ( log odds(p_c) − log odds(p_r) )`, with
/// `log p = log π(y|x)/|y|` of the chosen and the rejected response and `odds(p) = p / (1 − p)`.
///
/// The first term is SFT on the chosen response, so ORPO needs neither an SFT model nor a reference. `p` is the
/// geometric mean of the response's token probabilities, as in the authors' code: a heuristic without a partition
/// function. The SFT term covers response tokens only; TRL includes the prompt. TRL calls λ `beta`.
///
/// # Shapes
/// `[pairs]` in every field of `policy` (sums) and `tokens`; `[pairs]` out.
#[must_use]
pub fn orpo(policy: &PairLogps, tokens: &PairTokens, lambda: f64) -> Tensor<1> {
    let means = policy.per_token(tokens);
    let ratio = log_odds(means.chosen) - log_odds(means.rejected);
    nll_per_token(&policy.chosen, &tokens.chosen) + logistic(ratio).mul_scalar(lambda)
}

/// Computes `log p − log(1 − p)` from `log p`.
///
/// With `t = tanh(−½·log p)`, `1 − p = 2t/(1+t)`, which stays precise near `p = 1`.
fn log_odds(logp: Tensor<1>) -> Tensor<1> {
    let logp = logp.clamp_max(MAX_LOGP);
    let t = logp.clone().mul_scalar(-0.5).tanh();
    logp + t.clone().log1p() - t.mul_scalar(2.0).log()
}
