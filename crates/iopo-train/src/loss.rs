//! The shapes of a preference loss, by the names that a configuration gives them.

use iopo_objective::LossShape;
use serde::{Deserialize, Serialize};

/// Which [`LossShape`] turns a margin into a loss.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossName {
    /// Bradley–Terry.
    #[default]
    Sigmoid,
    /// `max(0, 1 − z)`.
    Hinge,
    /// A squared distance, of margins per token.
    Ipo,
    /// Unbiased under flipped labels.
    Robust,
    /// The reverse KL divergence to the smoothed label.
    ExoPair,
}

impl LossName {
    /// Whether it has a label smoothing.
    pub fn is_smoothed(self) -> bool {
        matches!(self, Self::Sigmoid | Self::Robust | Self::ExoPair)
    }

    /// The shape with its label smoothing.
    pub fn shape(self, label_smoothing: f64) -> LossShape {
        match self {
            Self::Sigmoid => LossShape::Sigmoid { label_smoothing },
            Self::Hinge => LossShape::Hinge,
            Self::Ipo => LossShape::Ipo,
            Self::Robust => LossShape::Robust { label_smoothing },
            Self::ExoPair => LossShape::ExoPair { label_smoothing },
        }
    }
}
