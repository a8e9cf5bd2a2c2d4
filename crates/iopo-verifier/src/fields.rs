//! The fields of an item.

use std::borrow::Cow;

use iopo_constraints::benchmark::Benchmark;
use iopo_constraints::strict_json::{Fault, Reader, type_name};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::limits::MOST_CHECKS;
use crate::reply::start;
use crate::split::Scanner;

/// An item whose fields have the right types.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    pub(crate) response: Cow<'a, str>,
    pub(crate) checks: Checks,
}

/// The id of an instruction and its arguments.
pub(crate) type Instruction = (String, Map<String, Value>);

/// The checks of an item.
#[derive(Debug)]
pub(crate) enum Checks {
    /// Ids with their arguments, in which nothing is null.
    Instructions(Option<Benchmark>, Vec<Instruction>),
    /// Rows, which are read when they are checked.
    Constraints(Vec<Value>),
}

/// Text that is not copied where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

const NAMES: [&str; 7] =
    ["response", "prompt", "key", "benchmark", "instruction_id_list", "kwargs", "constraints"];

/// Reads an item, whose text is known to be JSON.
pub(crate) fn read<'a>(text: &'a str, reader: &mut Reader) -> Result<Item<'a>, Fault> {
    let mut scanner = Scanner::new(text, 0);
    if scanner.first() != Some(b'{') {
        let found = named(text);
        let reason = format!("found {found}, expected an object with `response`");
        return Err(Fault::value("", reason));
    }
    let mut response = None;
    let [mut benchmark, mut ids, mut kwargs, mut constraints] = [const { Value::Null }; 4];
    let mut seen = [false; NAMES.len()];
    let mut more = scanner.enter();
    while more {
        let key: String = serde_json::from_str(scanner.key()).unwrap_or_default();
        let value = text.get(scanner.value().range).unwrap_or_default();
        let Some(at) = NAMES.iter().position(|name| *name == key) else {
            let (found, expected) = (start(&key), NAMES.join(", "));
            return Err(Fault::value(
                "",
                format!("unknown field {found}, expected one of {expected}"),
            ));
        };
        if std::mem::replace(&mut seen[at], true) {
            return Err(Fault::value(&key, "found twice, expected once"));
        }
        match key.as_str() {
            "response" => {
                let Ok(Text(found)) = serde_json::from_str(value) else {
                    let reason = format!("found {}, expected a string", named(value));
                    return Err(Fault::value(&key, reason));
                };
                response = Some(found);
            }
            "benchmark" => benchmark = reader.read(value, &key)?,
            "instruction_id_list" => ids = reader.read(value, &key)?,
            "kwargs" => kwargs = reader.read(value, &key)?,
            "constraints" => constraints = reader.read(value, &key)?,
            // Not needed for a verdict, but part of every row.
            _ => {}
        }
        more = scanner.next_part();
    }
    let response = response.ok_or_else(|| Fault::value("response", "missing"))?;
    let benchmark = self::benchmark(&benchmark)?;
    let checks = if constraints.is_null() {
        Checks::Instructions(benchmark, instructions(ids, kwargs, reader)?)
    } else {
        let given = [("instruction_id_list", !ids.is_null()), ("kwargs", !kwargs.is_null())];
        let given = given.into_iter().chain([("benchmark", benchmark.is_some())]);
        if let Some((name, _)) = given.into_iter().find(|(_, given)| *given) {
            let found = format!("found both `{name}` and `constraints`, expected one of them");
            return Err(Fault::value("", found));
        }
        Checks::Constraints(list(constraints, "constraints")?)
    };
    Ok(Item { response, checks })
}

fn benchmark(value: &Value) -> Result<Option<Benchmark>, Fault> {
    match value {
        Value::Null => Ok(None),
        Value::String(name) if name == "ifeval" => Ok(Some(Benchmark::Ifeval)),
        Value::String(name) if name == "ifbench" => Ok(Some(Benchmark::Ifbench)),
        other => {
            let found = other.as_str().map_or_else(|| type_name(other).to_owned(), start);
            let reason = format!("found {found}, expected \"ifeval\" or \"ifbench\"");
            Err(Fault::value("benchmark", reason))
        }
    }
}

