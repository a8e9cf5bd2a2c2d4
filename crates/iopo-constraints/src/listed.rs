//! Constraints as the rows of datasets list them.
//!
//! A row has `id` and `params`, or it is a row of iopo's files, where both are in `check`. Columns of a dataset have every field in
//! each row, so a null counts as absent. `params` is an object, such an object as JSON text, or absent.

use serde_json::{Map, Value};

use crate::constraint::Constraint;
use crate::error::ConstraintError;
use crate::kind::Kind;
use crate::strict_json::{Fault, Reader, key_of};

/// Fields that describe a constraint and do not decide.
const IGNORED: [&str; 4] = ["text", "type", "constraint_type", "dimension"];

/// Why a row has no constraint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListedError {
    /// The row is not in its format.
    #[error(transparent)]
    Row(#[from] Fault),
    /// The constraint could not be created.
    #[error(transparent)]
    Constraint(#[from] ConstraintError),
}

/// Creates the constraint of a row; `None` if only a judge can decide it, because its `check` is null.
///
/// `place` is the name of the row in an error, and `reader` reads parameters that are JSON text.
///
/// # Errors
/// Returns an error for a row that is no object, has an unknown field, no constraint or two, and for an invalid constraint.
pub fn constraint(
    row: Value,
    place: &str,
    reader: &mut Reader,
) -> Result<Option<Constraint>, ListedError> {
    let [mut id, mut params, mut check] = [Value::Null, Value::Null, Value::Null];
    let mut has_check = false;
    for (key, value) in object(row, place, "an object with `id` and `params`")? {
        match key.as_str() {
            "id" => id = value,
            "params" => params = value,
            "check" => (has_check, check) = (true, value),
            ignored if IGNORED.contains(&ignored) => {}
            _ => return Err(unknown(place, &key, "id, params, check, text, type or dimension")),
        }
    }
    match (id.is_null(), check.is_null()) {
        (false, false) => {
            let reason = "found `id` and `check`, expected one of them";
            Err(Fault::value(place, reason).into())
        }
        (false, true) => read(id, params, place, reader).map(Some),
        (true, _) if !is_blank(&params) => {
            let reason = "found `params` without `id`, expected both at the same level";
            Err(Fault::value(place, reason).into())
        }
        (true, false) => of_check(check, &key_of(place, "check"), reader).map(Some),
        (true, true) if has_check => Ok(None),
        (true, true) => Err(Fault::value(place, "missing `id`").into()),
    }
}

/// Creates a constraint from the id of its kind and the parameters of a row: null, an object, or such an object as JSON text.
///
/// Parameters that are null count as absent, also in the parts of an `all_of`, whose `params` may be a text or absent, too.
/// `place` is the name of the parameters in an error.
///
/// # Errors
/// Returns an error for parameters that are no object or beyond the limits of the reader, and for an invalid constraint.
pub fn with_params(
    id: &str,
    params: Value,
    place: &str,
    reader: &mut Reader,
) -> Result<Constraint, ListedError> {
    let kind = Kind::from_id(id)?;
    let params = arguments(kind, params, place, reader)?;
    Ok(Constraint::from_map(kind, params)?)
}

fn of_check(check: Value, place: &str, reader: &mut Reader) -> Result<Constraint, ListedError> {
    let [mut id, mut params] = [Value::Null, Value::Null];
    for (key, value) in object(check, place, "an object with `id` and `params`")? {
        match key.as_str() {
            "id" => id = value,
            "params" => params = value,
            _ => return Err(unknown(place, &key, "id or params")),
        }
    }
    if id.is_null() {
        return Err(Fault::value(place, "missing `id`").into());
    }
    read(id, params, place, reader)
}

fn read(
    id: Value,
    params: Value,
    place: &str,
    reader: &mut Reader,
) -> Result<Constraint, ListedError> {
    let Value::String(id) = id else {
        return Err(Fault::wrong_type(&key_of(place, "id"), &id, "a string").into());
    };
    with_params(&id, params, &key_of(place, "params"), reader)
}

/// Whether parameters say nothing, as those of a padded row.
fn is_blank(params: &Value) -> bool {
    match params {
        Value::Null => true,
        Value::Object(map) => map.values().all(Value::is_null),
        _ => false,
    }
}

/// Reads parameters.
fn arguments(
    kind: Kind,
    params: Value,
    place: &str,
    reader: &mut Reader,
) -> Result<Map<String, Value>, ListedError> {
    let params = match params {
        Value::String(text) => {
            reader.argument_text(&text, place)?;
            match reader.read(&text, place) {
                Ok(params) => params,
                // The constraint says what is wrong with a text that is not JSON.
                Err(fault) if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() => {
                    return Err(fault.into());
                }
                Err(_) => {
                    return Constraint::from_parts(kind.id(), &text)
                        .map(|constraint| constraint.family().params())
                        .map_err(Into::into);
                }
            }
        }
        other => other,
    };
    let mut map = match params {
        Value::Null => Map::new(),
        other => object(other, place, "an object, or a JSON object as text")?,
    };
    reader.arguments(&map, place)?;
    map.retain(|_, value| !value.is_null());
    if kind == Kind::AllOf
        && let Some(Value::Array(parts)) = map.get_mut("parts")
    {
        let place = key_of(place, "parts");
        for (at, part) in parts.iter_mut().enumerate() {
            *part = normalized(std::mem::take(part), &format!("{place}[{at}]"), reader)?;
        }
    }
    Ok(map)
}

/// A part of an `all_of` in the form that constraints are read from.
fn normalized(part: Value, place: &str, reader: &mut Reader) -> Result<Value, ListedError> {
    let mut part = object(part, place, "an object with `id` and `params`")?;
    part.retain(|_, value| !value.is_null());
    let kind = part.get("id").and_then(Value::as_str).and_then(|id| Kind::from_id(id).ok());
    // The constraint refuses the others.
    if let Some(kind) = kind.filter(|kind| *kind != Kind::AllOf) {
        let params = part.remove("params").unwrap_or_default();
        let params = arguments(kind, params, &key_of(place, "params"), reader)?;
        part.insert("params".to_owned(), Value::Object(params));
    }
    Ok(Value::Object(part))
}

fn object(value: Value, place: &str, expected: &str) -> Result<Map<String, Value>, Fault> {
    match value {
        Value::Object(map) => Ok(map),
        other => Err(Fault::wrong_type(place, &other, expected)),
    }
}

fn unknown(place: &str, key: &str, expected: &str) -> ListedError {
    let shown: String = key.chars().take(60).collect();
    Fault::value(place, format!("unknown field `{shown}`, expected {expected}")).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::strict_json::Limits;

    fn listed(row: Value) -> Result<Option<String>, String> {
        let mut reader = Reader::new(Limits::NONE);
        let read = constraint(row, "c[0]", &mut reader).map_err(|error| error.to_string())?;
        Ok(read.map(|read| format!("{} {}", read.kind().id(), read.params_json())))
    }

    #[test]
    fn parts_are_read_like_constraints() {
        let expected = r#"all_of {"parts":[{"id":"max_words","params":{"n":3}},{"id":"no_commas","params":{}}]}"#;
        for params in [
            json!({"parts": [{"id": "max_words", "params": {"n": 3, "m": null}}, {"id": "no_commas"}]}),
            json!({"parts": [{"id": "max_words", "params": "{\"n\": 3.0, \"m\": null}", "check": null}, {"id": "no_commas", "params": null}]}),
            json!(r#"{"parts": [{"id": "max_words", "params": {"n": 3}}, {"id": "no_commas"}]}"#),
        ] {
            let found = listed(json!({"id": "all_of", "params": params}));
            assert_eq!(found, Ok(Some(expected.to_owned())), "{params}");
        }
        let twice = r#"{"parts": [{"id": "max_words", "params": {"n": 3, "n": 400}}, {"id": "no_commas"}]}"#;
        let found = listed(json!({"id": "all_of", "params": twice})).expect_err("twice");
        let place = r#"c[0]["params"]["parts"][0]["params"]["n"]"#;
        assert_eq!(found, format!("`{place}`: found twice, expected once"));
        let inner = json!({"parts": [{"id": "max_words", "params": "{\"n\":3,\"n\":4}"}, {"id": "no_commas"}]});
        let found = listed(json!({"id": "all_of", "params": inner})).expect_err("twice");
        assert_eq!(found, format!("`{place}`: found twice, expected once"));
        let deep =
            json!({"parts": [{"id": "all_of", "params": {"parts": []}}, {"id": "no_commas"}]});
        let found = listed(json!({"id": "all_of", "params": deep})).expect_err("nested");
        assert!(found.contains("inside of an `all_of`"), "{found}");
    }

    #[test]
    fn texts_that_are_no_json_are_described_by_the_constraint() {
        let found = listed(json!({"id": "max_words", "params": "{"})).expect_err("no JSON");
        assert!(found.starts_with("unreadable parameters of constraint `max_words`: "), "{found}");
        let found = listed(json!({"id": "max_words", "params": "[3]"})).expect_err("a list");
        let expected = "found a list, expected an object, or a JSON object as text";
        assert_eq!(found, format!("`c[0][\"params\"]`: {expected}"));
    }
}
