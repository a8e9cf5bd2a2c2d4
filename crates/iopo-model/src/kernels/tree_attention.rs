//! Attention over a tree of segments, and its gradients.
//!
//! A task is one segment with one key-value head. It processes a few rows at a time, so that their scores stay in the CPU's
//! cache, and reads keys and values in place along the path. The forward pass keeps one number per row, the log-sum-exp of
//! its scores; the backward pass recomputes the scores, as in `FlashAttention` (Dao et al. 2022, arXiv 2205.14135).

use burn::tensor::{Tensor, TensorData};
use pulp::{Arch, Simd, WithSimd};
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use super::Local;
use super::exp::exp;
use super::lanes::fold;
use super::multiply::{Threads, View, multiply};
use crate::attention::Heads;
use crate::layout::{Layout, Span};

/// Rows processed together.
const ROWS: usize = 64;
const ALONE: Threads = Threads::One;

/// Returns attention outputs `[tokens, kv · group · dim]` and log-sum-exps `[kv · group, tokens]`; `None` if a kernel cannot
/// read the operands in place.
///
/// # Shapes
/// q `[tokens, kv · group · dim]`, k and v `[tokens, kv · dim]`.
pub(crate) fn attend_tree(
    [q, k, v]: [&Tensor<2>; 3],
    layout: &Layout,
    heads: Heads,
) -> Option<(Tensor<2>, Vec<f32>)> {
    let local = [Local::new(q)?, Local::new(k)?, Local::new(v)?];
    let [queries, keys, values] = [0, 1, 2].map(|at| local[at].values());
    let attended = Inputs { q: queries, k: keys, v: values, layout, heads }.forward();
    let mixed = TensorData::new(attended.mixed, q.dims());
    Some((Tensor::from_data(mixed, &q.device()), attended.log_sums))
}

/// Returns the gradients of q, k and v from the results of [`attend_tree`] and the gradient of its output.
pub(crate) fn attend_tree_gradients(
    [q, k, v]: [&Tensor<2>; 3],
    (mixed, log_sums): (&Tensor<2>, &[f32]),
    dy: &Tensor<2>,
    layout: &Layout,
    heads: Heads,
) -> Option<[Tensor<2>; 3]> {
    let local = [Local::new(q)?, Local::new(k)?, Local::new(v)?];
    let (mixed, gradient) = (Local::new(mixed)?, Local::new(dy)?);
    let [queries, keys, values] = [0, 1, 2].map(|at| local[at].values());
    let inputs = Inputs { q: queries, k: keys, v: values, layout, heads };
    let gradients = inputs.backward(mixed.values(), log_sums, gradient.values());
    let tensor = |values, like: &Tensor<2>| {
        Tensor::from_data(TensorData::new(values, like.dims()), &like.device())
    };
    Some([tensor(gradients.q, q), tensor(gradients.k, k), tensor(gradients.v, v)])
}

/// Inputs shared by all tasks.
#[derive(Clone, Copy)]
struct Inputs<'a> {
    /// `[tokens, kv · group · dim]`.
    q: &'a [f32],
    /// `[tokens, kv · dim]`, as `v`.
    k: &'a [f32],
    v: &'a [f32],
    layout: &'a Layout,
    heads: Heads,
}

/// Results of the forward pass.
struct Attended {
    /// `[tokens, kv · group · dim]`.
    mixed: Vec<f32>,
    /// Log-sum-exp of each row's scores, `[kv · group, tokens]`.
    log_sums: Vec<f32>,
}

/// Gradients of q, k and v.
struct Gradients {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
}

/// A segment's rows and one key-value head.
#[derive(Clone, Copy)]
struct Piece<'a> {
    span: &'a Span,
    head: usize,
}

/// Some rows of a task under one query head, and the columns visible to the last of them.
struct Block {
    /// Rows of the segment.
    first: usize,
    rows: usize,
    columns: usize,
    head: usize,
}

