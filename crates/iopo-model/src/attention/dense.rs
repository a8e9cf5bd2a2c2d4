//! Attention of whole trees at once with Burn operations, for devices without this crate's kernels.
//!
//! In depth-first order, the whole mask of a tree is one vector: row `i` sees column `j` if `j ≤ i < end[j]`, where `end[j]`
//! is the end of the subtree below `j`. A tree with many branches is divided into [blocks](Block), whose rows also see the
//! tokens above. Blocks of similar length are padded and computed together. The scores of a few rows exist at a time; the
//! backward pass computes them again from each row's log-sum-exp (Dao et al. 2022, arXiv 2205.14135).

use std::cmp::Reverse;
use std::ops::Range;

use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor};

use super::{HIDDEN, Heads};
use crate::decoder::index_tensor;
use crate::layout::{Block, Layout};

/// Largest number of attention scores in memory at once on devices without this crate's kernels, unless one row of all heads
/// and trees has more.
pub const ATTENTION_SCORES: usize = 1 << 24;

/// The blocks of a layout.
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    bundles: Vec<Bundle>,
    /// Row of each flat token in the concatenated bundles; `None` if the orders are equal.
    back: Option<Tensor<1, Int>>,
    /// Flat token of each column of the concatenated bundles; `None` if columns and rows are the same tokens.
    shared: Option<Tensor<1, Int>>,
}

/// Blocks that are padded to the same length.
#[derive(Debug, Clone)]
struct Bundle {
    blocks: usize,
    /// Tokens of all blocks.
    own: usize,
    /// Rows of each block.
    length: usize,
    /// Columns before those of the rows: the tokens above.
    above: usize,
    /// Largest number of scores in memory at once.
    scores: usize,
    /// Flat token of each row, `[blocks · length]`; `None` if the orders are equal.
    rows: Option<Tensor<1, Int>>,
    /// Flat token of each column, `[blocks · (above + length)]`; `None` if the orders are equal.
    columns: Option<Tensor<1, Int>>,
    /// 0 where a row sees a column, else [`HIDDEN`]: `[blocks, 1, 1, length, above + length]`.
    bias: Tensor<5>,
}

impl Dense {
    pub(crate) fn new(layout: &Layout, device: &Device) -> Self {
        Self::with_scores(layout, device, ATTENTION_SCORES)
    }

