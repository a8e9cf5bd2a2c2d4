//! Checks against the schema of a type: unknown keys, wrong types, values out of range.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Number, Value};

use super::nearest::nearest;
use super::{SettingError, finite, schema};

/// Checks that each setting of a configuration is in the range that its type declares, and that each number is finite.
///
/// # Errors
/// Returns an error about the first setting that is out of range or not finite.
pub fn check<T: JsonSchema + Serialize>(config: &T) -> Result<(), SettingError> {
    let root = schema::of::<T>();
    let value = json_without(config, &[])?;
    walk("", &value, &root, &root)?;
    // Null is allowed for an optional number, so the range check misses one that is not finite.
    finite::check(config)
}

/// Returns a configuration as JSON, without the settings in `omitted`.
///
/// # Errors
/// Returns an error if JSON cannot hold the configuration.
pub fn json_without<T: Serialize>(config: &T, omitted: &[&str]) -> Result<Value, SettingError> {
    let mut value = serde_json::to_value(config)
        .map_err(|error| SettingError::new("", error, "settings that JSON can hold"))?;
    if let Some(fields) = value.as_object_mut() {
        for key in omitted {
            fields.remove(*key);
        }
    }
    Ok(value)
}

/// Checks that a setting which lists the weights of a draw has one above 0.
///
/// # Errors
/// Returns an error about the setting `key` if every weight is 0 or the list is empty.
pub fn check_weights(key: &str, weights: &[f64]) -> Result<(), SettingError> {
    if weights.iter().any(|weight| *weight > 0.0) {
        return Ok(());
    }
    Err(SettingError::new(key, format_args!("{weights:?}"), "a weight above 0"))
}

/// Checks the parsed text of a configuration file, or a part of it, against the configuration's type.
///
/// A null is refused as a number that is not finite: TOML has no null, and `serde_json` writes NaN and infinities as null.
///
/// # Errors
/// Returns an error about the first key that is unknown or whose value has the wrong type or is out of range. The hint
/// for an unknown key is the nearest known key.
pub fn check_table<T: JsonSchema>(table: &Value) -> Result<(), SettingError> {
    let root = schema::of::<T>();
    walk("", table, &root, &root)?;
    match null("", table) {
        Some(key) => Err(finite::error(key)),
        None => Ok(()),
    }
}

/// Returns the key of the first null.
fn null(key: &str, value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(key.to_owned()),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let inner = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            null(&inner, value)
        }),
        Value::Array(values) => {
            let mut each = values.iter().enumerate();
            each.find_map(|(index, value)| null(&format!("{key}[{index}]"), value))
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn walk(key: &str, value: &Value, schema: &Value, root: &Value) -> Result<(), SettingError> {
    let refused = || Err(SettingError::new(key, found(value), schema::expected(schema)));
    let alternatives = schema::leaves(schema);
    if alternatives.len() > 1 {
        let fits = |one: &Value| walk(key, value, one, root).is_ok();
        if alternatives.iter().copied().any(fits) {
            return Ok(());
        }
        // If a single alternative has the type of the value, its error is the precise one.
        let mut same_type = alternatives.iter().copied().filter(|one| {
            let types = schema::types(one);
            types.iter().any(|name| is_of_type(value, name))
        });
        return match (same_type.next(), same_type.next()) {
            (Some(one), None) => walk(key, value, one, root),
            _ => refused(),
        };
    }
    let allowed = schema::allowed(schema);
    if !allowed.is_empty() {
        let nullable = schema::types(schema).contains(&"null");
        return match value {
            Value::String(text) if allowed.contains(&text.as_str()) => Ok(()),
            Value::Null if nullable => Ok(()),
            _ => refused(),
        };
    }
    let types = schema::types(schema);
    if !types.is_empty() && !types.iter().any(|name| is_of_type(value, name)) {
        return refused();
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let inner = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                let named = schema::properties(schema).and_then(|named| named.get(name));
                match named.or_else(|| schema::values(schema)) {
                    Some(_) if named.is_none() && !schema::allows_name(schema, name) => {
                        let expected = schema::names_in_words(schema);
                        return Err(SettingError::new(inner, "an unknown key", expected));
                    }
                    Some(schema) => walk(&inner, value, schema, root)?,
                    None if schema::is_free(schema) => {}
                    None => return Err(unknown(&inner, schema, root)),
                }
            }
            let required = schema::required(schema);
            match required.iter().find(|name| !fields.contains_key(**name)) {
                Some(missing) => {
                    let found = format!("a table without `{missing}`");
                    Err(SettingError::new(key, found, schema::expected(schema)))
                }
                None => Ok(()),
            }
        }
        Value::Array(values) => {
            let items = schema.get("items").unwrap_or(&Value::Null);
            let mut each = values.iter().enumerate();
            each.try_for_each(|(index, value)| {
                walk(&format!("{key}[{index}]"), value, items, root)
            })?;
            check_list(key, values, schema)
        }
        Value::Number(number) if !in_range(number, schema) => refused(),
        _ => Ok(()),
    }
}

/// Checks the length of a list, and that its values are distinct if the schema asks for that.
fn check_list(key: &str, values: &[Value], schema: &Value) -> Result<(), SettingError> {
    let length = values.len() as u64;
    if !schema::allows_length(schema, length) {
        let found = format!("a list of length {length}");
        return Err(SettingError::new(key, found, schema::expected(schema)));
    }
    if !schema::is_distinct(schema) {
        return Ok(());
    }
    let mut seen = BTreeSet::new();
    match values.iter().position(|value| !seen.insert(value.to_string())) {
        Some(index) => {
            let found = format!("{} for the second time", values[index]);
            Err(SettingError::new(format!("{key}[{index}]"), found, "distinct values"))
        }
        None => Ok(()),
    }
}

/// Returns the error about an unknown key inside of `schema`.
fn unknown(key: &str, schema: &Value, root: &Value) -> SettingError {
    let section = key.rsplit_once('.').map(|(section, _)| section);
    let expected = match section {
        Some(section) => format!("a setting of `{section}`"),
        None => "a setting or a section".to_owned(),
    };
    let error = SettingError::new(key, "an unknown key", expected);
    match nearest(root, schema, key) {
        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
        None => error,
    }
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

fn in_range(number: &Number, schema: &Value) -> bool {
    let holds = |name: &str, test: fn(Ordering) -> bool| {
        let bound = schema::bound(schema, name);
        bound.is_none_or(|bound| compare(number, bound).is_some_and(test))
    };
    holds("minimum", Ordering::is_ge)
        && holds("maximum", Ordering::is_le)
        && holds("exclusiveMinimum", Ordering::is_gt)
        && holds("exclusiveMaximum", Ordering::is_lt)
}

/// Compares two numbers; integers exactly.
fn compare(a: &Number, b: &Number) -> Option<Ordering> {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

/// Describes a value for an error.
fn found(value: &Value) -> String {
    match value {
        // JSON has no infinities and no NaN; they are null here.
        Value::Null => "a number that is not finite".to_owned(),
        Value::Object(_) => "a table".to_owned(),
        other => other.to_string(),
    }
}
