//! The product for some dozens of rows: panels of transposed rows of `x`, one or two vectors per column, times single weights.
//!
//! A weight is read once for a whole panel, and sums stay in registers until they are complete.

use pulp::{Arch, Simd, WithSimd};
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

/// Columns of the result that are kept before they are written to its rows; a multiple of every block size.
pub(in crate::kernels) const PIECE: usize = 48;
/// Fewest columns per thread task.
const BAND: usize = 2 * PIECE;

/// Computes `x·wᵀ` into `y`, or adds it with `add`.
pub(super) fn product(x: &[f32], w: &[f32], y: &mut [f32], inner: usize, add: bool) {
    let (arch, rows) = (Arch::new(), x.len() / inner);
    let lanes = arch.dispatch(Lanes);
    let x = panels(x, inner, lanes);
    let Bands { width, rows: bands } = Bands::new(y, rows);
    bands.into_par_iter().enumerate().for_each(|(at, y)| {
        let end = ((at + 1) * width * inner).min(w.len());
        let w = &w[at * width * inner..end];
        arch.dispatch(Band { x: &x, w, y, inner, add });
    });
}

/// The parts of a matrix's rows that each thread task writes.
pub(in crate::kernels) struct Bands<'a> {
    /// Columns of each band but the last.
    pub(in crate::kernels) width: usize,
    /// The part of every row, by band.
    pub(in crate::kernels) rows: Vec<Vec<&'a mut [f32]>>,
}

impl<'a> Bands<'a> {
    /// Divides the columns of a matrix with some rows among the threads.
    pub(in crate::kernels) fn new(y: &'a mut [f32], rows: usize) -> Self {
        let out = y.len() / rows;
        let tasks = match rayon::current_num_threads() {
            1 => 1,
            // More tasks than threads, so that a thread that starts late gets fewer.
            threads => 4 * threads,
        };
        let width = out.div_ceil(tasks).max(BAND).next_multiple_of(PIECE);
        let mut bands: Vec<Vec<&mut [f32]>> =
            (0..out.div_ceil(width)).map(|_| Vec::with_capacity(rows)).collect();
        for row in y.chunks_exact_mut(out) {
            for (band, part) in bands.iter_mut().zip(row.chunks_mut(width)) {
                band.push(part);
            }
        }
        Self { width, rows: bands }
    }
}

/// Returns the number of values of a vector.
struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// Transposes `[rows, inner]` into panels `[inner, 2 · lanes]` and, if at most `lanes` rows remain, one `[inner, lanes]`. Fills
/// missing rows with zeros.
fn panels(x: &[f32], inner: usize, lanes: usize) -> Vec<f32> {
    let rows = x.len() / inner;
    let mut panels = vec![0f32; rows.next_multiple_of(lanes) * inner];
    let wide = 2 * lanes * inner;
    for (panel, x) in panels.chunks_mut(wide).zip(x.chunks(wide)) {
        let width = panel.len() / inner;
        for (row, x) in x.chunks_exact(inner).enumerate() {
            for (column, x) in panel.chunks_exact_mut(width).zip(x) {
                column[row] = *x;
            }
        }
    }
    panels
}

/// Copies the columns `[columns, width]` of a panel into the rows of `y` from column `at`, or adds them with `add`.
#[inline(always)]
pub(in crate::kernels) fn write_back(
    panel: &[f32],
    width: usize,
    y: &mut [&mut [f32]],
    at: usize,
    add: bool,
) {
    let columns = panel.len() / width;
    for (row, y) in y.iter_mut().enumerate() {
        let y = y[at..at + columns].iter_mut().zip(panel.chunks_exact(width));
        if add {
            y.for_each(|(y, column)| *y += column[row]);
        } else {
            y.for_each(|(y, column)| *y = column[row]);
        }
    }
}

/// Computes some columns of every row: `y[r, o] = Σ x[r, ·]·w[o, ·]`.
struct Band<'a, 'y> {
    /// Panels.
    x: &'a [f32],
    w: &'a [f32],
    y: Vec<&'y mut [f32]>,
    inner: usize,
    add: bool,
}

impl WithSimd for Band<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many sums as fit the registers.
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, 12>(simd);
        } else {
            self.run::<S, 6>(simd);
        }
    }
}

impl Band<'_, '_> {
    #[inline(always)]
    fn run<S: Simd, const O: usize>(mut self, simd: S) {
        let (inner, wide) = (self.inner, 2 * S::F32_LANES);
        let mut of_piece = vec![0f32; PIECE * wide];
        for (piece, w) in self.w.chunks(PIECE * inner).enumerate() {
            let columns = w.len() / inner;
            for (x, y) in self.x.chunks(wide * inner).zip(self.y.chunks_mut(wide)) {
                let width = x.len() / inner;
                let of_panel = &mut of_piece[..columns * width];
                let x = S::as_simd_f32s(x).0;
                if width == wide {
                    columns_of::<S, 2, O>(simd, x, w, of_panel);
                } else {
                    columns_of::<S, 1, O>(simd, x, w, of_panel);
                }
                write_back(of_panel, width, y, piece * PIECE, self.add);
            }
        }
    }
}

/// Multiplies a panel of `V` vectors per column with some rows of the weights, `O` at a time, into `[columns, width]`.
#[inline(always)]
fn columns_of<S: Simd, const V: usize, const O: usize>(
    simd: S,
    x: &[S::f32s],
    w: &[f32],
    y: &mut [f32],
) {
    let x = x.as_chunks::<V>().0;
    let (y, inner) = (S::as_mut_simd_f32s(y).0.as_chunks_mut::<V>().0, x.len());
    let blocks = w.chunks_exact(O * inner);
    let (rest, rest_of_y) = (blocks.remainder(), blocks.len() * O);
    for (w, y) in blocks.zip(y.chunks_exact_mut(O)) {
        y.copy_from_slice(&sums::<S, V, O>(simd, x, w));
    }
    for (w, y) in rest.chunks_exact(inner).zip(&mut y[rest_of_y..]) {
        [*y] = sums::<S, V, 1>(simd, x, w);
    }
}

/// Multiplies a panel with `O` rows of the weights. Uses loops, because a closure is not compiled with the vector
/// instructions of the enclosing function.
#[inline(always)]
fn sums<S: Simd, const V: usize, const O: usize>(
    simd: S,
    x: &[[S::f32s; V]],
    w: &[f32],
) -> [[S::f32s; V]; O] {
    let inner = x.len();
    let mut ws: [&[f32]; O] = [&[]; O];
    for o in 0..O {
        ws[o] = &w[o * inner..(o + 1) * inner];
    }
    let mut sums = [[simd.splat_f32s(0.0); V]; O];
    for k in 0..inner {
        // A copy, so that the vectors stay in registers.
        let x = x[k];
        for o in 0..O {
            let w = simd.splat_f32s(ws[o][k]);
            for v in 0..V {
                sums[o][v] = simd.mul_add_e_f32s(x[v], w, sums[o][v]);
            }
        }
    }
    sums
}
