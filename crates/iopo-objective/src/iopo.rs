//! Input-output preference optimization (Zhang et al., ACL 2025, arXiv 2411.06208).
//!
//! A group {(x1,y1), (x2,y2)} is preferred to {(x1,y2), (x2,y1)} under Bradley–Terry on the summed rewards
//! `r = β·s + β·log Z(x)`, with `s_ij = log π(y_j|x_i) − log π_ref(y_j|x_i)`. Each `Z(x_i)` stands once on both sides and
//! cancels. The paper writes `p = σ(½(Π1 + Π2))` with `Π1 = β(2s11 − s12 − s21)` and `Π2 = β(2s22 − s21 − s12)`, which
//! simplifies to
//!
//! ```text
//! L = −log σ( β (s11 + s22 − s12 − s21) )
//! ```
//!
//! The argument is the sum of two output margins, `(s11−s12) + (s22−s21)`, and equally the sum of two input margins,
//! `(s11−s21) + (s22−s12)`.

use burn::tensor::Tensor;

use crate::{cells::CellWeights, logps::GroupLogps, shape::LossShape};

/// Computes the IOPO loss of each group: `−log σ(β(s11 + s22 − s12 − s21))`.
///
/// For another [`LossShape`] of the same margin: `shape.losses(policy.log_ratios(&reference).margin(), beta)`.
///
/// # Shapes
/// `[groups]` in every field of `policy` and `reference`; `[groups]` out.
#[must_use]
pub fn iopo(policy: &GroupLogps, reference: &GroupLogps, beta: f64) -> Tensor<1> {
    LossShape::default().losses(policy.log_ratios(reference).margin(), beta)
}

/// Computes the margin `h = s11 + s22 − 2·s_false`, where `s_false` is the mean over a group's false cells.
///
/// A full group has two false cells and its ordinary margin. A sided group (x2 is x1 with one constraint more or less) has
/// one response that follows both instructions; only the other response may stand on the rejected side. There `Z(x)` does
/// not cancel, because one instruction stands twice on the rejected side: a heuristic, not a likelihood. A group without a
/// false cell carries no preference and should be left out; its rejected terms have weight 0.
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

/// Computes the IOPO loss of groups of which some are sided: `−log σ(β(s11 + s22 − 2·s_false))`.
///
/// Equals [`iopo`] for a full group; a heuristic for a sided one, see [`sided_margin`].
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
