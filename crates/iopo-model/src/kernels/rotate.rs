//! Rotary position embedding, in place.

use std::cell::OnceCell;

use burn::tensor::Tensor;
use pulp::{Arch, Simd, WithSimd};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use super::Local;
use super::change::change;
use super::gpu;
use super::lanes::rows_of_a_piece;

/// The direction of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    /// The inverse, which is the transpose. Used for gradients.
    Back,
}

impl Direction {
    /// Returns the sign of the sines.
    pub(super) fn sign(self) -> f32 {
        match self {
            Self::Forward => 1.0,
            Self::Back => -1.0,
        }
    }
}

/// Cosines and sines of each token's angles.
#[derive(Debug, Clone)]
pub(crate) struct Angles {
    /// `[tokens, 1, half]`.
    cos: Tensor<3>,
    sin: Tensor<3>,
    /// The tables of [`Angles::plain`], made on first use.
    tables: OnceCell<Tables>,
    /// The tables of [`Angles::rotate_first`], made on first use.
    partial: OnceCell<(usize, Tables)>,
}

#[derive(Debug, Clone)]
struct Tables {
    /// `[tokens, heads or 1, 1, half]`.
    cos: Tensor<4>,
    /// The sines and their negatives, `[tokens, heads or 1, 2, half]`.
    sines: Tensor<4>,
}

impl Angles {
    /// # Shapes
    /// `[tokens, 1, half]` both.
    pub(crate) fn new(cos: Tensor<3>, sin: Tensor<3>) -> Self {
        Self { cos, sin, tables: OnceCell::new(), partial: OnceCell::new() }
    }

    /// Rotates the pairs (i, i + half) of every head.
    ///
    /// # Shapes
    /// `[tokens, heads · 2 · half]` → the same.
    pub(crate) fn rotate(&self, x: Tensor<2>, direction: Direction) -> Tensor<2> {
        if gpu::runs(&x.device()) {
            let heads = x.dims()[1] / (2 * self.cos.dims()[2]);
            return gpu::rotate(x, [&self.cos, &self.sin], heads, direction);
        }
        fused(x, [&self.cos, &self.sin], direction).unwrap_or_else(|x| self.plain(x, direction))
    }

    /// Rotates with one product for the cosines and one for the sines, `x·cos ∓ swapped·(sin, −sin)`, where `swapped` has
    /// the halves of every head exchanged.
    pub(super) fn plain(&self, x: Tensor<2>, direction: Direction) -> Tensor<2> {
        self.turn(x, self.tables(), direction)
    }

    fn tables(&self) -> &Tables {
        self.tables.get_or_init(|| {
            let sin: Tensor<4> = self.sin.clone().unsqueeze_dim(2);
            let sines = Tensor::cat(vec![sin.clone(), sin.neg()], 2);
            Tables { cos: self.cos.clone().unsqueeze_dim(2), sines }
        })
    }

    /// Rotates the first heads, and leaves the others as they are, with the operations of one rotation.
    ///
    /// # Shapes
    /// `[tokens, heads · 2 · half]` → the same.
    pub(crate) fn rotate_first(
        &self,
        x: Tensor<2>,
        heads: usize,
        direction: Direction,
    ) -> Tensor<2> {
        if gpu::runs(&x.device()) {
            return gpu::rotate(x, [&self.cos, &self.sin], heads, direction);
        }
        let (first, tables) = self.partial.get_or_init(|| {
            let ([tokens, width], half) = (x.dims(), self.cos.dims()[2]);
            let Tables { cos, sines } = self.tables();
            // Angles of 0 for the others.
            let others = width / (2 * half) - heads;
            let zeros = Tensor::zeros([tokens, others, 2, half], &x.device());
            let ones = Tensor::ones([tokens, others, 1, half], &x.device());
            let cos = cos.clone().expand([tokens, heads, 1, half]);
            let sines = sines.clone().expand([tokens, heads, 2, half]);
            let (cos, sines) = (vec![cos, ones], vec![sines, zeros]);
            (heads, Tables { cos: Tensor::cat(cos, 1), sines: Tensor::cat(sines, 1) })
        });
        debug_assert_eq!(*first, heads, "all layers of a pass have the same heads");
        self.turn(x, tables, direction)
    }

