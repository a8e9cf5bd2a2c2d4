//! The training methods and the sequences of a group that they read.

use iopo_core::{FalseCells, PerSequence};

use crate::encode::EncodedGroup;
use crate::group_weights::GroupWeighting;
use crate::named::named;

named! {
    /// A training method. All but [`Method::Sft`] start from the SFT model. A run trains them in this order.
    pub enum Method {
        /// Supervised fine-tuning from the base model, on (x1, y1) and (x2, y2) of each group, the chosen response of each
        /// pair, or verified responses.
        Sft = "sft",
        /// SFT from the SFT model with the groups and the updates that a preference method gets, as a fair baseline.
        SftContinued = "sft-continued",
        /// DPO on both output pairs of a group, or on a pair (the paper's "without input preference").
        Dpo = "dpo",
        /// DPO as the paper's baseline: on the pairs whose rejected response was asked for as a worse answer, or, if there
        /// are none, y1 over y2 under x1 only.
        DpoPaper = "dpo-paper",
        /// `SimPO` on the strict pairs of a group, without a reference.
        Simpo = "simpo",
        /// ORPO on the strict pairs, without a reference. It starts from the SFT model, like every method here.
        Orpo = "orpo",
        /// TPO on the strict pairs, without a reference; the chosen response also serves as the gold one.
        Tpo = "tpo",
        /// TPO-L on the strict pairs, without a reference; the chosen response also serves as the gold one.
        TpoL = "tpo-l",
        /// Input-output preference optimization. Skips pairs, like the two variants below.
        Iopo = "iopo",
        /// The paper's ablation "without output preference": does a response prefer its own instruction? A heuristic, always
        /// with the sigmoid.
        IopoNoOutput = "iopo-no-output",
        /// The paper's variant with three sequences, which never reads y2 under x2. A heuristic, always with the sigmoid.
        IopoThree = "iopo-three",
    }
}

/// The comparison that a method's loss makes, from which its settings follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// None: supervised fine-tuning.
    None,
    /// Log-ratios to a reference, through the configured loss type.
    LossType,
    /// Log-ratios to a reference, through the sigmoid.
    Sigmoid,
    /// Logps without a reference, with a weighted SFT term.
    WithSftWeight,
    /// Logps without a reference; the paper fixes the SFT term.
    WithoutSftWeight,
}

/// Published settings of a method without a reference; they apply unless `overrides` replaces them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Published {
    /// Strength of the preference loss: β, or ORPO's λ.
    pub beta: f64,
    /// Target margin γ of `SimPO` and TPO-L.
    pub gamma: Option<f64>,
    /// Weight of the SFT term: TPO's α. It is 1 in ORPO's formula; `SimPO` has no such term.
    pub pref_ftx: f64,
}

impl Method {
    fn comparison(self) -> Comparison {
        match self {
            Self::Sft | Self::SftContinued => Comparison::None,
            Self::Dpo | Self::DpoPaper | Self::Iopo => Comparison::LossType,
            Self::IopoNoOutput | Self::IopoThree => Comparison::Sigmoid,
            Self::Tpo | Self::TpoL => Comparison::WithSftWeight,
            Self::Simpo | Self::Orpo => Comparison::WithoutSftWeight,
        }
    }

    /// Returns whether it trains the base model; the other methods start from the SFT model.
    pub fn starts_from_base(self) -> bool {
        match self {
            Self::Sft => true,
            Self::SftContinued
            | Self::Dpo
            | Self::DpoPaper
            | Self::Simpo
            | Self::Orpo
            | Self::Tpo
            | Self::TpoL
            | Self::Iopo
            | Self::IopoNoOutput
            | Self::IopoThree => false,
        }
    }

    /// Returns whether it trains on preferences.
    pub fn is_preference(self) -> bool {
        match self.comparison() {
            Comparison::None => false,
            Comparison::LossType
            | Comparison::Sigmoid
            | Comparison::WithSftWeight
            | Comparison::WithoutSftWeight => true,
        }
    }

    /// Returns whether the method compares two instructions. Such a method cannot train on pairs, which have only one.
    pub fn compares_instructions(self) -> bool {
        match self {
            Self::Iopo | Self::IopoNoOutput | Self::IopoThree => true,
            Self::Sft
            | Self::SftContinued
            | Self::Dpo
            | Self::DpoPaper
            | Self::Simpo
            | Self::Orpo
            | Self::Tpo
            | Self::TpoL => false,
        }
    }

