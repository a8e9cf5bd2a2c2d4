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

#[test]
fn hostile_templates_end_with_an_error() {
    for source in [
        "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
        "{% set n = namespace(s='x') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s }}",
        "{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = n.l + n.l %}{% endfor %}{{ n.l }}",
        "{{ 'x' * 99999999999 }}",
        "{{ '%99999999999d' % 1 }}{{ '%.99999999999f' % 1.5 }}",
        "{{ '{:>99999999999}'.format(1) }}",
        "{{ 'x'.center(99999999999) }}",
        "{{ 'a\tb'.expandtabs(99999999999) }}",
        "{{ 'x' | indent(99999999999) }}",
        "{{ [1] | tojson(indent=99999999999) }}",
        "{{ [1] | batch(99999999999, 0) | list }}{{ [1] | slice(99999999999) | list }}",
        "{{ 10 ** 99999 }}",
        "{{ 'a' | map(*(['map'] * 5000)) | list }}",
        "{{ [[[[1]]]] | tojson(indent=9999999) }}",
        "{{ ('x\n' * 100000) | wordwrap(5, true, 'y' * 100000) }}",
        "{{ range(-170141183460469231731687303715884105727 - 1, 0) }}",
        "{{ 'abc' | truncate(170141183460469231731687303715884105727, leeway=170141183460469231731687303715884105727).x.y }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}",
        "{% for i in range(999999999) %}{% endfor %}",
        "{{ lipsum(99999999999) }}",
        "{{ messages.append(1) }}",
        "{{ {}.update({}) }}",
        "{{ ''.__class__.__mro__ }}",
        "{% include 'x' %}",
        "{{ 1 / 0 }}{{ nothing.attribute }}",
    ] {
        assert!(render(source, &Map::new()).is_err(), "{source}");
    }
    let deep = |open: &str, close: &str| open.repeat(100_000) + "1" + &close.repeat(100_000);
    for source in [
        deep("{{ (", ") }}"),
        format!("{{{{ {} }}}}", deep("(", ")")),
        format!("{{{{ {} }}}}", deep("[", "]")),
        format!("{{{{ {}1 }}}}", "not ".repeat(100_000)),
        format!("{{{{ {}1 }}}}", "-".repeat(100_000)),
        format!("{{{{ x{} }}}}", ".a".repeat(100_000)),
        format!("{{{{ x{} }}}}", "|abs".repeat(100_000)),
        "{% if 1 %}".repeat(50_000),
        "{% for %}".to_owned(),
        "{{ 'open".to_owned(),
        "{% raw %}".to_owned(),
        "{#".to_owned(),
    ] {
        assert!(Template::new(&source).is_err(), "{}", &source[..20]);
    }
    // Long chains of one precedence are flat.
    let sum = format!("{{{{ {}1 }}}}", "1 + ".repeat(20_000));
    assert_eq!(render(&sum, &Map::new()).map(|(text, _)| text).as_deref(), Ok("20001"));
}
