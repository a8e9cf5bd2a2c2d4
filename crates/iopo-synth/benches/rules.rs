//! Instructions written per second with a scripted model: `cargo bench -p iopo-synth`.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use iopo_llm::{Scripted, Silent};
use iopo_synth::{SynthConfig, SynthSummary, synthesize};
use iopo_testing::answers;
use tempfile::TempDir;

/// Number of tasks of a run.
const TASKS: usize = 32;

/// Creates a folder with tasks only, because a run would resume an earlier one.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    answers::write_tasks(&folder.path().join("tasks.jsonl"), TASKS);
    folder
}

fn run(folder: &TempDir) -> SynthSummary {
    let model = Scripted::new(answers::natural);
    let tasks = folder.path().join("tasks.jsonl");
    synthesize(&tasks, folder.path(), &model, None, &SynthConfig::default(), &Silent)
        .expect("synthesis")
}

fn rules(criterion: &mut Criterion) {
    let mut bench = criterion.benchmark_group("synthesis_by_rules");
    bench.sample_size(20);
    bench.throughput(Throughput::Elements(run(&folder()).instructions));
    bench.bench_function("instructions", |bencher| {
        // Return the folder, so that its removal is not timed.
        let timed = |folder: TempDir| (run(&folder), folder);
        bencher.iter_batched(folder, timed, BatchSize::PerIteration);
    });
    bench.finish();
}

criterion_group!(benches, rules);
criterion_main!(benches);
