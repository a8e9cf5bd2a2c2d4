//! Turns of a conversation, with the field names of TRL and LLaMA-Factory.

use serde_json::{Map, Value};

use super::SkipReason;

/// The names of the fields for the speaker and the text.
pub(super) type Names = [&'static str; 2];

/// Why a row gives no group.
#[derive(Debug)]
pub(super) enum Fault {
    /// The row is not of the format. States what was expected and found.
    Bad(String),
    /// The row is skipped.
    Skip(SkipReason),
}

impl From<SkipReason> for Fault {
    fn from(reason: SkipReason) -> Self {
        Self::Skip(reason)
    }
}

/// One turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn<'a> {
    pub(super) who: &'a str,
    pub(super) text: &'a str,
}

/// Returns a required field.
pub(super) fn field<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a Value, Fault> {
    fields.get(name).filter(|value| !value.is_null()).ok_or_else(|| missing(fields, name))
}

/// Creates the fault of a missing field.
pub(super) fn missing(fields: &Map<String, Value>, name: &str) -> Fault {
    let there = fields.iter().filter(|(_, value)| !value.is_null());
    let mut there: Vec<String> = there.map(|(name, _)| format!("`{name}`")).collect();
    there.sort_unstable();
    let there = if there.is_empty() { "no field".to_owned() } else { there.join(", ") };
    Fault::Bad(format!("found {there}, expected a field `{name}`"))
}

/// Reads a turn. `place` is used in errors.
pub(super) fn turn<'a>(value: &'a Value, place: &str, names: Names) -> Result<Turn<'a>, Fault> {
    let part = |name: &str| value.get(name).and_then(Value::as_str);
    match names.map(part) {
        [Some(who), Some(text)] => Ok(Turn { who, text }),
        _ => Err(Fault::Bad(format!(
            "found {} in `{place}`, expected a turn with the strings `{}` and `{}`",
            kind(value),
            names[0],
            names[1]
        ))),
    }
}

/// Reads a list of turns.
pub(super) fn turns<'a>(
    value: &'a Value,
    place: &str,
    names: Names,
) -> Result<Vec<Turn<'a>>, Fault> {
    let Value::Array(list) = value else {
        let found = kind(value);
        return Err(Fault::Bad(format!("found {found} in `{place}`, expected a list of turns")));
    };
    let named = list.iter().enumerate();
    named.map(|(index, value)| turn(value, &format!("{place}[{index}]"), names)).collect()
}

/// Describes a value in words.
pub(super) fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(fields) => {
            let mut names: Vec<String> = fields.keys().map(|name| format!("`{name}`")).collect();
            names.sort_unstable();
            names.truncate(8);
            format!("an object with {}", names.join(", "))
        }
    }
}
