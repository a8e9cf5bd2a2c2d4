//! Root-mean-square normalization.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::kernels::{Normed, gpu, rms_norm, rms_norm_backward};

/// Computes `y = x · rsqrt(mean(x²) + ε) · γ` (Zhang and Sennrich 2019, arXiv 1910.07467).
#[derive(Module, Debug)]
pub(crate) struct RmsNorm {
    /// `[d_model]`.
    pub(crate) gamma: Param<Tensor<1>>,
    #[module(skip)]
    epsilon: f64,
}

/// State kept for the backward pass.
#[derive(Debug, Clone)]
pub(crate) struct RmsNormTape {
    /// `x · rsqrt(mean(x²) + ε)`, `[tokens, d_model]`.
    normalized: Tensor<2>,
    /// `rsqrt(mean(x²) + ε)`, `[tokens, 1]`.
    scale: Tensor<2>,
}

impl RmsNorm {
    pub(crate) fn new(gamma: Param<Tensor<1>>, epsilon: f64) -> Self {
        Self { gamma, epsilon }
    }

    /// # Shapes
    /// `[tokens, d_model]` → `[tokens, d_model]`.
    pub(crate) fn forward(&self, x: &Tensor<2>) -> (Tensor<2>, RmsNormTape) {
        let Normed { y, normalized, scale } = rms_norm(x, &self.gamma.val(), self.epsilon);
        (y, RmsNormTape { normalized, scale })
    }

    /// Returns `x + more` and its normalization, on a GPU.
    ///
    /// # Shapes
    /// `[rows, d_model]` each.
    pub(crate) fn add_forward(&self, x: Tensor<2>, more: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        gpu::add_rms_norm(x, more, &self.gamma.val(), self.epsilon)
    }

    /// Returns the gradients of the input, added to `onto`, and of γ.
    ///
    /// # Shapes
    /// `[tokens, d_model]` → `[tokens, d_model]`, `[d_model]`.
    pub(crate) fn backward(
        &self,
        tape: &RmsNormTape,
        dy: &Tensor<2>,
        onto: Tensor<2>,
        want_gamma: bool,
    ) -> (Tensor<2>, Option<Tensor<1>>) {
        let RmsNormTape { normalized, scale } = tape;
        let dgamma =
            want_gamma.then(|| (dy.clone() * normalized.clone()).sum_dim(0).squeeze_dim(0));
        let dx = rms_norm_backward(normalized, scale, &self.gamma.val(), dy, onto);
        (dx, dgamma)
    }
}
