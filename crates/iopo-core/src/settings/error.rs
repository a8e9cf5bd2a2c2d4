//! The error for a setting, shared by all crates.

use std::fmt;

/// A setting that cannot be used: its key, the value found, and the values allowed.
///
/// Displays as `` `train.beta`: found -1, expected a number above 0 ``.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettingError {
    /// The key, with its sections: `train.lora.r`.
    pub key: String,
    /// The value found, or a description of it.
    pub found: String,
    /// The values allowed.
    pub expected: String,
    /// A remedy, if one is known.
    pub hint: Option<String>,
}

impl SettingError {
    /// Creates an error about `key`.
    pub fn new(
        key: impl Into<String>,
        found: impl fmt::Display,
        expected: impl Into<String>,
    ) -> Self {
        Self { key: key.into(), found: found.to_string(), expected: expected.into(), hint: None }
    }

    /// Adds a remedy.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Prefixes the key with `section`.
    #[must_use]
    pub fn inside(self, section: &str) -> Self {
        let key = if self.key.is_empty() {
            section.to_owned()
        } else {
            format!("{section}.{}", self.key)
        };
        Self { key, ..self }
    }
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: found {}, expected {}", self.key, self.found, self.expected)
    }
}

impl std::error::Error for SettingError {}