fn instructions(ids: Value, kwargs: Value, reader: &Reader) -> Result<Vec<Instruction>, Fault> {
    const IDS: &str = "instruction_id_list";
    let (ids, kwargs) = (list(ids, IDS)?, list(kwargs, "kwargs")?);
    if kwargs.len() != ids.len() {
        let expected = format!("{}, as many as `{IDS}`", ids.len());
        let reason = format!("found {} items, expected {expected}", kwargs.len());
        return Err(Fault::value("kwargs", reason));
    }
    let read = |(at, (id, kwargs)): (usize, (Value, Value))| {
        let Value::String(id) = id else {
            return Err(Fault::wrong_type(&format!("{IDS}[{at}]"), &id, "a string"));
        };
        let place = format!("kwargs[{at}]");
        let mut kwargs = match kwargs {
            Value::Object(map) => map,
            Value::Null => Map::new(),
            other => return Err(Fault::wrong_type(&place, &other, "an object")),
        };
        reader.arguments(&kwargs, &place)?;
        // Datasets pad arguments with nulls.
        kwargs.retain(|_, value| !value.is_null());
        Ok((id, kwargs))
    };
    ids.into_iter().zip(kwargs).enumerate().map(read).collect()
}

/// Reads a list that is short enough; null is an empty one.
fn list(value: Value, name: &str) -> Result<Vec<Value>, Fault> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) if items.len() <= MOST_CHECKS => Ok(items),
        Value::Array(items) => {
            let reason = format!("found {}, expected at most {MOST_CHECKS}", items.len());
            Err(Fault::value(name, reason))
        }
        other => Err(Fault::wrong_type(name, &other, "a list")),
    }
}

/// The type of a JSON text by its first byte.
fn named(json: &str) -> &'static str {
    match json.bytes().next() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

#[cfg(test)]
mod tests {
    use iopo_constraints::strict_json::Limits;

    use super::*;

    fn fault(text: &str) -> String {
        read(text, &mut Reader::new(Limits::NONE)).expect_err(text).to_string()
    }

    #[test]
    fn each_field_is_named_where_it_is_wrong() {
        for (fields, expected) in [
            (r#""response": ["a"]"#, "`response`: found a list, expected a string"),
            (r#""response": null"#, "`response`: found null, expected a string"),
            (r#""response": "a", "response": "b""#, "`response`: found twice, expected once"),
            (r#""prompt": "a""#, "`response`: missing"),
            (r#""response": "a", "kwargs": {}"#, "`kwargs`: found an object, expected a list"),
            (
                r#""response": "a", "instruction_id_list": [3], "kwargs": [{}]"#,
                "`instruction_id_list[0]`: found a number, expected a string",
            ),
            (
                r#""response": "a", "instruction_id_list": ["x"], "kwargs": [[]]"#,
                "`kwargs[0]`: found a list, expected an object",
            ),
            (
                r#""response": "a", "instruction_id_list": ["x"], "kwargs": [{"n": {"m": 1, "m": 1}}]"#,
                r#"`kwargs[0]["n"]["m"]`: found twice, expected once"#,
            ),
            (
                r#""response": "a", "constraints": {}"#,
                "`constraints`: found an object, expected a list",
            ),
            (
                r#""response": "a", "benchmark": 3"#,
                "`benchmark`: found a number, expected \"ifeval\" or \"ifbench\"",
            ),
            (
                r#""response": "a", "constraints": [], "benchmark": "ifeval""#,
                "found both `benchmark` and `constraints`",
            ),
            (
                r#""response": "a", "constraints": [], "kwargs": []"#,
                "found both `kwargs` and `constraints`",
            ),
        ] {
            let found = fault(&format!("{{{fields}}}"));
            assert!(found.starts_with(expected), "{fields}: {found}");
        }
        assert_eq!(fault(r#"["a", null]"#), "found a list, expected an object with `response`");
    }

    #[test]
    fn nulls_count_as_absent_and_escapes_are_read() {
        let text = r#" {"response": "\u0061b", "prompt": {"p": [1]}, "key": 3, "benchmark": null, "constraints": null,
            "instruction_id_list": ["x", "y"], "kwargs": [null, {"n": 3, "word": null, "list": ["a", null]}]}"#;
        let item = read(text, &mut Reader::new(Limits::NONE)).expect("valid");
        assert_eq!(item.response, "ab");
        let Checks::Instructions(None, found) = item.checks else { panic!("{:?}", item.checks) };
        let kwargs: Vec<_> =
            found.into_iter().map(|(_, map)| Value::Object(map).to_string()).collect();
        assert_eq!(kwargs, ["{}", r#"{"n":3,"list":["a",null]}"#]);
    }
}
