//! The presets that the library carries.

use toml::Table;

use super::{ConfigError, parse};

/// The presets by name, as TOML. The files are in `presets/` of this crate, to be copied and changed.
pub const PRESETS: [(&str, &str); 3] = [
    ("default", include_str!("../../presets/default.toml")),
    ("study", include_str!("../../presets/study.toml")),
    ("smoke", include_str!("../../presets/smoke.toml")),
];

/// The table of a preset.
///
/// # Errors
/// Names the presets if none has this name.
pub fn preset(name: &str) -> Result<Table, ConfigError> {
    match PRESETS.iter().find(|(known, _)| *known == name) {
        Some((_, text)) => parse(text, &format!("preset {name}")),
        None => Err(ConfigError::Preset {
            name: name.to_owned(),
            expected: PRESETS.iter().map(|(name, _)| *name).collect(),
        }),
    }
}
