//! A linear layer with an optional low-rank adapter beside its weight.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::grads::Grads;
use crate::kernels::few_rows_times_transposed;

/// `y = x·Wᵀ + b + s·(x·Aᵀ)·Bᵀ`. The adapter lies beside the weight (Hu et al. 2021, arXiv 2106.09685):
/// no gradient of `W` is formed while only the adapter is trained.
#[derive(Module, Debug)]
pub(crate) struct Projection {
    /// `[out, in]`.
    pub(crate) weight: Param<Tensor<2>>,
    /// `[out]`.
    pub(crate) bias: Option<Param<Tensor<1>>>,
    pub(crate) lora: Option<Lora>,
}

/// The low-rank factors.
#[derive(Module, Debug)]
pub(crate) struct Lora {
    /// `[rank, in]`.
    pub(crate) a: Param<Tensor<2>>,
    /// `[out, rank]`.
    pub(crate) b: Param<Tensor<2>>,
    /// `alpha / rank`.
    #[module(skip)]
    pub(crate) scale: f64,
}

/// What the backward pass needs.
#[derive(Debug, Clone)]
pub(crate) struct ProjectionTape {
    /// `[tokens, in]`.
    x: Tensor<2>,
    /// `x·Aᵀ`, `[tokens, rank]`.
    low: Option<Tensor<2>>,
}

/// Rows up to which a product is one of a decoding step.
const FEW_ROWS: usize = 64;

/// `x·wᵀ`.
///
/// # Shapes
/// `[rows, in]`, `[out, in]` → `[rows, out]`.
pub(crate) fn times_transposed(x: Tensor<2>, w: Tensor<2>) -> Tensor<2> {
    let few = x.dims()[0] <= FEW_ROWS;
    few.then(|| few_rows_times_transposed(&x, &w))
        .flatten()
        .unwrap_or_else(|| x.matmul(w.transpose()))
}

impl Projection {
    pub(crate) fn new(weight: Param<Tensor<2>>, bias: Option<Param<Tensor<1>>>) -> Self {
        Self { weight, bias, lora: None }
    }

    /// # Shapes
    /// `[tokens, in]` → `[tokens, out]`.
    pub(crate) fn forward(&self, x: Tensor<2>) -> (Tensor<2>, ProjectionTape) {
        let tape = self.tape(x);
        (self.output(&tape), tape)
    }

    /// What the backward pass needs, which the product with the weight is no part of.
    pub(crate) fn tape(&self, x: Tensor<2>) -> ProjectionTape {
        let low = self.lora.as_ref().map(|lora| x.clone().matmul(lora.a.val().transpose()));
        ProjectionTape { x, low }
    }

    pub(crate) fn output(&self, tape: &ProjectionTape) -> Tensor<2> {
        let mut y = times_transposed(tape.x.clone(), self.weight.val());
        if let Some(bias) = &self.bias {
            y = y + bias.val().unsqueeze();
        }
        if let (Some(lora), Some(low)) = (&self.lora, &tape.low) {
            y = y + low.clone().mul_scalar(lora.scale).matmul(lora.b.val().transpose());
        }
        y
    }

    /// Registers the parameters' gradients and returns the input's, where it is wanted.
    ///
    /// # Shapes
    /// `[tokens, out]` → `[tokens, in]`.
    pub(crate) fn backward(
        &self,
        tape: ProjectionTape,
        dy: Tensor<2>,
        grads: &mut Grads,
    ) -> Tensor<2> {
        let mut dx = dy.clone().matmul(self.weight.val());
        if let (Some(lora), Some(low)) = (&self.lora, tape.low) {
            let dy = dy.clone().mul_scalar(lora.scale);
            grads.add(&lora.b, dy.clone().transpose().matmul(low));
            let dlow = dy.matmul(lora.b.val());
            grads.add(&lora.a, dlow.clone().transpose().matmul(tape.x.clone()));
            dx = dx + dlow.matmul(lora.a.val());
        }
        if grads.full() {
            if let Some(bias) = &self.bias {
                grads.add(bias, dy.clone().sum_dim(0).squeeze_dim(0));
            }
            grads.add(&self.weight, dy.transpose().matmul(tape.x));
        }
        dx
    }
}