impl<'a> Inputs<'a> {
    fn width(&self) -> usize {
        self.heads.kv * self.heads.group * self.heads.dim
    }

    fn kv_width(&self) -> usize {
        self.heads.kv * self.heads.dim
    }

    fn pieces(&self) -> Vec<Piece<'a>> {
        let heads = 0..self.heads.kv;
        let spans = self.layout.spans();
        spans.flat_map(|(_, span)| heads.clone().map(move |head| Piece { span, head })).collect()
    }

    fn blocks(&self, piece: Piece<'_>) -> impl Iterator<Item = Block> + use<> {
        let (group, kv_head) = (self.heads.group, piece.head);
        let (rows, offset) = (piece.span.rows.len(), piece.span.offset);
        (0..group).flat_map(move |of_group| {
            (0..rows).step_by(ROWS).map(move |first| {
                let count = ROWS.min(rows - first);
                let columns = offset + first + count;
                Block { first, rows: count, columns, head: kv_head * group + of_group }
            })
        })
    }

    /// A block's rows of a matrix as wide as the queries.
    fn wide<'m>(&self, matrix: &'m [f32], piece: Piece<'_>, block: &Block) -> View<'m> {
        let start =
            (piece.span.rows.start + block.first) * self.width() + block.head * self.heads.dim;
        View::new(&matrix[start..], [block.rows, self.heads.dim], [self.width(), 1])
    }

    /// Returns the keys or values visible to a block: the first column and the rows of each segment of the path.
    fn seen<'m>(
        &self,
        matrix: &'m [f32],
        piece: Piece<'_>,
        columns: usize,
    ) -> Vec<(usize, View<'m>)> {
        let mut column = 0;
        let mut seen = Vec::with_capacity(piece.span.path.len());
        for &at in &piece.span.path {
            let rows = self.layout.span(at).rows.clone();
            let count = rows.len().min(columns.saturating_sub(column));
            if count > 0 {
                let start = rows.start * self.kv_width() + piece.head * self.heads.dim;
                let dims = [count, self.heads.dim];
                seen.push((column, View::new(&matrix[start..], dims, [self.kv_width(), 1])));
            }
            column += rows.len();
        }
        seen
    }

    /// Computes attention of every token to its path.
    fn forward(&self) -> Attended {
        let (pieces, tokens) = (self.pieces(), self.layout.token_count());
        let arch = Arch::new();
        let made: Vec<(Vec<f32>, Vec<f32>)> =
            pieces.par_iter().with_max_len(1).map(|piece| self.attend(arch, *piece)).collect();
        let Heads { group, dim, .. } = self.heads;
        let mut mixed = vec![0f32; tokens * self.width()];
        let mut log_sums = vec![0f32; self.heads.kv * group * tokens];
        for (piece, (of_piece, of_heads)) in pieces.iter().zip(made) {
            let rows = piece.span.rows.clone();
            self.gather(&mut mixed, *piece, &of_piece, group * dim);
            for (head, of_rows) in of_heads.chunks_exact(rows.len()).enumerate() {
                let start = (piece.head * group + head) * tokens;
                log_sums[start + rows.start..start + rows.end].copy_from_slice(of_rows);
            }
        }
        Attended { mixed, log_sums }
    }

    /// Copies a task's `[rows, group · dim]` into the output.
    fn gather(&self, to: &mut [f32], piece: Piece<'_>, values: &[f32], width: usize) {
        let column = piece.head * width;
        for (row, values) in piece.span.rows.clone().zip(values.chunks_exact(width)) {
            let start = row * self.width() + column;
            to[start..start + width].copy_from_slice(values);
        }
    }

    /// Returns a task's outputs `[rows, group · dim]` and log-sum-exps `[group, rows]`.
    fn attend(&self, arch: Arch, piece: Piece<'_>) -> (Vec<f32>, Vec<f32>) {
        let Heads { group, dim, .. } = self.heads;
        let (rows, offset) = (piece.span.rows.len(), piece.span.offset);
        let mut mixed = vec![0f32; rows * group * dim];
        let mut log_sums = vec![0f32; group * rows];
        let mut scores = Vec::new();
        for block in self.blocks(piece) {
            let keys = self.seen(self.k, piece, block.columns);
            let q = self.wide(self.q, piece, &block);
            against(q, &keys, self.heads.scale() as f32, &mut scores, &block);
            let of_group = block.head % group;
            let of_rows = &mut log_sums[of_group * rows + block.first..][..block.rows];
            let visible = offset + block.first + 1;
            arch.dispatch(Softmax {
                scores: &mut scores,
                columns: block.columns,
                visible,
                log_sums: of_rows,
            });
            let to = &mut mixed[block.first * group * dim + of_group * dim..];
            for (at, (column, values)) in
                self.seen(self.v, piece, block.columns).into_iter().enumerate()
            {
                let p =
                    View::new(&scores[column..], [block.rows, values.rows()], [block.columns, 1]);
                multiply(to, group * dim, at > 0, 1.0, [p, values], ALONE);
            }
        }
        (mixed, log_sums)
    }

    /// Returns the gradients from the results of the forward pass and the gradient of its output.
    fn backward(&self, mixed: &[f32], log_sums: &[f32], dy: &[f32]) -> Gradients {
        let pieces = self.pieces();
        let arch = Arch::new();
        let made: Vec<Gradients> = pieces
            .par_iter()
            .with_max_len(1)
            .map(|piece| self.gradients(arch, *piece, [mixed, log_sums, dy]))
            .collect();
        let Heads { group, dim, .. } = self.heads;
        let mut total = Gradients {
            q: vec![0f32; self.q.len()],
            k: vec![0f32; self.k.len()],
            v: vec![0f32; self.v.len()],
        };
        for (piece, gradients) in pieces.iter().zip(made) {
            self.gather(&mut total.q, *piece, &gradients.q, group * dim);
            let rows = piece.span.path.iter().flat_map(|&at| self.layout.span(at).rows.clone());
            let values = gradients.k.chunks_exact(dim).zip(gradients.v.chunks_exact(dim));
            for (row, (dk, dv)) in rows.zip(values) {
                let start = row * self.kv_width() + piece.head * dim;
                add(&mut total.k[start..start + dim], dk);
                add(&mut total.v[start..start + dim], dv);
            }
        }
        total
    }

    /// Returns a task's gradients: of its queries, and of the visible keys and values, `[columns, dim]`.
    fn gradients(
        &self,
        arch: Arch,
        piece: Piece<'_>,
        [mixed, log_sums, dy]: [&[f32]; 3],
    ) -> Gradients {
        let Heads { group, dim, .. } = self.heads;
        let (rows, offset) = (piece.span.rows.len(), piece.span.offset);
        let (tokens, scale) = (self.layout.token_count(), self.heads.scale() as f32);
        let mut gradients = Gradients {
            q: vec![0f32; rows * group * dim],
            k: vec![0f32; (offset + rows) * dim],
            v: vec![0f32; (offset + rows) * dim],
        };
        let (mut p, mut dp) = (Vec::new(), Vec::new());
        for block in self.blocks(piece) {
            let (keys, values) =
                (self.seen(self.k, piece, block.columns), self.seen(self.v, piece, block.columns));
            let q = self.wide(self.q, piece, &block);
            let dmixed = self.wide(dy, piece, &block);
            against(q, &keys, scale, &mut p, &block);
            against(dmixed, &values, 1.0, &mut dp, &block);
            let start = block.head * tokens + piece.span.rows.start + block.first;
            arch.dispatch(SoftmaxGradient {
                p: &mut p,
                dp: &mut dp,
                columns: block.columns,
                visible: offset + block.first + 1,
                log_sums: &log_sums[start..start + block.rows],
                along: &self.along(mixed, dy, piece, &block),
                scale,
            });
            let dims = [block.rows, block.columns];
            let (p, ds) =
                (View::new(&p, dims, [block.columns, 1]), View::new(&dp, dims, [block.columns, 1]));
            multiply(&mut gradients.v, dim, true, 1.0, [p.turned(), dmixed], ALONE);
            multiply(&mut gradients.k, dim, true, 1.0, [ds.turned(), q], ALONE);
            let to = &mut gradients.q[block.first * group * dim + block.head % group * dim..];
            for (at, (column, keys)) in keys.into_iter().enumerate() {
                let ds = View::new(&dp[column..], [block.rows, keys.rows()], [block.columns, 1]);
                multiply(to, group * dim, at > 0, 1.0, [ds, keys], ALONE);
            }
        }
        gradients
    }

    /// Returns `Σ dy·y` of each row of a block, the offset of the softmax's gradient.
    fn along(&self, mixed: &[f32], dy: &[f32], piece: Piece<'_>, block: &Block) -> Vec<f32> {
        let (width, dim) = (self.width(), self.heads.dim);
        let first = piece.span.rows.start + block.first;
        let rows = (first..first + block.rows).map(|row| row * width + block.head * dim);
        rows.map(|start| {
            let values = mixed[start..start + dim].iter().zip(&dy[start..start + dim]);
            values.map(|(y, dy)| y * dy).sum()
        })
        .collect()
    }
}

