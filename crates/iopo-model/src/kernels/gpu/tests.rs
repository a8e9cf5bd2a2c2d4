//! Each kernel against the operations that it replaces, on the device that `IOPO_TEST_DEVICE` names (default `wgpu`).

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::attention::Heads;
use crate::cache::{Columns, LayerCache};
use crate::device;
use crate::kernels::{Angles, Direction, gpu, likeliest, rms_norm, swiglu};
use crate::rope::{Rope, tables};

fn gpu_device() -> Device {
    let name = std::env::var("IOPO_TEST_DEVICE").unwrap_or_else(|_| "wgpu".to_owned());
    let device = device::device(&name).expect("the device");
    assert!(gpu::runs(&device), "{name} runs the kernels");
    device
}

/// Values between −3 and 3.
fn random<const D: usize>(shape: [usize; D], seed: u64, device: &Device) -> Tensor<D> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> =
        (0..shape.iter().product()).map(|_| rng.random_range(-3.0..3.0)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.to_data().try_to_vec().expect("f32")
}

/// Returns the largest difference relative to 1 and to the larger value.
fn far<const D: usize>(a: &Tensor<D>, b: &Tensor<D>) -> f32 {
    assert_eq!(a.dims(), b.dims());
    let pairs = values(a).into_iter().zip(values(b));
    pairs.map(|(a, b)| (a - b).abs() / a.abs().max(b.abs()).max(1.0)).fold(0.0, f32::max)
}

#[test]
fn norms_match_burn_forward_and_backward() {
    let device = gpu_device();
    for (rows, width) in [(1, 1), (3, 45), (7, 300)] {
        let of = |seed| random([rows, width], seed, &device);
        let (x, more, gamma) = (of(1), of(2), random([width], 3, &device));
        let got = gpu::rms_norm(&x, &gamma, 1e-5);
        let want = rms_norm::plain(&x, &gamma, 1e-5);
        assert!(far(&got.y, &want.y) < 1e-5);
        assert!(far(&got.normalized, &want.normalized) < 1e-5);
        assert!(far(&got.scale, &want.scale) < 1e-5);
        // Negative control: ε changes the result.
        assert!(far(&gpu::rms_norm(&x, &gamma, 9.0).y, &want.y) > 1e-3);
        let (sum, y) = gpu::add_rms_norm(x.clone(), more.clone(), &gamma, 1e-5);
        let want_sum = x.clone() + more.clone();
        assert!(far(&sum, &want_sum) < 1e-6);
        assert!(far(&y, &rms_norm::plain(&want_sum, &gamma, 1e-5).y) < 1e-5);
        let dx = gpu::rms_norm_backward(&want.normalized, &want.scale, &gamma, &x, more.clone());
        let gradient = rms_norm::plain_backward(&want.normalized, &want.scale, &gamma, &x);
        assert!(far(&dx, &(more.clone() + gradient)) < 1e-4);
        // Negative control: the result depends on the gradient.
        assert!(far(&dx, &more) > 1e-3 || width == 1);
    }
}

#[test]
fn views_are_read_as_they_are() {
    let device = gpu_device();
    let wide = random([40, 6], 1, &device);
    let view = wide.clone().transpose();
    let gamma = random([40], 2, &device);
    let want = rms_norm::plain(&view, &gamma, 1e-5).y;
    assert!(far(&gpu::rms_norm(&view, &gamma, 1e-5).y, &want) < 1e-5);
    let part = wide.narrow(0, 7, 5);
    let gamma = random([6], 3, &device);
    let want = rms_norm::plain(&part, &gamma, 1e-5).y;
    assert!(far(&gpu::rms_norm(&part, &gamma, 1e-5).y, &want) < 1e-5);
}

#[test]
fn rotations_match_burn_and_leave_the_other_heads() {
    let device = gpu_device();
    let (tokens, half) = (5, 3);
    let angles = [4, 5].map(|seed| random([tokens, 1, half], seed, &device));
    let [cos, sin] = &angles;
    let plain = Angles::new(cos.clone(), sin.clone());
    let x = random([tokens, 4 * 2 * half], 6, &device);
    let turned = 3 * 2 * half;
    for direction in [Direction::Forward, Direction::Back] {
        let got = gpu::rotate(x.clone(), [cos, sin], 3, direction);
        let want = plain.plain(x.clone().narrow(1, 0, turned), direction);
        assert!(far(&got.clone().narrow(1, 0, turned), &want) < 1e-5);
        let others = |x: &Tensor<2>| x.clone().narrow(1, turned, 2 * half);
        assert_eq!(values(&others(&got)), values(&others(&x)));
        // Negative control: the first heads turn.
        assert!(far(&want, &x.clone().narrow(1, 0, turned)) > 1e-2);
    }
}

