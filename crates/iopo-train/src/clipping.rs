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

/// Scales all gradients so that their global norm is at most `bound`, like `clip_grad_norm_`: by `bound / (norm + 1e-6)`
/// if that factor is below 1. A bound of 0 turns clipping off.
pub fn clip(decoder: &Decoder, gradients: &mut GradientsParams, norm: f64, bound: f64) {
    struct Scale<'a> {
        gradients: &'a mut GradientsParams,
        factor: f64,
    }
    impl ModuleVisitor for Scale<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.gradients.remove::<D>(param.id) {
                self.gradients.register(param.id, gradient.mul_scalar(self.factor));
            }
        }
    }
    let factor = bound / (norm + 1e-6);
    if bound > 0.0 && factor < 1.0 {
        decoder.visit(&mut Scale { gradients, factor });
    }
}
