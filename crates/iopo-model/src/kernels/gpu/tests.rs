//! Each kernel against the operations that it replaces, on the device that `IOPO_TEST_DEVICE` names (default `wgpu`).

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::attention::Heads;
use crate::cache::{Columns, LayerCache};
use crate::device;
use crate::kernels::{Angles, Direction, gpu, likeliest, rms_norm, swiglu};
use crate::rope::Rope;

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

/// A cache of prompts, and the token after them with its angles.
struct Prompts {
    cache: LayerCache,
    columns: Columns,
    x: Tensor<2>,
    rope: Rope,
}

fn prompts(lengths: &[usize], device: &Device) -> Prompts {
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
    let rope = Rope::new(&[0.5; 10], &columns.next_positions(), device);
    Prompts { cache, columns, x, rope }
}

fn on_gpu(lengths: &[usize], device: &Device, from: impl Fn(&Columns) -> Columns) -> Tensor<2> {
    let Prompts { mut cache, columns, x, rope } = prompts(lengths, device);
    let q = cache.push_rotated(x, &rope, columns.used, WIDTHS[0]).expect("a cache");
    let seen = from(&columns);
    cache.attend_on_gpu(q, &seen.starts(device), columns.used + 1)
}

#[test]
fn a_step_of_attention_matches_the_cpu() {
    let device = gpu_device();
    // The first columns are seen by one slot only, and there are more columns than units in a cube.
    let lengths = [300, 130, 3];
    let flex = Device::flex();
    let Prompts { mut cache, columns, x, rope } = prompts(&lengths, &flex);
    let part = |start| x.clone().narrow(1, WIDTHS[..start].iter().sum(), WIDTHS[start]);
    let (q, k, v) = (rope.rotate(part(0)), rope.rotate(part(1)), part(2));
    cache.push(&k, v, columns.used);
    let want = values(&cache.attend(q, &columns, None, HEADS));
    let same = |got: Tensor<2>| {
        let pairs = values(&got).into_iter().zip(want.clone());
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    let got = on_gpu(&lengths, &device, Clone::clone);
    assert!(same(got) < 1e-4);
    // Negative control: one more column changes the result.
    let more = |columns: &Columns| {
        let mut more = Columns::default();
        (0..lengths.len()).for_each(|slot| more.place(slot, columns.used - columns.start(slot)));
        more.place(2, 4);
        more
    };
    assert!(same(on_gpu(&lengths, &device, more)) > 1e-3);
}

#[test]
fn a_cache_that_something_else_holds_is_copied() {
    let lengths = [5, 2];
    let flex = Device::flex();
    let Prompts { mut cache, columns, x, rope } = prompts(&lengths, &flex);
    let part = |start| x.clone().narrow(1, WIDTHS[..start].iter().sum(), WIDTHS[start]);
    cache.push(&rope.rotate(part(1)), part(2), columns.used);
    let want = cache.tensors().expect("a cache");
    let device = gpu_device();
    let Prompts { cache, columns, x, rope } = prompts(&lengths, &device);
    let held = cache.tensors().expect("a cache");
    let before = (values(&held.0), values(&held.1));
    let (_, keys, changed) =
        rope.push(x, [held.0.clone(), held.1.clone()], columns.used, WIDTHS[0]);
    assert!(far(&keys, &want.0) < 1e-5 && far(&changed, &want.1) < 1e-5);
    assert_eq!((values(&held.0), values(&held.1)), before);
    // Negative control: the new token changes the cache.
    assert!(far(&changed, &held.1) > 1e-2 && far(&keys, &held.0) > 1e-2);
}
