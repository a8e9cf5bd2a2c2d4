//! What to watch while training: rewards, margins, accuracies.

use burn::tensor::{Bool, Tensor};

use crate::logps::GroupLogps;

/// The implicit rewards `β·s_ij` of `n` groups, cut off from the gradient graph.
///
/// # Shapes
/// Every field: `[groups]`.
#[derive(Debug, Clone)]
pub struct Rewards {
    /// `β·s11` (TRL: `rewards/chosen`, with the suffix `_v1`).
    pub chosen_v1: Tensor<1>,
    /// `β·s12`.
    pub rejected_v1: Tensor<1>,
    /// `β·s22`.
    pub chosen_v2: Tensor<1>,
    /// `β·s21`.
    pub rejected_v2: Tensor<1>,
}

impl Rewards {
    /// The rewards of a policy against its reference. For a [`LossShape`](crate::LossShape) that is
    /// per token, give both [per token](GroupLogps::per_token), as the IOPO authors' trainer does.
    ///
    /// # Shapes
    /// `[groups]` in every field, in and out.
    #[must_use]
    pub fn new(policy: &GroupLogps, reference: &GroupLogps, beta: f64) -> Self {
        let s = policy.log_ratios(reference);
        let reward = |ratio: Tensor<1>| ratio.detach().mul_scalar(beta);
        Self {
            chosen_v1: reward(s.chosen_v1),
            rejected_v1: reward(s.rejected_v1),
            chosen_v2: reward(s.chosen_v2),
            rejected_v2: reward(s.rejected_v2),
        }
    }

    /// Output margins: `β(s11−s12)` and `β(s22−s21)`. Their sum is the sum of the input margins.
    ///
    /// # Shapes
    /// `[groups]` each.
    #[must_use]
    pub fn margins(&self) -> (Tensor<1>, Tensor<1>) {
        (
            self.chosen_v1.clone() - self.rejected_v1.clone(),
            self.chosen_v2.clone() - self.rejected_v2.clone(),
        )
    }

    /// Input margins: `β(s11−s21)` (does y1 answer x1 rather than x2?) and `β(s22−s12)`.
    ///
    /// # Shapes
    /// `[groups]` each.
    #[must_use]
    pub fn input_margins(&self) -> (Tensor<1>, Tensor<1>) {
        (
            self.chosen_v1.clone() - self.rejected_v2.clone(),
            self.chosen_v2.clone() - self.rejected_v1.clone(),
        )
    }

    /// Whether the chosen response has the higher reward, strictly, for (x1: y1 over y2) and
    /// (x2: y2 over y1).
    ///
    /// # Shapes
    /// `[groups]` each.
    #[must_use]
    pub fn accuracies(&self) -> (Tensor<1, Bool>, Tensor<1, Bool>) {
        (
            self.chosen_v1.clone().greater(self.rejected_v1.clone()),
            self.chosen_v2.clone().greater(self.rejected_v2.clone()),
        )
    }
    /// Whether a response has the higher reward under its own instruction, strictly, for
    /// (y1: x1 over x2) and (y2: x2 over x1).
    ///
    /// # Shapes
    /// `[groups]` each.
    #[must_use]
    pub fn input_accuracies(&self) -> (Tensor<1, Bool>, Tensor<1, Bool>) {
        (
            self.chosen_v1.clone().greater(self.rejected_v2.clone()),
            self.chosen_v2.clone().greater(self.rejected_v1.clone()),
        )
    }
}
