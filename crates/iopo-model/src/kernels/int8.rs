//! Products with weights in 8 bits.
//!
//! Each row of the weights and each row of `x` is rounded to integers of at most ±127 with a scale of its own (symmetric
//! quantization per channel and per token). Sums are exact integers, so every instruction set gives the same result.

mod blocks;
#[cfg(all(target_arch = "x86_64", feature = "x86-v4"))]
mod vnni;

use burn::tensor::{Tensor, TensorData};
use pulp::{Arch, Simd, WithSimd};
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use super::Local;
use super::change::change;
use super::few_rows::{Bands, PIECE, write_back};
use super::lanes::fold;
use blocks::{BLOCK, PANEL, Quad};

/// Largest integer.
const MOST: f32 = 127.0;
/// Rows of `x` that are multiplied with all weights before the next ones.
const ROWS: usize = 128;
/// `1.5 · 2²³`: adding it rounds a small number to an integer and stores that integer in the lowest bits.
const ROUND: f32 = 12_582_912.0;

/// A matrix of weights in 8 bits.
#[derive(Debug)]
pub(crate) struct Int8Matrix {
    out: usize,
    inner: usize,
    /// Rows by [`BLOCK`]: `[blocks, inner / 4, BLOCK]`, missing values zero.
    blocks: Vec<Quad>,
    /// The scale of each row.
    scales: Vec<f32>,
    /// 128 times the sum of each row, which the offset of unsigned inputs adds to a product.
    offsets: Vec<i32>,
}

impl Int8Matrix {
    /// Rounds a matrix `[out, in]`; `None` if it cannot be read in place, is empty, or holds a value that is not finite.
    pub(crate) fn new(w: &Tensor<2>) -> Option<Self> {
        let ([out, inner], local) = (w.dims(), Local::new(w)?);
        let values = local.values();
        if values.is_empty() {
            return None;
        }
        let quads = inner.div_ceil(4);
        let mut blocks = vec![[0i8; 4]; out.div_ceil(BLOCK) * quads * BLOCK];
        let (mut scales, mut offsets) = (Vec::with_capacity(out), Vec::with_capacity(out));
        let (arch, mut integers) = (Arch::new(), vec![0i8; quads * 4]);
        for (row, values) in values.chunks_exact(inner).enumerate() {
            let scale = arch.dispatch(Round { values, to: &mut integers });
            if !scale.is_finite() {
                return None;
            }
            scales.push(scale);
            offsets.push(128 * integers.iter().map(|&value| i32::from(value)).sum::<i32>());
            let start = row / BLOCK * quads * BLOCK + row % BLOCK;
            let quads = integers.as_chunks::<4>().0;
            for (to, quad) in blocks[start..].iter_mut().step_by(BLOCK).zip(quads) {
                *to = *quad;
            }
        }
        Some(Self { out, inner, blocks, scales, offsets })
    }

    /// Returns the bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.blocks.len() * 4 + self.out * 8
    }

    /// Computes `x·wᵀ`, added to `onto` if given; gives `onto` back if an operand cannot be read in place.
    ///
    /// A row of `x` with a value that is not finite gives NaN.
    ///
    /// # Shapes
    /// `[rows, in]` → `[rows, out]`.
    #[expect(clippy::result_large_err, reason = "the error is the unchanged tensor")]
    pub(crate) fn times(
        &self,
        x: &Tensor<2>,
        onto: Option<Tensor<2>>,
    ) -> Result<Tensor<2>, Option<Tensor<2>>> {
        let [rows, inner] = x.dims();
        let Some(local) = Local::new(x) else { return Err(onto) };
        let fits = onto.as_ref().is_none_or(|onto| onto.dims() == [rows, self.out]);
        if rows == 0 || inner != self.inner || !fits {
            return Err(onto);
        }
        let add = onto.is_some();
        let product = |y: &mut [f32]| self.product(local.values(), y, add);
        if let Some(onto) = onto {
            return change(onto, product).map_err(Some);
        }
        let mut y = vec![0f32; rows * self.out];
        product(&mut y);
        Ok(Tensor::from_data(TensorData::new(y, [rows, self.out]), &x.device()))
    }

    fn product(&self, x: &[f32], y: &mut [f32], add: bool) {
        let chunks = x.chunks(ROWS * self.inner).zip(y.chunks_mut(ROWS * self.out));
        for (x, y) in chunks {
            let (arch, inputs) = (Arch::new(), Inputs::new(x, self.inner));
            let Bands { width, rows } = Bands::new(y, inputs.rows);
            rows.into_par_iter().enumerate().for_each(|(at, y)| {
                arch.dispatch(Band { weights: self, inputs: &inputs, first: at * width, y, add });
            });
        }
    }
}

