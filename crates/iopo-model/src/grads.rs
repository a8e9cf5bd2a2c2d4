//! Gradients on their way from the layers to the optimiser.

use burn::module::Param;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Collects parameter gradients, keyed as Burn's optimisers expect them.
pub(crate) struct Grads {
    params: GradientsParams,
    full: bool,
}

impl Grads {
    /// `full`: every parameter is trained; otherwise the adapters only.
    pub(crate) fn new(full: bool) -> Self {
        Self { params: GradientsParams::new(), full }
    }

    /// Whether base weights want their gradients.
    pub(crate) fn full(&self) -> bool {
        self.full
    }

    /// Adds to a parameter's gradient.
    pub(crate) fn add<const D: usize>(&mut self, param: &Param<Tensor<D>>, grad: Tensor<D>) {
        let sum = match self.take(param) {
            Some(sum) => sum + grad,
            None => grad,
        };
        self.params.register(param.id, sum);
    }

    /// Takes a parameter's gradient out, for something to be added to it in its place.
    pub(crate) fn take<const D: usize>(&mut self, param: &Param<Tensor<D>>) -> Option<Tensor<D>> {
        self.params.remove::<D>(param.id)
    }

    pub(crate) fn into_params(self) -> GradientsParams {
        self.params
    }
}
