//! Whether the backward pass recomputes activations: the setting, and the choice that follows from it.

use iopo_model::Activations;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::estimate::{Estimate, gigabytes};

/// Share of the available memory that an estimate may fill: estimates are rough, and the system needs some.
const FILLED: f64 = 0.9;

/// Whether the backward pass recomputes each layer's activations instead of keeping them. No result depends on it, so
/// a resumed run may change it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GradientCheckpointing {
    /// Recomputes only if the activations would not fit into memory.
    #[default]
    Auto,
    /// Always recomputes.
    Always,
    /// Never recomputes.
    Never,
}

/// Why activations are kept or recomputed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The setting says so.
    Configured,
    /// The device does not report its memory.
    UnknownMemory,
    /// They fit into the available bytes.
    Fits(u64),
    /// They do not fit into the available bytes.
    TooLarge(u64),
}

/// Whether a training keeps or recomputes activations, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Kept or recomputed.
    pub activations: Activations,
    /// Why.
    pub reason: Reason,
}

impl GradientCheckpointing {
    /// Returns what happens to activations that fit into memory.
    pub(crate) fn if_they_fit(self) -> Activations {
        match self {
            Self::Always => Activations::Recomputed,
            Self::Auto | Self::Never => Activations::Kept,
        }
    }

    /// Chooses by the estimate and the available memory in bytes, where that is known.
    pub fn choose(self, estimate: &Estimate, memory: Option<u64>) -> Choice {
        let (activations, reason) = match (self, memory) {
            (Self::Always, _) => (Activations::Recomputed, Reason::Configured),
            (Self::Never, _) => (Activations::Kept, Reason::Configured),
            (Self::Auto, None) => (Activations::Kept, Reason::UnknownMemory),
            (Self::Auto, Some(memory)) if fits(estimate, Activations::Kept, memory) => {
                (Activations::Kept, Reason::Fits(memory))
            }
            (Self::Auto, Some(memory)) => (Activations::Recomputed, Reason::TooLarge(memory)),
        };
        Choice { activations, reason }
    }
}

impl Choice {
    /// Describes the estimate, the choice, its reason and the alternative, in one line.
    pub fn describe(self, estimate: &Estimate) -> String {
        let [kept, recomputed] = [Activations::Kept, Activations::Recomputed]
            .map(|activations| gigabytes(estimate.total(activations)));
        let slower = format!("about {:.0} % slower", 100.0 * estimate.slowdown);
        let why = match self.reason {
            Reason::Configured => "as configured".to_owned(),
            Reason::UnknownMemory => "the device does not report its memory".to_owned(),
            Reason::Fits(memory) => format!("{} available", gigabytes(memory)),
            Reason::TooLarge(memory) if fits(estimate, self.activations, memory) => {
                format!("only {} available", gigabytes(memory))
            }
            Reason::TooLarge(memory) => {
                format!("only {} available, which may be too little", gigabytes(memory))
            }
        };
        let parameters = estimate.describe();
        match self.activations {
            Activations::Kept => format!(
                "{parameters}, about {kept}: gradient checkpointing off ({why}); on: {recomputed}, {slower}"
            ),
            Activations::Recomputed => format!(
                "{parameters}, about {recomputed}: gradient checkpointing on, {slower} ({why}); off: {kept}"
            ),
        }
    }
}

fn fits(estimate: &Estimate, activations: Activations, memory: u64) -> bool {
    estimate.total(activations) as f64 <= FILLED * memory as f64
}

#[cfg(test)]
mod tests {
    use iopo_model::Activations;

    use super::GradientCheckpointing;
    use crate::estimate::Estimate;

    const ESTIMATE: Estimate = Estimate {
        parameters: 134_500_000,
        trained: 2_440_000,
        weights: 500_000_000,
        optimizer: 100_000_000,
        kept: 3_000_000_000,
        recomputed: 400_000_000,
        slowdown: 0.375,
    };

    #[test]
    fn the_setting_decides_and_auto_compares_with_the_memory() {
        let chosen =
            |setting: GradientCheckpointing, memory| setting.choose(&ESTIMATE, memory).activations;
        let always = GradientCheckpointing::Always;
        assert_eq!(chosen(always, Some(1 << 40)), Activations::Recomputed);
        assert_eq!(chosen(GradientCheckpointing::Never, Some(1)), Activations::Kept);
        let auto = GradientCheckpointing::Auto;
        assert_eq!(chosen(auto, None), Activations::Kept);
        assert_eq!(chosen(auto, Some(4_001_000_000)), Activations::Kept);
        assert_eq!(chosen(auto, Some(3_999_000_000)), Activations::Recomputed);
    }

    #[test]
    fn the_choice_is_described_with_its_reason_and_its_cost() {
        let described = |setting: GradientCheckpointing, memory| {
            setting.choose(&ESTIMATE, memory).describe(&ESTIMATE)
        };
        let roomy = described(GradientCheckpointing::Auto, Some(20_000_000_000));
        let expected = "134.5 M parameters, 2.44 M trained, about 3.6 GB: gradient checkpointing \
                        off (20.0 GB available); on: 1.0 GB, about 38 % slower";
        assert_eq!(roomy, expected);
        let tight = described(GradientCheckpointing::Auto, Some(2_000_000_000));
        let expected = "134.5 M parameters, 2.44 M trained, about 1.0 GB: gradient checkpointing \
                        on, about 38 % slower (only 2.0 GB available); off: 3.6 GB";
        assert_eq!(tight, expected);
        let short = described(GradientCheckpointing::Auto, Some(900_000_000));
        assert!(short.contains("may be too little"), "{short}");
        let never = described(GradientCheckpointing::Never, None);
        assert!(never.contains("off (as configured)"), "{never}");
        let unknown = described(GradientCheckpointing::Auto, None);
        assert!(unknown.contains("does not report"), "{unknown}");
    }
}
