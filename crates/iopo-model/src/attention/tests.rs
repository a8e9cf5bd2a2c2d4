use std::slice;

use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{AttentionTape, Dense, Heads, LogSums, backward, forward, segments};
use crate::layout::{Layout, Segment};

/// q, k, v and the gradient of the output.
fn random(tokens: usize, heads: Heads) -> [Tensor<2>; 4] {
    let mut rng = ChaCha8Rng::seed_from_u64(tokens as u64);
    let (queries, keys) = (heads.kv * heads.group * heads.dim, heads.kv * heads.dim);
    [queries, keys, keys, queries].map(|width| {
        let values = (0..tokens * width).map(|_| rng.random_range(-2.0..2.0)).collect::<Vec<f32>>();
        Tensor::from_data(TensorData::new(values, [tokens, width]), &Device::flex())
    })
}

fn apart(a: &Tensor<2>, b: &Tensor<2>) -> f32 {
    assert_eq!(a.dims(), b.dims());
    (a.clone() - b.clone()).abs().max().into_scalar()
}

fn layout(segments: &[(Option<usize>, usize)]) -> Layout {
    let segments =
        segments.iter().map(|&(parent, length)| Segment { parent, tokens: vec![1; length] });
    Layout::new(segments.collect()).expect("trees")
}

/// A stem, two branches and two leaves each, not in depth-first order; the stem is longer than a block of the kernel.
fn tree() -> Layout {
    let branches = [(None, 150), (Some(0), 3), (Some(0), 1)];
    let leaves = [(Some(1), 70), (Some(1), 64), (Some(2), 65), (Some(2), 5)];
    layout(&[branches.as_slice(), &leaves].concat())
}

/// Two groups in depth-first order, a sequence, a tree in another order with an empty segment, and a short sequence.
fn forest() -> Layout {
    let group = |stem: usize| {
        let parents = [None, Some(0), Some(1), Some(1), Some(0), Some(4), Some(4)];
        let lengths = [30, 4, 20, 9, 6, 20, 9];
        parents.map(move |parent| parent.map(|at| at + stem)).into_iter().zip(lengths)
    };
    let mut segments: Vec<_> = group(0).chain(group(7)).collect();
    segments.push((None, 40));
    segments.extend([(None, 20), (Some(15), 0), (Some(15), 7), (Some(16), 11), (Some(17), 5)]);
    segments.push((None, 1));
    layout(&segments)
}

/// Two stems with many branches of different lengths, some of which branch again: divided into blocks.
fn wide() -> Layout {
    let mut segments = vec![(None, 25), (None, 12)];
    segments.extend((0..14).map(|at| (Some(at % 2), 6 + 2 * at)));
    segments.extend((0..9).map(|at| (Some(5), 7 + at)));
    layout(&segments)
}

const SIZES: [Heads; 3] = [
    Heads { kv: 1, group: 1, dim: 8 },
    Heads { kv: 2, group: 3, dim: 16 },
    Heads { kv: 3, group: 3, dim: 64 },
];

fn assert_close(a: &[Tensor<2>], b: &[Tensor<2>]) {
    for (index, (a, b)) in a.iter().zip(b).enumerate() {
        let largest: f32 = b.clone().abs().max().into_scalar();
        assert!(apart(a, b) < 1e-5 * largest.max(1.0), "{index}: {} of {largest}", apart(a, b));
    }
}

