//! The preference losses by their names in a configuration.

use iopo_objective::LossShape;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name of the [`LossShape`] that maps a margin to a loss.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LossType {
    /// Negative log-sigmoid of the margin (Bradley–Terry).
    #[default]
    Sigmoid,
    /// `max(0, 1 − z)`.
    Hinge,
    /// Squared distance of the margin per token to its target.
    Ipo,
    /// Sigmoid loss that is unbiased under flipped labels.
    Robust,
    /// Reverse KL divergence to the smoothed label.
    ExoPair,
}

impl LossType {
    /// Returns the name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sigmoid => "sigmoid",
            Self::Hinge => "hinge",
            Self::Ipo => "ipo",
            Self::Robust => "robust",
            Self::ExoPair => "exo-pair",
        }
    }

    /// Returns whether label smoothing changes the loss.
    pub fn is_smoothed(self) -> bool {
        match self {
            Self::Sigmoid | Self::Robust | Self::ExoPair => true,
            Self::Hinge | Self::Ipo => false,
        }
    }

    /// Returns the loss with its label smoothing.
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

#[cfg(test)]
mod tests {
    use schemars::schema_for;

    use super::LossType;

    #[test]
    fn the_name_of_every_loss_type_is_its_name_in_a_file() {
        let schema = schema_for!(LossType);
        let variants = schema.get("oneOf").and_then(|variants| variants.as_array());
        let names: Vec<&str> = variants
            .expect("one schema for each loss type")
            .iter()
            .filter_map(|variant| variant["const"].as_str())
            .collect();
        assert!(names.len() >= 5, "{names:?}");
        for name in names {
            let loss_type: LossType = serde_json::from_value(name.into()).expect(name);
            assert_eq!(loss_type.name(), name);
        }
    }
}
