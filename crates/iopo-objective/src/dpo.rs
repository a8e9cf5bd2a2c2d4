//! Direct preference optimization (Rafailov et al., arXiv 2305.18290).

use burn::tensor::Tensor;

use crate::{
    cells::{CellWeights, strict_mean},
    logps::{GroupLogps, PairLogps},
    shape::LossShape,
};

/// Computes the DPO loss of each pair: `−(1−ε)·log σ(z) − ε·log σ(−z)` with `z = β(s_chosen − s_rejected)`.
///
/// For another [`LossShape`], use `shape.losses(policy.margin(&reference), beta)`.
///
/// # Shapes
/// `[pairs]` in every field of `policy` and `reference`; `[pairs]` out.
#[must_use]
pub fn dpo(
    policy: &PairLogps,
    reference: &PairLogps,
    beta: f64,
    label_smoothing: f64,
) -> Tensor<1> {
    LossShape::Sigmoid { label_smoothing }.losses(policy.margin(reference), beta)
}

/// Computes the mean DPO loss of a group's output pairs, (y1 over y2 | x1) and (y2 over y1 | x2):
/// `−½[log σ(β(s11−s12)) + log σ(β(s22−s21))]`.
///
/// # Shapes
/// `[groups]` in every field of `policy` and `reference`; `[groups]` out.
#[must_use]
pub fn dpo_mirrored(policy: &GroupLogps, reference: &GroupLogps, beta: f64) -> Tensor<1> {
    let [x1, x2] = pair_losses(policy, reference, LossShape::default(), beta);
    (x1 + x2).mul_scalar(0.5)
}

/// Computes [`dpo_mirrored`] over the strict pairs, whose rejected response violates the instruction.
///
/// A full group has two strict pairs, a sided group one.
///
/// # Shapes
/// `[groups]` in every field of `policy`, `reference` and `weights`; `[groups]` out.
#[must_use]
pub fn dpo_mirrored_sided(
    policy: &GroupLogps,
    reference: &GroupLogps,
    weights: &CellWeights,
    beta: f64,
) -> Tensor<1> {
    dpo_mirrored_shaped(policy, reference, weights, LossShape::default(), beta)
}

/// Computes [`dpo_mirrored_sided`] with any [`LossShape`]: the mean of `shape(s11−s12)` and `shape(s22−s21)` over the
/// strict pairs.
///
/// # Shapes
/// `[groups]` in every field of `policy`, `reference` and `weights`; `[groups]` out.
#[must_use]
pub fn dpo_mirrored_shaped(
    policy: &GroupLogps,
    reference: &GroupLogps,
    weights: &CellWeights,
    shape: LossShape,
    beta: f64,
) -> Tensor<1> {
    strict_mean(pair_losses(policy, reference, shape, beta), weights.rejected_outputs())
}

/// Computes the losses of the output margins under x1 and x2.
fn pair_losses(
    policy: &GroupLogps,
    reference: &GroupLogps,
    shape: LossShape,
    beta: f64,
) -> [Tensor<1>; 2] {
    policy.log_ratios(reference).output_margins().map(|margin| shape.losses(margin, beta))
}
