//! Grouped-query attention over a tree of segments.

mod dense;
#[cfg(test)]
mod segments;
#[cfg(test)]
mod tests;

use burn::tensor::Tensor;

use crate::config::ModelConfig;
use crate::kernels::{attend_tree, attend_tree_gradients};
use crate::layout::Layout;

pub use dense::ATTENTION_SCORES;
pub(crate) use dense::Dense;

/// Head counts and sizes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads {
    pub(crate) kv: usize,
    /// Query heads that share one key-value head.
    pub(crate) group: usize,
    pub(crate) dim: usize,
}

impl Heads {
    /// Returns the number of heads whose vectors depend on the position: those of queries and of keys.
    pub(crate) fn rotated(self) -> usize {
        self.kv * (self.group + 1)
    }

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

    /// `[rows, kv · dim]` → `[kv, rows, dim]`.
    pub(crate) fn split_keys(self, x: Tensor<2>) -> Tensor<3> {
        let rows = x.dims()[0];
        x.reshape([rows, self.kv, self.dim]).swap_dims(0, 1)
    }
}

/// Score bias of hidden positions. Its `exp` is zero in f32; −∞ would produce NaN.
pub(crate) const HIDDEN: f32 = -1e30;

/// State kept for the backward pass: the inputs, the output and the log-sum-exp of each row's scores.
#[derive(Debug, Clone)]
pub(crate) struct AttentionTape {
    q: Tensor<2>,
    k: Tensor<2>,
    v: Tensor<2>,
    mixed: Tensor<2>,
    log_sums: LogSums,
}

#[derive(Debug, Clone)]
enum LogSums {
    /// Written by the kernel.
    Kernel(Vec<f32>),
    /// Written by [`Dense`].
    Dense(Vec<Tensor<5>>),
}

/// Concatenates the rows of a segment's path: `[context, width]`.
pub(crate) fn context(x: &Tensor<2>, layout: &Layout, path: &[usize]) -> Tensor<2> {
    let width = x.dims()[1];
    let pieces: Vec<_> =
        path.iter().map(|&at| x.clone().slice([layout.span(at).rows.clone(), 0..width])).collect();
    Tensor::cat(pieces, 0)
}

fn dense_forward(dense: &Dense, inputs: [&Tensor<2>; 3], heads: Heads) -> (Tensor<2>, LogSums) {
    let (mixed, log_sums) = dense.forward(inputs, heads);
    (mixed, LogSums::Dense(log_sums))
}

/// Computes attention of every token to its path. `dense` is called where no kernel applies.
///
/// # Shapes
/// q `[tokens, heads · head_dim]`, k and v `[tokens, kv_heads · head_dim]` → `[tokens, heads · head_dim]`.
pub(crate) fn forward<'a>(
    q: Tensor<2>,
    k: Tensor<2>,
    v: Tensor<2>,
    layout: &Layout,
    dense: impl FnOnce() -> &'a Dense,
    heads: Heads,
) -> (Tensor<2>, AttentionTape) {
    let (mixed, log_sums) = match attend_tree([&q, &k, &v], layout, heads) {
        Some((mixed, log_sums)) => (mixed, LogSums::Kernel(log_sums)),
        None => dense_forward(dense(), [&q, &k, &v], heads),
    };
    (mixed.clone(), AttentionTape { q, k, v, mixed, log_sums })
}

/// Returns the gradients of q, k and v.
pub(crate) fn backward<'a>(
    tape: AttentionTape,
    dy: &Tensor<2>,
    layout: &Layout,
    dense: impl FnOnce() -> &'a Dense,
    heads: Heads,
) -> [Tensor<2>; 3] {
    let AttentionTape { q, k, v, mixed, log_sums } = tape;
    let inputs = [&q, &k, &v];
    match log_sums {
        LogSums::Kernel(log_sums) => {
            attend_tree_gradients(inputs, (&mixed, &log_sums), dy, layout, heads)
                // The kernel does not read strided gradients.
                .unwrap_or_else(|| {
                    let dense = dense();
                    let (mixed, log_sums) = dense.forward(inputs, heads);
                    dense.backward(inputs, (&mixed, &log_sums), dy, heads)
                })
        }
        LogSums::Dense(log_sums) => dense().backward(inputs, (&mixed, &log_sums), dy, heads),
    }
}