    /// Returns whether it compares with a reference.
    pub fn has_reference(self) -> bool {
        match self.comparison() {
            Comparison::LossType | Comparison::Sigmoid => true,
            Comparison::None | Comparison::WithSftWeight | Comparison::WithoutSftWeight => false,
        }
    }

    /// Returns whether it also trains on input preferences, if the run has any: their loss compares with a reference.
    pub fn takes_input_preferences(self) -> bool {
        self.is_preference() && self.has_reference()
    }

    /// Returns whether it weights groups: by hardness only with a reference, which the hardness is computed from.
    pub fn is_weighted(self, weighting: GroupWeighting) -> bool {
        match weighting {
            GroupWeighting::None => false,
            GroupWeighting::Hardness => self.has_reference(),
            GroupWeighting::Rarity => self.is_preference(),
        }
    }

    /// Returns whether `loss_type` applies to it; the other methods have one published loss.
    pub fn has_loss_type(self) -> bool {
        match self.comparison() {
            Comparison::LossType => true,
            Comparison::None
            | Comparison::Sigmoid
            | Comparison::WithSftWeight
            | Comparison::WithoutSftWeight => false,
        }
    }

    /// Returns whether its loss has an SFT term with a free weight.
    pub fn has_sft_weight(self) -> bool {
        match self.comparison() {
            Comparison::LossType | Comparison::Sigmoid | Comparison::WithSftWeight => true,
            Comparison::None | Comparison::WithoutSftWeight => false,
        }
    }

    /// Returns whether its loss has a target margin γ.
    pub fn has_gamma(self) -> bool {
        self.published().is_some_and(|published| published.gamma.is_some())
    }

    /// Returns whether its loss compares logps per token instead of sums; `None` if the loss type decides.
    pub fn is_per_token(self) -> Option<bool> {
        match self {
            Self::Simpo | Self::Orpo | Self::TpoL => Some(true),
            Self::Dpo | Self::DpoPaper | Self::Iopo => None,
            Self::Sft | Self::SftContinued | Self::Tpo | Self::IopoNoOutput | Self::IopoThree => {
                Some(false)
            }
        }
    }

    /// Returns the settings from its paper or from TRL for a method without a reference. The common `beta` would mean
    /// something else there, because it scales log-ratios.
    pub fn published(self) -> Option<Published> {
        let made = |beta, gamma, pref_ftx| Some(Published { beta, gamma, pref_ftx });
        match self {
            Self::Simpo => made(2.0, Some(1.0), 0.0),
            Self::Orpo => made(0.1, None, 1.0),
            Self::Tpo => made(0.01, None, 1.0),
            Self::TpoL => made(0.01, Some(0.5), 1.0),
            Self::Sft
            | Self::SftContinued
            | Self::Dpo
            | Self::DpoPaper
            | Self::Iopo
            | Self::IopoNoOutput
            | Self::IopoThree => None,
        }
    }

    /// Returns which sequences of a group the loss reads.
    ///
    /// It never reads the true mixed cell of a sided group, whose response follows its instruction. A method without a
    /// reference skips the pair of that cell. A pair has no sequences of x2, and an input preference none of y2.
    pub fn needs(self, group: &EncodedGroup) -> PerSequence<bool> {
        if group.is_input_preference() {
            return PerSequence { x1y1: true, x1y2: false, x2y1: true, x2y2: false };
        }
        let FalseCells { x1y2, x2y1 } = group.false_cells;
        // Pairs have none, nor has the last of an odd number of SFT rows.
        let x2y2 = group.has_second_instruction();
        match self {
            Self::Sft | Self::SftContinued => {
                PerSequence { x1y1: true, x1y2: false, x2y1: false, x2y2 }
            }
            Self::Dpo | Self::Iopo | Self::IopoNoOutput => {
                PerSequence { x1y1: true, x1y2, x2y1, x2y2 }
            }
            Self::IopoThree => PerSequence { x1y1: true, x1y2, x2y1, x2y2: false },
            Self::DpoPaper if x1y2 => {
                PerSequence { x1y1: true, x1y2: true, x2y1: false, x2y2: false }
            }
            // y2 follows x1 too: the group's only strict pair is the mirrored one.
            Self::DpoPaper => PerSequence { x1y1: false, x1y2: false, x2y1: true, x2y2: true },
            Self::Simpo | Self::Orpo | Self::Tpo | Self::TpoL => {
                PerSequence { x1y1: x1y2, x1y2, x2y1, x2y2: x2y1 }
            }
        }
    }
}
