//! Optimizers with the defaults of `PyTorch`, and Lion. `AdamW` is this project's.
//!
//! Burn's Adan, LAMB and Adafactor are missing because there are no reference values to test them; Muon does not suit
//! adapters.

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::{
    AdaGradConfig, AdamConfig, GradientsParams, LionConfig, ModuleOptimizer, RmsPropConfig,
    SgdConfig, decay::WeightDecayConfig,
};
use burn::tensor::{Bytes, Tensor};
use iopo_model::{Decoder, ModelError};

use crate::{adamw::AdamW, clipping::scaled, named::named};

named! {
    /// Name of an optimizer in a configuration.
    #[derive(Default)]
    pub enum OptimizerName {
        /// `AdamW`: betas 0.9 and 0.999, epsilon 1e-8 (Burn's default is 1e-5), decoupled weight decay.
        #[default]
        Adamw = "adamw",
        /// Adam with the same numbers; weight decay is added to the gradient, as in SGD, `RMSprop` and `AdaGrad`.
        Adam = "adam",
        /// Stochastic gradient descent without momentum.
        Sgd = "sgd",
        /// `RMSprop`: alpha 0.99, epsilon 1e-8, without momentum.
        Rmsprop = "rmsprop",
        /// `AdaGrad`: epsilon 1e-10.
        Adagrad = "adagrad",
        /// Lion: betas 0.9 and 0.99, decoupled weight decay. It needs a learning rate 3 to 10 times smaller than `AdamW`'s.
        Lion = "lion",
    }
}

impl OptimizerName {
    /// Returns the number of moments per trained tensor.
    pub fn moments(self) -> usize {
        match self {
            Self::Adamw | Self::Adam | Self::Rmsprop => 2,
            Self::Adagrad | Self::Lion => 1,
            Self::Sgd => 0,
        }
    }

    fn init(self, weight_decay: f64) -> Inner {
        let decay = weight_decay as f32;
        let added = (decay > 0.0).then(|| WeightDecayConfig::new(decay));
        Inner::Burn(match self {
            Self::Adamw => return Inner::AdamW(Box::new(AdamW::new(weight_decay))),
            Self::Adam => AdamConfig::new().with_epsilon(1e-8).with_weight_decay(added).init(),
            Self::Sgd => SgdConfig::new().with_weight_decay(added).init(),
            Self::Rmsprop => {
                let config = RmsPropConfig::new().with_epsilon(1e-8).with_momentum(0.0);
                config.with_weight_decay(added).init()
            }
            Self::Adagrad => {
                AdaGradConfig::new().with_epsilon(1e-10).with_weight_decay(added).init()
            }
            Self::Lion => LionConfig::new().with_weight_decay(decay).init(),
        })
    }
}

/// An optimizer with its moments.
pub struct Optimizer {
    inner: Inner,
    name: OptimizerName,
}

enum Inner {
    AdamW(Box<AdamW>),
    Burn(ModuleOptimizer),
}

impl std::fmt::Debug for Optimizer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Optimizer").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Optimizer {
    /// Makes an optimizer without moments; weight decay applies to every trained parameter.
    pub fn new(name: OptimizerName, weight_decay: f64) -> Self {
        Self { inner: name.init(weight_decay), name }
    }

    /// Updates every parameter that has a gradient; the others stay as they are. Gradients are multiplied by `factor`, if given.
    ///
    /// Burn's optimizers need the autodiff form of a module. The decoder, which has its own backward pass, takes that form
    /// for this step only, without a copy.
    #[must_use]
    pub fn step(
        &mut self,
        rate: f64,
        decoder: Decoder,
        gradients: GradientsParams,
        factor: Option<f64>,
    ) -> Decoder {
        match &mut self.inner {
            Inner::AdamW(inner) => inner.step(rate, decoder, gradients, factor),
            Inner::Burn(inner) => {
                let gradients = match factor {
                    Some(factor) => scaled(&decoder, gradients, factor),
                    None => gradients,
                };
                inner.step(rate, decoder.train(), gradients).valid()
            }
        }
    }

    /// Serializes the moments exactly, keyed by parameter id.
    ///
    /// # Errors
    /// Returns an error if the device cannot be read or Burn cannot serialize them.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        let inner = match &self.inner {
            Inner::AdamW(inner) => return inner.to_bytes(),
            Inner::Burn(inner) => inner,
        };
        let bytes = inner.into_bytes().map_err(|error| ModelError::Other {
            reason: format!("failed to serialize the optimizer's state: {error}"),
        })?;
        Ok(bytes.to_vec())
    }

    /// Returns the optimizer with the moments that [`Optimizer::to_bytes`] wrote.
    ///
    /// # Errors
    /// Returns an error if the bytes are damaged.
    pub fn restored(self, bytes: Vec<u8>) -> Result<Self, ModelError> {
        let inner = match self.inner {
            Inner::AdamW(inner) => Inner::AdamW(Box::new(inner.restored(&bytes)?)),
            Inner::Burn(inner) => {
                Inner::Burn(inner.from_bytes(Bytes::from_bytes_vec(bytes)).map_err(|error| {
                    ModelError::Other {
                        reason: format!("failed to read the optimizer's state: {error}"),
                    }
                })?)
            }
        };
        Ok(Self { inner, name: self.name })
    }

    /// Like [`Optimizer::restored`], but also checks that the trained parameters of `decoder` have all their moments, because
    /// a parameter without moments would silently start with fresh ones.
    ///
    /// # Errors
    /// Returns an error if the bytes are damaged or belong to other parameters.
    pub fn restore(self, bytes: Vec<u8>, decoder: &Decoder) -> Result<Self, ModelError> {
        let restored = self.restored(bytes)?;
        let trained = trained(decoder);
        let expected = restored.name.moments() * trained.len();
        let found = match &restored.inner {
            Inner::AdamW(inner) => inner.moments_of(&trained),
            Inner::Burn(inner) => inner.to_record().len(),
        };
        if found != expected {
            let reason = format!(
                "the optimizer's state is incomplete: found {found} moments, expected {expected}"
            );
            return Err(ModelError::Other { reason });
        }
        Ok(restored)
    }
}

/// Returns the sizes of the trained parameters: the adapters' if there are any, otherwise all.
pub fn trained_sizes(decoder: &Decoder) -> Vec<usize> {
    trained(decoder).into_iter().map(|(_, size)| size).collect()
}

/// Returns the trained parameters and their sizes.
fn trained(decoder: &Decoder) -> Vec<(ParamId, usize)> {
    struct Sizes {
        adapters: bool,
        path: Vec<String>,
        found: Vec<(ParamId, usize)>,
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
                self.found.push((param.id, param.shape().num_elements()));
            }
        }
    }
    let mut sizes = Sizes { adapters: decoder.has_adapter(), path: Vec::new(), found: Vec::new() };
    decoder.visit(&mut sizes);
    sizes.found
}
