//! Reads the type, the range and the allowed values of a setting from its JSON schema.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Number, Value};

/// Returns the schema of a type with all references resolved.
pub(super) fn of<T: JsonSchema>() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Returns the settings of a section, by name; `None` for a schema that is not a section.
pub(super) fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object)
}

/// Returns the settings that a table must have.
pub(super) fn required(schema: &Value) -> Vec<&str> {
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).collect()
}

/// Returns the schema of the values of a map with free keys.
pub(super) fn values(schema: &Value) -> Option<&Value> {
    schema.get("additionalProperties").filter(|values| values.is_object())
}

/// Whether a map allows any keys and values.
pub(super) fn is_free(schema: &Value) -> bool {
    schema.get("additionalProperties").and_then(Value::as_bool).unwrap_or(false)
}

/// Returns the names that a map allows as keys, if it restricts them with `propertyNames`.
fn names(schema: &Value) -> Option<Vec<&str>> {
    schema.get("propertyNames").map(allowed)
}

/// Whether a map allows a key.
pub(super) fn allows_name(schema: &Value, name: &str) -> bool {
    names(schema).is_none_or(|names| names.contains(&name))
}

/// Lists the allowed keys of a map in words.
pub(super) fn names_in_words(schema: &Value) -> String {
    let names = names(schema).unwrap_or_default();
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    format!("one of {}", quoted.join(", "))
}

/// Returns the alternatives of an untagged value or of an enum with documented variants.
pub(super) fn alternatives(schema: &Value) -> Option<&[Value]> {
    let alternatives = ["anyOf", "oneOf"].into_iter().find_map(|key| schema.get(key));
    alternatives.and_then(Value::as_array).map(Vec::as_slice)
}

/// Returns the alternatives of a schema and of its alternatives; the schema itself if it has none.
pub(super) fn leaves(schema: &Value) -> Vec<&Value> {
    match alternatives(schema) {
        Some(alternatives) => alternatives.iter().flat_map(leaves).collect(),
        None => vec![schema],
    }
}

/// Returns the names of the JSON types that a schema allows.
pub(super) fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Returns the allowed strings of an enum.
pub(super) fn allowed(schema: &Value) -> Vec<&str> {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.iter().filter_map(Value::as_str).collect();
    }
    if let Some(value) = schema.get("const").and_then(Value::as_str) {
        return vec![value];
    }
    alternatives(schema).unwrap_or_default().iter().flat_map(allowed).collect()
}

/// Returns a bound of a number.
pub(super) fn bound<'a>(schema: &'a Value, name: &str) -> Option<&'a Number> {
    schema.get(name).and_then(Value::as_number)
}

/// Whether a list may have this length.
pub(super) fn allows_length(schema: &Value, length: u64) -> bool {
    let limit = |name: &str| schema.get(name).and_then(Value::as_u64);
    limit("minItems").is_none_or(|least| length >= least)
        && limit("maxItems").is_none_or(|most| length <= most)
}

/// Whether the values of a list must be distinct.
pub(super) fn is_distinct(schema: &Value) -> bool {
    schema.get("uniqueItems").and_then(Value::as_bool).unwrap_or(false)
}

/// Describes the type, for instance `number`, `list of integers` or `string`.
pub(super) fn type_in_words(schema: &Value) -> String {
    if let Some(alternatives) = alternatives(schema).filter(|_| allowed(schema).is_empty()) {
        let shown = alternatives.iter().filter(|one| types(one) != ["null"]);
        return shown.map(type_in_words).collect::<Vec<_>>().join(" or ");
    }
    let items = || schema.get("items").map_or_else(|| "value".to_owned(), type_in_words);
    match types(schema).into_iter().find(|name| *name != "null") {
        Some("array") => format!("list of {}s", items()),
        Some("object") => "table".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some(name) => name.to_owned(),
        None => "string".to_owned(),
    }
}

/// Describes the allowed values; empty if every value of the type is allowed.
pub(super) fn range_in_words(schema: &Value) -> String {
    let allowed = allowed(schema);
    if !allowed.is_empty() {
        let quoted: Vec<String> = allowed.iter().map(|value| format!("`{value}`")).collect();
        return quoted.join(", ");
    }
    if let Some(items) = schema.get("items") {
        return list_in_words(items, schema);
    }
    if let Some(values) = values(schema).filter(|values| properties(values).is_none()) {
        return each_in_words(values);
    }
    if let Some(alternatives) = alternatives(schema) {
        return alternatives
            .iter()
            .map(range_in_words)
            .find(|range| !range.is_empty())
            .unwrap_or_default();
    }
    let bound = |name: &str| bound(schema, name).map(number_in_words);
    if let (Some(least), Some(most)) = (bound("minimum"), bound("maximum")) {
        return format!("{least} to {most}");
    }
    let above = bound("exclusiveMinimum").map(|least| format!("above {least}"));
    let least = bound("minimum").map(|least| format!("at least {least}"));
    let below = bound("exclusiveMaximum").map(|most| format!("below {most}"));
    let most = bound("maximum").map(|most| format!("at most {most}"));
    let bounds = [above.or(least), below.or(most)];
    bounds.into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

/// Describes the allowed lists: their values, their length, and whether the values are distinct.
fn list_in_words(items: &Value, schema: &Value) -> String {
    let length = |name: &str, words: &str| {
        let limit = schema.get(name).and_then(Value::as_u64);
        limit.map(|limit| format!("{words} {limit} values"))
    };
    let distinct = is_distinct(schema).then(|| "distinct".to_owned());
    let parts = [
        Some(each_in_words(items)).filter(|range| !range.is_empty()),
        length("minItems", "at least"),
        length("maxItems", "at most"),
        distinct,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Describes the allowed values of a list or a table; empty if every value of the type is allowed.
fn each_in_words(values: &Value) -> String {
    let range = range_in_words(values);
    if range.is_empty() { range } else { format!("each {range}") }
}

/// Formats a bound: an integer with all its digits, another number as short as possible.
fn number_in_words(number: &Number) -> String {
    match (number.as_i128(), number.as_f64()) {
        (Some(integer), _) => integer.to_string(),
        (None, Some(float)) => float.to_string(),
        (None, None) => number.to_string(),
    }
}

/// Describes type and range for an error, for instance `a number above 0` or ``one of `linear`, `cosine` ``.
pub(super) fn expected(schema: &Value) -> String {
    let range = range_in_words(schema);
    if !allowed(schema).is_empty() {
        return format!("one of {range}");
    }
    if let Some(alternatives) = alternatives(schema) {
        let shown = alternatives.iter().filter(|one| types(one) != ["null"]);
        return shown.map(expected).collect::<Vec<_>>().join(", or ");
    }
    if let [names @ .., last] = required(schema).as_slice() {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let and = if names.is_empty() { "" } else { " and " };
        return format!("a table with {}{and}`{last}`", names.join(", "));
    }
    let kind = type_in_words(schema);
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    let kind = if kind == "true or false" { kind } else { format!("{article} {kind}") };
    if range.is_empty() { kind } else { format!("{kind}, {range}") }
}
