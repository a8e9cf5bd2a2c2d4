//! Supervised fine-tuning: negative log-likelihood per token, alone and added to a preference loss.

use burn::tensor::Tensor;

use crate::logps::GroupLogps;

/// Computes the negative log-likelihood per token of each sequence: `−log p(y|x) / |y|`.
///
/// # Shapes
/// `logps` (sums over response tokens) and `tokens` (their numbers): `[sequences]`; `[sequences]` out.
#[must_use]
pub fn nll_per_token(logps: &Tensor<1>, tokens: &Tensor<1>) -> Tensor<1> {
    logps.clone().neg() / tokens.clone()
}

/// Computes the SFT term of each group that `pref_ftx` weights in the IOPO authors' trainer:
/// `−log π(y1|x1)/|y1| − log π(y2|x2)/|y2|`.
///
/// Added to a preference loss, `iopo + pref_ftx · term`, it keeps the chosen logps from falling while the margins grow.
/// The term *sums* the two chosen responses; halve it to add it to [`dpo_mirrored`](crate::dpo_mirrored), which is a
/// mean over two pairs.
///
/// With the shape `ipo` the authors' trainer divides by the length twice, because its logps are already per token. Pass
/// `policy.per_token(..)` to reproduce that.
///
/// # Shapes
/// Every field of `policy`, and the token numbers of y1 and y2: `[groups]`; `[groups]` out.
#[must_use]
pub fn pref_ftx(policy: &GroupLogps, y1_tokens: &Tensor<1>, y2_tokens: &Tensor<1>) -> Tensor<1> {
    nll_per_token(&policy.x1y1, y1_tokens) + nll_per_token(&policy.x2y2, y2_tokens)
}
