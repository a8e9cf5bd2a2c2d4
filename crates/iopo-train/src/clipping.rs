//! The global norm of all gradients, and its bound.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use iopo_model::{Decoder, ModelError};

/// The 2-norm over all gradients together. Rows are summed on the device, in order, and their sums in
/// f64: a full `sum` on the CPU follows work stealing and is not reproducible.
///
/// # Errors
/// When the device cannot be read.
pub fn global_norm(decoder: &Decoder, gradients: &GradientsParams) -> Result<f64, ModelError> {
    struct Norm<'a> {
        gradients: &'a GradientsParams,
        sum: f64,
        error: Option<String>,
    }
    impl ModuleVisitor for Norm<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let Some(gradient) = self.gradients.get::<D>(param.id) else { return };
            let rows = gradient.square().sum_dim(D - 1).into_data().convert::<f32>();
            match rows.try_to_vec::<f32>() {
                Ok(rows) => self.sum += rows.into_iter().map(f64::from).sum::<f64>(),
                Err(error) => self.error = Some(format!("{error:?}")),
            }
        }
    }
    let mut norm = Norm { gradients, sum: 0.0, error: None };
    decoder.visit(&mut norm);
    match norm.error {
        Some(error) => Err(ModelError::Other { reason: format!("cannot read gradients: {error}") }),
        None => Ok(norm.sum.sqrt()),
    }
}

/// Scales all gradients so that their global norm is at most `bound`, as `clip_grad_norm_` does:
/// by `bound / (norm + 1e-6)` where that is below 1.
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
