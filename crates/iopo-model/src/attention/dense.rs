//! Attention of whole trees at once with Burn operations, for devices without this crate's kernels.
//!
//! In depth-first order, the whole mask of a tree is one vector: row `i` sees column `j` if `j ≤ i < end[j]`, where `end[j]`
//! is the end of the subtree below `j`. Trees of similar length are padded and computed together. The scores of a few rows
//! exist at a time; the backward pass computes them again from each row's log-sum-exp (Dao et al. 2022, arXiv 2205.14135).

use std::cmp::Reverse;
use std::ops::Range;

use burn::tensor::{Device, Int, Tensor};

use super::{HIDDEN, Heads};
use crate::decoder::index_tensor;
use crate::layout::{Layout, Tree};

/// Largest number of scores in memory at once, unless one row of all heads and trees has more.
const SCORES: usize = 1 << 24;

/// The trees of a layout.
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    bundles: Vec<Bundle>,
    /// Row of each flat token in the concatenated bundles; `None` if the orders are equal.
    back: Option<Tensor<1, Int>>,
}

/// Trees that are padded to the same length.
#[derive(Debug, Clone)]
struct Bundle {
    trees: usize,
    length: usize,
    /// Largest number of scores in memory at once.
    scores: usize,
    /// Flat token of each row, `[trees · length]`; `None` if the orders are equal.
    tokens: Option<Tensor<1, Int>>,
    /// 0 where a row sees a column, else [`HIDDEN`]: `[trees, 1, length, length]`.
    bias: Tensor<4>,
}

impl Dense {
    pub(crate) fn new(layout: &Layout, device: &Device) -> Self {
        Self::with_scores(layout, device, SCORES)
    }

    pub(super) fn with_scores(layout: &Layout, device: &Device, scores: usize) -> Self {
        let mut trees = layout.trees();
        trees.sort_by_key(|tree| Reverse(tree.tokens.len()));
        let mut back = vec![0; layout.token_count()];
        let (mut bundles, mut start, mut rest) = (Vec::new(), 0, trees.as_slice());
        while let Some(longest) = rest.first() {
            // Padding at most doubles the length of a tree.
            let similar = |tree: &&Tree| 2 * tree.tokens.len() >= longest.tokens.len();
            let (these, others) = rest.split_at(rest.iter().take_while(similar).count());
            let bundle = Bundle::new(these, back.len(), scores, device);
            for tree in these {
                tree.tokens.iter().zip(start..).for_each(|(&token, row)| back[token] = row);
                start += bundle.length;
            }
            bundles.push(bundle);
            rest = others;
        }
        Self { bundles, back: order(&back, start, device) }
    }

    /// Returns the output and the log-sum-exp of each row's scores, `[trees, kv, group, length, 1]` for each bundle.
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
                let max = scores.clone().max_dim(3);
                let exp = (scores - max.clone()).exp();
                let sum = exp.clone().sum_dim(3);
                let output = exp.matmul(columns(&v, &rows)) / sum.clone();
                let ungroup = |x: Tensor<4>| split_groups(x, heads);
                (ungroup(output), ungroup(max + sum.log()))
            };
            let (outputs, log_sums) = bundle.pieces(heads).map(of_piece).unzip();
            (flat_queries(joined(outputs)), joined(log_sums))
        };
        let (outputs, log_sums) = self.bundles.iter().map(of_bundle).unzip();
        (self.flat(outputs), log_sums)
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
                dv = Some(added(dv, p.clone().swap_dims(2, 3).matmul(dout.clone())));
                let dp = dout.matmul(columns(&v, &rows).swap_dims(2, 3));
                let dscores = p * (dp - some(&along, &rows));
                dk = Some(added(dk, dscores.clone().swap_dims(2, 3).matmul(some(&q, &rows))));
                dq.push(split_groups(dscores.matmul(columns(&k, &rows)), heads));
            }
            dq.reverse();
            gradients[0].push(flat_queries(joined(dq).mul_scalar(heads.scale())));
            gradients[1].extend(dk.map(flat_keys));
            gradients[2].extend(dv.map(flat_keys));
        }
        gradients.map(|of_bundles| self.flat(of_bundles))
    }

    /// Concatenates the rows of the bundles, in the order of the flat tokens.
    fn flat(&self, mut bundles: Vec<Tensor<2>>) -> Tensor<2> {
        let rows = if bundles.len() == 1 { bundles.remove(0) } else { Tensor::cat(bundles, 0) };
        match &self.back {
            Some(back) => rows.select(0, back.clone()),
            None => rows,
        }
    }
}

impl Bundle {
    /// Pads trees of a layout with `count` tokens.
    fn new(trees: &[Tree], count: usize, scores: usize, device: &Device) -> Self {
        let length = trees.iter().map(|tree| tree.tokens.len()).max().unwrap_or(0);
        let (mut tokens, mut ends) = (Vec::new(), Vec::new());
        for tree in trees {
            tokens.extend(&tree.tokens);
            ends.extend(&tree.ends);
            // Padding sees itself only, and its result is not read.
            tokens.extend((tree.tokens.len()..length).map(|_| tree.tokens[0]));
            ends.extend(tree.tokens.len() + 1..=length);
        }
        let ends: Vec<i64> = ends.into_iter().map(|end| end as i64).collect();
        let ends = Tensor::<1, Int>::from_data(ends.as_slice(), device);
        let ends = ends.reshape([trees.len(), 1, 1, length]);
        let at = Tensor::<1, Int>::arange(0..length as i64, device);
        let row = at.clone().reshape([1, 1, length, 1]);
        let later = at.reshape([1, 1, 1, length]).greater(row.clone());
        let seen = [trees.len(), 1, length, length];
        let hidden = later.expand(seen).bool_or(row.expand(seen).greater_equal(ends.expand(seen)));
        let bias = Tensor::zeros(seen, device).mask_fill(hidden, HIDDEN);
        Self { trees: trees.len(), length, scores, tokens: order(&tokens, count, device), bias }
    }