    pub(super) fn with_scores(layout: &Layout, device: &Device, scores: usize) -> Self {
        let count = layout.token_count();
        let mut rest = layout.blocks();
        rest.sort_by_key(|block| Reverse(block.tokens.len()));
        let (mut bundles, mut back, mut start) = (Vec::new(), vec![0; count], 0);
        // Padding has the row after the last token.
        let mut columns: Vec<usize> = Vec::new();
        while let Some(longest) = rest.first() {
            // Padding at most doubles the rows of a block. It at most doubles the columns above, or makes them as many as the
            // rows.
            let [rows, above] = [longest.tokens.len(), longest.above.len()];
            let similar = |block: &Block| {
                let its = block.above.len();
                let near = its.max(above) <= 2 * its.min(above) || its.max(above) <= rows;
                2 * block.tokens.len() >= rows && near && its <= above.max(rows)
            };
            let (these, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(similar);
            let bundle = Bundle::new(&these, count, scores, device);
            for block in &these {
                block.tokens.iter().zip(start..).for_each(|(&token, row)| back[token] = row);
                start += bundle.length;
                columns.extend(bundle.columns_of(block, count));
            }
            bundles.push(bundle);
            rest = others;
        }
        let shared = bundles.iter().any(|bundle| bundle.above > 0);
        Self {
            bundles,
            back: order(&back, start, device),
            shared: shared.then(|| index(&columns, device)),
        }
    }

    /// Returns the output and the log-sum-exp of each row's scores, `[blocks, kv, group, length, 1]` for each bundle.
    ///
    /// # Shapes
    /// q `[tokens, heads · head_dim]`, k and v `[tokens, kv_heads · head_dim]` → `[tokens, heads · head_dim]`.
    pub(super) fn forward(
        &self,
        [q, k, v]: [&Tensor<2>; 3],
        heads: Heads,
    ) -> (Tensor<2>, Vec<Tensor<5>>) {
        let of_bundle = |bundle: &Bundle| {
            let q = bundle.queries(q, heads).mul_scalar(heads.scale());
            let (k, v) = (bundle.keys(k, heads), bundle.keys(v, heads));
            let of_piece = |rows: Range<usize>| {
                let scores = bundle.scores(&q, &k, &rows);
                let max = scores.clone().max_dim(4);
                let exp = (scores - max.clone()).exp();
                let sum = exp.clone().sum_dim(4);
                let output = exp.matmul(bundle.seen(&v, &rows)) / sum.clone();
                (output, max + sum.log())
            };
            let (outputs, log_sums) = bundle.pieces(heads).map(of_piece).unzip();
            (flat_queries(joined(outputs)), joined(log_sums))
        };
        let (outputs, log_sums) = self.bundles.iter().map(of_bundle).unzip();
        (self.flat(concatenated(outputs)), log_sums)
    }

    /// Returns the gradients of q, k and v, given what [`Dense::forward`] returned.
    pub(super) fn backward(
        &self,
        [q, k, v]: [&Tensor<2>; 3],
        (mixed, log_sums): (&Tensor<2>, &[Tensor<5>]),
        dy: &Tensor<2>,
        heads: Heads,
    ) -> [Tensor<2>; 3] {
        let mut gradients = [const { Vec::new() }; 3];
        for (bundle, log_sums) in self.bundles.iter().zip(log_sums) {
            let q = bundle.queries(q, heads).mul_scalar(heads.scale());
            let (k, v) = (bundle.keys(k, heads), bundle.keys(v, heads));
            let dy = bundle.queries(dy, heads);
            let along = (dy.clone() * bundle.queries(mixed, heads)).sum_dim(4);
            let (mut dq, mut dk, mut dv) = (Vec::new(), None, None);
            // The last rows see all columns, so their gradients have the full size.
            for rows in bundle.pieces(heads).rev() {
                let p = (bundle.scores(&q, &k, &rows) - some(log_sums, &rows)).exp();
                let dout = some(&dy, &rows);
                dv = Some(added(dv, over_groups(p.clone(), dout.clone())));
                let dp = dout.matmul(bundle.seen(&v, &rows).swap_dims(3, 4));
                let dscores = p * (dp - some(&along, &rows));
                dk = Some(added(dk, over_groups(dscores.clone(), some(&q, &rows))));
                dq.push(dscores.matmul(bundle.seen(&k, &rows)));
            }
            dq.reverse();
            gradients[0].push(flat_queries(joined(dq).mul_scalar(heads.scale())));
            gradients[1].extend(dk.map(flat_keys));
            gradients[2].extend(dv.map(flat_keys));
        }
        let [dq, dk, dv] = gradients.map(concatenated);
        [self.flat(dq), self.flat_columns(dk), self.flat_columns(dv)]
    }

    /// Puts the rows of the bundles into the order of the flat tokens.
    fn flat(&self, rows: Tensor<2>) -> Tensor<2> {
        match &self.back {
            Some(back) => rows.select(0, back.clone()),
            None => rows,
        }
    }

    /// Adds up the columns of the bundles for each flat token.
    fn flat_columns(&self, columns: Tensor<2>) -> Tensor<2> {
        let Some(shared) = &self.shared else { return self.flat(columns) };
        let bundles = self.bundles.iter();
        let count: usize = bundles.map(|bundle| bundle.own).sum();
        let width = columns.dims()[1];
        let sum = Tensor::zeros([count + 1, width], &columns.device());
        let sum = sum.select_assign(0, shared.clone(), columns, IndexingUpdateOp::Add);
        sum.slice([0..count, 0..width])
    }
}

impl Bundle {
    /// Pads blocks of a layout with `count` tokens.
    fn new(blocks: &[Block], count: usize, scores: usize, device: &Device) -> Self {
        let most = |of: fn(&Block) -> usize| blocks.iter().map(of).max().unwrap_or(0);
        let (length, above) = (most(|block| block.tokens.len()), most(|block| block.above.len()));
        let width = above + length;
        let mut bundle = Self {
            blocks: blocks.len(),
            own: blocks.iter().map(|block| block.tokens.len()).sum(),
            length,
            above,
            scores,
            rows: None,
            columns: None,
            bias: Tensor::zeros([blocks.len(), 1, 1, length, width], device),
        };
        let (mut rows, mut columns, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for block in blocks {
            // Padding is computed from some token, and its results are not read.
            let of = bundle.columns_of(block, block.tokens[0]);
            rows.extend_from_slice(&of[above..]);
            columns.extend(of);
            // A row of a token sees all tokens above; padding sees itself only.
            let own = block.tokens.len();
            ends.extend((0..above).map(|at| if at < block.above.len() { own } else { 0 }));
            ends.extend(&block.ends);
            ends.extend(own + 1..=length);
        }
        bundle.rows = order(&rows, count, device);
        bundle.columns = order(&columns, count, device);
        let starts: Vec<usize> = (0..above).map(|_| 0).chain(0..length).collect();
        let shape = [blocks.len(), 1, 1, length, width];
        let row = Tensor::<1, Int>::arange(0..length as i64, device).reshape([1, 1, 1, length, 1]);
        let row = row.expand(shape);
        let start = index(&starts, device).reshape([1, 1, 1, 1, width]).expand(shape);
        let end = index(&ends, device).reshape([blocks.len(), 1, 1, 1, width]).expand(shape);
        let hidden = start.greater(row.clone()).bool_or(row.greater_equal(end));
        bundle.bias = bundle.bias.mask_fill(hidden, HIDDEN);
        bundle
    }

    /// Returns the flat tokens of a block's columns, with `padding` after those above and after its own.
    fn columns_of(&self, block: &Block, padding: usize) -> Vec<usize> {
        let padded = |tokens: &[usize], length: usize| {
            let missing = length - tokens.len();
            tokens.iter().copied().chain(std::iter::repeat_n(padding, missing)).collect::<Vec<_>>()
        };
        [padded(&block.above, self.above), padded(&block.tokens, self.length)].concat()
    }

    /// Divides the rows so that the scores of each piece are at most [`Bundle::scores`].
    fn pieces(&self, heads: Heads) -> impl DoubleEndedIterator<Item = Range<usize>> + use<> {
        let of_row = self.blocks * heads.kv * heads.group * (self.above + self.length);
        let (length, size) = (self.length, (self.scores / of_row.max(1)).max(1));
        (0..length).step_by(size).map(move |start| start..(start + size).min(length))
    }

    /// `[tokens, kv · group · dim]` → `[blocks, kv, group, length, dim]`.
    fn queries(&self, x: &Tensor<2>, heads: Heads) -> Tensor<5> {
        let Heads { kv, group, dim } = heads;
        let apart = gathered(x, self.rows.as_ref());
        apart.reshape([self.blocks, self.length, kv, group, dim]).permute([0, 2, 3, 1, 4])
    }

    /// `[tokens, kv · dim]` → `[blocks, kv, 1, above + length, dim]`.
    fn keys(&self, x: &Tensor<2>, heads: Heads) -> Tensor<5> {
        let width = self.above + self.length;
        let apart = gathered(x, self.columns.as_ref());
        apart.reshape([self.blocks, width, heads.kv, 1, heads.dim]).permute([0, 2, 3, 1, 4])
    }

    /// Takes the columns that some rows can see: `[blocks, kv, 1, columns, dim]`.
    fn seen(&self, x: &Tensor<5>, rows: &Range<usize>) -> Tensor<5> {
        let [blocks, kv, one, all, dim] = x.dims();
        let seen = self.above + rows.end;
        if seen == all {
            return x.clone();
        }
        x.clone().slice([0..blocks, 0..kv, 0..one, 0..seen, 0..dim])
    }

    /// Returns the scores of some rows and the columns that these can see, `[blocks, kv, group, rows, columns]`.
    fn scores(&self, q: &Tensor<5>, k: &Tensor<5>, rows: &Range<usize>) -> Tensor<5> {
        let scores = some(q, rows).matmul(self.seen(k, rows).swap_dims(3, 4));
        let [blocks, .., seen] = scores.dims();
        let mut bias = self.bias.clone();
        if rows.len() < self.length {
            bias = bias.slice([0..blocks, 0..1, 0..1, rows.clone(), 0..seen]);
        }
        scores + bias
    }
}

/// Gathers flat tokens: `[tokens, width]` → `[indices, width]`.
fn gathered(x: &Tensor<2>, indices: Option<&Tensor<1, Int>>) -> Tensor<2> {
    match indices {
        Some(indices) => x.clone().select(0, indices.clone()),
        None => x.clone(),
    }
}

fn index(values: &[usize], device: &Device) -> Tensor<1, Int> {
    index_tensor(values.iter().map(|&value| value as i64), device)
}

/// Makes an index that takes `rows` out of `count`, or nothing if it takes all in order.
fn order(rows: &[usize], count: usize, device: &Device) -> Option<Tensor<1, Int>> {
    let all = rows.iter().copied().eq(0..count);
    (!all).then(|| index(rows, device))
}

/// Takes some rows: `[blocks, kv, group, length, width]` → `[blocks, kv, group, rows, width]`.
fn some(x: &Tensor<5>, rows: &Range<usize>) -> Tensor<5> {
    let [blocks, kv, group, length, width] = x.dims();
    if rows.len() == length {
        return x.clone();
    }
    x.clone().slice([0..blocks, 0..kv, 0..group, rows.clone(), 0..width])
}

/// Computes `leftᵀ·right`, summed over the heads of each group.
///
/// # Shapes
/// `[blocks, kv, group, rows, columns]`, `[blocks, kv, group, rows, dim]` → `[blocks, kv, columns, dim]`.
fn over_groups(left: Tensor<5>, right: Tensor<5>) -> Tensor<4> {
    let grouped = |x: Tensor<5>| {
        let [blocks, kv, group, rows, width] = x.dims();
        x.reshape([blocks, kv, group * rows, width])
    };
    grouped(left).swap_dims(2, 3).matmul(grouped(right))
}

/// Adds the gradient of the first columns to that of all columns.
fn added(all: Option<Tensor<4>>, some: Tensor<4>) -> Tensor<4> {
    let Some(all) = all else { return some };
    let [blocks, kv, columns, dim] = some.dims();
    let first = [0..blocks, 0..kv, 0..columns, 0..dim];
    let sum = all.clone().slice(first.clone()) + some;
    all.slice_assign(first, sum)
}

/// Concatenates the rows of all pieces.
fn joined(mut pieces: Vec<Tensor<5>>) -> Tensor<5> {
    if pieces.len() == 1 { pieces.remove(0) } else { Tensor::cat(pieces, 3) }
}

fn concatenated(mut bundles: Vec<Tensor<2>>) -> Tensor<2> {
    if bundles.len() == 1 { bundles.remove(0) } else { Tensor::cat(bundles, 0) }
}

/// The inverse of [`Bundle::queries`], in the order of the bundle.
fn flat_queries(x: Tensor<5>) -> Tensor<2> {
    let [blocks, kv, group, length, dim] = x.dims();
    x.permute([0, 3, 1, 2, 4]).reshape([blocks * length, kv * group * dim])
}

/// Puts the gradients of [`Bundle::keys`] into the order of the bundle.
fn flat_keys(x: Tensor<4>) -> Tensor<2> {
    let [blocks, kv, columns, dim] = x.dims();
    x.swap_dims(1, 2).reshape([blocks * columns, kv * dim])
}
