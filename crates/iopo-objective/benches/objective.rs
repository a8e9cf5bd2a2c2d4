//! Time of each loss and its gradient: `cargo bench -p iopo-objective`.

use std::hint::black_box;

use burn::tensor::{Device, Distribution, Tensor};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use iopo_objective::{GroupLogps, dpo_mirrored, iopo, without_output};

type Loss = fn(&GroupLogps, &GroupLogps, f64) -> Tensor<1>;

fn group(groups: usize, tracked: bool, device: &Device) -> GroupLogps {
    let sums = || {
        let made = Tensor::random([groups], Distribution::Uniform(-300.0, -10.0), device);
        if tracked { made.require_grad() } else { made }
    };
    GroupLogps::from_fn(|_| sums())
}

fn losses(criterion: &mut Criterion) {
    let device = Device::flex().autodiff();
    let losses: [(&str, Loss); 3] =
        [("iopo", iopo), ("dpo_mirrored", dpo_mirrored), ("without_output", without_output)];
    let mut bench = criterion.benchmark_group("loss_and_gradient");
    for groups in [8, 256, 8192] {
        bench.throughput(Throughput::Elements(groups as u64));
        let reference = group(groups, false, &device);
        let policy = group(groups, true, &device);
        for (name, loss) in losses {
            bench.bench_with_input(BenchmarkId::new(name, groups), &groups, |bencher, _| {
                bencher.iter(|| {
                    let mean = loss(&policy, &reference, 0.1).mean();
                    black_box(policy.x1y1.grad(&mean.backward()))
                });
            });
        }
    }
    bench.finish();
}

criterion_group!(benches, losses);
criterion_main!(benches);
