//! Root-mean-square normalization and its gradient, each in one pass over memory.

use burn::tensor::{Tensor, TensorData};
use pulp::{Arch, Simd, WithSimd};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use super::Local;
use super::change::change;
use super::gpu;
use super::lanes::{add_up, rows_of_a_piece};

/// Normalized rows, before and after the weights.
pub(crate) struct Normed {
    /// `normalized · γ`, `[rows, width]`.
    pub(crate) y: Tensor<2>,
    /// `x · scale`, `[rows, width]`.
    pub(crate) normalized: Tensor<2>,
    /// `rsqrt(mean(x²) + ε)`, `[rows, 1]`.
    pub(crate) scale: Tensor<2>,
}

/// Computes `x · rsqrt(mean(x²) + ε) · γ`.
///
/// # Shapes
/// `[rows, width]`, `[width]` → `[rows, width]`.
pub(crate) fn rms_norm(x: &Tensor<2>, gamma: &Tensor<1>, epsilon: f64) -> Normed {
    if gpu::runs(&x.device()) {
        return gpu::rms_norm(x, gamma, epsilon);
    }
    fused(x, gamma, epsilon).unwrap_or_else(|| plain(x, gamma, epsilon))
}

/// Returns the input's gradient, added to `onto`.
///
/// # Shapes
/// `dy`, `onto` and `normalized` `[rows, width]`, γ `[width]`, `scale` `[rows, 1]` → `[rows, width]`.
pub(crate) fn rms_norm_backward(
    normalized: &Tensor<2>,
    scale: &Tensor<2>,
    gamma: &Tensor<1>,
    dy: &Tensor<2>,
    onto: Tensor<2>,
) -> Tensor<2> {
    if gpu::runs(&onto.device()) {
        return gpu::rms_norm_backward(normalized, scale, gamma, dy, onto);
    }
    let locals = (Local::new(normalized), Local::new(scale), Local::new(gamma), Local::new(dy));
    let (Some(n), Some(s), Some(g), Some(d)) = locals else {
        return onto + plain_backward(normalized, scale, gamma, dy);
    };
    let (n, s, g, d) = (n.values(), s.values(), g.values(), d.values());
    let [rows, width] = onto.dims();
    let fits = [n, d].iter().all(|values| values.len() == rows * width)
        && (s.len(), g.len()) == (rows, width);
    if !fits || rows * width == 0 {
        return onto + plain_backward(normalized, scale, gamma, dy);
    }
    let arch = Arch::new();
    let piece = rows_of_a_piece(g.len());
    let work = |to: &mut [f32]| {
        let read = n.par_chunks(piece * g.len()).zip(d.par_chunks(piece * g.len()));
        let pieces = to.par_chunks_mut(piece * g.len()).zip(read).zip(s.par_chunks(piece));
        pieces.for_each(|((to, (n, d)), s)| arch.dispatch(Backward { n, s, g, d, to }));
    };
    match change(onto, work) {
        Ok(sum) => sum,
        Err(onto) => onto + plain_backward(normalized, scale, gamma, dy),
    }
}

fn fused(x: &Tensor<2>, gamma: &Tensor<1>, epsilon: f64) -> Option<Normed> {
    let ([rows, width], device) = (x.dims(), x.device());
    let (local, weights) = (Local::new(x)?, Local::new(gamma)?);
    let (values, g) = (local.values(), weights.values());
    if rows == 0 || width == 0 || g.len() != width {
        return None;
    }
    let (mut y, mut n) = (vec![0f32; rows * width], vec![0f32; rows * width]);
    let mut s = vec![0f32; rows];
    let arch = Arch::new();
    let piece = rows_of_a_piece(width);
    let written = y.par_chunks_mut(piece * width).zip(n.par_chunks_mut(piece * width));
    let pieces = written.zip(s.par_chunks_mut(piece)).zip(values.par_chunks(piece * width));
    pieces.for_each(|(((y, n), s), x)| {
        arch.dispatch(Forward { x, g, epsilon: epsilon as f32, y, n, s });
    });
    let tensor = |values, width| Tensor::from_data(TensorData::new(values, [rows, width]), &device);
    Some(Normed { y: tensor(y, width), normalized: tensor(n, width), scale: tensor(s, 1) })
}