#[test]
fn swiglu_matches_burn_forward_and_backward() {
    let device = gpu_device();
    // Some exponentials overflow.
    let both = random([7, 90], 7, &device).mul_scalar(40.0);
    let dy = random([7, 45], 8, &device);
    let (gate, up) = (both.clone().narrow(1, 0, 45), both.clone().narrow(1, 45, 45));
    assert!(far(&gpu::swiglu(both.clone()), &swiglu::plain(&gate, &up)) < 1e-5);
    let (dgate, dup) = swiglu::plain_backward(&gate, &up, &dy);
    let want = Tensor::cat(vec![dgate.clone(), dup.clone()], 1);
    assert!(far(&gpu::swiglu_backward(both, dy), &want) < 1e-4);
    // Negative control: the two gradients differ.
    assert!(far(&dgate, &dup) > 1e-2);
}

#[test]
fn the_likeliest_token_is_the_lowest_among_ties_and_needs_finite_logits() {
    let device = gpu_device();
    let width = 1000;
    let mut logits = values(&random([4, width], 9, &Device::flex()));
    // The same largest logit in three places, of two units.
    for at in [900, 317, 317 + 128] {
        logits[width + at] = 3.5;
    }
    let chosen = |logits: &[f32]| {
        let logits = Tensor::<2>::from_data(TensorData::new(logits.to_vec(), [4, width]), &device);
        values(&gpu::likeliest(logits))
    };
    let want: Vec<f32> =
        logits.chunks(width).map(|row| likeliest(row).expect("finite").0 as f32).collect();
    assert_eq!(want[1], 317.0);
    assert_eq!(chosen(&logits), want);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut logits = logits.clone();
        logits[2 * width + 5] = bad;
        assert_eq!(chosen(&logits), [want[0], want[1], -1.0, want[3]]);
    }
}

const HEADS: Heads = Heads { kv: 2, group: 3, dim: 20 };
/// The width of queries, of keys and of values.
const WIDTHS: [usize; 3] = [120, 40, 40];

/// The angular frequencies.
const FREQUENCIES: [f32; 10] = [0.5; 10];

/// A cache of prompts, and the token after them.
fn prompts(lengths: &[usize], device: &Device) -> (LayerCache, Columns, Tensor<2>) {
    let mut columns = Columns::default();
    for (slot, &length) in lengths.iter().enumerate() {
        columns.place(slot, length);
    }
    let mut cache = LayerCache::new(lengths.len(), columns.used, HEADS, device);
    for (slot, &length) in lengths.iter().enumerate() {
        let of = |seed| random([HEADS.kv, length, HEADS.dim], seed + slot as u64, device);
        cache.place(slot, columns.start(slot), of(10), of(20));
    }
    let x = random([lengths.len(), WIDTHS.iter().sum()], 30, device);
    (cache, columns, x)
}

/// The inputs of a step but for the tokens, which these kernels do not read.
fn inputs(columns: &Columns, device: &Device) -> Tensor<1> {
    let [cos, sin] = tables(&FREQUENCIES, &columns.next_positions());
    let starts: Vec<f32> = columns.starts().iter().map(|&start| start as f32).collect();
    let values = [cos, sin, starts, vec![columns.used as f32]].concat();
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}

/// The attention of the new tokens on flex, and the cache after it.
fn on_flex(lengths: &[usize]) -> (Tensor<2>, LayerCache) {
    let flex = Device::flex();
    let (mut cache, columns, x) = prompts(lengths, &flex);
    let rope = Rope::new(&FREQUENCIES, &columns.next_positions(), &flex);
    let part = |start| x.clone().narrow(1, WIDTHS[..start].iter().sum(), WIDTHS[start]);
    cache.push(&rope.rotate(part(1)), part(2), columns.used);
    (cache.attend(rope.rotate(part(0)), &columns, None, HEADS), cache)
}

#[test]
fn a_step_of_attention_matches_the_cpu() {
    let device = gpu_device();
    // The first columns are seen by one slot only, and there are more columns than units in a cube.
    let lengths = [300, 130, 3];
    let (want, _) = on_flex(&lengths);
    let got = |change: fn(&Columns) -> Columns| {
        let (mut cache, columns, x) = prompts(&lengths, &device);
        let inputs = inputs(&change(&columns), &device);
        cache.push_and_attend(x, &inputs, WIDTHS[0], false).expect("a cache")
    };
    assert!(far(&got(Clone::clone), &want) < 1e-4);
    // Negative control: one more column changes the result.
    let more = |columns: &Columns| {
        let mut more = columns.clone();
        more.place(2, 4);
        more
    };
    assert!(far(&got(more), &want) > 1e-3);
}

#[test]
fn a_cache_that_something_else_holds_is_copied_unless_it_is_written_in_place() {
    let lengths = [5, 2];
    let want = on_flex(&lengths).1.tensors().expect("a cache");
    let device = gpu_device();
    for in_place in [false, true] {
        let (cache, columns, x) = prompts(&lengths, &device);
        let held = cache.tensors().expect("a cache");
        let before = [values(&held.0), values(&held.1)];
        let caches = [held.0.clone(), held.1.clone()];
        let (_, keys, changed) =
            gpu::push(x, &inputs(&columns, &device), caches, WIDTHS[0], in_place);
        assert!(far(&keys, &want.0) < 1e-5 && far(&changed, &want.1) < 1e-5);
        assert_eq!([values(&held.0), values(&held.1)] == before, !in_place);
    }
}
