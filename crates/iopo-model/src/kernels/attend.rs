//! Attention of one new token per row to its row of the key-value cache.

use burn::tensor::{Tensor, TensorData};
use pulp::{Arch, Simd, WithSimd};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use super::{Local, exp};
use crate::attention::Heads;

/// The columns visible to each row's new token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    /// First column of each row.
    pub(crate) starts: &'a [usize],
    /// The column after the last.
    pub(crate) end: usize,
}

/// Returns the attention output; `None` if the operands cannot be read in place.
///
/// # Shapes
/// q `[rows, heads · head_dim]`, keys and values `[rows, kv_heads, capacity, head_dim]` → `[rows, heads · head_dim]`.
pub(crate) fn attend(
    q: &Tensor<2>,
    keys: &Tensor<4>,
    values: &Tensor<4>,
    seen: Seen<'_>,
    heads: Heads,
) -> Option<Tensor<2>> {
    let ([rows, width], device) = (q.dims(), q.device());
    let capacity = keys.dims()[2];
    let (keys, values) = (Local::new(keys)?, Local::new(values)?);
    let (local, arch) = (Local::new(q)?, Arch::new());
    let (q, row) = (local.values(), heads.kv * capacity * heads.dim);
    let mut mixed = vec![0f32; rows * width];
    mixed.par_chunks_mut(width).enumerate().for_each(|(at, y)| {
        arch.dispatch(Row {
            q: &q[at * width..(at + 1) * width],
            keys: &keys.values()[at * row..(at + 1) * row],
            values: &values.values()[at * row..(at + 1) * row],
            y,
            columns: seen.starts[at]..seen.end,
            capacity,
            heads,
        });
    });
    Some(Tensor::from_data(TensorData::new(mixed, [rows, width]), &device))
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
}

impl WithSimd for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Heads { group, dim, .. } = self.heads;
        let scale = self.heads.scale() as f32;
        let mut weights = Vec::with_capacity(self.columns.len());
        let queries = self.q.chunks_exact(dim).zip(self.y.chunks_exact_mut(dim));
        for (head, (q, y)) in queries.enumerate() {
            let start = head / group * self.capacity;
            let of = (start + self.columns.start) * dim..(start + self.columns.end) * dim;
            weights.clear();
            let mut max = f32::NEG_INFINITY;
            for key in self.keys[of.clone()].chunks_exact(dim) {
                let score = dot(simd, q, key) * scale;
                max = max.max(score);
                weights.push(score);
            }
            let mut sum = 0.0;
            for weight in &mut weights {
                *weight = exp::exp(*weight - max);
                sum += *weight;
            }
            for (weight, value) in weights.iter().zip(self.values[of].chunks_exact(dim)) {
                for (y, value) in y.iter_mut().zip(value) {
                    *y = value.mul_add(*weight, *y);
                }
            }
            for y in y {
                *y /= sum;
            }
        }
    }
}

#[inline(always)]
fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_tail), (b, b_tail)) = (S::as_simd_f32s(a), S::as_simd_f32s(b));
    let mut sum = simd.splat_f32s(0.0);
    for (a, b) in a.iter().zip(b) {
        sum = simd.mul_add_e_f32s(*a, *b, sum);
    }
    let mut dot = simd.reduce_sum_f32s(sum);
    for (a, b) in a_tail.iter().zip(b_tail) {
        dot += a * b;
    }
    dot
}