struct Forward<'a> {
    x: &'a [f32],
    g: &'a [f32],
    epsilon: f32,
    y: &'a mut [f32],
    n: &'a mut [f32],
    s: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let width = self.g.len();
        let written = self.y.chunks_exact_mut(width).zip(self.n.chunks_exact_mut(width));
        let rows = written.zip(self.s).zip(self.x.chunks_exact(width));
        for (((y, n), s), x) in rows {
            let squares = add_up(x, x, |a, b| a * b);
            *s = (squares / width as f32 + self.epsilon).sqrt().recip();
            for (((y, n), x), g) in y.iter_mut().zip(n).zip(x).zip(self.g) {
                *n = x * *s;
                *y = *n * g;
            }
        }
    }
}

struct Backward<'a> {
    n: &'a [f32],
    s: &'a [f32],
    g: &'a [f32],
    d: &'a [f32],
    to: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let width = self.g.len();
        let mut weighted = vec![0f32; width];
        let read = self.n.chunks_exact(width).zip(self.d.chunks_exact(width));
        for ((to, (n, d)), s) in self.to.chunks_exact_mut(width).zip(read).zip(self.s) {
            for ((w, d), g) in weighted.iter_mut().zip(d).zip(self.g) {
                *w = d * g;
            }
            let along = add_up(&weighted, n, |a, b| a * b) / width as f32;
            for ((to, w), n) in to.iter_mut().zip(&weighted).zip(n) {
                *to += (w - n * along) * s;
            }
        }
    }
}

pub(super) fn plain(x: &Tensor<2>, gamma: &Tensor<1>, epsilon: f64) -> Normed {
    let scale = (x.clone().square().mean_dim(1) + epsilon).sqrt().recip();
    let normalized = x.clone() * scale.clone();
    Normed { y: normalized.clone() * gamma.clone().unsqueeze(), normalized, scale }
}

pub(super) fn plain_backward(
    normalized: &Tensor<2>,
    scale: &Tensor<2>,
    gamma: &Tensor<1>,
    dy: &Tensor<2>,
) -> Tensor<2> {
    let dn = dy.clone() * gamma.clone().unsqueeze();
    let along = (dn.clone() * normalized.clone()).mean_dim(1);
    (dn - normalized.clone() * along) * scale.clone()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::{fused, plain, plain_backward, rms_norm, rms_norm_backward};

    fn random<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| rng.random_range(-3.0..3.0)).collect();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    fn far(a: &Tensor<2>, b: &Tensor<2>) -> f32 {
        (a.clone() - b.clone()).abs().max().into_scalar()
    }

    #[test]
    fn the_kernels_match_burn_forward_and_backward() {
        for (rows, width) in [(1, 1), (3, 45), (700, 64)] {
            let (x, dy, onto) =
                (random([rows, width], 1), random([rows, width], 2), random([rows, width], 3));
            let gamma = random([width], 4);
            let (got, want) = (rms_norm(&x, &gamma, 1e-5), plain(&x, &gamma, 1e-5));
            assert!(fused(&x, &gamma, 1e-5).is_some());
            assert!(far(&got.y, &want.y) < 1e-5);
            // Negative controls: ε and γ change the result.
            assert!(far(&rms_norm(&x, &gamma, 9.0).y, &want.y) > 1e-3);
            assert!(far(&rms_norm(&x, &(gamma.clone() + 0.1), 1e-5).y, &want.y) > 1e-3);
            assert!(far(&got.normalized, &want.normalized) < 1e-5);
            assert!(far(&got.scale, &want.scale) < 1e-4 * want.scale.max().into_scalar::<f32>());
            let gradient = plain_backward(&got.normalized, &got.scale, &gamma, &dy);
            let sum = rms_norm_backward(&got.normalized, &got.scale, &gamma, &dy, onto.clone());
            assert!(
                far(&sum, &(onto.clone() + gradient))
                    < 1e-4 * (1.0 + got.scale.max().into_scalar::<f32>())
            );
            // Negative controls: the result depends on the gradient, and a shared buffer is not overwritten.
            assert!(far(&sum, &onto) > 1e-3 || rows * width == 1);
            assert!(far(&onto, &random([rows, width], 3)) == 0.0);
        }
    }
}
