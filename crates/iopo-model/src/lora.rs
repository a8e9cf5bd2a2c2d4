//! Low-rank adapters: their shape, their start, their names.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};
use iopo_core::SettingError;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decoder::{LINEAR_LAYERS, param_id};
use crate::host::to_host;
use crate::linear::Lora;
use crate::{Decoder, ModelError};

/// Values by name: shape and row-major elements.
pub type NamedTensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// The adapter's shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LoraConfig {
    /// Rank of the factors. Default 8.
    #[schemars(range(min = 1, max = 4096))]
    pub rank: usize,
    /// Numerator of the scale `alpha / rank`. Default 16.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub alpha: f64,
    /// Names of the linear layers that get an adapter. Default: all seven.
    pub targets: Vec<String>,
}

impl Default for LoraConfig {
    fn default() -> Self {
        let targets = LINEAR_LAYERS.iter().map(|(_, name)| (*name).to_owned()).collect();
        Self { rank: 8, alpha: 16.0, targets }
    }
}

impl LoraConfig {
    /// Checks the numbers and names.
    ///
    /// # Errors
    /// When the rank is 0 or absurd, the scale is not finite, or a target is unknown.
    pub fn validate(&self) -> Result<(), ModelError> {
        iopo_core::settings::check(self).map_err(|error| error.inside("lora"))?;
        let known: Vec<&str> = LINEAR_LAYERS.iter().map(|(_, name)| *name).collect();
        let unknown = self.targets.iter().find(|target| !known.contains(&target.as_str()));
        let found = match unknown {
            Some(target) => format!("{target:?}"),
            None if self.targets.is_empty() => "no layer".to_owned(),
            None => return Ok(()),
        };
        let expected = format!("one or more of {}", known.join(", "));
        Err(SettingError::new("lora.targets", found, expected).into())
    }
}

/// PEFT's name of a factor.
fn peft_name(layer: usize, (scope, name): (&str, &str), factor: &str) -> String {
    format!("base_model.model.model.layers.{layer}.{scope}.{name}.lora_{factor}.weight")
}

/// The first tensor with a NaN or an infinity.
fn not_finite(tensors: &NamedTensors) -> Option<&str> {
    let bad = tensors.iter().find(|(_, (_, values))| values.iter().any(|value| !value.is_finite()));
    bad.map(|(name, _)| name.as_str())
}

fn values<const D: usize>(tensor: Tensor<D>) -> Result<(Vec<usize>, Vec<f32>), ModelError> {
    let shape = tensor.dims().to_vec();
    Ok((shape, to_host(tensor)?))
}

impl Decoder {
    /// Whether adapters lie beside the weights.
    pub fn has_adapter(&self) -> bool {
        self.layers
            .iter()
            .any(|layer| layer.projections().iter().any(|projection| projection.lora.is_some()))
    }

    /// Puts fresh adapters beside the weights: A uniform in ±1/√in (PEFT's Kaiming start with a = √5), B zero,
    /// so that the model says what it said before. The same seed gives the same adapter.
    ///
    /// # Errors
    /// When the configuration is out of bounds.
    pub fn with_lora(mut self, config: &LoraConfig, seed: u64) -> Result<Self, ModelError> {
        config.validate()?;
        let device = self.device();
        for (index, layer) in self.layers.iter_mut().enumerate() {
            for (projection, name) in layer.projections_mut().into_iter().zip(LINEAR_LAYERS) {
                if !config.targets.iter().any(|target| target == name.1) {
                    continue;
                }
                let [output, input] = projection.weight.val().dims();
                let (a_name, b_name) = (peft_name(index, name, "A"), peft_name(index, name, "B"));
                let mut hasher = blake3::Hasher::new();
                hasher.update(&seed.to_le_bytes()).update(a_name.as_bytes());
                let mut rng = ChaCha8Rng::from_seed(*hasher.finalize().as_bytes());
                let bound = 1.0 / (input as f32).sqrt();
                let a: Vec<f32> =
                    (0..config.rank * input).map(|_| rng.random_range(-bound..bound)).collect();
                let a = Tensor::from_data(TensorData::new(a, [config.rank, input]), &device);
                let b = Tensor::zeros([output, config.rank], &device);
                projection.lora = Some(Lora {
                    a: Param::initialized(param_id(&a_name), a),
                    b: Param::initialized(param_id(&b_name), b),
                    scale: config.alpha / config.rank as f64,
                });
            }
        }
        Ok(self)
    }

