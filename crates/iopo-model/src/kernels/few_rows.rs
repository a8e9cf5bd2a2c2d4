//! `x·wᵀ` for the few rows of a decoding step.
//!
//! A general matrix product first copies its operands into blocks; for few rows the copy took 39–51 % of a decoding step.
//! Here each weight is read once, in order, and used for all rows while it is in the CPU's cache.

use burn::tensor::{Tensor, TensorData};
use pulp::{Arch, Simd, WithSimd};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use super::Local;

/// Rows of `w` and of `x` per block.
const BLOCK: usize = 4;
/// Rows of `w` per thread task.
const PIECE: usize = 16 * BLOCK;

/// Computes `x·wᵀ`; `None` if the operands cannot be read in place.
///
/// # Shapes
/// `[rows, in]`, `[out, in]` → `[rows, out]`.
pub(crate) fn few_rows_times_transposed(x: &Tensor<2>, w: &Tensor<2>) -> Option<Tensor<2>> {
    let ([rows, inner], [out, _]) = (x.dims(), w.dims());
    let (left, right) = (Local::new(x)?, Local::new(w)?);
    let (left, right) = (left.values(), right.values());
    if rows == 0 || inner == 0 || out == 0 {
        return None;
    }
    let arch = Arch::new();
    // `[out, rows]`, so that each thread writes a contiguous part.
    let mut turned = vec![0f32; out * rows];
    turned.par_chunks_mut(PIECE * rows).zip(right.par_chunks(PIECE * inner)).for_each(|(y, w)| {
        arch.dispatch(Product { x: left, w, y, inner });
    });
    let y = if rows == 1 { turned } else { turn_back(&turned, rows) };
    Some(Tensor::from_data(TensorData::new(y, [rows, out]), &x.device()))
}

/// Transposes `[out, rows]` → `[rows, out]` in blocks. Column by column, rows whose distance is a power of two would evict
/// each other from the CPU's cache.
fn turn_back(turned: &[f32], rows: usize) -> Vec<f32> {
    let out = turned.len() / rows;
    let mut y = vec![0f32; turned.len()];
    for (piece, columns) in turned.chunks(PIECE * rows).enumerate() {
        for row in 0..rows {
            let start = row * out + piece * PIECE;
            let y = &mut y[start..start + columns.len() / rows];
            for (y, column) in y.iter_mut().zip(columns.chunks_exact(rows)) {
                *y = column[row];
            }
        }
    }
    y
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

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::few_rows_times_transposed;

    fn random(shape: [usize; 2], seed: u64) -> Tensor<2> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values: Vec<f32> =
            (0..shape[0] * shape[1]).map(|_| rng.random_range(-1.0..1.0)).collect();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    #[test]
    fn the_kernel_matches_burn_for_every_remainder() {
        for (rows, inner, out) in [(1, 1, 1), (3, 17, 5), (4, 64, 64), (7, 100, 131), (33, 48, 67)]
        {
            let (x, w) = (random([rows, inner], 1), random([out, inner], 2));
            let got = few_rows_times_transposed(&x, &w).expect("local");
            let want = x.matmul(w.transpose());
            let far: f32 = (got - want).abs().max().into_scalar();
            assert!(far < 1e-5 * inner as f32, "{rows} {inner} {out}: {far}");
        }
    }

    #[test]
    fn strided_views_fall_back_to_burn() {
        let x = random([4, 6], 1).transpose();
        assert!(few_rows_times_transposed(&x, &random([3, 4], 2)).is_none());
    }
}
