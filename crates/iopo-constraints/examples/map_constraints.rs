//! Prints the constraints of a TRACE evaluation file that code can decide, and their share by kind and language.
//!
//! `cargo run -p iopo-constraints --example map_constraints -- trace_evaluation.jsonl`
//!
//! With a number and a seed behind the path, it prints as many constraints, drawn at random, with their whole tasks:
//! `-- trace_evaluation.jsonl 300 7`.
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use std::collections::BTreeMap;
use std::{env, error, fs};

use iopo_constraints::{
    Constraint, Instruction, from_text, from_text_in_instruction, from_text_in_task,
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

/// The most characters of a task in a line.
const TASK_CHARS: usize = 60;

fn main() -> Result<(), Box<dyn error::Error>> {
    let mut args = env::args().skip(1);
    let path = args.next().ok_or("expected the path of a JSONL file with `constraints_splits`")?;
    let sample = args.next().map(|number| number.parse::<usize>()).transpose()?;
    let seed = args.next().map(|seed| seed.parse()).transpose()?.unwrap_or(0);
    let (mut total, mut chinese, mut alone, mut in_task) = (0, 0, 0, 0);
    let mut kinds: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut lines = Vec::new();
    for line in fs::read_to_string(path)?.lines() {
        let item: Value = serde_json::from_str(line)?;
        let task = item["description"].as_str().unwrap_or_default();
        let texts = item["constraints_splits"].as_array().map_or(&[][..], Vec::as_slice);
        let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
        for (at, text) in texts.iter().copied().enumerate() {
            let others = [&texts[..at], &texts[at + 1..]].concat();
            let instruction = Instruction { task, others: &others };
            total += 1;
            let is_chinese = text.contains(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c));
            chinese += usize::from(is_chinese);
            alone += usize::from(from_text(text).is_some());
            in_task += usize::from(from_text_in_task(text, task).is_some());
            let Some(constraint) = from_text_in_instruction(text, instruction) else { continue };
            let count = kinds.entry(constraint.kind().id()).or_default();
            if is_chinese {
                count.0 += 1;
            } else {
                count.1 += 1;
            }
            lines.push(row(text, &constraint, task, sample.is_some()));
        }
    }
    let mapped = lines.len();
    if let Some(number) = sample {
        lines.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        lines.truncate(number);
    }
    for line in &lines {
        println!("{line}");
    }
    println!(
        "\n{mapped} of {total} constraints are decided by code ({chinese} contain Chinese characters); \
         {in_task} with the task alone, {alone} without it"
    );
    for (kind, (chinese, other)) in kinds {
        println!("{kind}: {chinese} Chinese, {other} other");
    }
    Ok(())
}

fn row(text: &str, constraint: &Constraint, task: &str, whole: bool) -> String {
    let task = task.replace('\n', " ");
    let task: String = task.chars().take(if whole { usize::MAX } else { TASK_CHARS }).collect();
    let (kind, params) = (constraint.kind(), constraint.params_json());
    format!("{}\t{kind}\t{params}\t{task}", text.trim())
}
