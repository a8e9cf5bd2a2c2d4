//! How deeply a value is nested, and whether it can change after it is created.

use super::Value;
use crate::budget;
use crate::error::Error;

/// Maximum nesting of a value.
pub(crate) const MAX_DEPTH: u16 = 256;

/// The shape of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Levels of containers. Those inside a namespace or a loop do not count, because they can change.
    pub(crate) depth: u16,
    /// Whether the value is or contains a namespace or a loop.
    pub(crate) open: bool,
}

impl Shape {
    /// The shape of a namespace or a loop.
    pub(crate) const OPEN: Self = Self { depth: 1, open: true };

    /// The shape of a container with one more value.
    pub(crate) fn with(self, value: &Value) -> Self {
        let own = value.shape();
        Self { depth: self.depth.max(own.depth.saturating_add(1)), open: self.open || own.open }
    }

    /// The shape of a container.
    pub(crate) fn around<'v>(values: impl IntoIterator<Item = &'v Value>) -> Self {
        values.into_iter().fold(Self { depth: 1, open: false }, Self::with)
    }

    /// Whether a value of this shape is allowed. If not, the statement fails.
    pub(crate) fn allowed(self) -> bool {
        if self.depth > MAX_DEPTH {
            budget::refuse(too_deep());
        }
        self.depth <= MAX_DEPTH
    }
}

/// The error for a value that is nested too deeply.
pub(crate) fn too_deep() -> Error {
    Error::limit(format!("a value is nested deeper than {MAX_DEPTH} levels"))
}
