//! How an instruction compares a count with a number.

use serde::{Deserialize, Serialize};

/// A comparison of a count with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Relation {
    /// The count is the number or more.
    #[serde(rename = "at least")]
    AtLeast,
    /// The count is below the number.
    #[serde(rename = "less than")]
    LessThan,
}

impl Relation {
    /// Returns the relation with this name in IFEval's data, `None` for any other name.
    pub fn from_id(id: &str) -> Option<Self> {
        match id {
            "at least" => Some(Self::AtLeast),
            "less than" => Some(Self::LessThan),
            _ => None,
        }
    }

    /// Whether `count` has this relation to `number`.
    pub fn holds(self, count: usize, number: usize) -> bool {
        match self {
            Self::AtLeast => count >= number,
            Self::LessThan => count < number,
        }
    }
}
