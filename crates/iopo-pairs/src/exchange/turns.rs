//! Turns of a conversation, as TRL and LLaMA-Factory name them.

use serde_json::{Map, Value};

use super::LeftOut;

/// How a format names who speaks and what is said.
pub(super) type Names = [&'static str; 2];

/// Why a row gives nothing.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is not of its format: what was expected and what was found.
    Bad(String),
    /// It is, but no group can be made of it.
    LeftOut(LeftOut),
}

impl From<LeftOut> for Fault {
    fn from(reason: LeftOut) -> Self {
        Self::LeftOut(reason)
    }
}

/// One turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn<'a> {
    pub(super) who: &'a str,
    pub(super) text: &'a str,
}

/// A field that must be there.
pub(super) fn field<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a Value, Fault> {
    fields.get(name).filter(|value| !value.is_null()).ok_or_else(|| missing(fields, name))
}

/// The fault of a field that is not there.
pub(super) fn missing(fields: &Map<String, Value>, name: &str) -> Fault {
    let there = fields.iter().filter(|(_, value)| !value.is_null());
    let mut there: Vec<String> = there.map(|(name, _)| format!("`{name}`")).collect();
    there.sort_unstable();
    let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
    Fault::Bad(format!("expected a field `{name}`, found only: {there}"))
}

/// A turn in the names of a format; `place` is for the error text.
pub(super) fn turn<'a>(value: &'a Value, place: &str, names: Names) -> Result<Turn<'a>, Fault> {
    let part = |name: &str| value.get(name).and_then(Value::as_str);
    match names.map(part) {
        [Some(who), Some(text)] => Ok(Turn { who, text }),
        _ => Err(Fault::Bad(format!(
            "expected `{place}` to be a turn with the texts `{}` and `{}`, found {}",
            names[0],
            names[1],
            kind(value)
        ))),
    }
}

/// A list of turns.
pub(super) fn turns<'a>(
    value: &'a Value,
    place: &str,
    names: Names,
) -> Result<Vec<Turn<'a>>, Fault> {
    let Value::Array(list) = value else {
        let found = kind(value);
        return Err(Fault::Bad(format!("expected `{place}` to be a list of turns, found {found}")));
    };
    let named = list.iter().enumerate();
    named.map(|(index, value)| turn(value, &format!("{place}[{index}]"), names)).collect()
}

/// What a value is, in words.
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