/// Computes `left · seenᵀ`, `[rows, columns]`.
fn against(
    left: View<'_>,
    seen: &[(usize, View<'_>)],
    scale: f32,
    to: &mut Vec<f32>,
    block: &Block,
) {
    to.resize(block.rows * block.columns, 0.0);
    for (column, view) in seen {
        let factors = [left, view.turned()];
        multiply(&mut to[*column..], block.columns, false, scale, factors, ALONE);
    }
}

fn add(to: &mut [f32], values: &[f32]) {
    for (to, value) in to.iter_mut().zip(values) {
        *to += value;
    }
}

/// Turns scores into probabilities row by row. The first row sees `visible` columns, each later row one more.
struct Softmax<'a> {
    scores: &'a mut [f32],
    columns: usize,
    visible: usize,
    log_sums: &'a mut [f32],
}

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let rows = self.scores.chunks_exact_mut(self.columns).zip(self.log_sums);
        for (row, (scores, log_sum)) in rows.enumerate() {
            let (seen, hidden) = scores.split_at_mut(self.visible + row);
            let max = fold(seen, f32::NEG_INFINITY, f32::max);
            for score in seen.iter_mut() {
                *score = exp(*score - max);
            }
            let sum = fold(seen, 0.0, |a, b| a + b);
            let part = 1.0 / sum;
            for score in seen {
                *score *= part;
            }
            hidden.fill(0.0);
            *log_sum = max + sum.ln();
        }
    }
}

/// Recomputes probabilities from scores and replaces `dp` by the scores' gradient `ds = p·(dp − Σ p·dp)·scale`.
struct SoftmaxGradient<'a> {
    p: &'a mut [f32],
    dp: &'a mut [f32],
    columns: usize,
    visible: usize,
    log_sums: &'a [f32],
    along: &'a [f32],
    scale: f32,
}

impl WithSimd for SoftmaxGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let rows =
            self.p.chunks_exact_mut(self.columns).zip(self.dp.chunks_exact_mut(self.columns));
        for (row, (p, dp)) in rows.enumerate() {
            let (log_sum, along) = (self.log_sums[row], self.along[row]);
            let ((p, p_hidden), (dp, dp_hidden)) =
                (p.split_at_mut(self.visible + row), dp.split_at_mut(self.visible + row));
            for (p, dp) in p.iter_mut().zip(dp) {
                *p = exp(*p - log_sum);
                *dp = *p * (*dp - along) * self.scale;
            }
            p_hidden.fill(0.0);
            dp_hidden.fill(0.0);
        }
    }
}
