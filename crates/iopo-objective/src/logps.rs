//! Log-probabilities of the sequences of a group and of a pair.

use burn::tensor::{Tensor, activation};

/// Log-probabilities of the four sequences of `n` groups (x1, y1, x2, y2), each *summed* over the
/// response tokens, EOS included.
///
/// # Shapes
/// Every field: `[groups]`.
#[derive(Debug, Clone)]
pub struct GroupLogps {
    /// `log p(y1 | x1)`.
    pub chosen_v1: Tensor<1>,
    /// `log p(y2 | x1)`.
    pub rejected_v1: Tensor<1>,
    /// `log p(y2 | x2)`.
    pub chosen_v2: Tensor<1>,
    /// `log p(y1 | x2)`.
    pub rejected_v2: Tensor<1>,
}

impl GroupLogps {
    /// The log-ratios `s_ij = log π(y_j | x_i) − log π_ref(y_j | x_i)`, in the fields of the sums.
    ///
    /// # Shapes
    /// `[groups]` in every field of `self`, `reference` and the result.
    #[must_use]
    pub fn log_ratios(&self, reference: &Self) -> Self {
        Self {
            chosen_v1: self.chosen_v1.clone() - reference.chosen_v1.clone(),
            rejected_v1: self.rejected_v1.clone() - reference.rejected_v1.clone(),
            chosen_v2: self.chosen_v2.clone() - reference.chosen_v2.clone(),
            rejected_v2: self.rejected_v2.clone() - reference.rejected_v2.clone(),
        }
    }

    /// The pair (y1 over y2) under x1.
    ///
    /// # Shapes
    /// `[groups]` in both fields.
    #[must_use]
    pub fn pair_v1(&self) -> PairLogps {
        PairLogps { chosen: self.chosen_v1.clone(), rejected: self.rejected_v1.clone() }
    }

    /// The mirrored pair (y2 over y1) under x2.
    ///
    /// # Shapes
    /// `[groups]` in both fields.
    #[must_use]
    pub fn pair_v2(&self) -> PairLogps {
        PairLogps { chosen: self.chosen_v2.clone(), rejected: self.rejected_v2.clone() }
    }
}

/// Summed log-probabilities of the chosen and the rejected response of `n` pairs.
///
/// # Shapes
/// Both fields: `[pairs]`.
#[derive(Debug, Clone)]
pub struct PairLogps {
    /// `log p(y_chosen | x)`.
    pub chosen: Tensor<1>,
    /// `log p(y_rejected | x)`.
    pub rejected: Tensor<1>,
}

impl PairLogps {
    /// `(log π − log π_ref)` of the chosen response less that of the rejected one.
    ///
    /// # Shapes
    /// `[pairs]` in, `[pairs]` out.
    #[must_use]
    pub fn margin(&self, reference: &Self) -> Tensor<1> {
        (self.chosen.clone() - reference.chosen.clone())
            - (self.rejected.clone() - reference.rejected.clone())
    }
}

/// `−(1−ε)·log σ(z) − ε·log σ(−z)`, finite for every finite `z`: `log σ` is computed without
/// exponentiating a large positive number.
///
/// # Shapes
/// `[n]` in, `[n]` out.
pub(crate) fn logistic_loss(z: Tensor<1>, label_smoothing: f64) -> Tensor<1> {
    if label_smoothing == 0.0 {
        return activation::log_sigmoid(z).neg();
    }
    activation::log_sigmoid(z.clone()).mul_scalar(label_smoothing - 1.0)
        - activation::log_sigmoid(z.neg()).mul_scalar(label_smoothing)
}
