//! The presets, which are embedded in the library.

use toml::Table;

use super::{ConfigError, parse};

/// The presets by name, as TOML. To write a configuration, copy a file in `presets/` of this crate and change it.
pub const PRESETS: [(&str, &str); 6] = [
    ("default", include_str!("../../presets/default.toml")),
    ("study", include_str!("../../presets/study.toml")),
    ("study-small", include_str!("../../presets/study-small.toml")),
    ("smoke", include_str!("../../presets/smoke.toml")),
    ("trace-endpoint", include_str!("../../presets/trace-endpoint.toml")),
    ("trace-local", include_str!("../../presets/trace-local.toml")),
];

/// Returns the table of a preset.
///
/// # Errors
/// Returns an error that names the presets if there is none of this name.
pub fn preset(name: &str) -> Result<Table, ConfigError> {
    match PRESETS.iter().find(|(known, _)| *known == name) {
        Some((_, text)) => parse(text, &format!("preset {name}")),
        None => Err(ConfigError::Preset {
            name: name.to_owned(),
            expected: PRESETS.iter().map(|(name, _)| *name).collect(),
        }),
    }
}
