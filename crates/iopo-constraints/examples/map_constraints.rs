//! Prints the constraints of a TRACE evaluation file that code can decide, and their share by kind and language.
//!
//! `cargo run -p iopo-constraints --example map_constraints -- trace_evaluation.jsonl`
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use std::collections::BTreeMap;
use std::{env, error, fs};

use iopo_constraints::from_text;
use serde_json::Value;

fn main() -> Result<(), Box<dyn error::Error>> {
    let path =
        env::args().nth(1).ok_or("expected the path of a JSONL file with `constraints_splits`")?;
    let (mut total, mut chinese, mut mapped) = (0, 0, 0);
    let mut kinds: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for line in fs::read_to_string(path)?.lines() {
        let item: Value = serde_json::from_str(line)?;
        let task = item["description"].as_str().unwrap_or_default().replace('\n', " ");
        let task: String = task.chars().take(60).collect();
        let texts = item["constraints_splits"].as_array().map_or(&[][..], Vec::as_slice);
        for text in texts.iter().filter_map(Value::as_str) {
            total += 1;
            let is_chinese = text.contains(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c));
            chinese += usize::from(is_chinese);
            let Some(constraint) = from_text(text) else { continue };
            mapped += 1;
            let count = kinds.entry(constraint.kind().id()).or_default();
            if is_chinese {
                count.0 += 1;
            } else {
                count.1 += 1;
            }
            println!(
                "{}\t{}\t{}\t{task}",
                text.trim(),
                constraint.kind(),
                constraint.params_json()
            );
        }
    }
    println!(
        "\n{mapped} of {total} constraints are decided by code ({chinese} contain Chinese characters)"
    );
    for (kind, (chinese, other)) in kinds {
        println!("{kind}: {chinese} Chinese, {other} other");
    }
    Ok(())
}
