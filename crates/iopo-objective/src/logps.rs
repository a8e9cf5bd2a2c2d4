//! Log-probabilities of the sequences of a group and of a pair.

use burn::tensor::Tensor;

use crate::tokens::{GroupTokens, PairTokens};

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

    /// The margin `h = s11 + s22 − s12 − s21` of [`iopo`](crate::iopo()), before beta.
    ///
    /// It is the sum of two output margins, `(s11−s12) + (s22−s21)`, and of two input margins,
    /// `(s11−s21) + (s22−s12)`.
    ///
    /// # Shapes
    /// `[groups]` in every field; `[groups]` out.
    #[must_use]
    pub fn margin(&self, reference: &Self) -> Tensor<1> {
        let s = self.log_ratios(reference);
        (s.chosen_v1 - s.rejected_v1) + (s.chosen_v2 - s.rejected_v2)
    }

    /// Log-probabilities per token: each sum divided by the tokens of its response.
    ///
    /// # Shapes
    /// `[groups]` in every field of `self`, `tokens` and the result.
    #[must_use]
    pub fn per_token(&self, tokens: &GroupTokens) -> Self {
        Self {
            chosen_v1: self.chosen_v1.clone() / tokens.y1.clone(),
            rejected_v1: self.rejected_v1.clone() / tokens.y2.clone(),
            chosen_v2: self.chosen_v2.clone() / tokens.y2.clone(),
            rejected_v2: self.rejected_v2.clone() / tokens.y1.clone(),
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

    /// Log-probabilities per token: each sum divided by the tokens of its response.
    ///
    /// # Shapes
    /// `[pairs]` in every field of `self`, `tokens` and the result.
    #[must_use]
    pub fn per_token(&self, tokens: &PairTokens) -> Self {
        Self {
            chosen: self.chosen.clone() / tokens.chosen.clone(),
            rejected: self.rejected.clone() / tokens.rejected.clone(),
        }
    }

    /// `log p(y_chosen | x) − log p(y_rejected | x)`, without a reference.
    ///
    /// # Shapes
    /// `[pairs]` in, `[pairs]` out.
    #[must_use]
    pub fn difference(&self) -> Tensor<1> {
        self.chosen.clone() - self.rejected.clone()
    }

    /// The pair with its chosen response as the gold one too, where there is no third response:
    /// [`tpo`](crate::tpo()) of it is the loss of CPO (Xu et al., arXiv 2401.08417).
    ///
    /// # Shapes
    /// `[pairs]` in every field.
    #[must_use]
    pub fn triple(&self) -> TripleLogps {
        TripleLogps { gold: self.chosen.clone(), pair: self.clone() }
    }
}

/// Summed log-probabilities of `n` ranked triples, gold before chosen before rejected, all for one x.
///
/// # Shapes
/// Every field: `[triples]`.
#[derive(Debug, Clone)]
pub struct TripleLogps {
    /// `log p(y_gold | x)`.
    pub gold: Tensor<1>,
    /// The chosen and the rejected response.
    pub pair: PairLogps,
}