    /// Divides the rows so that the scores of each piece are at most [`Bundle::scores`].
    fn pieces(&self, heads: Heads) -> impl DoubleEndedIterator<Item = Range<usize>> + use<> {
        let of_row = self.trees * heads.kv * heads.group * self.length;
        let (length, size) = (self.length, (self.scores / of_row.max(1)).max(1));
        (0..length).step_by(size).map(move |start| start..(start + size).min(length))
    }

    /// Gathers the rows of flat tokens: `[tokens, width]` → `[trees · length, width]`.
    fn gathered(&self, x: &Tensor<2>) -> Tensor<2> {
        match &self.tokens {
            Some(tokens) => x.clone().select(0, tokens.clone()),
            None => x.clone(),
        }
    }

    /// `[tokens, kv · group · dim]` → `[trees, kv, group, length, dim]`.
    fn queries(&self, x: &Tensor<2>, heads: Heads) -> Tensor<5> {
        let Heads { kv, group, dim } = heads;
        let apart = self.gathered(x).reshape([self.trees, self.length, kv, group, dim]);
        apart.permute([0, 2, 3, 1, 4])
    }

    /// `[tokens, kv · dim]` → `[trees, kv, length, dim]`.
    fn keys(&self, x: &Tensor<2>, heads: Heads) -> Tensor<4> {
        let apart = self.gathered(x).reshape([self.trees, self.length, heads.kv, heads.dim]);
        apart.swap_dims(1, 2)
    }

    /// Returns the scores of some rows and the columns that these can see, `[trees, kv, group · rows, columns]`.
    fn scores(&self, q: &Tensor<5>, k: &Tensor<4>, rows: &Range<usize>) -> Tensor<4> {
        let scores = some(q, rows).matmul(columns(k, rows).swap_dims(2, 3));
        let [trees, kv, grouped, seen] = scores.dims();
        let mut bias = self.bias.clone();
        if rows.len() < self.length {
            bias = bias.slice([0..trees, 0..1, rows.clone(), 0..seen]);
        }
        let by_head = scores.reshape([trees, kv * grouped / rows.len(), rows.len(), seen]);
        (by_head + bias).reshape([trees, kv, grouped, seen])
    }
}

/// Makes an index that takes `rows` out of `count`, or nothing if it takes all in order.
fn order(rows: &[usize], count: usize, device: &Device) -> Option<Tensor<1, Int>> {
    let all = rows.iter().copied().eq(0..count);
    (!all).then(|| index_tensor(rows.iter().map(|&row| row as i64), device))
}

/// Takes some rows: `[trees, kv, group, length, width]` → `[trees, kv, group · rows, width]`.
fn some(x: &Tensor<5>, rows: &Range<usize>) -> Tensor<4> {
    let [trees, kv, group, length, width] = x.dims();
    let mut x = x.clone();
    if rows.len() < length {
        x = x.slice([0..trees, 0..kv, 0..group, rows.clone(), 0..width]);
    }
    x.reshape([trees, kv, group * rows.len(), width])
}

/// Takes the columns that some rows can see: `[trees, kv, length, dim]` → `[trees, kv, rows.end, dim]`.
fn columns(x: &Tensor<4>, rows: &Range<usize>) -> Tensor<4> {
    let [trees, kv, length, dim] = x.dims();
    if rows.end == length {
        return x.clone();
    }
    x.clone().slice([0..trees, 0..kv, 0..rows.end, 0..dim])
}

/// Adds the gradient of the first columns to that of all columns.
fn added(all: Option<Tensor<4>>, some: Tensor<4>) -> Tensor<4> {
    let Some(all) = all else { return some };
    let [trees, kv, columns, dim] = some.dims();
    let first = [0..trees, 0..kv, 0..columns, 0..dim];
    let sum = all.clone().slice(first.clone()) + some;
    all.slice_assign(first, sum)
}

/// `[trees, kv, group · rows, width]` → `[trees, kv, group, rows, width]`.
fn split_groups(x: Tensor<4>, heads: Heads) -> Tensor<5> {
    let [trees, kv, grouped, width] = x.dims();
    x.reshape([trees, kv, heads.group, grouped / heads.group, width])
}

/// Concatenates the rows of all pieces.
fn joined(mut pieces: Vec<Tensor<5>>) -> Tensor<5> {
    if pieces.len() == 1 { pieces.remove(0) } else { Tensor::cat(pieces, 3) }
}

/// The inverse of [`Bundle::queries`], in the order of the bundle.
fn flat_queries(x: Tensor<5>) -> Tensor<2> {
    let [trees, kv, group, length, dim] = x.dims();
    x.permute([0, 3, 1, 2, 4]).reshape([trees * length, kv * group * dim])
}

/// The inverse of [`Bundle::keys`], in the order of the bundle.
fn flat_keys(x: Tensor<4>) -> Tensor<2> {
    let [trees, kv, length, dim] = x.dims();
    x.swap_dims(1, 2).reshape([trees * length, kv * dim])
}
