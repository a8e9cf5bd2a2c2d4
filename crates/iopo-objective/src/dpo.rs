//! Direct preference optimisation (Rafailov et al., arXiv 2305.18290).

use burn::tensor::Tensor;

use crate::{
    iopo::FalseCells,
    logps::{GroupLogps, PairLogps},
    shape::LossShape,
};

/// DPO, one loss a pair: `−(1−ε)·log σ(z) − ε·log σ(−z)`, `z = β(s_chosen − s_rejected)`.
///
/// For another [`LossShape`] of the same margin: `shape.losses(policy.margin(&reference), beta)`.
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

/// DPO on both output pairs of a group, (y1 over y2 | x1) and (y2 over y1 | x2), one loss a group:
/// `−½[log σ(β(s11−s12)) + log σ(β(s22−s21))]`.
///
/// # Shapes
/// `[groups]` in every field of `policy` and `reference`; `[groups]` out.
#[must_use]
pub fn dpo_mirrored(policy: &GroupLogps, reference: &GroupLogps, beta: f64) -> Tensor<1> {
    let v1 = dpo(&policy.pair_v1(), &reference.pair_v1(), beta, 0.0);
    let v2 = dpo(&policy.pair_v2(), &reference.pair_v2(), beta, 0.0);
    (v1 + v2).mul_scalar(0.5)
}

/// [`dpo_mirrored`] over the strict pairs only: the mean over those output pairs of a group whose
/// rejected response really is false. A sided group has one of them.
///
/// # Shapes
/// `[groups]` in every field of `policy`, `reference` and `cells`; `[groups]` out.
#[must_use]
pub fn dpo_mirrored_sided(
    policy: &GroupLogps,
    reference: &GroupLogps,
    cells: &FalseCells,
    beta: f64,
) -> Tensor<1> {
    dpo_mirrored_shaped(policy, reference, cells, LossShape::default(), beta)
}

/// [`dpo_mirrored_sided`] of any [`LossShape`]: the mean of `shape(s11−s12)` and `shape(s22−s21)`
/// over the strict pairs.
///
/// # Shapes
/// `[groups]` in every field of `policy`, `reference` and `cells`; `[groups]` out.
#[must_use]
pub fn dpo_mirrored_shaped(
    policy: &GroupLogps,
    reference: &GroupLogps,
    cells: &FalseCells,
    shape: LossShape,
    beta: f64,
) -> Tensor<1> {
    let v1 = shape.losses(policy.pair_v1().margin(&reference.pair_v1()), beta);
    let v2 = shape.losses(policy.pair_v2().margin(&reference.pair_v2()), beta);
    let (weight_v1, weight_v2) = cells.weights(&v1);
    (v1 * weight_v1 + v2 * weight_v2).mul_scalar(0.5)
}
