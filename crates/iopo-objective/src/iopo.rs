//! Input-output preference optimization (Zhang et al., ACL 2025, arXiv 2411.06208).
//!
//! A group {(x1,y1), (x2,y2)} is preferred to {(x1,y2), (x2,y1)} under Bradley–Terry on the summed rewards
//! `r = β·s + β·log Z(x)`, with `s_ij = log π(y_j|x_i) − log π_ref(y_j|x_i)`. Each `Z(x_i)` is on both sides once and
//! cancels. The paper writes `p = σ(½(Π1 + Π2))` with `Π1 = β(2s11 − s12 − s21)` and `Π2 = β(2s22 − s21 − s12)`, which
//! simplifies to
//!
//! ```text
//! L = −log σ( β (s11 + s22 − s12 − s21) )
//! ```
//!
//! The argument is the sum of the two output margins, `(s11−s12) + (s22−s21)`, and also the sum of the two input
//! margins, `(s11−s21) + (s22−s12)`.

use burn::tensor::Tensor;

use crate::{cells::CellWeights, logps::GroupLogps, shape::LossShape};

/// Computes the IOPO loss of each group: `−log σ(β(s11 + s22 − s12 − s21))`.
///
/// For another [`LossShape`], use `shape.losses(policy.log_ratios(&reference).margin(), beta)`.
///
/// # Shapes
/// `[groups]` in every field of `policy` and `reference`; `[groups]` out.
#[must_use]
pub fn iopo(policy: &GroupLogps, reference: &GroupLogps, beta: f64) -> Tensor<1> {
    LossShape::default().losses(policy.log_ratios(reference).margin(), beta)
}

/// Computes the margin `h = s11 + s22 − 2·s_false`, where `s_false` is the mean over a group's false cells.
///
/// A full group has two false cells and the margin of [`iopo`]. In a sided group, x2 is x1 with one constraint more or
/// less, one response follows both instructions, and only the other response can be rejected. `Z(x)` does not cancel
/// then, because one instruction is rejected twice, so the loss is a heuristic and not a likelihood. Skip groups
/// without a false cell: they have no preference, and their rejected terms have weight 0.
///
/// # Shapes
/// `[groups]` in every field of `policy`, `reference` and `weights`; `[groups]` out.
#[must_use]
pub fn sided_margin(
    policy: &GroupLogps,
    reference: &GroupLogps,
    weights: &CellWeights,
) -> Tensor<1> {
    policy.log_ratios(reference).margin_over(weights.clone())
}

/// Computes the IOPO loss of full and sided groups: `−log σ(β(s11 + s22 − 2·s_false))`.
///
/// Equals [`iopo`] for a full group. For a sided group it is a heuristic, see [`sided_margin`].
///
/// # Shapes
/// `[groups]` in every field of `policy`, `reference` and `weights`; `[groups]` out.
#[must_use]
pub fn iopo_sided(
    policy: &GroupLogps,
    reference: &GroupLogps,
    weights: &CellWeights,
    beta: f64,
) -> Tensor<1> {
    LossShape::default().losses(sided_margin(policy, reference, weights), beta)
}