/// Rows of `x` in 8 bits.
struct Inputs {
    rows: usize,
    /// `[panels, inner / 4, PANEL]`, each value plus 128.
    panels: Vec<[[u8; 4]; PANEL]>,
    /// The scale of each row, of every panel.
    scales: Vec<[f32; PANEL]>,
}

impl Inputs {
    fn new(x: &[f32], inner: usize) -> Self {
        let (rows, quads) = (x.len() / inner, inner.div_ceil(4));
        let count = rows.div_ceil(PANEL);
        let mut panels = vec![[[0u8; 4]; PANEL]; count * quads];
        let mut scales = vec![[0f32; PANEL]; count];
        let (arch, mut integers) = (Arch::new(), vec![0i8; quads * 4]);
        for (row, values) in x.chunks_exact(inner).enumerate() {
            let (panel, row) = (row / PANEL, row % PANEL);
            scales[panel][row] = arch.dispatch(Round { values, to: &mut integers });
            let to = &mut panels[panel * quads..(panel + 1) * quads];
            for (to, quad) in to.iter_mut().zip(integers.as_chunks::<4>().0) {
                to[row] = quad.map(|value| value.cast_unsigned() ^ 128);
            }
        }
        Self { rows, panels, scales }
    }
}

/// Rounds a row to integers and returns its scale: NaN if a value is not finite.
struct Round<'a> {
    values: &'a [f32],
    to: &'a mut [i8],
}

impl WithSimd for Round<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f32 {
        let most = fold(self.values, 0.0, |most, value| most.max(value.abs()));
        let finite = fold(self.values, 0.0, |sum, value| value.mul_add(0.0, sum)) == 0.0;
        let factor = if most > f32::MIN_POSITIVE * MOST { MOST / most } else { 0.0 };
        for (to, value) in self.to.iter_mut().zip(self.values) {
            *to = value.mul_add(factor, ROUND).to_bits() as i8;
        }
        if finite { most / MOST } else { f32::NAN }
    }
}

/// Computes some columns of every row.
struct Band<'a, 'y> {
    weights: &'a Int8Matrix,
    inputs: &'a Inputs,
    /// The first column.
    first: usize,
    y: Vec<&'y mut [f32]>,
    add: bool,
}

impl WithSimd for Band<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        let Self { weights, inputs, first, .. } = self;
        let columns = self.y.first().map_or(0, |y| y.len());
        let quads = weights.inner.div_ceil(4);
        let mut sums = vec![[[0i32; PANEL]; BLOCK]; inputs.scales.len()];
        let mut of_piece = vec![[0f32; PANEL]; PIECE * inputs.scales.len()];
        for at in (0..columns).step_by(PIECE) {
            let piece = PIECE.min(columns - at);
            for block in (0..piece).step_by(BLOCK) {
                let column = first + at + block;
                let w = &weights.blocks[column * quads..(column + BLOCK) * quads];
                blocks::multiply(&inputs.panels, w, &mut sums);
                for (panel, sums) in sums.iter().enumerate() {
                    let start = panel * PIECE + block;
                    let scales = &inputs.scales[panel];
                    let row = weights.scales[column..].iter().zip(&weights.offsets[column..]);
                    let to = of_piece[start..start + BLOCK.min(piece - block)].iter_mut();
                    for ((to, sums), (scale, offset)) in to.zip(sums).zip(row) {
                        for lane in 0..PANEL {
                            to[lane] = (sums[lane] - offset) as f32 * (scale * scales[lane]);
                        }
                    }
                }
            }
            for (panel, y) in self.y.chunks_mut(PANEL).enumerate() {
                let of_panel = &of_piece[panel * PIECE..panel * PIECE + piece];
                write_back(of_panel.as_flattened(), PANEL, y, at, self.add);
            }
        }
    }
}

#[cfg(test)]
mod tests;
