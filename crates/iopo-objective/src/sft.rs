//! Supervised fine-tuning: negative log-likelihood per token, alone and beside a preference loss.

use burn::tensor::Tensor;

use crate::logps::GroupLogps;

/// Negative log-likelihood per token of each sequence: `−log p(y|x) / |y|`.
///
/// # Shapes
/// `logps` (sums over response tokens) and `tokens` (their counts): `[sequences]`; `[sequences]`
/// out.
#[must_use]
pub fn nll_per_token(logps: &Tensor<1>, tokens: &Tensor<1>) -> Tensor<1> {
    logps.clone().neg() / tokens.clone()
}

/// The SFT term that `pref_ftx` weights in the IOPO authors' trainer, one a group:
/// `−log π(y1|x1)/|y1| − log π(y2|x2)/|y2|`, the *sum* of both chosen responses' losses per token.
///
/// Add it to a preference loss, `iopo + pref_ftx · term`, to keep the chosen log-probabilities from
/// falling while the margins grow. For [`dpo_mirrored`](crate::dpo_mirrored), a mean over two pairs,
/// halve it.
///
/// Beside the shape `ipo` the authors' trainer divides by the length twice, since the
/// log-probabilities it hands on are per token already; `policy.per_token(..)` does as it does.
///
/// # Shapes
/// Every field of `policy`, and the token counts of y1 and y2: `[groups]`; `[groups]` out.
#[must_use]
pub fn pref_ftx(policy: &GroupLogps, y1_tokens: &Tensor<1>, y2_tokens: &Tensor<1>) -> Tensor<1> {
    nll_per_token(&policy.chosen_v1, y1_tokens) + nll_per_token(&policy.chosen_v2, y2_tokens)
}
