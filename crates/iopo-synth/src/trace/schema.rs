//! JSON schemas of answers, for servers that enforce them.

use iopo_llm::ResponseSchema;
use serde_json::{Value, json};

pub(crate) fn object(properties: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    let properties: serde_json::Map<String, Value> =
        properties.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": names,
        "additionalProperties": false,
    })
}

pub(crate) fn named(name: &str, schema: Value) -> ResponseSchema {
    ResponseSchema { name: name.to_owned(), schema }
}

/// A constraint, whose sentence has this key. `with_check` adds a kind with parameters as JSON text, or null.
fn labeled(key: &str, with_check: bool) -> Value {
    let text = json!({"type": "string"});
    let mut properties = vec![(key, text.clone()), ("dimension", text.clone())];
    if with_check {
        let check = object(&[("kind", text.clone()), ("params", text)]);
        properties.push(("check", json!({"anyOf": [check, {"type": "null"}]})));
    }
    object(&properties)
}

/// The parts of an instruction.
pub(crate) fn structure(with_checks: bool) -> ResponseSchema {
    let text = json!({"type": "string"});
    let constraint = labeled("text", with_checks);
    let parts = object(&[
        ("quality", json!({"type": "string", "enum": ["good", "poor"]})),
        ("reason", text.clone()),
        ("task", text),
        ("constraints", json!({"type": "array", "items": constraint})),
        ("input", json!({"type": ["string", "null"]})),
    ]);
    named("trace_structure", parts)
}

/// A new constraint.
pub(crate) fn constraint(with_check: bool) -> ResponseSchema {
    named("trace_constraint", labeled("constraint", with_check))
}

/// Decisions of the judge, after an explanation.
pub(crate) fn decisions(keys: &[&str]) -> ResponseSchema {
    let mut properties = vec![("explanation", json!({"type": "string"}))];
    properties.extend(keys.iter().map(|key| (*key, json!({"type": "boolean"}))));
    let name = format!("trace_{}", keys.join("_"));
    named(&name, object(&properties))
}

/// One score per constraint.
pub(crate) fn rating() -> ResponseSchema {
    let verdict = object(&[
        ("index", json!({"type": "integer"})),
        ("explanation", json!({"type": "string"})),
        ("score", json!({"type": "number"})),
    ]);
    named("trace_rating", object(&[("verdicts", json!({"type": "array", "items": verdict}))]))
}