    fn turn(
        &self,
        x: Tensor<2>,
        Tables { cos, sines }: &Tables,
        direction: Direction,
    ) -> Tensor<2> {
        let ([tokens, width], half) = (x.dims(), self.cos.dims()[2]);
        let x = x.reshape([tokens, width / (2 * half), 2, half]);
        let (along, across) = (x.clone() * cos.clone(), x.flip([2]) * sines.clone());
        let turned = match direction {
            Direction::Forward => along - across,
            Direction::Back => along + across,
        };
        turned.reshape([tokens, width])
    }
}

/// Rotates in place, or gives `x` back if the kernel cannot read the tensors.
#[expect(clippy::result_large_err, reason = "the error is the unchanged tensor")]
fn fused(
    x: Tensor<2>,
    [cos, sin]: [&Tensor<3>; 2],
    direction: Direction,
) -> Result<Tensor<2>, Tensor<2>> {
    let ([tokens, width], half) = (x.dims(), cos.dims()[2]);
    let (Some(c), Some(s)) = (Local::new(cos), Local::new(sin)) else { return Err(x) };
    let (c, s) = (c.values(), s.values());
    let fits = [c, s].iter().all(|table| table.len() == tokens * half);
    if !fits || tokens * half == 0 || width == 0 || !width.is_multiple_of(2 * half) {
        return Err(x);
    }
    let sign = direction.sign();
    let arch = Arch::new();
    let piece = rows_of_a_piece(width);
    let work = |x: &mut [f32]| {
        let tables = c.par_chunks(piece * half).zip(s.par_chunks(piece * half));
        let pieces = x.par_chunks_mut(piece * width).zip(tables);
        pieces.for_each(|(x, (cos, sin))| arch.dispatch(Turn { x, cos, sin, sign, width, half }));
    };
    change(x, work)
}

struct Turn<'a> {
    x: &'a mut [f32],
    cos: &'a [f32],
    sin: &'a [f32],
    /// Of the sines.
    sign: f32,
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
                    let sin = self.sign * sin;
                    (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution, Tensor, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::Angles;
    use super::Direction::{Back, Forward};

    #[test]
    fn heads_behind_the_first_stay() {
        let device = Device::flex();
        device.seed(4);
        let random = |shape: [usize; 3]| Tensor::<3>::random(shape, Distribution::Default, &device);
        let angles = Angles::new(random([5, 1, 3]), random([5, 1, 3]));
        let x = Tensor::<2>::random([5, 24], Distribution::Default, &device);
        for direction in [Forward, Back] {
            let all = angles.rotate_first(x.clone(), 3, direction);
            let turned = angles.rotate(x.clone().narrow(1, 0, 18), direction);
            let far = |a: Tensor<2>, b: Tensor<2>| (a - b).abs().max().into_scalar::<f32>();
            assert!(far(all.clone().narrow(1, 0, 18), turned.clone()) < 1e-6);
            assert!(far(all.narrow(1, 18, 6), x.clone().narrow(1, 18, 6)) == 0.0);
            // Negative control: the first heads turn.
            assert!(far(turned, x.clone().narrow(1, 0, 18)) > 1e-2);
        }
    }

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
            let angles = Angles::new(angles.clone().cos(), angles.sin());
            let far = |a: &Tensor<2>, b: &Tensor<2>| -> f32 {
                (a.clone() - b.clone()).abs().max().into_scalar()
            };
            let turned = angles.rotate(x.clone(), Forward);
            assert!(far(&turned, &angles.plain(x.clone(), Forward)) < 1e-5);
            assert!(far(&angles.rotate(turned.clone(), Back), &x) < 1e-5);
            assert!(far(&angles.plain(turned.clone(), Back), &x) < 1e-5);
            // Negative control: the values change.
            assert!(far(&turned, &x) > 1e-2);
        }
    }
}
