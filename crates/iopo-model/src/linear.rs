//! A linear layer with an optional LoRA adapter.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::grads::Grads;
use crate::kernels::{Int8Matrix, Product, few_rows_times_transposed, product, sum, turned};

/// Computes `y = x·Wᵀ + b + s·(x·Aᵀ)·Bᵀ` (Hu et al. 2021, arXiv 2106.09685).
///
/// While the adapter is trained, the gradient of `W` is not computed.
#[derive(Module, Debug)]
pub(crate) struct Projection {
    /// `[out, in]`.
    pub(crate) weight: Param<Tensor<2>>,
    /// `[out]`.
    pub(crate) bias: Option<Param<Tensor<1>>>,
    pub(crate) lora: Option<Lora>,
    /// The weight in 8 bits, for a decoder that samples with it.
    #[module(skip)]
    pub(crate) rounded: Option<Arc<Int8Matrix>>,
}

/// The low-rank factors.
#[derive(Module, Debug)]
pub(crate) struct Lora {
    /// `[rank, in]`.
    pub(crate) a: Param<Tensor<2>>,
    /// `[out, rank]`.
    pub(crate) b: Param<Tensor<2>>,
    /// `lora_alpha / r`.
    #[module(skip)]
    pub(crate) scale: f64,
}

/// State kept for the backward pass.
#[derive(Debug, Clone)]
pub(crate) struct ProjectionTape {
    /// `[tokens, in]`.
    x: Tensor<2>,
    /// `x·Aᵀ`, `[tokens, rank]`.
    low: Option<Tensor<2>>,
}

/// Largest number of rows of a decoding step.
const FEW_ROWS: usize = 128;

/// Computes `x·wᵀ`.
///
/// # Shapes
/// `[rows, in]`, `[out, in]` → `[rows, out]`.
pub(crate) fn times_transposed(x: Tensor<2>, w: Tensor<2>) -> Tensor<2> {
    few_rows(&x, &w, None).unwrap_or_else(|_| product(x, turned(w)))
}

/// Computes `x·wᵀ`, added to `onto` if given; gives `onto` back if `x` has many rows or is not in this process.
#[expect(clippy::result_large_err, reason = "the error is the unchanged tensor")]
fn few_rows(
    x: &Tensor<2>,
    w: &Tensor<2>,
    onto: Option<Tensor<2>>,
) -> Result<Tensor<2>, Option<Tensor<2>>> {
    if x.dims()[0] > FEW_ROWS {
        return Err(onto);
    }
    few_rows_times_transposed(x, w, onto)
}

impl Projection {
    pub(crate) fn new(weight: Param<Tensor<2>>, bias: Option<Param<Tensor<1>>>) -> Self {
        Self { weight, bias, lora: None, rounded: None }
    }

    /// # Shapes
    /// `[tokens, in]` → `[tokens, out]`.
    pub(crate) fn forward(&self, x: Tensor<2>) -> (Tensor<2>, ProjectionTape) {
        let tape = self.tape(x);
        (self.output(&tape), tape)
    }

    /// Returns the state for the backward pass, without computing the output.
    pub(crate) fn tape(&self, x: Tensor<2>) -> ProjectionTape {
        let low = self.lora.as_ref().map(|lora| times_transposed(x.clone(), lora.a.val()));
        ProjectionTape { x, low }
    }

    pub(crate) fn output(&self, tape: &ProjectionTape) -> Tensor<2> {
        self.output_onto(tape, None)
    }

    /// Returns the output, added to `onto` if given.
    pub(crate) fn output_onto(&self, tape: &ProjectionTape, onto: Option<Tensor<2>>) -> Tensor<2> {
        let weight = self.weight.val();
        let adapted =
            self.lora.as_ref().zip(tape.low.as_ref()).map(|(lora, low)| {
                Product::new(low.clone(), turned(lora.b.val())).times(lora.scale)
            });
        let y = match &self.rounded {
            Some(rounded) => rounded.times(&tape.x, onto),
            None => few_rows(&tape.x, &weight, onto),
        };
        let y = match y {
            Ok(y) => match adapted {
                Some(adapted) => sum(Some(y), &adapted, None),
                None => y,
            },
            Err(onto) => sum(onto, &Product::new(tape.x.clone(), turned(weight)), adapted.as_ref()),
        };
        match &self.bias {
            Some(bias) => y + bias.val().unsqueeze(),
            None => y,
        }
    }

    /// Adds the parameters' gradients to `grads` and returns the input's gradient, added to `onto` if given.
    ///
    /// # Shapes
    /// `[tokens, out]` → `[tokens, in]`.
    pub(crate) fn backward(
        &self,
        tape: ProjectionTape,
        dy: Tensor<2>,
        onto: Option<Tensor<2>>,
        grads: &mut Grads,
    ) -> Tensor<2> {
        let mut adapted = None;
        if let (Some(lora), Some(low)) = (&self.lora, tape.low) {
            let scaled = |product: Product| sum(None, &product.times(lora.scale), None);
            grads.add(&lora.b, scaled(Product::new(turned(dy.clone()), low)));
            let dlow = scaled(Product::new(dy.clone(), lora.b.val()));
            grads.add(&lora.a, product(turned(dlow.clone()), tape.x.clone()));
            adapted = Some(Product::new(dlow, lora.a.val()));
        }
        if grads.full() {
            if let Some(bias) = &self.bias {
                grads.add(bias, dy.clone().sum_dim(0).squeeze_dim(0));
            }
            grads.add(&self.weight, product(turned(dy.clone()), tape.x));
        }
        sum(onto, &Product::new(dy, self.weight.val()), adapted.as_ref())
    }
}
