//! The OpenAPI description says what the server does.

use std::collections::BTreeSet;

use iopo_verifier::{Limits, openapi};
use serde_json::{Value, json};

use crate::support::{Reply, Running};

fn document() -> Value {
    serde_json::from_str(openapi::DOCUMENT).expect("JSON")
}

/// Says what is wrong with a value, by the keywords that the document uses. An unknown keyword is wrong, too.
fn problems(schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let root = document();
    let Some(rules) = schema.as_object() else { return found.push(format!("{place}: no schema")) };
    let mut wrong = |what: String| found.push(format!("{place}: {what}"));
    for (rule, is) in rules {
        match rule.as_str() {
            "description" | "default" | "properties" | "items" => {}
            "$ref" => {
                let path = is.as_str().and_then(|text| text.strip_prefix('#')).unwrap_or("?");
                match root.pointer(path) {
                    Some(schema) => problems(schema, value, place, found),
                    None => wrong(format!("no schema {is}")),
                }
                return;
            }
            "type" => {
                let names: Vec<&str> = match is {
                    Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
                    name => name.as_str().into_iter().collect(),
                };
                let fits = |name: &&str| match *name {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "number" => value.is_number(),
                    "null" => value.is_null(),
                    _ => false,
                };
                if !names.iter().any(fits) {
                    wrong(format!("{value} is not {is}"));
                }
            }
            "enum" if is.as_array().is_some_and(|all| all.contains(value)) => {}
            "const" if is == value => {}
            "required" => {
                for name in is.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if value.is_object() && value.get(name).is_none() {
                        wrong(format!("`{name}` is missing"));
                    }
                }
            }
            "additionalProperties" => {
                for name in value.as_object().into_iter().flat_map(|map| map.keys()) {
                    if schema["properties"].get(name).is_none() {
                        wrong(format!("`{name}` is not described"));
                    }
                }
            }
            "minimum" if value.as_f64() >= is.as_f64() || value.is_null() => {}
            "maximum" if value.as_f64() <= is.as_f64() => {}
            "maxItems"
                if value.as_array().map_or(0, Vec::len) as u64 <= is.as_u64().unwrap_or(0) => {}
            "oneOf" => {
                let fits = |one: &&Value| {
                    let mut other = Vec::new();
                    problems(one, value, place, &mut other);
                    other.is_empty()
                };
                let count = is.as_array().into_iter().flatten().filter(fits).count();
                if count != 1 {
                    wrong(format!("{count} schemas fit {value}"));
                }
            }
            other => wrong(format!("{value} does not fit {other}: {is}")),
        }
    }
    for (name, part) in value.as_object().into_iter().flatten() {
        if let Some(schema) = schema["properties"].get(name) {
            problems(schema, part, &format!("{place}.{name}"), found);
        }
    }
    if rules.contains_key("items") {
        for (at, part) in value.as_array().into_iter().flatten().enumerate() {
            problems(&schema["items"], part, &format!("{place}[{at}]"), found);
        }
    }
}

#[track_caller]
fn assert_fits(schema: &Value, value: &Value) {
    let mut found = Vec::new();
    problems(schema, value, "$", &mut found);
    assert!(found.is_empty(), "{found:#?}");
}

/// The description of a reply with a status code, and its schema.
fn described(path: &str, method: &str, status: u16) -> Value {
    let reply = document()["paths"][path][method]["responses"][status.to_string()].clone();
    assert!(reply.is_object(), "{method} {path} {status} is not described");
    reply["content"]["application/json"].clone()
}

fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[test]
fn every_path_is_served_and_the_version_is_current() {
    let server = Running::start(Limits::default());
    let document = document();
    assert_eq!(server.get("/openapi.json").json(), document);
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let paths: Vec<&String> = document["paths"].as_object().expect("paths").keys().collect();
    assert_eq!(paths, ["/v1/verify", "/health", "/openapi.json"]);
    for path in ["/health", "/openapi.json"] {
        let reply = server.get(path);
        assert_fits(&described(path, "get", reply.status)["schema"], &reply.json());
    }
}

