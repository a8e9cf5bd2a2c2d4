//! Finds numbers that are not finite. A TOML value keeps such a number, whereas `serde_json` writes null, which also stands
//! for a missing value.

use serde::Serialize;
use toml::Value;

use super::SettingError;

/// Refuses a value that contains a number that is not finite, or that TOML cannot hold.
pub(super) fn check(config: &impl Serialize) -> Result<(), SettingError> {
    let value = Value::try_from(config)
        .map_err(|error| SettingError::new("", error, "settings that TOML can hold"))?;
    match find("", &value) {
        Some(key) => Err(error(key)),
        None => Ok(()),
    }
}

/// Returns the error about a number that is not finite.
pub(super) fn error(key: String) -> SettingError {
    SettingError::new(key, "a number that is not finite", "a finite number")
}

/// Returns the key of the first number that is not finite.
fn find(key: &str, value: &Value) -> Option<String> {
    match value {
        Value::Float(number) => (!number.is_finite()).then(|| key.to_owned()),
        Value::Table(fields) => fields.iter().find_map(|(name, value)| {
            let inner = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            find(&inner, value)
        }),
        Value::Array(values) => {
            let mut each = values.iter().enumerate();
            each.find_map(|(index, value)| find(&format!("{key}[{index}]"), value))
        }
        Value::String(_) | Value::Integer(_) | Value::Boolean(_) | Value::Datetime(_) => None,
    }
}
