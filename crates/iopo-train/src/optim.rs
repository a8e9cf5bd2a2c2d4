//! `AdamW` as `PyTorch` has it, and clipping by the global norm.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Bytes, Tensor};
use iopo_model::{Decoder, ModelError};

/// Burn's `AdamW` with `PyTorch`'s defaults: betas 0.9 and 0.999, epsilon 1e-8 (Burn's is 1e-5).
pub struct AdamW {
    inner: ModuleOptimizer,
    config: AdamWConfig,
}

impl std::fmt::Debug for AdamW {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("AdamW").field("config", &self.config).finish_non_exhaustive()
    }
}

impl AdamW {
    /// An optimiser without moments; decay applies to every trained parameter.
    pub fn new(weight_decay: f64) -> Self {
        let config = AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(weight_decay as f32);
        Self { inner: config.init(), config }
    }

    /// One step: every parameter that has a gradient moves, the others stay as they are.
    ///
    /// Burn's optimisers want the autodiff form of a module; the decoder has a backward pass of its
    /// own and takes it for this moment only, which copies nothing.
    #[must_use]
    pub fn step(&mut self, rate: f64, decoder: Decoder, gradients: GradientsParams) -> Decoder {
        self.inner.step(rate, decoder.train(), gradients).valid()
    }

    /// The moments, keyed by parameter id, exactly.
    ///
    /// # Errors
    /// When Burn cannot write them.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        let bytes = self.inner.into_bytes().map_err(|error| ModelError::Other {
            reason: format!("cannot write the optimiser's state: {error}"),
        })?;
        Ok(bytes.to_vec())
    }

    /// Restores the moments, and makes sure that those of `decoder`'s trained parameters are there:
    /// Burn itself starts silently with fresh ones where ids do not match.
    ///
    /// # Errors
    /// When the bytes are damaged or belong to other parameters.
    pub fn restore(self, bytes: Vec<u8>, decoder: &Decoder) -> Result<Self, ModelError> {
        let inner = self.inner.from_bytes(Bytes::from_bytes_vec(bytes)).map_err(|error| {
            ModelError::Other { reason: format!("cannot read the optimiser's state: {error}") }
        })?;
        let restored = Self { inner, config: self.config };
        // Two moments a parameter.
        let (found, expected) =
            (restored.inner.to_record().len(), 2 * trained_sizes(decoder).len());
        if found != expected {
            let reason = format!("the optimiser's state has {found} moments, expected {expected}");
            return Err(ModelError::Other { reason });
        }
        Ok(restored)
    }
}

/// Sizes of the parameters that are trained: the adapters where there are any, otherwise all.
pub fn trained_sizes(decoder: &Decoder) -> Vec<usize> {
    struct Sizes {
        adapters: bool,
        path: Vec<String>,
        found: Vec<usize>,
    }
    impl ModuleVisitor for Sizes {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let in_adapter = self.path.iter().any(|part| part == "lora");
            if in_adapter == self.adapters {
                self.found.push(param.shape().num_elements());
            }
        }
    }
    let mut sizes = Sizes { adapters: decoder.has_adapter(), path: Vec::new(), found: Vec::new() };
    decoder.visit(&mut sizes);
    sizes.found
}

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
