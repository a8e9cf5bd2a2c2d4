//! Measures checks and back-translation per second on responses of several lengths:
//! `cargo bench -p iopo-constraints --bench checks`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use iopo_constraints::{Constraint, Kind};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const TASK: &str = "Explain to a friend how tea is brewed, and why the water must be hot.";

/// Returns a response of about `words` words with a list, a question and emphasis.
fn answer(words: usize) -> String {
    let sentence = "Warm the *pot*, add three leaves for each cup, and pour the water over them.";
    let each = sentence.split(' ').count();
    let lines = (0..words.div_ceil(each)).map(|line| match line % 4 {
        0 => format!("- {sentence}"),
        1 => format!("{sentence} Is it hot?"),
        2 => format!("{line}. {}", sentence.to_uppercase()),
        _ => format!("{sentence}\n"),
    });
    lines.collect::<Vec<String>>().join("\n")
}

/// A constraint of every kind.
fn constraints() -> Vec<Constraint> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    Kind::ALL.iter().map(|kind| kind.draw(TASK, &mut rng)).collect()
}

fn checks(criterion: &mut Criterion) {
    let constraints = constraints();
    let mut bench = criterion.benchmark_group("check_every_kind");
    bench.throughput(Throughput::Elements(constraints.len() as u64));
    for words in [30, 100, 400] {
        let answer = answer(words);
        bench.bench_with_input(BenchmarkId::new("words", words), &answer, |bencher, answer| {
            bencher.iter(|| {
                let verdicts = constraints.iter().map(|constraint| constraint.check(answer));
                black_box(verdicts.filter(|verdict| verdict.satisfied).count())
            });
        });
    }
    bench.finish();
}

fn back_translation(criterion: &mut Criterion) {
    let mut bench = criterion.benchmark_group("back_translate_every_kind");
    bench.throughput(Throughput::Elements(Kind::ALL.len() as u64));
    for words in [30, 100, 400] {
        let answer = answer(words);
        bench.bench_with_input(BenchmarkId::new("words", words), &answer, |bencher, answer| {
            bencher.iter(|| {
                let found = Kind::ALL.iter().map(|kind| kind.back_translate(answer).len());
                black_box(found.sum::<usize>())
            });
        });
    }
    bench.finish();
}

criterion_group!(benches, checks, back_translation);
criterion_main!(benches);
