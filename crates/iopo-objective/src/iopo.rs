//! Input-output preference optimisation (Zhang et al., ACL 2025, arXiv 2411.06208).
//!
//! A group {(x1,y1), (x2,y2)} is preferred to {(x1,y2), (x2,y1)} under Bradley–Terry on the summed
//! rewards `r = β·s + β·log Z(x)`, with `s_ij = log π(y_j|x_i) − log π_ref(y_j|x_i)`. Each `Z(x_i)`
//! stands once on both sides and cancels. The paper writes `p = σ(½(Π1 + Π2))` with
//! `Π1 = β(2s11 − s12 − s21)` and `Π2 = β(2s22 − s21 − s12)`, which collapses to
//!
//! ```text
//! L = −log σ( β (s11 + s22 − s12 − s21) )
//! ```
//!
//! Read it as the sum of two output margins `(s11−s12) + (s22−s21)`, or as the sum of two input
//! margins `(s11−s21) + (s22−s12)`: the two are always equal.

use burn::tensor::{Bool, Tensor};

use crate::{logps::GroupLogps, shape::LossShape};

/// IOPO, one loss a group: `−log σ(β(s11 + s22 − s12 − s21))`.
///
/// For another [`LossShape`] of the same margin: `shape.losses(policy.margin(&reference), beta)`.
///
/// # Shapes
/// `[groups]` in every field of `policy` and `reference`; `[groups]` out.
#[must_use]
pub fn iopo(policy: &GroupLogps, reference: &GroupLogps, beta: f64) -> Tensor<1> {
    LossShape::default().losses(policy.margin(reference), beta)
}

/// Which off-diagonal cells of each group's truth table are false: `true` where the response does
/// *not* follow the instruction. A full group has both false, a sided group one.
///
/// # Shapes
/// Both fields: `[groups]`.
#[derive(Debug, Clone)]
pub struct FalseCells {
    /// y2 does not follow x1.
    pub rejected_v1: Tensor<1, Bool>,
    /// y1 does not follow x2.
    pub rejected_v2: Tensor<1, Bool>,
}

impl FalseCells {
    /// The weights of s12 and s21: 1 and 1 for a full group, 2 and 0 (or 0 and 2) for a sided one.
    pub(crate) fn weights(&self, like: &Tensor<1>) -> (Tensor<1>, Tensor<1>) {
        let both = self.rejected_v1.clone().bool_and(self.rejected_v2.clone());
        let share = like.full_like(2.0).mask_fill(both, 1.0);
        (
            share.clone().mask_fill(self.rejected_v1.clone().bool_not(), 0.0),
            share.mask_fill(self.rejected_v2.clone().bool_not(), 0.0),
        )
    }
}

/// The margin `h = s11 + s22 − 2·s_false` for groups of which some are sided, where `s_false` is the
/// mean over the false cells, so that a group with both cells false has its
/// [margin](GroupLogps::margin).
///
/// A sided group (x2 = x1 with a constraint more, or less) has one response that follows both
/// instructions; only the other one may stand on the rejected side. Here `Z(x)` does not cancel:
/// one instruction stands twice on the right, so this is a heuristic, not a likelihood. A group
/// without a false cell carries no preference: its rejected terms have weight 0, and it should not
/// be given.
///
/// # Shapes
/// `[groups]` in every field of `policy`, `reference` and `cells`; `[groups]` out.
#[must_use]
pub fn sided_margin(policy: &GroupLogps, reference: &GroupLogps, cells: &FalseCells) -> Tensor<1> {
    let s = policy.log_ratios(reference);
    let (weight_v1, weight_v2) = cells.weights(&s.rejected_v1);
    s.chosen_v1 + s.chosen_v2 - s.rejected_v1 * weight_v1 - s.rejected_v2 * weight_v2
}

/// IOPO for groups of which some are sided: `−log σ(β(s11 + s22 − 2·s_false))`, exactly [`iopo`] for
/// a group with both cells false, a heuristic for the others: see [`sided_margin`].
///
/// # Shapes
/// `[groups]` in every field of `policy`, `reference` and `cells`; `[groups]` out.
#[must_use]
pub fn iopo_sided(
    policy: &GroupLogps,
    reference: &GroupLogps,
    cells: &FalseCells,
    beta: f64,
) -> Tensor<1> {
    LossShape::default().losses(sided_margin(policy, reference, cells), beta)
}
