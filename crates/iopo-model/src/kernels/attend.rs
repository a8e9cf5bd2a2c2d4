//! Attention of one new token per row to its row of the key-value cache.

use burn::tensor::{Tensor, TensorData};
use pulp::{Arch, Simd, WithSimd};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use super::Local;
use super::change::change;
use super::exp::exp;
use super::lanes::fold;
use crate::attention::Heads;

/// The columns visible to each row's new token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    /// First column of each row.
    pub(crate) starts: &'a [usize],
    /// The column after the last.
    pub(crate) end: usize,
}

/// Columns that are scored together: a multiple of every vector length.
const COLUMNS: usize = 16;

/// Returns the attention output; `None` if the operands cannot be read in place or the capacity is not a multiple of
/// [`COLUMNS`].
///
/// Keys are transposed, so that one vector has the scores of several columns.
///
/// # Shapes
/// q `[rows, heads · head_dim]`, keys `[rows, kv_heads, head_dim, capacity]`, values
/// `[rows, kv_heads, capacity, head_dim]` → `[rows, heads · head_dim]`.
pub(crate) fn attend(
    q: &Tensor<2>,
    keys: &Tensor<4>,
    values: &Tensor<4>,
    seen: Seen<'_>,
    heads: Heads,
) -> Option<Tensor<2>> {
    let ([rows, width], device) = (q.dims(), q.device());
    let capacity = values.dims()[2];
    if !capacity.is_multiple_of(COLUMNS) {
        return None;
    }
    let (keys, values) = (Local::new(keys)?, Local::new(values)?);
    let (local, arch) = (Local::new(q)?, Arch::new());
    let (q, row) = (local.values(), heads.kv * capacity * heads.dim);
    let mut mixed = vec![0f32; rows * width];
    mixed.par_chunks_mut(width).enumerate().for_each_init(Vec::new, |weights, (at, y)| {
        arch.dispatch(Row {
            q: &q[at * width..(at + 1) * width],
            keys: &keys.values()[at * row..(at + 1) * row],
            values: &values.values()[at * row..(at + 1) * row],
            y,
            columns: seen.starts[at]..seen.end,
            capacity,
            heads,
            weights,
        });
    });
    Some(Tensor::from_data(TensorData::new(mixed, [rows, width]), &device))
}

/// Writes the key of each row's new token into column `at`; gives the keys back if an operand cannot be read in place.
///
/// # Shapes
/// keys `[rows, kv_heads, head_dim, capacity]`, new `[rows, kv_heads · head_dim]`.
#[expect(clippy::result_large_err, reason = "the error is the unchanged tensor")]
pub(crate) fn push_keys(
    keys: Tensor<4>,
    new: &Tensor<2>,
    at: usize,
) -> Result<Tensor<4>, Tensor<4>> {
    let [.., capacity] = keys.dims();
    let Some(new) = Local::new(new) else { return Err(keys) };
    change(keys, |keys| {
        for (column, new) in keys.chunks_exact_mut(capacity).zip(new.values()) {
            column[at] = *new;
        }
    })
}

/// One row.
struct Row<'a> {
    q: &'a [f32],
    keys: &'a [f32],
    values: &'a [f32],
    y: &'a mut [f32],
    columns: std::ops::Range<usize>,
    capacity: usize,
    heads: Heads,
    /// A buffer.
    weights: &'a mut Vec<f32>,
}

