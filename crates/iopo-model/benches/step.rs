//! Measures the response log-probabilities of one preference group, and its forward and backward pass:
//! `cargo bench -p iopo-model --bench step`.

mod common;

use std::hint::black_box;

use common::{Model, models};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use iopo_model::{Activations, Decoder, Layout, LoraConfig, ModelError, Segment, Targets};

/// Tokens at the end of each prompt in which the two instructions differ.
const REST: usize = 8;

/// Makes a group: the common prefix of both prompts, the rest of each prompt, and two responses to each.
fn group(model: &Model) -> (Layout, Targets) {
    let (prompt, response) = model.lengths;
    let segment = |parent, tokens| Segment { parent, tokens };
    let mut segments = vec![segment(None, model.tokens(prompt - REST, 0))];
    segments.extend([1, 2].map(|salt| segment(Some(0), model.tokens(REST, salt))));
    let leaves = [(1, 3), (1, 4), (2, 4), (2, 3)];
    for (parent, salt) in leaves {
        // A response's last token predicts nothing.
        segments.push(segment(Some(parent), model.tokens(response - 1, salt)));
    }
    let layout = Layout::new(segments).expect("a tree");
    let mut targets = Targets::default();
    for (leaf, (parent, salt)) in (3..).zip(leaves) {
        targets.rows.push(layout.position(parent, REST - 1));
        targets.rows.extend((0..response - 1).map(|at| layout.position(leaf, at)));
        targets.tokens.extend(model.tokens(response, salt));
    }
    (layout, targets)
}

fn step(decoder: &Decoder, (layout, targets): &(Layout, Targets)) {
    let coefficients = |logps: &[f32]| Ok::<_, ModelError>(vec![0.01; logps.len()]);
    let computed =
        decoder.response_logps_and_grads(layout, targets, Activations::Kept, coefficients);
    black_box(computed.expect("gradients"));
}

fn steps(criterion: &mut Criterion) {
    let mut bench = criterion.benchmark_group("one_group");
    bench.sample_size(10);
    for model in models() {
        let group = group(&model);
        let lora = model.decoder.clone().with_lora(&LoraConfig::default(), 0).expect("adapters");
        bench.throughput(Throughput::Elements(group.0.token_count() as u64));
        let id = |what| BenchmarkId::new(what, &model.name);
        bench.bench_function(id("response_logps"), |bencher| {
            bencher.iter(|| {
                model.decoder.response_logps(&group.0, &group.1).expect("log-probabilities")
            });
        });
        bench.bench_function(id("forward_and_backward_lora"), |bencher| {
            bencher.iter(|| step(&lora, &group));
        });
        bench.bench_function(id("forward_and_backward_full"), |bencher| {
            bencher.iter(|| step(&model.decoder, &group));
        });
    }
    bench.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
