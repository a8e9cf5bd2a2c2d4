//! Rows with nested lists written and read per second, including the sync to disk:
//! `cargo bench -p iopo-schema`.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use iopo_schema::Method;
use iopo_schema::{Provenance, ResponseRow, ResponseSource, VerdictRow, content_id, read, write};

/// A response of a hundred words with three verdicts.
fn row(index: usize) -> ResponseRow {
    let words =
        (0..100).map(|word| ["tea", "pot", "water", "leaf", "cup"][(word * index + word) % 5]);
    let text = words.collect::<Vec<&str>>().join(" ");
    let verdict = |constraint: usize| VerdictRow {
        satisfied: constraint.is_multiple_of(2),
        score: 10.0,
        method: Method::Code,
        evidence: format!("{} words, at most {constraint} allowed", 100 + index),
    };
    ResponseRow {
        id: content_id(&[&text, &index.to_string()]),
        instruction_id: content_id(&[&index.to_string()]),
        task_id: format!("seed-{}", index % 200),
        text,
        verdicts: (0..3).map(verdict).collect(),
        accepted: true,
        source: ResponseSource::Sampled,
        original: None,
        error: None,
        generator: "bench@0".to_owned(),
        sampling: "{\"temperature\":0.8}".to_owned(),
    }
}

fn parquet(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let provenance = Provenance::new("bench 0", serde_json::json!({}));
    let mut bench = criterion.benchmark_group("parquet_rows");
    for count in [100, 10_000] {
        let rows: Vec<ResponseRow> = (0..count).map(row).collect();
        let path = folder.path().join(format!("{count}.parquet"));
        bench.throughput(Throughput::Elements(count as u64));
        bench.bench_with_input(BenchmarkId::new("write", count), &rows, |bencher, rows| {
            bencher.iter(|| write(&path, rows, &provenance).expect("written"));
        });
        bench.bench_with_input(BenchmarkId::new("read", count), &path, |bencher, path| {
            bencher.iter(|| read::<ResponseRow>(path).expect("read"));
        });
    }
    bench.finish();
}

criterion_group!(benches, parquet);
criterion_main!(benches);
