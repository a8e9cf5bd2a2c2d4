//! Grouped-query attention over a tree of segments.

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};

use crate::config::ModelConfig;
use crate::kernels::{attend_tree, attend_tree_gradients};
use crate::layout::{Layout, Span};

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

/// Causal masks per segment, added to scores: `[1, 1, rows, context]`.
#[derive(Debug, Clone)]
pub(crate) struct Masks(Vec<Option<Tensor<4>>>);

/// Score bias of hidden positions. Its `exp` is zero in f32; −∞ would produce NaN.
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

/// State kept for the backward pass.
#[derive(Debug, Clone)]
pub(crate) struct AttentionTape {
    q: Tensor<2>,
    k: Tensor<2>,
    v: Tensor<2>,
    kept: Kept,
}

/// Attention outputs and the log-sum-exp of each row's scores.
#[derive(Debug, Clone)]
struct LogSums {
    mixed: Tensor<2>,
    log_sums: Vec<f32>,
}

#[derive(Debug, Clone)]
enum Kept {
    /// Kept by the kernel.
    LogSums(Box<LogSums>),
    /// Kept by the fallback, per non-empty segment: `[kv, group · rows, context]`.
    Probabilities(Vec<Tensor<3>>),
}

/// Concatenates the rows of a segment's path: `[context, width]`.
pub(crate) fn context(x: &Tensor<2>, layout: &Layout, path: &[usize]) -> Tensor<2> {
    let width = x.dims()[1];
    let pieces: Vec<_> =
        path.iter().map(|&at| x.clone().slice([layout.span(at).rows.clone(), 0..width])).collect();
    Tensor::cat(pieces, 0)
}

/// Computes attention of every token to its path.
///
/// With `keep` false the result has no usable tape, and only the scores of the current segments are in memory.
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
    if let Some((mixed, log_sums)) = attend_tree([&q, &k, &v], layout, heads) {
        let kept = Kept::LogSums(Box::new(LogSums { mixed: mixed.clone(), log_sums }));
        return (mixed, AttentionTape { q, k, v, kept });
    }
    let (mixed, probabilities) = plain([&q, &k, &v], layout, masks, heads, keep);
    (mixed, AttentionTape { q, k, v, kept: Kept::Probabilities(probabilities) })
}

/// Computes attention with Burn operations: the output and, with `keep`, the probabilities.
fn plain(
    [q, k, v]: [&Tensor<2>; 3],
    layout: &Layout,
    masks: &Masks,
    heads: Heads,
    keep: bool,
) -> (Tensor<2>, Vec<Tensor<3>>) {
    let width = q.dims()[1];
    let of_segment = |(index, span): (usize, &Span)| {
        let queries = heads.split_queries(q.clone().slice([span.rows.clone(), 0..width]));
        let keys = heads.split_keys(context(k, layout, &span.path));
        let values = heads.split_keys(context(v, layout, &span.path));
        let mut scores = queries.matmul(keys.swap_dims(1, 2)).mul_scalar(heads.scale());
        if let Some(mask) = &masks.0[index] {
            let [kv, rows, context] = scores.dims();
            let each = [kv, heads.group, rows / heads.group, context];
            scores = (scores.reshape(each) + mask.clone()).reshape([kv, rows, context]);
        }
        let p = softmax(scores, 2);
        let output = heads.join_queries(p.clone().matmul(values));
        (output, keep.then_some(p))
    };
    let (outputs, probabilities): (Vec<_>, Vec<_>) = layout.spans().map(of_segment).unzip();
    (Tensor::cat(outputs, 0), probabilities.into_iter().flatten().collect())
}

