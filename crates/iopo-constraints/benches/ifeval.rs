//! Scoring the responses of one model to IFEval, on one core: `cargo bench -p iopo-constraints`.
//!
//! The responses are those beside the repository, in `../shared`; without them nothing is measured.

#[path = "../tests/ifeval/labelled.rs"]
#[expect(dead_code, reason = "the labels are for the tests")]
mod labelled;
#[path = "../tests/ifeval/shared.rs"]
mod shared;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use iopo_constraints::ifeval::{Checker, Instruction, InstructionKind, Mode, Response};
use labelled::{Labelled, models};

/// The types that ask the language detector.
const DETECTING: [InstructionKind; 3] = [
    InstructionKind::EnglishCapital,
    InstructionKind::EnglishLowercase,
    InstructionKind::ResponseLanguage,
];

fn score(rows: &[Labelled], instructions: &[Vec<Instruction>], wanted: fn(&Instruction) -> bool) {
    for (row, instructions) in rows.iter().zip(instructions) {
        let response = Response::new(&row.response);
        for instruction in instructions.iter().filter(|one| wanted(one)) {
            if let Ok(checker) = Checker::new(instruction, Mode::Paper) {
                black_box(checker.verdict(&response));
            }
        }
    }
}

fn labelled(criterion: &mut Criterion) {
    let Some(folder) = shared::folder() else { return };
    let Some(path) = models(&folder).into_iter().find(|path| path.ends_with("gpt4_20231107.jsonl"))
    else {
        return;
    };
    let rows: Vec<Labelled> = shared::rows(&path);
    let made = |row: &Labelled| {
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
    bench.bench_function("all else", |bencher| {
        bencher.iter(|| score(&rows, &instructions, other));
    });
    bench.finish();
}

criterion_group!(benches, labelled);
criterion_main!(benches);
