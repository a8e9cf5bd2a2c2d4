//! Collects gradients for the optimizer.

use burn::module::Param;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Parameter gradients, keyed as Burn's optimizers expect them.
pub(crate) struct Grads {
    params: GradientsParams,
    full: bool,
}

impl Grads {
    /// Makes an empty set of gradients, of every parameter if `full`, else of the adapter only.
    pub(crate) fn new(full: bool) -> Self {
        Self { params: GradientsParams::new(), full }
    }

    /// Returns whether gradients of the base weights are needed.
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

    /// Removes and returns a parameter's gradient, so that more can be added to it in place.
    pub(crate) fn take<const D: usize>(&mut self, param: &Param<Tensor<D>>) -> Option<Tensor<D>> {
        self.params.remove::<D>(param.id)
    }

    pub(crate) fn into_params(self) -> GradientsParams {
        self.params
    }
}