/// Returns the gradients of q, k and v.
pub(crate) fn backward(
    tape: AttentionTape,
    dy: &Tensor<2>,
    layout: &Layout,
    heads: Heads,
) -> (Tensor<2>, Tensor<2>, Tensor<2>) {
    let AttentionTape { q, k, v, kept } = tape;
    let probabilities = match kept {
        Kept::LogSums(attended) => {
            let made = attend_tree_gradients(
                [&q, &k, &v],
                (&attended.mixed, &attended.log_sums),
                dy,
                layout,
                heads,
            );
            if let Some([dq, dk, dv]) = made {
                return (dq, dk, dv);
            }
            // The kernel does not read strided gradients, so the fallback handles them.
            let masks = Masks::new(layout, &q.device());
            plain([&q, &k, &v], layout, &masks, heads, true).1
        }
        Kept::Probabilities(probabilities) => probabilities,
    };
    let width = dy.dims()[1];
    let of_segment = |((_, span), p): ((usize, &Span), Tensor<3>)| {
        let queries = heads.split_queries(q.clone().slice([span.rows.clone(), 0..width]));
        let keys = heads.split_keys(context(&k, layout, &span.path));
        let values = heads.split_keys(context(&v, layout, &span.path));
        let dout = heads.split_queries(dy.clone().slice([span.rows.clone(), 0..width]));
        let dvalues = p.clone().swap_dims(1, 2).matmul(dout.clone());
        let dp = dout.matmul(values.swap_dims(1, 2));
        let along = (dp.clone() * p.clone()).sum_dim(2);
        let dscores = (p * (dp - along)).mul_scalar(heads.scale());
        let dkeys = dscores.clone().swap_dims(1, 2).matmul(queries);
        (heads.join_queries(dscores.matmul(keys)), dkeys, dvalues)
    };
    let mut dq = Vec::new();
    let mut dk: Vec<Option<Tensor<3>>> = vec![None; layout.segment_count()];
    let mut dv: Vec<Option<Tensor<3>>> = vec![None; layout.segment_count()];
    let made = layout.spans().zip(probabilities).map(of_segment);
    for ((_, span), (of_queries, dkeys, dvalues)) in layout.spans().zip(made) {
        dq.push(of_queries);
        spread(&mut dk, &dkeys, layout, &span.path);
        spread(&mut dv, &dvalues, layout, &span.path);
    }
    let join = |pieces: Vec<Option<Tensor<3>>>| {
        Tensor::cat(pieces.into_iter().flatten().map(|piece| heads.join_keys(piece)).collect(), 0)
    };
    (Tensor::cat(dq, 0), join(dk), join(dv))
}

/// Adds the pieces of a path's gradient `[kv, context, dim]` to its segments.
fn spread(gradients: &mut [Option<Tensor<3>>], grad: &Tensor<3>, layout: &Layout, path: &[usize]) {
    let [kv, _, dim] = grad.dims();
    let mut start = 0;
    for &at in path {
        let end = start + layout.span(at).rows.len();
        let piece = grad.clone().slice([0..kv, start..end, 0..dim]);
        gradients[at] = Some(match gradients[at].take() {
            Some(sum) => sum + piece,
            None => piece,
        });
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::{AttentionTape, Heads, Kept, Masks, backward, forward, plain};
    use crate::layout::{Layout, Segment};

    fn random(rows: usize, width: usize, seed: u64) -> Tensor<2> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values: Vec<f32> = (0..rows * width).map(|_| rng.random_range(-2.0..2.0)).collect();
        Tensor::from_data(TensorData::new(values, [rows, width]), &Device::flex())
    }

    fn apart(a: &Tensor<2>, b: &Tensor<2>) -> f32 {
        assert_eq!(a.dims(), b.dims());
        (a.clone() - b.clone()).abs().max().into_scalar()
    }

    /// Makes a stem, two branches and two leaves each; the stem is longer than one block of the kernel.
    fn tree() -> Layout {
        let lengths = [
            (None, 150),
            (Some(0), 3),
            (Some(0), 1),
            (Some(1), 70),
            (Some(1), 64),
            (Some(2), 65),
            (Some(2), 5),
        ];
        let segments = lengths.map(|(parent, length)| Segment { parent, tokens: vec![1; length] });
        Layout::new(segments.to_vec()).expect("a tree")
    }

    #[test]
    fn the_kernel_matches_burn_in_values_and_gradients() {
        let (layout, device) = (tree(), Device::flex());
        let (tokens, masks) = (layout.token_count(), Masks::new(&layout, &device));
        for (kv, group, dim) in [(1, 1, 8), (2, 3, 16), (3, 3, 64)] {
            let heads = Heads { kv, group, dim };
            let q = random(tokens, kv * group * dim, 1);
            let (k, v) = (random(tokens, kv * dim, 2), random(tokens, kv * dim, 3));
            let dy = random(tokens, kv * group * dim, 4);
            let ours = forward(q.clone(), k.clone(), v.clone(), &layout, &masks, heads, true);
            assert!(matches!(ours.1.kept, Kept::LogSums(_)));
            let (mixed, probabilities) = plain([&q, &k, &v], &layout, &masks, heads, true);
            assert!(apart(&ours.0, &mixed) < 1e-5);
            let twin = AttentionTape { q, k, v, kept: Kept::Probabilities(probabilities) };
            let gradients =
                |tape: AttentionTape, dy: &Tensor<2>| backward(tape, dy, &layout, heads);
            let (dq, dk, dv) = gradients(ours.1.clone(), &dy);
            let (q, k, v) = gradients(twin, &dy);
            for (name, a, b) in [("q", &dq, &q), ("k", &dk, &k), ("v", &dv, &v)] {
                let largest: f32 = b.clone().abs().max().into_scalar();
                assert!(apart(a, b) < 1e-5 * largest, "{name}: {} of {largest}", apart(a, b));
            }
            // Negative control: another output gradient gives another result.
            let (other, _, _) = gradients(ours.1, &(dy * 1.01));
            assert!(apart(&other, &q) > 1e-4);
        }
    }
}