    /// Takes the adapters away.
    #[must_use]
    pub fn without_adapter(mut self) -> Self {
        for layer in &mut self.layers {
            for projection in layer.projections_mut() {
                projection.lora = None;
            }
        }
        self
    }

    /// The adapters' factors by their PEFT names.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn adapter(&self) -> Result<NamedTensors, ModelError> {
        let mut tensors = NamedTensors::new();
        for (index, layer) in self.layers.iter().enumerate() {
            for (projection, name) in layer.projections().into_iter().zip(LINEAR_LAYERS) {
                if let Some(lora) = &projection.lora {
                    tensors.insert(peft_name(index, name, "A"), values(lora.a.val())?);
                    tensors.insert(peft_name(index, name, "B"), values(lora.b.val())?);
                }
            }
        }
        Ok(tensors)
    }

    /// Replaces the adapters by the given factors; `scale` is `alpha / rank`.
    ///
    /// # Errors
    /// When a factor is missing, has another shape than the layer asks for, or belongs to no layer.
    pub fn load_adapter(mut self, tensors: &NamedTensors, scale: f64) -> Result<Self, ModelError> {
        let device = self.device();
        let fail =
            |reason| ModelError::BadAdapter { path: Path::new("adapter").to_owned(), reason };
        let mut used = 0;
        for (index, layer) in self.layers.iter_mut().enumerate() {
            for (projection, name) in layer.projections_mut().into_iter().zip(LINEAR_LAYERS) {
                let (a_name, b_name) = (peft_name(index, name, "A"), peft_name(index, name, "B"));
                let (a, b) = match (tensors.get(&a_name), tensors.get(&b_name)) {
                    (None, None) => {
                        projection.lora = None;
                        continue;
                    }
                    (Some(a), Some(b)) => (a, b),
                    (None, Some(_)) => return Err(fail(format!("`{a_name}` is missing"))),
                    (Some(_), None) => return Err(fail(format!("`{b_name}` is missing"))),
                };
                let [output, input] = projection.weight.val().dims();
                let rank = a.0.first().copied().unwrap_or(0);
                for (name, (shape, values), expected) in
                    [(&a_name, a, [rank, input]), (&b_name, b, [output, rank])]
                {
                    if *shape != expected || values.len() != expected[0] * expected[1] || rank == 0
                    {
                        return Err(fail(format!(
                            "`{name}` has shape {shape:?}, expected {expected:?}"
                        )));
                    }
                }
                let tensor = |(_, values): &(Vec<usize>, Vec<f32>), shape: [usize; 2]| {
                    Tensor::<2>::from_data(TensorData::new(values.clone(), shape), &device)
                };
                projection.lora = Some(Lora {
                    a: Param::initialized(param_id(&a_name), tensor(a, [rank, input])),
                    b: Param::initialized(param_id(&b_name), tensor(b, [output, rank])),
                    scale,
                });
                used += 2;
            }
        }
        if used == 0 {
            return Err(fail(
                "expected factors for at least one linear layer, found none".to_owned(),
            ));
        }
        if let Some(name) = not_finite(tensors) {
            return Err(fail(format!("`{name}` holds a value that is not finite")));
        }
        if used != tensors.len() {
            return Err(fail(format!(
                "{} of {} tensors belong to no layer",
                tensors.len() - used,
                tensors.len()
            )));
        }
        Ok(self)
    }

    /// Gradients by the same names as [`Decoder::adapter`] and [`Decoder::full_parameters`].
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn named_gradients(
        &self,
        grads: &burn::optim::GradientsParams,
    ) -> Result<NamedTensors, ModelError> {
        let names: BTreeMap<_, _> = self
            .adapter()?
            .into_keys()
            .chain(self.full_parameters()?.into_keys())
            .map(|name| (param_id(&name).val(), name))
            .collect();
        let mut visitor = Named { grads, names, found: NamedTensors::new(), error: None };
        self.visit(&mut visitor);
        visitor.error.map_or(Ok(visitor.found), Err)
    }
}

struct Named<'a> {
    grads: &'a burn::optim::GradientsParams,
    names: BTreeMap<u64, String>,
    found: NamedTensors,
    error: Option<ModelError>,
}

impl burn::module::ModuleVisitor for Named<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(name) = self.names.get(&param.id.val()) else { return };
        let Some(grad) = self.grads.get::<D>(param.id) else { return };
        match values(grad) {
            Ok(grad) => {
                self.found.insert(name.clone(), grad);
            }
            Err(error) => self.error = Some(error),
        }
    }
}
