//! The training methods and the sequences of a group that they read.

use std::fmt;

use iopo_core::{FalseCells, PerSequence};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::encode::EncodedGroup;

/// A training method. All but [`Method::Sft`] start from the SFT model.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Supervised fine-tuning on (x1, y1) and (x2, y2), from the base model.
    Sft,
    /// SFT from the SFT model with as many updates as a preference method gets, as a fair baseline.
    SftContinued,
    /// DPO on both output pairs of a group (the paper's "without input preference").
    Dpo,
    /// DPO as the paper's baseline: y1 over y2 under x1 only.
    DpoPaper,
    /// `SimPO` on the strict pairs of a group, without a reference.
    Simpo,
    /// ORPO on the strict pairs, without a reference. It starts from the SFT model, like every method here.
    Orpo,
    /// TPO on the strict pairs, without a reference; the chosen response also serves as the gold one.
    Tpo,
    /// TPO-L on the strict pairs, without a reference; the chosen response also serves as the gold one.
    TpoL,
    /// Input-output preference optimization.
    Iopo,
    /// The paper's ablation "without output preference": does a response prefer its own instruction? A heuristic, always
    /// with the sigmoid.
    IopoNoOutput,
    /// The paper's variant with three sequences, which never reads y2 under x2. A heuristic, always with the sigmoid.
    IopoThree,
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
    /// Every method, in the order in which a run trains them.
    pub const ALL: [Self; 11] = [
        Self::Sft,
        Self::SftContinued,
        Self::Dpo,
        Self::DpoPaper,
        Self::Simpo,
        Self::Orpo,
        Self::Tpo,
        Self::TpoL,
        Self::Iopo,
        Self::IopoNoOutput,
        Self::IopoThree,
    ];

    /// Returns the name in configurations and directories.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sft => "sft",
            Self::SftContinued => "sft-continued",
            Self::Dpo => "dpo",
            Self::DpoPaper => "dpo-paper",
            Self::Simpo => "simpo",
            Self::Orpo => "orpo",
            Self::Tpo => "tpo",
            Self::TpoL => "tpo-l",
            Self::Iopo => "iopo",
            Self::IopoNoOutput => "iopo-no-output",
            Self::IopoThree => "iopo-three",
        }
    }

    /// Returns whether it trains on preferences.
    pub fn is_preference(self) -> bool {
        !matches!(self, Self::Sft | Self::SftContinued)
    }

    /// Returns whether it compares with a reference.
    pub fn has_reference(self) -> bool {
        self.has_loss_type() || matches!(self, Self::IopoNoOutput | Self::IopoThree)
    }

    /// Returns whether `loss_type` applies to it; the other methods have one published loss.
    pub fn has_loss_type(self) -> bool {
        matches!(self, Self::Dpo | Self::DpoPaper | Self::Iopo)
    }

    /// Returns whether its loss has an SFT term with a free weight.
    pub fn has_sft_weight(self) -> bool {
        self.has_reference() || matches!(self, Self::Tpo | Self::TpoL)
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
    /// reference skips the pair of that cell.
    pub fn needs(self, group: &EncodedGroup) -> PerSequence<bool> {
        let FalseCells { x1y2, x2y1 } = group.false_cells;
        match self {
            Self::Sft | Self::SftContinued => {
                PerSequence { x1y1: true, x1y2: false, x2y1: false, x2y2: true }
            }
            Self::Dpo | Self::Iopo | Self::IopoNoOutput => {
                PerSequence { x1y1: true, x1y2, x2y1, x2y2: true }
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

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