#[test]
fn the_kernel_matches_the_loop_over_segments_in_values_and_gradients() {
    let (layout, device) = (tree(), Device::flex());
    for heads in SIZES {
        let [q, k, v, dy] = random(layout.token_count(), heads);
        let no_dense = || -> &Dense { unreachable!("the kernel applies") };
        let (mixed, tape) = forward(q.clone(), k.clone(), v.clone(), &layout, no_dense, heads);
        let gradients = |tape: AttentionTape, dy: &Tensor<2>| {
            let dense = Dense::new(&layout, &device);
            backward(tape, dy, &layout, || &dense, heads)
        };
        let found = gradients(tape.clone(), &dy);
        let (twin, expected) = segments::attend([&q, &k, &v], &dy, &layout, heads);
        assert_close(&[mixed], &[twin]);
        assert_close(&found, &expected);
        // A gradient that the kernel does not read in place goes the other way.
        let strided = Tensor::<2>::from_data(dy.clone().transpose().into_data(), &device);
        assert_close(&gradients(tape.clone(), &strided.transpose()), &expected);
        // Negative control: another output gradient gives another result.
        assert!(apart(&gradients(tape, &(dy * 1.01))[0], &expected[0]) > 1e-4);
    }
}

#[test]
fn dense_attention_matches_the_loop_over_segments_in_values_and_gradients() {
    let device = Device::flex();
    let small = [layout(&[(None, 33)]), layout(&[(None, 9), (Some(0), 4)])];
    for layout in [tree(), forest(), wide()].into_iter().chain(small) {
        for heads in SIZES {
            let [q, k, v, dy] = random(layout.token_count(), heads);
            let (twin, expected) = segments::attend([&q, &k, &v], &dy, &layout, heads);
            let longest = layout.blocks().iter().map(|block| block.tokens.len()).max();
            let of_row = heads.kv * heads.group * longest.unwrap_or(0);
            // All rows at once, 13 rows of a tree at a time, and one row of all trees.
            for scores in [usize::MAX, 13 * of_row, 1] {
                let dense = Dense::with_scores(&layout, &device, scores);
                let (mixed, log_sums) = dense.forward([&q, &k, &v], heads);
                let found = dense.backward([&q, &k, &v], (&mixed, &log_sums), &dy, heads);
                assert_close(slice::from_ref(&mixed), slice::from_ref(&twin));
                assert_close(&found, &expected);
                // Negative control: stale log-sums give other gradients.
                let stale: Vec<_> = log_sums.into_iter().map(|sums| sums + 0.01).collect();
                let [dq, ..] = dense.backward([&q, &k, &v], (&mixed, &stale), &dy, heads);
                assert!(apart(&dq, &expected[0]) > 1e-4);
            }
        }
    }
}

#[test]
fn a_token_sees_its_path_only() {
    assert_eq!(tree().blocks().len(), 1);
    assert!(wide().blocks().iter().any(|block| block.above.len() > 20));
    let (layout, heads, device) = (forest(), SIZES[1], Device::flex());
    let [q, k, v, _] = random(layout.token_count(), heads);
    let dense = Dense::new(&layout, &device);
    let (before, _) = dense.forward([&q, &k, &v], heads);
    // The last token of the first response, which no other token sees.
    let row = layout.position(2, 19);
    let changed =
        v.clone().slice_assign([row..row + 1, 0..1], Tensor::from_floats([[9.0]], &device));
    let (after, _) = dense.forward([&q, &k, &changed], heads);
    let width = before.dims()[1];
    let row_of = |x: &Tensor<2>| x.clone().slice([row..row + 1, 0..width]);
    assert!(apart(&row_of(&before), &row_of(&after)) > 1e-3);
    let others = after.slice_assign([row..row + 1, 0..width], row_of(&before));
    assert!(apart(&others, &before) < 1e-9);
}

#[test]
fn the_tape_of_dense_attention_gives_its_gradients() {
    let (layout, heads, device) = (tree(), SIZES[0], Device::flex());
    let [q, k, v, dy] = random(layout.token_count(), heads);
    let dense = Dense::new(&layout, &device);
    let (mixed, log_sums) = dense.forward([&q, &k, &v], heads);
    let (_, expected) = segments::attend([&q, &k, &v], &dy, &layout, heads);
    let tape = AttentionTape { q, k, v, mixed, log_sums: LogSums::Dense(log_sums) };
    assert_close(&backward(tape, &dy, &layout, || &dense, heads), &expected);
}
