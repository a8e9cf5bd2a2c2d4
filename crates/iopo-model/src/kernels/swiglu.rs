//! `silu(gate) · up` and its gradients, in one pass over memory each.

use burn::tensor::{Tensor, TensorData};
use pulp::{Arch, Simd, WithSimd};

use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use super::Local;
use super::exp;
use super::gpu;
use super::lanes::PIECE;

/// Computes `silu(gate) · up`.
///
/// # Shapes
/// `[tokens, wide]`, `[tokens, wide]` → the same.
pub(crate) fn swiglu(gate: &Tensor<2>, up: &Tensor<2>) -> Tensor<2> {
    let (Some(g), Some(u)) = (Local::new(gate), Local::new(up)) else {
        return plain(gate, up);
    };
    let (g, u) = (g.values(), u.values());
    let arch = Arch::new();
    let mut y = vec![0f32; g.len()];
    let pieces = y.par_chunks_mut(PIECE).zip(g.par_chunks(PIECE)).zip(u.par_chunks(PIECE));
    pieces.for_each(|((y, g), u)| arch.dispatch(Forward { g, u, y }));
    Tensor::from_data(TensorData::new(y, gate.dims()), &gate.device())
}

/// Returns the gradients of gate and up.
///
/// # Shapes
/// `[tokens, wide]` each.
pub(crate) fn swiglu_backward(
    gate: &Tensor<2>,
    up: &Tensor<2>,
    dy: &Tensor<2>,
) -> (Tensor<2>, Tensor<2>) {
    let (Some(g), Some(u), Some(d)) = (Local::new(gate), Local::new(up), Local::new(dy)) else {
        return plain_backward(gate, up, dy);
    };
    let (g, u, d) = (g.values(), u.values(), d.values());
    let (mut dgate, mut dup) = (vec![0f32; g.len()], vec![0f32; g.len()]);
    let arch = Arch::new();
    let outputs = dgate.par_chunks_mut(PIECE).zip(dup.par_chunks_mut(PIECE));
    let inputs = g.par_chunks(PIECE).zip(u.par_chunks(PIECE)).zip(d.par_chunks(PIECE));
    outputs.zip(inputs).for_each(|((dgate, dup), ((g, u), d))| {
        arch.dispatch(Backward { g, u, d, dgate, dup });
    });
    let tensor = |values| Tensor::from_data(TensorData::new(values, gate.dims()), &gate.device());
    (tensor(dgate), tensor(dup))
}

/// Computes [`swiglu`] of matrices side by side.
///
/// # Shapes
/// `[tokens, 2 · wide]` → `[tokens, wide]`.
pub(crate) fn swiglu_joint(both: &Tensor<2>) -> Tensor<2> {
    if gpu::runs(&both.device()) {
        return gpu::swiglu(both.clone());
    }
    let [gate, up] = halves(both);
    swiglu(&gate, &up)
}

/// Returns the gradients of [`swiglu_joint`]'s matrices, side by side.
///
/// # Shapes
/// `[tokens, 2 · wide]`, `[tokens, wide]` → `[tokens, 2 · wide]`.
pub(crate) fn swiglu_joint_backward(both: &Tensor<2>, dy: &Tensor<2>) -> Tensor<2> {
    if gpu::runs(&both.device()) {
        return gpu::swiglu_backward(both.clone(), dy.clone());
    }
    let [gate, up] = halves(both);
    let (dgate, dup) = swiglu_backward(&gate, &up, dy);
    Tensor::cat(vec![dgate, dup], 1)
}

fn halves(both: &Tensor<2>) -> [Tensor<2>; 2] {
    let half = both.dims()[1] / 2;
    [0, half].map(|start| both.clone().narrow(1, start, half))
}

struct Forward<'a> {
    g: &'a [f32],
    u: &'a [f32],
    y: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for ((y, &g), &u) in self.y.iter_mut().zip(self.g).zip(self.u) {
            *y = g * exp::sigmoid(g) * u;
        }
    }
}

struct Backward<'a> {
    g: &'a [f32],
    u: &'a [f32],
    d: &'a [f32],
    dgate: &'a mut [f32],
    dup: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let outputs = self.dgate.iter_mut().zip(self.dup);
        let inputs = self.g.iter().zip(self.u).zip(self.d);
        for ((dgate, dup), ((&g, &u), &d)) in outputs.zip(inputs) {
            let sigma = exp::sigmoid(g);
            let silu = g * sigma;
            *dup = d * silu;
            // silu′ = σ·(1 + g·(1 − σ)) = σ + silu·(1 − σ)
            *dgate = d * u * (sigma + silu * (1.0 - sigma));
        }
    }
}

pub(super) fn plain(gate: &Tensor<2>, up: &Tensor<2>) -> Tensor<2> {
    gate.clone() / increment(gate) * up.clone()
}

/// Computes `1 + exp(−x)`, the reciprocal of the sigmoid, in three operations; Burn's sigmoid takes eight on a GPU. An
/// overflow gives the sigmoid 0.
fn increment(x: &Tensor<2>) -> Tensor<2> {
    x.clone().neg().exp().add_scalar(1.0)
}

pub(super) fn plain_backward(
    gate: &Tensor<2>,
    up: &Tensor<2>,
    dy: &Tensor<2>,
) -> (Tensor<2>, Tensor<2>) {
    let sigma = increment(gate).recip();
    let silu = gate.clone() * sigma.clone();
    let derivative = sigma.clone() + silu.clone() - silu.clone() * sigma;
    (dy.clone() * up.clone() * derivative, dy.clone() * silu)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::{plain, plain_backward, swiglu, swiglu_backward};

    fn random(seed: u64) -> Tensor<2> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values: Vec<f32> = (0..7 * 45).map(|_| rng.random_range(-9.0..9.0)).collect();
        Tensor::from_data(TensorData::new(values, [7, 45]), &Device::flex())
    }

    fn far(a: Tensor<2>, b: Tensor<2>) -> f32 {
        (a - b).abs().max().into_scalar()
    }

    #[test]
    fn the_kernels_match_burn_forward_and_backward() {
        let (gate, up, dy) = (random(1), random(2), random(3));
        assert!(far(swiglu(&gate, &up), plain(&gate, &up)) < 2e-5);
        let (dgate, dup) = swiglu_backward(&gate, &up, &dy);
        let (plain_dgate, plain_dup) = plain_backward(&gate, &up, &dy);
        assert!(far(dgate, plain_dgate.clone()) < 1e-4 && far(dup, plain_dup.clone()) < 1e-4);
        // Gates whose exponential overflows.
        let wide = gate.mul_scalar(100.0);
        assert!(far(swiglu(&wide, &up), plain(&wide, &up)) < 1e-3);
        let (dgate, dup) = swiglu_backward(&wide, &up, &dy);
        let (plain_dgate_wide, plain_dup_wide) = plain_backward(&wide, &up, &dy);
        assert!(far(dgate, plain_dgate_wide) < 1e-3 && far(dup, plain_dup_wide) < 1e-3);
        // Negative control: the two gradients differ.
        assert!(far(plain_dgate, plain_dup) > 1.0);
    }
}