impl WithSimd for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Heads { group, dim, .. } = self.heads;
        let scale = self.heads.scale() as f32;
        let (columns, weights) = (self.columns, self.weights);
        let first = columns.start / COLUMNS * COLUMNS;
        let last = columns.end.next_multiple_of(COLUMNS);
        weights.resize(last - first, 0.0);
        let hidden = [0..columns.start - first, columns.end - first..last - first];
        let queries = self.q.chunks_exact(dim).zip(self.y.chunks_exact_mut(dim));
        for (head, (q, y)) in queries.enumerate() {
            let of = head / group * self.capacity * dim..(head / group + 1) * self.capacity * dim;
            let (keys, values) = (&self.keys[of.clone()], &self.values[of]);
            score_all(simd, q, scale, keys, first, weights);
            for range in hidden.clone() {
                weights[range].fill(f32::NEG_INFINITY);
            }
            let max = fold(weights, f32::NEG_INFINITY, f32::max);
            for weight in weights.iter_mut() {
                *weight = exp(*weight - max);
            }
            // The kernel's exponential of −∞ is not 0.
            for range in hidden.clone() {
                weights[range].fill(0.0);
            }
            let sum = fold(weights, 0.0, |a, b| a + b);
            let values = &values[columns.start * dim..columns.end * dim];
            mix_all(simd, &weights[hidden[0].end..hidden[1].start], values, 1.0 / sum, y);
        }
    }
}

/// Writes the scores of columns from `first`, four vectors at a time.
#[inline(always)]
fn score_all<S: Simd>(
    simd: S,
    q: &[f32],
    scale: f32,
    keys: &[f32],
    first: usize,
    scores: &mut [f32],
) {
    let capacity = keys.len() / q.len();
    let scores = S::as_mut_simd_f32s(scores).0;
    let (wide, rest) = scores.as_chunks_mut::<4>();
    let mut at = first;
    for scores in wide {
        *scores = score(simd, q, scale, keys, capacity, at);
        at += 4 * S::F32_LANES;
    }
    for scores in rest {
        [*scores] = score(simd, q, scale, keys, capacity, at);
        at += S::F32_LANES;
    }
}

#[inline(always)]
fn score<S: Simd, const C: usize>(
    simd: S,
    q: &[f32],
    scale: f32,
    keys: &[f32],
    capacity: usize,
    at: usize,
) -> [S::f32s; C] {
    let mut scores = [simd.splat_f32s(0.0); C];
    for (q, keys) in q.iter().zip(keys.chunks_exact(capacity)) {
        let q = simd.splat_f32s(*q * scale);
        let keys = S::as_simd_f32s(&keys[at..at + C * S::F32_LANES]).0;
        for c in 0..C {
            scores[c] = simd.mul_add_e_f32s(q, keys[c], scores[c]);
        }
    }
    scores
}

/// Computes `y = scale · Σ weights[c] · values[c, ·]`, four vectors at a time.
#[inline(always)]
fn mix_all<S: Simd>(simd: S, weights: &[f32], values: &[f32], scale: f32, y: &mut [f32]) {
    let dim = y.len();
    let (vectors, tail) = S::as_mut_simd_f32s(y);
    let (wide, rest) = vectors.as_chunks_mut::<4>();
    let mut at = 0;
    for y in wide {
        *y = mix(simd, weights, values, scale, dim, at);
        at += 4 * S::F32_LANES;
    }
    for y in rest {
        [*y] = mix(simd, weights, values, scale, dim, at);
        at += S::F32_LANES;
    }
    for y in tail {
        let column = values.chunks_exact(dim).map(|value| value[at]);
        *y = scale * weights.iter().zip(column).fold(0.0, |sum, (w, v)| w.mul_add(v, sum));
        at += 1;
    }
}

#[inline(always)]
fn mix<S: Simd, const C: usize>(
    simd: S,
    weights: &[f32],
    values: &[f32],
    scale: f32,
    dim: usize,
    at: usize,
) -> [S::f32s; C] {
    let mut mixed = [simd.splat_f32s(0.0); C];
    for (weight, value) in weights.iter().zip(values.chunks_exact(dim)) {
        let weight = simd.splat_f32s(*weight);
        let value = S::as_simd_f32s(&value[at..at + C * S::F32_LANES]).0;
        for c in 0..C {
            mixed[c] = simd.mul_add_e_f32s(weight, value[c], mixed[c]);
        }
    }
    let scale = simd.splat_f32s(scale);
    for mixed in &mut mixed {
        *mixed = simd.mul_f32s(*mixed, scale);
    }
    mixed
}
