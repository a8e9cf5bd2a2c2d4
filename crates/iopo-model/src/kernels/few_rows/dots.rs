//! The product for a handful of rows: dot products of rows of `x` and rows of the weights.

use pulp::{Arch, Simd, WithSimd};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

/// Rows of `w` and of `x` per block.
const BLOCK: usize = 4;
/// Rows of `w` per thread task.
const PIECE: usize = 16 * BLOCK;

/// Computes `x·wᵀ` into `y`, or adds it with `add`.
pub(super) fn product(x: &[f32], w: &[f32], y: &mut [f32], inner: usize, add: bool) {
    let (arch, rows) = (Arch::new(), x.len() / inner);
    let out = w.len() / inner;
    // `[out, rows]`, so that each thread writes a contiguous part.
    let mut turned = vec![0f32; out * rows];
    turned.par_chunks_mut(PIECE * rows).zip(w.par_chunks(PIECE * inner)).for_each(|(y, w)| {
        arch.dispatch(Product { x, w, y, inner });
    });
    for (row, y) in y.chunks_exact_mut(out).enumerate() {
        for (y, column) in y.iter_mut().zip(turned.chunks_exact(rows)) {
            *y = if add { *y + column[row] } else { column[row] };
        }
    }
}

/// Computes `y[o, r] = Σ w[o, ·]·x[r, ·]` for some rows `o` of the weights.
struct Product<'a> {
    x: &'a [f32],
    w: &'a [f32],
    y: &'a mut [f32],
    inner: usize,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, w, y, inner } = self;
        let rows = x.len() / inner;
        let wide = w.chunks_exact(BLOCK * inner);
        let (rest, done) = (wide.remainder(), w.len() / (BLOCK * inner) * BLOCK * rows);
        let (blocks, tail) = y.split_at_mut(done);
        for (y, w) in blocks.chunks_exact_mut(BLOCK * rows).zip(wide) {
            let (a, b) = w.split_at(2 * inner);
            let ((a, b), (c, d)) = (a.split_at(inner), b.split_at(inner));
            against_all(simd, x, [a, b, c, d], y, inner);
        }
        for (y, w) in tail.chunks_exact_mut(rows).zip(rest.chunks_exact(inner)) {
            against_all(simd, x, [w], y, inner);
        }
    }
}

/// Multiplies some rows of the weights with all rows of `x`, into `[O, rows]`.
#[inline(always)]
fn against_all<S: Simd, const O: usize>(
    simd: S,
    x: &[f32],
    w: [&[f32]; O],
    y: &mut [f32],
    inner: usize,
) {
    let rows = x.len() / inner;
    let mut row = 0;
    while row + BLOCK <= rows {
        let (a, b) = x[row * inner..(row + BLOCK) * inner].split_at(2 * inner);
        let ((a, b), (c, d)) = (a.split_at(inner), b.split_at(inner));
        let products = dots(simd, [a, b, c, d], w);
        for (r, products) in products.into_iter().enumerate() {
            for (o, product) in products.into_iter().enumerate() {
                y[o * rows + row + r] = product;
            }
        }
        row += BLOCK;
    }
    while row < rows {
        let [products] = dots(simd, [&x[row * inner..(row + 1) * inner]], w);
        for (o, product) in products.into_iter().enumerate() {
            y[o * rows + row] = product;
        }
        row += 1;
    }
}

/// Multiplies every row of `x` with every row of `w`. Uses loops, because a closure is not compiled with the vector
/// instructions of the enclosing function.
#[inline(always)]
fn dots<S: Simd, const R: usize, const O: usize>(
    simd: S,
    x: [&[f32]; R],
    w: [&[f32]; O],
) -> [[f32; O]; R] {
    let mut xs: [&[S::f32s]; R] = [&[]; R];
    let mut ws: [&[S::f32s]; O] = [&[]; O];
    let count = S::as_simd_f32s(x[0]).0.len();
    for r in 0..R {
        xs[r] = &S::as_simd_f32s(x[r]).0[..count];
    }
    for o in 0..O {
        ws[o] = &S::as_simd_f32s(w[o]).0[..count];
    }
    let mut partial = [[simd.splat_f32s(0.0); O]; R];
    for at in 0..count {
        for r in 0..R {
            let left = xs[r][at];
            for o in 0..O {
                partial[r][o] = simd.mul_add_e_f32s(left, ws[o][at], partial[r][o]);
            }
        }
    }
    let mut dots = [[0.0; O]; R];
    for r in 0..R {
        let x_tail = S::as_simd_f32s(x[r]).1;
        for o in 0..O {
            let mut dot = simd.reduce_sum_f32s(partial[r][o]);
            for (x, w) in x_tail.iter().zip(S::as_simd_f32s(w[o]).1) {
                dot += x * w;
            }
            dots[r][o] = dot;
        }
    }
    dots
}
