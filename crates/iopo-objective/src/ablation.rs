//! The paper's ablations and its cheap variant, one loss a group.
//!
//! In [`without_output`] and [`three_sequences`] the partition functions Z(x) do *not* cancel: they
//! are heuristics, given so that the paper's tables can be repeated. All are sigmoid, as published.

use burn::tensor::Tensor;

use crate::{dpo::dpo_mirrored, logps::GroupLogps, shape::logistic};

/// *Without input preference* (paper, section 5.3): DPO on both mirrored pairs,
/// `−½[log σ(β(s11−s12)) + log σ(β(s22−s21))]`.
///
/// # Shapes
/// `[groups]` in every field; `[groups]` out.
#[must_use]
pub fn without_input(policy: &GroupLogps, reference: &GroupLogps, beta: f64) -> Tensor<1> {
    dpo_mirrored(policy, reference, beta)
}

/// *Without output preference* (paper, section 5.3): which input does a response answer, on both
/// mirrored pairs, `−½[log σ(β(s11−s21)) + log σ(β(s22−s12))]`. A heuristic: Z(x1) and Z(x2) stand
/// on opposite sides.
///
/// # Shapes
/// `[groups]` in every field; `[groups]` out.
#[must_use]
pub fn without_output(policy: &GroupLogps, reference: &GroupLogps, beta: f64) -> Tensor<1> {
    let s = policy.log_ratios(reference);
    let v1 = (s.chosen_v1 - s.rejected_v2).mul_scalar(beta);
    let v2 = (s.chosen_v2 - s.rejected_v1).mul_scalar(beta);
    (logistic(v1) + logistic(v2)).mul_scalar(0.5)
}

/// The three-sequence variant (paper, appendix E): `−log σ(β(2s11 − s12 − s21))`. It never reads
/// `chosen_v2`. A heuristic: Z(x1) is left once on the chosen side and Z(x2) once on the rejected one.
///
/// # Shapes
/// `[groups]` in every field; `[groups]` out.
#[must_use]
pub fn three_sequences(policy: &GroupLogps, reference: &GroupLogps, beta: f64) -> Tensor<1> {
    let s = policy.log_ratios(reference);
    let z = s.chosen_v1.mul_scalar(2.0) - s.rejected_v1 - s.rejected_v2;
    logistic(z.mul_scalar(beta))
}
