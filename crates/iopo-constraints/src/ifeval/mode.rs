//! Which reading of the instructions decides.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The rules that a verdict follows. There is no default: scores of the two do not compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// As the published implementation decides, oddities included: for numbers to be compared with
    /// those of other papers.
    Paper,
    /// What the instruction says to a reader; `docs/ifeval.md` lists the differences.
    Repaired,
}

impl Mode {
    /// Both modes.
    pub const ALL: [Self; 2] = [Self::Paper, Self::Repaired];

    /// The stable name that files and commands use.
    pub fn id(self) -> &'static str {
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
