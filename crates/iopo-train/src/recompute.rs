//! Whether activations are kept for the backward pass or computed again: what a user says, and what follows from it.

use iopo_model::Activations;
use serde::{Deserialize, Serialize};

use crate::estimate::{Estimate, gigabytes};

/// Share of the memory that an estimate may fill: it is rough, and the system wants some.
const FILLED: f64 = 0.9;

/// Whether the backward pass computes a layer's activations again instead of finding them kept. No result changes
/// with it, so a run may go on with another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recompute {
    /// Where keeping them would not fit into memory.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

/// Why activations are kept or computed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The user said so.
    Asked,
    /// The device does not tell how much memory it has.
    Unknown,
    /// They fit into so many bytes.
    Fits(u64),
    /// They do not fit into so many bytes.
    TooLarge(u64),
}

/// What becomes of the activations of a training, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// What becomes of them.
    pub activations: Activations,
    /// Why.
    pub reason: Reason,
}

impl Recompute {
    /// Chooses by the estimate and the memory that is to be had, where that is known.
    pub fn choose(self, estimate: &Estimate, memory: Option<u64>) -> Choice {
        let (activations, reason) = match (self, memory) {
            (Self::Always, _) => (Activations::Recomputed, Reason::Asked),
            (Self::Never, _) => (Activations::Kept, Reason::Asked),
            (Self::Auto, None) => (Activations::Kept, Reason::Unknown),
            (Self::Auto, Some(memory)) if fits(estimate, Activations::Kept, memory) => {
                (Activations::Kept, Reason::Fits(memory))
            }
            (Self::Auto, Some(memory)) => (Activations::Recomputed, Reason::TooLarge(memory)),
        };
        Choice { activations, reason }
    }
}

impl Choice {
    /// The estimate, what was chosen, why, and what the other way would take.
    pub fn describe(self, estimate: &Estimate) -> String {
        let [kept, recomputed] = [Activations::Kept, Activations::Recomputed]
            .map(|activations| gigabytes(estimate.total(activations)));
        let slower = format!("about {:.0} % slower", 100.0 * estimate.slowdown);
        let why = match self.reason {
            Reason::Asked => "as asked".to_owned(),
            Reason::Unknown => "the device does not tell its memory".to_owned(),
            Reason::Fits(memory) => format!("{} can be had", gigabytes(memory)),
            Reason::TooLarge(memory) if fits(estimate, self.activations, memory) => {
                format!("only {} can be had", gigabytes(memory))
            }
            Reason::TooLarge(memory) => {
                format!("only {} can be had, which may not do", gigabytes(memory))
            }
        };
        let parameters = estimate.describe();
        match self.activations {
            Activations::Kept => format!(
                "{parameters}, about {kept}: activations are kept ({why}); recomputed: {recomputed}, {slower}"
            ),
            Activations::Recomputed => format!(
                "{parameters}, about {recomputed}: activations are recomputed, {slower} ({why}); kept: {kept}"
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

    use super::Recompute;
    use crate::estimate::Estimate;

    const ESTIMATE: Estimate = Estimate {
        parameters: 134_500_000,
        trained: 2_440_000,
        weights: 500_000_000,
        optimiser: 100_000_000,
        kept: 3_000_000_000,
        recomputed: 400_000_000,
        slowdown: 0.375,
    };

    #[test]
    fn what_is_asked_is_done_and_else_memory_decides() {
        let chosen = |setting: Recompute, memory| setting.choose(&ESTIMATE, memory).activations;
        assert_eq!(chosen(Recompute::Always, Some(1 << 40)), Activations::Recomputed);
        assert_eq!(chosen(Recompute::Never, Some(1)), Activations::Kept);
        assert_eq!(chosen(Recompute::Auto, None), Activations::Kept);
        assert_eq!(chosen(Recompute::Auto, Some(4_001_000_000)), Activations::Kept);
        assert_eq!(chosen(Recompute::Auto, Some(3_999_000_000)), Activations::Recomputed);
    }

    #[test]
    fn the_choice_is_told_with_its_reason_and_its_price() {
        let said =
            |setting: Recompute, memory| setting.choose(&ESTIMATE, memory).describe(&ESTIMATE);
        let roomy = said(Recompute::Auto, Some(20_000_000_000));
        let expected = "134.5 M parameters, 2.44 M trained, about 3.6 GB: activations are kept \
                        (20.0 GB can be had); recomputed: 1.0 GB, about 38 % slower";
        assert_eq!(roomy, expected);
        let tight = said(Recompute::Auto, Some(2_000_000_000));
        let expected = "134.5 M parameters, 2.44 M trained, about 1.0 GB: activations are \
                        recomputed, about 38 % slower (only 2.0 GB can be had); kept: 3.6 GB";
        assert_eq!(tight, expected);
        assert!(said(Recompute::Auto, Some(900_000_000)).contains("which may not do"));
        assert!(said(Recompute::Never, None).contains("kept (as asked)"));
        assert!(said(Recompute::Auto, None).contains("does not tell"));
    }
}
