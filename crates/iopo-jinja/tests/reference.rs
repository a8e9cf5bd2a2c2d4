//! Compares renderings with those of `transformers`, which fixtures/jinja/compare.py wrote.

use std::path::{Path, PathBuf};

use iopo_jinja::{Date, Template};
use serde_json::{Map, Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("a file of the repository");
    serde_json::from_str(&text).expect("JSON")
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().expect("an object")
}

/// Renders a template; an error is its message.
fn render(source: &str, variables: &Map<String, Value>) -> Result<(String, Value), String> {
    let made = Template::new(source)
        .and_then(|template| template.render(variables, Date::default()))
        .map_err(|error| error.to_string())?;
    let at = |byte: usize| made.text[..byte].chars().count();
    let ranges = made.generated.as_ref().map(|ranges| {
        ranges.iter().map(|range| [at(range.start), at(range.end)]).collect::<Vec<_>>()
    });
    let ranges = json!(ranges);
    Ok((made.text, ranges))
}

#[test]
fn chat_templates_render_as_in_transformers() {
    let folder = root().join("fixtures/jinja");
    let (cases, expected) = (read(&folder.join("cases.json")), read(&folder.join("expected.json")));
    let mut rendered = 0;
    for (name, wanted) in object(&expected) {
        let path = folder.join("templates").join(name);
        let source = std::fs::read_to_string(path).expect("a template");
        for (case, wanted) in object(wanted) {
            let found = render(&source, object(&cases[case]));
            if wanted.get("error").is_some() {
                assert!(found.is_err(), "{name}, {case}: {found:?}");
                continue;
            }
            let (text, generated) = found.unwrap_or_else(|error| panic!("{name}, {case}: {error}"));
            assert_eq!(Some(text.as_str()), wanted["text"].as_str(), "{name}, {case}");
            assert_eq!(generated, wanted["generated"], "{name}, {case}");
            rendered += 1;
        }
    }
    assert!(object(&expected).len() >= 40 && rendered > 200, "{rendered}");
}

#[test]
fn snippets_render_as_in_transformers() {
    let snippets = read(&root().join("fixtures/jinja/snippets.json"));
    let variables = object(&snippets["variables"]);
    let list = snippets["snippets"].as_array().expect("a list");
    let mut wrong = Vec::new();
    for snippet in list {
        let source = snippet["template"].as_str().expect("a template");
        let found = render(source, variables).map(|(text, _)| text);
        match (snippet["text"].as_str(), &found) {
            (Some(text), Ok(found)) if text == found => {}
            (None, Err(_)) => {}
            _ => {
                let expected = &snippet["text"];
                wrong.push(format!("{source:?}\n  expected {expected}\n  found {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), list.len(), wrong.join("\n"));
    assert!(list.len() > 400, "{}", list.len());
}

#[test]
fn shared_cases_render_as_in_transformers() {
    let path = root().join("../shared/cases/template_text/expected.json");
    if !path.exists() {
        return;
    }
    let expected = read(&path);
    for snippet in expected["snippets"].as_array().expect("a list") {
        let mut variables = Map::new();
        for key in ["bos_token", "eos_token", "tools", "documents"] {
            variables.insert(key.to_owned(), expected[key].clone());
        }
        for key in ["messages", "add_generation_prompt"] {
            variables.insert(key.to_owned(), snippet[key].clone());
        }
        let source = snippet["template"].as_str().expect("a template");
        let found = render(source, &variables).map(|(text, _)| text);
        assert_eq!(found.as_deref(), Ok(snippet["expected"].as_str().expect("a text")), "{source}");
    }
}
