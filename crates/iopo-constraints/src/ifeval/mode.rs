//! The two sets of rules for instructions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The rules that decide whether a response follows an instruction. There is no default, because scores of the two
/// modes are not comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Reproduces the published implementation, including its errors. Use it to compare scores with published ones.
    Paper,
    /// Decides by the wording of the instruction. `docs/ifeval.md` lists the differences.
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
