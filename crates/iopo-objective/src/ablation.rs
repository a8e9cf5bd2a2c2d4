//! The paper's ablations and its variant with three sequences, one loss per group.
//!
//! In [`without_output`] and [`three_sequences`] the partition functions Z(x) do *not* cancel. They are heuristics,
//! implemented so that the paper's tables can be reproduced. All three use the sigmoid, as published.

use burn::tensor::Tensor;
use iopo_core::FalseCells;

use crate::{
    cells::{CellWeights, cell_weights, strict_mean},
    dpo::dpo_mirrored,
    logps::GroupLogps,
    shape::logistic,
};

/// Computes the ablation *without input preference* (paper, section 5.3), which is DPO on both mirrored pairs:
/// `−½[log σ(β(s11−s12)) + log σ(β(s22−s21))]`.
///
/// # Shapes
/// `[groups]` in every field; `[groups]` out.
#[must_use]
pub fn without_input(policy: &GroupLogps, reference: &GroupLogps, beta: f64) -> Tensor<1> {
    dpo_mirrored(policy, reference, beta)
}

/// Computes the ablation *without output preference* (paper, section 5.3), which compares two instructions for one
/// response: `−½[log σ(β(s11−s21)) + log σ(β(s22−s12))]`.
///
/// This is a heuristic: Z(x1) and Z(x2) are on opposite sides.
///
/// # Shapes
/// `[groups]` in every field; `[groups]` out.
#[must_use]
pub fn without_output(policy: &GroupLogps, reference: &GroupLogps, beta: f64) -> Tensor<1> {
    without_output_sided(policy, reference, &full(policy), beta)
}

/// Computes [`without_output`] over the strict input pairs, whose response violates the other instruction.
///
/// A full group has two strict input pairs, a sided group one.
///
/// # Shapes
/// `[groups]` in every field of `policy`, `reference` and `weights`; `[groups]` out.
#[must_use]
pub fn without_output_sided(
    policy: &GroupLogps,
    reference: &GroupLogps,
    weights: &CellWeights,
    beta: f64,
) -> Tensor<1> {
    let margins = policy.log_ratios(reference).input_margins();
    let losses = margins.map(|margin| logistic(margin.mul_scalar(beta)));
    strict_mean(losses, weights.rejected_inputs())
}

/// Computes the variant with three sequences (paper, appendix E): `−log σ(β(2s11 − s12 − s21))`.
///
/// It never reads `x2y2`. This is a heuristic: Z(x1) remains on the chosen side and Z(x2) on the rejected side.
///
/// # Shapes
/// `[groups]` in every field; `[groups]` out.
#[must_use]
pub fn three_sequences(policy: &GroupLogps, reference: &GroupLogps, beta: f64) -> Tensor<1> {
    three_sequences_sided(policy, reference, &full(policy), beta)
}

/// Computes [`three_sequences`] on full and sided groups: `−log σ(β(2s11 − 2·s_false))`, where `s_false` is the mean over a
/// group's false cells.
///
/// # Shapes
/// `[groups]` in every field of `policy`, `reference` and `weights`; `[groups]` out.
#[must_use]
pub fn three_sequences_sided(
    policy: &GroupLogps,
    reference: &GroupLogps,
    weights: &CellWeights,
    beta: f64,
) -> Tensor<1> {
    let s = policy.log_ratios(reference);
    let margin =
        s.x1y1.mul_scalar(2.0) - s.x1y2 * weights.x1y2.clone() - s.x2y1 * weights.x2y1.clone();
    logistic(margin.mul_scalar(beta))
}

/// Returns the weights of full groups.
fn full(like: &GroupLogps) -> CellWeights {
    cell_weights(&vec![FalseCells::BOTH; like.x1y1.dims()[0]], &like.x1y1)
}
