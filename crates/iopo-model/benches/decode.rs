//! Measures greedy generation with a cache, including the prefill: `cargo bench -p iopo-model --bench decode`.

mod common;

use std::hint::black_box;

use common::models;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use iopo_llm::{Sampling, Silent};
use iopo_model::{GenerationRequest, Limits};

fn decoding(criterion: &mut Criterion) {
    let mut bench = criterion.benchmark_group("decode");
    bench.sample_size(10);
    for model in models() {
        let (prompt, response) = model.lengths;
        for batch in [1, 16] {
            let prompts: Vec<GenerationRequest> = (0..batch)
                .map(|row| GenerationRequest {
                    tokens: model.tokens(prompt, row),
                    sampling: Sampling::greedy(response),
                })
                .collect();
            let limits = Limits::default().with_rows(batch);
            bench.throughput(Throughput::Elements((batch * response) as u64));
            let id = BenchmarkId::new(format!("batch_{batch}"), &model.name);
            bench.bench_with_input(id, &prompts, |bencher, prompts| {
                bencher.iter(|| {
                    let generated = model.decoder.generate(prompts, &[], limits, &Silent);
                    black_box(generated.expect("generated"))
                });
            });
        }
    }
    bench.finish();
}

criterion_group!(benches, decoding);
criterion_main!(benches);
