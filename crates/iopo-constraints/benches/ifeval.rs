//! Measures the scoring of one model's responses to IFEval on one core:
//! `cargo bench -p iopo-constraints --bench ifeval`.
//!
//! The responses are not part of the repository. Without them, the benchmark measures nothing.

use std::{fs, hint::black_box, path::Path};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use iopo_constraints::ifeval::{Checker, Instruction, InstructionKind, Mode, Response};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The responses of one model.
const RESPONSES: &str = "../../../shared/data/ifeval/labelled/gpt4_20231107.jsonl";

/// A response with its instructions.
#[derive(Deserialize)]
struct Row {
    instruction_id_list: Vec<String>,
    kwargs: Vec<Map<String, Value>>,
    response: String,
}

/// The types that detect the language.
const DETECTING: [InstructionKind; 3] = [
    InstructionKind::EnglishCapital,
    InstructionKind::EnglishLowercase,
    InstructionKind::ResponseLanguage,
];

fn score(rows: &[Row], instructions: &[Vec<Instruction>], wanted: fn(&Instruction) -> bool) {
    for (row, instructions) in rows.iter().zip(instructions) {
        let response = Response::new(&row.response);
        for instruction in instructions.iter().filter(|one| wanted(one)) {
            if let Ok(checker) = Checker::new(instruction, Mode::Paper) {
                black_box(checker.verdict(&response));
            }
        }
    }
}

fn labeled(criterion: &mut Criterion) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(RESPONSES);
    let Ok(text) = fs::read_to_string(path) else { return };
    let rows: Vec<Row> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let made = |row: &Row| {
        let parts = row.instruction_id_list.iter().zip(&row.kwargs);
        parts.filter_map(|(id, kwargs)| Instruction::from_parts(id, kwargs).ok()).collect()
    };
    let instructions: Vec<Vec<Instruction>> = rows.iter().map(made).collect();
    let mut bench = criterion.benchmark_group("ifeval");
    bench.sample_size(20).throughput(Throughput::Elements(rows.len() as u64));
    let detecting = |one: &Instruction| DETECTING.contains(&one.kind());
    let other = |one: &Instruction| !DETECTING.contains(&one.kind());
    bench.bench_function("language detection", |bencher| {
        bencher.iter(|| score(&rows, &instructions, detecting));
    });
    bench.bench_function("all other types", |bencher| {
        bencher.iter(|| score(&rows, &instructions, other));
    });
    bench.finish();
}

criterion_group!(benches, labeled);
criterion_main!(benches);
