//! Attention in a loop over segments, the twin that tests compare with.

use burn::tensor::activation::softmax;
use burn::tensor::{Tensor, TensorData};

use super::{HIDDEN, Heads, context};
use crate::layout::{Layout, Span};

/// Computes the output, and for the gradient `dy` of it the gradients of q, k and v.
pub(super) fn attend(
    [q, k, v]: [&Tensor<2>; 3],
    dy: &Tensor<2>,
    layout: &Layout,
    heads: Heads,
) -> (Tensor<2>, [Tensor<2>; 3]) {
    let width = q.dims()[1];
    let (mut outputs, mut dq) = (Vec::new(), q.zeros_like());
    let (mut dk, mut dv) = (k.zeros_like(), v.zeros_like());
    for (_, span) in layout.spans() {
        let queries = split_queries(heads, q.clone().slice([span.rows.clone(), 0..width]));
        let keys = heads.split_keys(context(k, layout, &span.path));
        let values = heads.split_keys(context(v, layout, &span.path));
        let scores = queries.clone().matmul(keys.clone().swap_dims(1, 2));
        let p = softmax(masked(scores.mul_scalar(heads.scale()), span, heads), 2);
        outputs.push(join_queries(heads, p.clone().matmul(values.clone())));

        let dout = split_queries(heads, dy.clone().slice([span.rows.clone(), 0..width]));
        let dvalues = p.clone().swap_dims(1, 2).matmul(dout.clone());
        let dp = dout.matmul(values.swap_dims(1, 2));
        let along = (dp.clone() * p.clone()).sum_dim(2);
        let dscores = (p * (dp - along)).mul_scalar(heads.scale());
        let dkeys = dscores.clone().swap_dims(1, 2).matmul(queries);
        let of_queries = join_queries(heads, dscores.matmul(keys));
        dq = dq.slice_assign([span.rows.clone(), 0..width], of_queries);
        dk = spread(dk, &join_keys(heads, dkeys), layout, &span.path);
        dv = spread(dv, &join_keys(heads, dvalues), layout, &span.path);
    }
    (Tensor::cat(outputs, 0), [dq, dk, dv])
}

/// `[rows, kv · group · dim]` → `[kv, group · rows, dim]`.
fn split_queries(heads: Heads, x: Tensor<2>) -> Tensor<3> {
    let (rows, Heads { kv, group, dim }) = (x.dims()[0], heads);
    let apart = x.reshape([rows, kv, group, dim]).permute([1, 2, 0, 3]);
    apart.reshape([kv, group * rows, dim])
}

/// The inverse of [`split_queries`].
fn join_queries(heads: Heads, x: Tensor<3>) -> Tensor<2> {
    let Heads { kv, group, dim } = heads;
    let rows = x.dims()[1] / group;
    let apart = x.reshape([kv, group, rows, dim]).permute([2, 0, 1, 3]);
    apart.reshape([rows, kv * group * dim])
}

/// The inverse of [`Heads::split_keys`].
fn join_keys(heads: Heads, x: Tensor<3>) -> Tensor<2> {
    let rows = x.dims()[1];
    x.swap_dims(0, 1).reshape([rows, heads.kv * heads.dim])
}

/// Hides the later tokens of the segment itself.
fn masked(scores: Tensor<3>, span: &Span, heads: Heads) -> Tensor<3> {
    let [kv, queries, context] = scores.dims();
    let rows = span.rows.len();
    let mut bias = vec![0f32; rows * context];
    for row in 0..rows {
        bias[row * context + span.offset + row + 1..(row + 1) * context].fill(HIDDEN);
    }
    let bias: Tensor<4> =
        Tensor::from_data(TensorData::new(bias, [1, 1, rows, context]), &scores.device());
    let apart = scores.reshape([kv, heads.group, rows, context]);
    (apart + bias).reshape([kv, queries, context])
}

/// Adds the rows of a path's gradient to those of its segments.
fn spread(sum: Tensor<2>, gradient: &Tensor<2>, layout: &Layout, path: &[usize]) -> Tensor<2> {
    let width = sum.dims()[1];
    let (mut sum, mut start) = (sum, 0);
    for &at in path {
        let rows = layout.span(at).rows.clone();
        let piece = gradient.clone().slice([start..start + rows.len(), 0..width]);
        start += rows.len();
        let added = sum.clone().slice([rows.clone(), 0..width]) + piece;
        sum = sum.slice_assign([rows, 0..width], added);
    }
    sum
}
