//! The preference losses by their names in a configuration.

use iopo_objective::LossShape;

use crate::named::named;

named! {
    /// Name of the [`LossShape`] that maps a margin to a loss.
    #[derive(Default)]
    pub enum LossType {
        /// Negative log-sigmoid of the margin (Bradley–Terry).
        #[default]
        Sigmoid = "sigmoid",
        /// Sigmoid loss of the margin per token.
        SigmoidNorm = "sigmoid_norm",
        /// `max(0, 1 − z)`.
        Hinge = "hinge",
        /// Squared distance of the margin per token to its target.
        Ipo = "ipo",
        /// Sigmoid loss that is unbiased under flipped labels.
        Robust = "robust",
        /// Reverse KL divergence to the smoothed label.
        ExoPair = "exo_pair",
    }
}

impl LossType {
    /// Returns whether label smoothing changes the loss.
    pub fn is_smoothed(self) -> bool {
        match self {
            Self::Sigmoid | Self::Robust | Self::ExoPair => true,
            Self::SigmoidNorm | Self::Hinge | Self::Ipo => false,
        }
    }

    /// Returns the loss with its label smoothing.
    pub fn shape(self, label_smoothing: f64) -> LossShape {
        match self {
            Self::Sigmoid => LossShape::Sigmoid { label_smoothing },
            Self::SigmoidNorm => LossShape::SigmoidNorm,
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
        assert!(names.len() >= 6, "{names:?}");
        for name in names {
            let loss_type: LossType = serde_json::from_value(name.into()).expect(name);
            assert_eq!(loss_type.name(), name);
        }
    }
}
