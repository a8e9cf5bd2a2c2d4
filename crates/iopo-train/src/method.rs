//! The training methods and which sequences of a group they read.

use std::fmt;

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
    /// The same for as many more updates as a preference method gets: the fair baseline,
    /// as long as no early stopping ends one of them.
    SftContinued,
    /// DPO on both mirrored pairs of a group (the paper's "without input preference").
    Dpo,
    /// DPO as the paper's baseline: y1 against a worse y, for x1 only.
    DpoPaper,
    /// `SimPO` on the strict pairs of a group, without a reference.
    Simpo,
    /// ORPO on the same pairs, without a reference; here it starts from the SFT model, as all do.
    Orpo,
    /// TPO on the same pairs, without a reference; the chosen response is the gold one too.
    Tpo,
    /// TPO-L on the same pairs, without a reference; the chosen response is the gold one too.
    TpoL,
    /// Input-output preference optimisation.
    Iopo,
}

/// What a reference-free method's numbers are where the configuration says nothing of it alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Published {
    /// Weight of the preference: β, or ORPO's λ.
    pub beta: f64,
    /// The margin γ of `SimPO` and TPO-L.
    pub gamma: Option<f64>,
    /// Weight of the SFT term: TPO's α. ORPO's is 1 by its formula, `SimPO` has none.
    pub pref_ftx: f64,
}

impl Method {
    /// Every method, in the order in which a run takes them.
    pub const ALL: [Self; 9] = [
        Self::Sft,
        Self::SftContinued,
        Self::Dpo,
        Self::DpoPaper,
        Self::Simpo,
        Self::Orpo,
        Self::Tpo,
        Self::TpoL,
        Self::Iopo,
    ];

    /// The method's name in configurations and folder names.
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
        }
    }

    /// Whether it prefers responses to others.
    pub fn is_preference(self) -> bool {
        !matches!(self, Self::Sft | Self::SftContinued)
    }

    /// Whether it compares with a reference.
    pub fn has_reference(self) -> bool {
        matches!(self, Self::Dpo | Self::DpoPaper | Self::Iopo)
    }

    /// Whether it has an SFT term with a weight to choose.
    pub fn has_sft_weight(self) -> bool {
        self.has_reference() || matches!(self, Self::Tpo | Self::TpoL)
    }

    /// The numbers of its paper or of TRL, for a method without a reference: those of the others
    /// weight log-ratios and would mean something else here.
    pub fn published(self) -> Option<Published> {
        let made = |beta, gamma, pref_ftx| Some(Published { beta, gamma, pref_ftx });
        match self {
            Self::Simpo => made(2.0, Some(1.0), 0.0),
            Self::Orpo => made(0.1, None, 1.0),
            Self::Tpo => made(0.01, None, 1.0),
            Self::TpoL => made(0.01, Some(0.5), 1.0),
            Self::Sft | Self::SftContinued | Self::Dpo | Self::DpoPaper | Self::Iopo => None,
        }
    }

    /// Which sequences of a group the loss reads, in the order (x1,y1), (x1,y2), (x2,y2), (x2,y1).
    ///
    /// A rejected sequence whose response follows its instruction after all (the true off-diagonal
    /// cell of a sided group) is never read, nor is its pair by a method without a reference.
    pub fn needs(self, group: &EncodedGroup) -> [bool; 4] {
        let [v1, v2] = group.false_cells;
        match self {
            Self::Sft | Self::SftContinued => [true, false, true, false],
            Self::Dpo | Self::Iopo => [true, v1, true, v2],
            Self::DpoPaper if v1 => [true, true, false, false],
            // y2 follows x1 too: the group's one strict pair is the mirrored one.
            Self::DpoPaper => [false, false, true, true],
            Self::Simpo | Self::Orpo | Self::Tpo | Self::TpoL => [v1, v1, v2, v2],
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
