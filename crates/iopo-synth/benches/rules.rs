//! How many instructions are written a second where the answers cost nothing: `cargo bench -p iopo-synth`.

#[path = "../tests/common/mod.rs"]
mod common;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use iopo_llm::{Scripted, Silent};
use iopo_synth::{SynthConfig, SynthSummary, synthesize};
use tempfile::TempDir;

/// Tasks of a run.
const SEEDS: usize = 32;

/// A folder with tasks and nothing else: what an earlier run has left would be taken over.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    common::write_tasks(&folder.path().join("tasks.jsonl"), SEEDS);
    folder
}

fn run(folder: &TempDir) -> SynthSummary {
    let model = Scripted::new(common::natural);
    let tasks = folder.path().join("tasks.jsonl");
    synthesize(&tasks, folder.path(), &model, &SynthConfig::default(), &Silent).expect("synthesis")
}

fn rules(criterion: &mut Criterion) {
    let mut bench = criterion.benchmark_group("synthesis_by_rules");
    bench.sample_size(20);
    bench.throughput(Throughput::Elements(run(&folder()).instructions));
    bench.bench_function("instructions", |bencher| {
        // The folder is part of the answer, so that clearing it is not timed.
        let timed = |folder: TempDir| (run(&folder), folder);
        bencher.iter_batched(folder, timed, BatchSize::PerIteration);
    });
    bench.finish();
}

criterion_group!(benches, rules);
criterion_main!(benches);
