//! Log-probabilities of the sequences of a group, a pair and a triple.

use burn::tensor::Tensor;
use iopo_core::PerSequence;

use crate::tokens::{GroupTokens, PairTokens};

/// Logps of the four sequences of `n` groups (x1, y1, x2, y2), each *summed* over the response tokens, EOS included.
///
/// Log-ratios, rewards and margins come with [`PerSequence`]: `policy.log_ratios(&reference).margin()` is the margin of
/// [`iopo`](crate::iopo()), `policy.rewards(&reference, beta)` are the implicit rewards.
///
/// # Shapes
/// Every field: `[groups]`.
pub type GroupLogps = PerSequence<Tensor<1>>;

/// Methods of [`GroupLogps`] in addition to those of [`PerSequence`].
pub trait GroupLogpsExt {
    /// Divides each sum by the tokens of its response.
    ///
    /// # Shapes
    /// `[groups]` in every field of `self`, `tokens` and the result.
    #[must_use]
    fn per_token(&self, tokens: &GroupTokens) -> Self;

    /// Returns the pair (y1 over y2) under x1 and the mirrored pair (y2 over y1) under x2.
    ///
    /// # Shapes
    /// `[groups]` in both fields of each pair.
    #[must_use]
    fn pairs(&self) -> [PairLogps; 2];
}

impl GroupLogpsExt for GroupLogps {
    fn per_token(&self, tokens: &GroupTokens) -> Self {
        Self {
            x1y1: self.x1y1.clone() / tokens.y1.clone(),
            x1y2: self.x1y2.clone() / tokens.y2.clone(),
            x2y1: self.x2y1.clone() / tokens.y1.clone(),
            x2y2: self.x2y2.clone() / tokens.y2.clone(),
        }
    }

    fn pairs(&self) -> [PairLogps; 2] {
        self.output_pairs().map(|(chosen, rejected)| PairLogps {
            chosen: chosen.clone(),
            rejected: rejected.clone(),
        })
    }
}

/// Summed logps of the chosen and the rejected response of `n` pairs.
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
    /// Returns the log-ratio `log π − log π_ref` of the chosen response minus that of the rejected one.
    ///
    /// # Shapes
    /// `[pairs]` in, `[pairs]` out.
    #[must_use]
    pub fn margin(&self, reference: &Self) -> Tensor<1> {
        (self.chosen.clone() - reference.chosen.clone())
            - (self.rejected.clone() - reference.rejected.clone())
    }

    /// Divides each sum by the tokens of its response.
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

    /// Returns `log p(y_chosen | x) − log p(y_rejected | x)`, without a reference.
    ///
    /// # Shapes
    /// `[pairs]` in, `[pairs]` out.
    #[must_use]
    pub fn difference(&self) -> Tensor<1> {
        self.chosen.clone() - self.rejected.clone()
    }

    /// Uses the chosen response as the gold one as well, for data without a third response.
    ///
    /// [`tpo`](crate::tpo()) of the result is the loss of CPO (Xu et al., arXiv 2401.08417).
    ///
    /// # Shapes
    /// `[pairs]` in every field.
    #[must_use]
    pub fn triple(&self) -> TripleLogps {
        TripleLogps { gold: self.chosen.clone(), pair: self.clone() }
    }
}

/// Summed logps of `n` triples of responses to one x, ranked gold over chosen over rejected.
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
