//! Measures how fast IFBench's sample responses are scored on one core:
//! `cargo bench -p iopo-constraints --bench ifbench`.
//!
//! The responses are not part of the repository; `IOPO_IFBENCH_RESPONSES` names another file with them. Without them, the
//! benchmark measures nothing. `cargo xtask bench --ifbench` compares the example `time_ifbench` with the published checks. `words:start_verb` is measured if the tagger's table is in the cache directory that `IOPO_CACHE` names.

use std::{
    fs,
    hint::black_box,
    path::{Path, PathBuf},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use iopo_constraints::ifbench::{Checker, Instruction, Mode, Response, Tagger};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The sample responses.
const RESPONSES: &str = "../../../shared/data/ifbench/labelled/sample_output.jsonl";

/// A response with its instructions.
#[derive(Deserialize)]
struct Row {
    instruction_id_list: Vec<String>,
    kwargs: Vec<Map<String, Value>>,
    response: String,
}

fn score(rows: &[Row], instructions: &[Vec<Instruction>], tagger: Option<&Tagger>) {
    for (row, instructions) in rows.iter().zip(instructions) {
        let response = Response::new(&row.response);
        for instruction in instructions {
            if let Ok(checker) = Checker::new(instruction, Mode::Paper, tagger) {
                black_box(checker.verdict(&response));
            }
        }
    }
}

fn tagger() -> Option<Tagger> {
    let cache = std::env::var_os("IOPO_CACHE")?;
    let text = fs::read_to_string(Path::new(&cache).join("ifbench/tagger.tsv")).ok()?;
    Tagger::parse(&text).ok()
}

fn labeled(criterion: &mut Criterion) {
    let path = std::env::var_os("IOPO_IFBENCH_RESPONSES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(RESPONSES), PathBuf::from);
    let Ok(text) = fs::read_to_string(path) else { return };
    let rows: Vec<Row> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let made = |row: &Row| {
        let parts = row.instruction_id_list.iter().zip(&row.kwargs);
        parts.filter_map(|(id, kwargs)| Instruction::from_parts(id, kwargs).ok()).collect()
    };
    let instructions: Vec<Vec<Instruction>> = rows.iter().map(made).collect();
    let tagger = tagger();
    let mut bench = criterion.benchmark_group("ifbench");
    bench.sample_size(20).throughput(Throughput::Elements(rows.len() as u64));
    let name = if tagger.is_some() { "all types" } else { "all types but one" };
    bench.bench_function(name, |bencher| {
        bencher.iter(|| score(&rows, &instructions, tagger.as_ref()));
    });
    bench.finish();
}

criterion_group!(benches, labeled);
criterion_main!(benches);
