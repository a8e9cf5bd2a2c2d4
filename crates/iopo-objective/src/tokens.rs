//! Response tokens, EOS included: what a summed log-probability is divided by to be one per token.

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
    /// The tokens of [`GroupLogps::pair_v1`](crate::GroupLogps::pair_v1): y1 over y2.
    #[must_use]
    pub fn pair_v1(&self) -> PairTokens {
        PairTokens { chosen: self.y1.clone(), rejected: self.y2.clone() }
    }

    /// The tokens of [`GroupLogps::pair_v2`](crate::GroupLogps::pair_v2): y2 over y1.
    #[must_use]
    pub fn pair_v2(&self) -> PairTokens {
        PairTokens { chosen: self.y2.clone(), rejected: self.y1.clone() }
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
    /// The tokens of [`PairLogps::triple`](crate::PairLogps::triple).
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
