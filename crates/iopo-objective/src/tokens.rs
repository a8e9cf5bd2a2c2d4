//! Numbers of response tokens, including EOS, for logps per token.

use burn::tensor::Tensor;

/// Tokens of the two responses of `n` groups.
///
/// # Shapes
/// Both fields: `[groups]`.
#[derive(Debug, Clone)]
pub struct GroupTokens {
    /// `|y1|`.
    pub y1: Tensor<1>,
    /// `|y2|`.
    pub y2: Tensor<1>,
}

impl GroupTokens {
    /// Returns the tokens of [`GroupLogpsExt::pairs`](crate::GroupLogpsExt::pairs): y1 over y2, then y2 over y1.
    #[must_use]
    pub fn pairs(&self) -> [PairTokens; 2] {
        [(&self.y1, &self.y2), (&self.y2, &self.y1)].map(|(chosen, rejected)| PairTokens {
            chosen: chosen.clone(),
            rejected: rejected.clone(),
        })
    }
}

/// Tokens of the responses of `n` pairs.
///
/// # Shapes
/// Both fields: `[pairs]`.
#[derive(Debug, Clone)]
pub struct PairTokens {
    /// `|y_chosen|`.
    pub chosen: Tensor<1>,
    /// `|y_rejected|`.
    pub rejected: Tensor<1>,
}

impl PairTokens {
    /// Returns the tokens of [`PairLogps::triple`](crate::PairLogps::triple).
    #[must_use]
    pub fn triple(&self) -> TripleTokens {
        TripleTokens { gold: self.chosen.clone(), pair: self.clone() }
    }
}

/// Tokens of the responses of `n` triples.
///
/// # Shapes
/// Every field: `[triples]`.
#[derive(Debug, Clone)]
pub struct TripleTokens {
    /// `|y_gold|`.
    pub gold: Tensor<1>,
    /// `|y_chosen|` and `|y_rejected|`.
    pub pair: PairTokens,
}