#[test]
fn every_schema_is_used_and_every_reference_exists() {
    let text = openapi::DOCUMENT;
    let document = document();
    for name in document["components"]["schemas"].as_object().expect("schemas").keys() {
        assert!(text.contains(&format!("\"#/components/schemas/{name}\"")), "{name} is not used");
    }
    for part in text.split("\"$ref\": \"#").skip(1) {
        let path = part.split('"').next().expect("a path");
        assert!(document.pointer(path).is_some(), "{path} does not exist");
    }
}

#[test]
fn the_example_has_the_reply_of_its_description() {
    let server = Running::start(Limits::default());
    let post = &document()["paths"]["/v1/verify"]["post"];
    let request = &post["requestBody"]["content"]["application/json"];
    let value = &request["examples"]["mixed"]["value"];
    assert_fits(&request["schema"], value);
    let reply = server.post(&value.to_string());
    let described = described("/v1/verify", "post", reply.status);
    assert_fits(&described["schema"], &reply.json());
    assert_eq!(reply.json(), described["examples"]["mixed"]["value"]);
}

#[test]
fn every_described_field_is_read_and_no_other() {
    let server = Running::start(Limits::default());
    let constraint = json!({"id": "max_words", "params": {"n": 3}});
    let checked =
        json!({"text": 1, "type": 2, "dimension": 3, "check": {"id": "no_commas", "params": null}});
    let written = json!({"constraint_type": 2, "check": {"id": "no_commas"}});
    let item = json!({
        "response": "tea", "prompt": 1, "key": [2], "benchmark": null, "instruction_id_list": null,
        "kwargs": null, "constraints": [constraint, checked, written],
    });
    let batch = json!({"items": [item], "mode": "repaired", "loose": true, "every": true, "skip_unsupported": null});
    assert_fits(&named("Batch"), &batch);
    let names = |value: &Value| -> BTreeSet<String> {
        value.as_object().expect("an object").keys().cloned().collect()
    };
    let described = |name: &str| names(&document()["components"]["schemas"][name]["properties"]);
    assert_eq!(names(&batch), described("Batch"));
    assert_eq!(names(&item), described("Item"));
    let all: BTreeSet<String> =
        [&constraint, &checked, &written].into_iter().flat_map(names).collect();
    assert_eq!(all, described("Constraint"));
    let reply = server.post(&batch.to_string());
    assert_eq!(reply.json()["results"][0]["reward"], 1.0, "{:?}", reply.json());

    for name in ["Item", "Constraint", "Batch"] {
        let mut batch = batch.clone();
        let place = match name {
            "Batch" => &mut batch,
            "Item" => &mut batch["items"][0],
            _ => &mut batch["items"][0]["constraints"][0],
        };
        place["other"] = json!(1);
        let mut found = Vec::new();
        problems(&named("Batch"), &batch, "$", &mut found);
        assert!(!found.is_empty(), "{name}");
        let reply = server.post(&batch.to_string());
        assert!(reply.status == 422 || reply.json()["results"][0]["error"].is_object(), "{name}");
    }
}

#[test]
fn errors_have_their_status_and_form() {
    let server = Running::start(Limits { max_items: 2, ..Limits::default() });
    let get = |path: &str, host: &str| -> Reply {
        let mut client = server.connect();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
        client.reply().expect("a reply")
    };
    let mut client = server.connect();
    client.send(b"POST /v1/verify HTTP/1.1\r\nHost: a.localhost:1\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n");
    let replies = [
        server.post(""),
        server.post("{}"),
        server.post(r#"{"items": [1, 2, 3]}"#),
        get("/v1", "localhost"),
        get("/v1/verify", "localhost"),
        get("/v1/verify", "example.com"),
        client.reply().expect("a reply"),
    ];
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [400, 422, 413, 404, 405, 403, 403]);
    for reply in &replies {
        let described = described("/v1/verify", "post", reply.status);
        assert_fits(&described["schema"], &reply.json());
    }
    // The messages of the examples are those of the server.
    for reply in &replies[..1] {
        let example = &described("/v1/verify", "post", reply.status)["example"];
        assert_eq!(&reply.json(), example);
    }
    for at in [1, 3, 4, 5] {
        let example = &described("/v1/verify", "post", replies[at].status)["example"];
        assert_eq!(&replies[at].json(), example);
    }
}
