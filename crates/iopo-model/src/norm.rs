//! Root-mean-square normalisation.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

/// `y = x · rsqrt(mean(x²) + ε) · γ` (Zhang and Sennrich 2019, arXiv 1910.07467).
#[derive(Module, Debug)]
pub(crate) struct RmsNorm {
    /// `[d_model]`.
    pub(crate) gamma: Param<Tensor<1>>,
    #[module(skip)]
    epsilon: f64,
}

/// What the backward pass needs.
#[derive(Debug, Clone)]
pub(crate) struct RmsNormTape {
    /// `x · rsqrt(mean(x²) + ε)`, `[tokens, d_model]`.
    normalised: Tensor<2>,
    /// `rsqrt(mean(x²) + ε)`, `[tokens, 1]`.
    scale: Tensor<2>,
}

impl RmsNorm {
    pub(crate) fn new(gamma: Param<Tensor<1>>, epsilon: f64) -> Self {
        Self { gamma, epsilon }
    }

    /// # Shapes
    /// `[tokens, d_model]` → `[tokens, d_model]`.
    pub(crate) fn forward(&self, x: Tensor<2>) -> (Tensor<2>, RmsNormTape) {
        let scale = (x.clone().square().mean_dim(1) + self.epsilon).sqrt().recip();
        let normalised = x * scale.clone();
        let y = normalised.clone() * self.gamma.val().unsqueeze();
        (y, RmsNormTape { normalised, scale })
    }

    /// Gradients for the input and for γ.
    ///
    /// # Shapes
    /// `[tokens, d_model]` → `[tokens, d_model]`, `[d_model]`.
    pub(crate) fn backward(
        &self,
        tape: RmsNormTape,
        dy: Tensor<2>,
        want_gamma: bool,
    ) -> (Tensor<2>, Option<Tensor<1>>) {
        let dgamma =
            want_gamma.then(|| (dy.clone() * tape.normalised.clone()).sum_dim(0).squeeze_dim(0));
        let dn = dy * self.gamma.val().unsqueeze();
        let along = (dn.clone() * tape.normalised.clone()).mean_dim(1);
        ((dn - tape.normalised * along) * tape.scale, dgamma)
    }
}
