//! Grouped-query attention over a tree of segments.

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};

use crate::config::ModelConfig;
use crate::layout::Layout;

/// Head counts and sizes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads {
    pub(crate) kv: usize,
    /// Query heads that share one key-value head.
    pub(crate) group: usize,
    pub(crate) dim: usize,
}

impl Heads {
    pub(crate) fn new(config: &ModelConfig) -> Self {
        Self {
            kv: config.num_key_value_heads,
            group: config.num_attention_heads / config.num_key_value_heads,
            dim: config.head_dim,
        }
    }

    pub(crate) fn scale(self) -> f64 {
        1.0 / (self.dim as f64).sqrt()
    }

    /// `[rows, kv · group · dim]` → `[kv, group · rows, dim]`.
    pub(crate) fn split_queries(self, x: Tensor<2>) -> Tensor<3> {
        let rows = x.dims()[0];
        x.reshape([rows, self.kv, self.group, self.dim]).permute([1, 2, 0, 3]).reshape([
            self.kv,
            self.group * rows,
            self.dim,
        ])
    }

    /// The inverse of [`Heads::split_queries`].
    pub(crate) fn join_queries(self, x: Tensor<3>) -> Tensor<2> {
        let rows = x.dims()[1] / self.group;
        x.reshape([self.kv, self.group, rows, self.dim])
            .permute([2, 0, 1, 3])
            .reshape([rows, self.kv * self.group * self.dim])
    }

    /// `[rows, kv · dim]` → `[kv, rows, dim]`.
    pub(crate) fn split_keys(self, x: Tensor<2>) -> Tensor<3> {
        let rows = x.dims()[0];
        x.reshape([rows, self.kv, self.dim]).swap_dims(0, 1)
    }

    /// The inverse of [`Heads::split_keys`].
    pub(crate) fn join_keys(self, x: Tensor<3>) -> Tensor<2> {
        let rows = x.dims()[1];
        x.swap_dims(0, 1).reshape([rows, self.kv * self.dim])
    }
}

/// For each segment, the bias that hides its own later tokens: `[1, 1, rows, context]`.
#[derive(Debug, Clone)]
pub(crate) struct Masks(Vec<Option<Tensor<4>>>);

/// Added to the scores of hidden positions; `exp` of it is zero in f32 and, unlike −∞, it makes no NaN.
pub(crate) const HIDDEN: f32 = -1e30;

impl Masks {
    pub(crate) fn new(layout: &Layout, device: &Device) -> Self {
        let mut masks = vec![None; layout.segment_count()];
        for (index, span) in layout.spans() {
            let (rows, offset) = (span.rows.len(), span.offset);
            let context = offset + rows;
            let mut bias = vec![0f32; rows * context];
            for row in 0..rows {
                bias[row * context + offset + row + 1..(row + 1) * context].fill(HIDDEN);
            }
            masks[index] =
                Some(Tensor::from_data(TensorData::new(bias, [1, 1, rows, context]), device));
        }
        Self(masks)
    }
}

/// What the backward pass needs.
#[derive(Debug, Clone)]
pub(crate) struct AttentionTape {
    q: Tensor<2>,
    k: Tensor<2>,
    v: Tensor<2>,
    /// Per non-empty segment, `[kv, group · rows, context]`.
    probabilities: Vec<Tensor<3>>,
}

/// The rows of a segment's path, concatenated: `[context, width]`.
pub(crate) fn context(x: &Tensor<2>, layout: &Layout, path: &[usize]) -> Tensor<2> {
    let width = x.dims()[1];
    let pieces: Vec<_> =
        path.iter().map(|&at| x.clone().slice([layout.span(at).rows.clone(), 0..width])).collect();
    Tensor::cat(pieces, 0)
}

/// Attention of every token to its own path. Without `keep` the tape cannot be used, and one segment's scores are
/// held at a time.
///
/// # Shapes
/// q `[tokens, heads · head_dim]`, k and v `[tokens, kv_heads · head_dim]` → `[tokens, heads · head_dim]`.
pub(crate) fn forward(
    q: Tensor<2>,
    k: Tensor<2>,
    v: Tensor<2>,
    layout: &Layout,
    masks: &Masks,
    heads: Heads,
    keep: bool,
) -> (Tensor<2>, AttentionTape) {
    let width = q.dims()[1];
    let (mut outputs, mut probabilities) = (Vec::new(), Vec::new());
    for (index, span) in layout.spans() {
        let queries = heads.split_queries(q.clone().slice([span.rows.clone(), 0..width]));
        let keys = heads.split_keys(context(&k, layout, &span.path));
        let values = heads.split_keys(context(&v, layout, &span.path));
        let mut scores = queries.matmul(keys.swap_dims(1, 2)).mul_scalar(heads.scale());
        if let Some(mask) = &masks.0[index] {
            let [kv, rows, context] = scores.dims();
            let each = [kv, heads.group, rows / heads.group, context];
            scores = (scores.reshape(each) + mask.clone()).reshape([kv, rows, context]);
        }
        let p = softmax(scores, 2);
        outputs.push(heads.join_queries(p.clone().matmul(values)));
        if keep {
            probabilities.push(p);
        }
    }
    (Tensor::cat(outputs, 0), AttentionTape { q, k, v, probabilities })
}

/// Gradients for q, k and v.
pub(crate) fn backward(
    tape: AttentionTape,
    dy: &Tensor<2>,
    layout: &Layout,
    heads: Heads,
) -> (Tensor<2>, Tensor<2>, Tensor<2>) {
    let width = dy.dims()[1];
    let mut dq = Vec::new();
    let mut dk: Vec<Option<Tensor<3>>> = vec![None; layout.segment_count()];
    let mut dv: Vec<Option<Tensor<3>>> = vec![None; layout.segment_count()];
    for ((_, span), p) in layout.spans().zip(tape.probabilities) {
        let queries = heads.split_queries(tape.q.clone().slice([span.rows.clone(), 0..width]));
        let keys = heads.split_keys(context(&tape.k, layout, &span.path));
        let values = heads.split_keys(context(&tape.v, layout, &span.path));
        let dout = heads.split_queries(dy.clone().slice([span.rows.clone(), 0..width]));
        let dvalues = p.clone().swap_dims(1, 2).matmul(dout.clone());
        let dp = dout.matmul(values.swap_dims(1, 2));
        let along = (dp.clone() * p.clone()).sum_dim(2);
        let dscores = (p * (dp - along)).mul_scalar(heads.scale());
        let dkeys = dscores.clone().swap_dims(1, 2).matmul(queries);
        dq.push(heads.join_queries(dscores.matmul(keys)));
        spread(&mut dk, &dkeys, layout, &span.path);
        spread(&mut dv, &dvalues, layout, &span.path);
    }
    let join = |pieces: Vec<Option<Tensor<3>>>| {
        Tensor::cat(pieces.into_iter().flatten().map(|piece| heads.join_keys(piece)).collect(), 0)
    };
    (Tensor::cat(dq, 0), join(dk), join(dv))
}

/// Adds the pieces of a path's gradient `[kv, context, dim]` to its segments.
fn spread(sums: &mut [Option<Tensor<3>>], grad: &Tensor<3>, layout: &Layout, path: &[usize]) {
    let [kv, _, dim] = grad.dims();
    let mut start = 0;
    for &at in path {
        let end = start + layout.span(at).rows.len();
        let piece = grad.clone().slice([0..kv, start..end, 0..dim]);
        sums[at] = Some(match sums[at].take() {
            Some(sum) => sum + piece,
            None => piece,
        });
        start = end;
    }
}
