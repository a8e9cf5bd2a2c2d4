//! Rotary position embedding, in place.

use burn::tensor::Tensor;
use pulp::{Arch, Simd, WithSimd};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use super::Local;
use super::change::change;
use super::lanes::rows_of_a_piece;

/// Rotates the pairs (i, i + half) of every head by each token's angle, given as cosine and sine.
///
/// # Shapes
/// `x` `[tokens, heads · 2 · half]`, tables `[tokens, 1, half]` → the shape of `x`.
pub(crate) fn rotate(x: Tensor<2>, cos: &Tensor<3>, sin: &Tensor<3>) -> Tensor<2> {
    let ([tokens, width], half) = (x.dims(), cos.dims()[2]);
    let (Some(c), Some(s)) = (Local::new(cos), Local::new(sin)) else {
        return plain(x, cos, sin);
    };
    let (c, s) = (c.values(), s.values());
    let fits = [c, s].iter().all(|table| table.len() == tokens * half);
    if !fits || tokens * half == 0 || width == 0 || !width.is_multiple_of(2 * half) {
        return plain(x, cos, sin);
    }
    let arch = Arch::new();
    let piece = rows_of_a_piece(width);
    let work = |x: &mut [f32]| {
        let tables = c.par_chunks(piece * half).zip(s.par_chunks(piece * half));
        let pieces = x.par_chunks_mut(piece * width).zip(tables);
        pieces.for_each(|(x, (cos, sin))| arch.dispatch(Turn { x, cos, sin, width, half }));
    };
    change(x, work).unwrap_or_else(|x| plain(x, cos, sin))
}

struct Turn<'a> {
    x: &'a mut [f32],
    cos: &'a [f32],
    sin: &'a [f32],
    width: usize,
    half: usize,
}

impl WithSimd for Turn<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let tables = self.cos.chunks_exact(self.half).zip(self.sin.chunks_exact(self.half));
        for (row, (cos, sin)) in self.x.chunks_exact_mut(self.width).zip(tables) {
            for head in row.chunks_exact_mut(2 * self.half) {
                let (first, second) = head.split_at_mut(self.half);
                for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
                    (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
                }
            }
        }
    }
}

fn plain(x: Tensor<2>, cos: &Tensor<3>, sin: &Tensor<3>) -> Tensor<2> {
    let ([tokens, width], half) = (x.dims(), cos.dims()[2]);
    let heads = width / (2 * half);
    let x = x.reshape([tokens, heads, 2 * half]);
    let first = x.clone().slice([0..tokens, 0..heads, 0..half]);
    let second = x.slice([0..tokens, 0..heads, half..2 * half]);
    let turned_first = first.clone() * cos.clone() - second.clone() * sin.clone();
    let turned_second = second * cos.clone() + first * sin.clone();
    Tensor::cat(vec![turned_first, turned_second], 2).reshape([tokens, width])
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::{plain, rotate};

    #[test]
    fn the_kernel_matches_burn_and_the_inverse_undoes_it() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (tokens, heads, half) in [(1, 1, 1), (5, 3, 4), (400, 9, 32)] {
            let mut random = |shape: [usize; 2]| {
                let count = shape.iter().product();
                let values: Vec<f32> = (0..count).map(|_| rng.random_range(-3.0..3.0)).collect();
                Tensor::<2>::from_data(TensorData::new(values, shape), &Device::flex())
            };
            let x = random([tokens, heads * 2 * half]);
            let angles = random([tokens, half]).reshape([tokens, 1, half]);
            let (cos, sin) = (angles.clone().cos(), angles.sin());
            let far = |a: &Tensor<2>, b: &Tensor<2>| -> f32 {
                (a.clone() - b.clone()).abs().max().into_scalar()
            };
            let turned = rotate(x.clone(), &cos, &sin);
            assert!(far(&turned, &plain(x.clone(), &cos, &sin)) < 1e-5);
            assert!(far(&rotate(turned.clone(), &cos, &sin.neg()), &x) < 1e-5);
            // Negative control: the values change.
            assert!(far(&turned, &x) > 1e-2);
        }
    }
}
