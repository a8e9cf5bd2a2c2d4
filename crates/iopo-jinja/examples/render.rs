//! Renders templates with every chat of a file of cases, and prints the texts and errors as JSON.
//!
//! Usage: `render CASES TEMPLATE...`, where CASES is a JSON object of variables by name. fixtures/jinja/compare.py compares
//! the output with that of `transformers`.

#![expect(clippy::print_stdout, reason = "an example that prints its result")]

use std::error::Error;
use std::path::Path;

use iopo_jinja::{Date, Template};
use serde_json::{Map, Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let cases = args.next().ok_or("usage: render CASES TEMPLATE...")?;
    let cases: Map<String, Value> = serde_json::from_str(&std::fs::read_to_string(cases)?)?;
    let mut results = Map::new();
    for path in args {
        let name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
        results.insert(name, rendered(&std::fs::read_to_string(&path)?, &cases));
    }
    println!("{}", Value::from(results));
    Ok(())
}

/// The result of each case: `text` and `generated`, or `error`.
fn rendered(source: &str, cases: &Map<String, Value>) -> Value {
    let template = Template::new(source);
    let result = |variables: &Value| {
        let variables = variables.as_object().cloned().unwrap_or_default();
        let rendered = match &template {
            Ok(template) => template.render(&variables, Date::default()),
            Err(error) => Err(error.clone()),
        };
        match rendered {
            Ok(made) => {
                let ranges = made.generated.map(|ranges| {
                    // In characters, as Python counts.
                    let at = |byte: usize| made.text[..byte].chars().count();
                    ranges.iter().map(|range| [at(range.start), at(range.end)]).collect::<Vec<_>>()
                });
                json!({"text": made.text, "generated": ranges})
            }
            Err(error) => json!({"error": error.to_string()}),
        }
    };
    cases.iter().map(|(name, variables)| (name.clone(), result(variables))).collect()
}
