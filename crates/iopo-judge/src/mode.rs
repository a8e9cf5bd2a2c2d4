//! The two sets of rules for verdicts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The rules that turn a judge's answer into verdicts and verdicts into metrics. There is no default, because scores of
/// the two modes are not comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Reproduces the published parser and arithmetic, including their errors.
    Paper,
    /// Accepts harmless variation, such as full-width digits and code fences, and gives no verdict on an ambiguous answer.
    Repaired,
}

impl Mode {
    /// Both modes.
    pub const ALL: [Self; 2] = [Self::Paper, Self::Repaired];

    /// The stable name in files and commands.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Repaired => "repaired",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
