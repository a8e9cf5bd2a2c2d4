//! Gradient clipping by the global norm.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use iopo_model::{Decoder, ModelError, SquaredNorm};

/// Computes the 2-norm over all gradients together.
///
/// # Errors
/// Returns an error if the device cannot be read.
pub fn global_norm(decoder: &Decoder, gradients: &GradientsParams) -> Result<f64, ModelError> {
    struct Norm<'a> {
        gradients: &'a GradientsParams,
        squares: SquaredNorm,
    }
    impl ModuleVisitor for Norm<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let Some(gradient) = self.gradients.get::<D>(param.id) else { return };
            self.squares.add(&gradient);
        }
    }
    let mut norm = Norm { gradients, squares: SquaredNorm::default() };
    decoder.visit(&mut norm);
    Ok(norm.squares.total()?.sqrt())
}

/// Returns the factor of all gradients by which their global norm is at most `bound`, as in `clip_grad_norm_`:
/// `bound / (norm + 1e-6)`; `None` if that is not below 1. A bound of 0 turns clipping off.
pub fn clip_factor(norm: f64, bound: f64) -> Option<f64> {
    let factor = bound / (norm + 1e-6);
    (bound > 0.0 && factor < 1.0).then_some(factor)
}

/// Multiplies all gradients by a factor.
pub(crate) fn scaled(
    decoder: &Decoder,
    gradients: GradientsParams,
    factor: f64,
) -> GradientsParams {
    struct Scale {
        gradients: GradientsParams,
        factor: f64,
    }
    impl ModuleVisitor for Scale {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.gradients.remove::<D>(param.id) {
                self.gradients.register(param.id, gradient.mul_scalar(self.factor));
            }
        }
    }
    let mut scale = Scale { gradients, factor };
    decoder.visit(&mut scale);
    scale.gradients
}
