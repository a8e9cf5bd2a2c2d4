//! The two readings of a published benchmark.

use std::fmt;

/// The rules by which a benchmark decides. There is no default, because scores of the two modes are not comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Mode {
    /// Reproduces the published implementation, including its errors. Use it to compare scores with published ones.
    Paper,
    /// Corrects the known errors of the published implementation. The documentation of each benchmark lists the differences.
    Repaired,
}

impl Mode {
    /// Both modes.
    pub const ALL: [Self; 2] = [Self::Paper, Self::Repaired];

    /// Returns the name in files and commands.
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
