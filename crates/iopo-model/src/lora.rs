//! LoRA adapters: settings, initialization, loading and PEFT names.

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};
use iopo_core::{ContentHasher, SettingError, random};
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decoder::param_id;
use crate::host::to_host;
use crate::linear::Lora;
use crate::projections::LinearLayer;
use crate::{Decoder, ModelError};

/// Values by name: shape and row-major elements.
pub type NamedTensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Settings of a LoRA adapter, named as in PEFT.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LoraConfig {
    /// Rank of the adapter. Higher ranks learn more and need more memory.
    #[schemars(range(min = 1, max = 4096), extend("aliases" = ["rank", "lora_r"]))]
    pub r: usize,
    /// Strength of the adapter: its output is scaled by `lora_alpha / r`.
    #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0.0, "aliases" = ["alpha"]))]
    pub lora_alpha: f64,
    /// Linear layers that get an adapter, all seven by default.
    #[schemars(extend("uniqueItems" = true, "aliases" = ["targets"]))]
    pub target_modules: Vec<String>,
}

impl Default for LoraConfig {
    fn default() -> Self {
        Self::new(8, 16.0)
    }
}

impl LoraConfig {
    /// Makes settings for an adapter of rank `r` on all seven linear layers.
    pub fn new(r: usize, lora_alpha: f64) -> Self {
        let target_modules =
            LinearLayer::ALL.iter().map(|linear| linear.name().to_owned()).collect();
        Self { r, lora_alpha, target_modules }
    }

    /// Returns the scale of the adapter's output, `lora_alpha / r`.
    pub fn scale(&self) -> f64 {
        self.lora_alpha / self.r as f64
    }

    /// Checks ranges and layer names.
    ///
    /// # Errors
    /// Returns [`ModelError::Setting`] if a value is out of range, or `target_modules` is empty or names an unknown layer.
    pub fn validate(&self) -> Result<(), ModelError> {
        iopo_core::settings::check(self).map_err(|error| error.inside("lora"))?;
        let known = LinearLayer::ALL.map(LinearLayer::name);
        let unknown = self.target_modules.iter().find(|target| !known.contains(&target.as_str()));
        let found = match unknown {
            Some(target) => format!("{target:?}"),
            None if self.target_modules.is_empty() => "no layer".to_owned(),
            None => return Ok(()),
        };
        let expected = format!("one or more of {}", known.join(", "));
        Err(SettingError::new("lora.target_modules", found, expected).into())
    }
}

/// Returns PEFT's name of a factor.
fn peft_name(layer: usize, linear: LinearLayer, factor: &str) -> String {
    format!("base_model.model.{}.lora_{factor}.weight", linear.path(layer))
}

/// Returns the first tensor with a NaN or an infinity.
fn not_finite(tensors: &NamedTensors) -> Option<&str> {
    let bad = tensors.iter().find(|(_, (_, values))| values.iter().any(|value| !value.is_finite()));
    bad.map(|(name, _)| name.as_str())
}

fn values<const D: usize>(tensor: Tensor<D>) -> Result<(Vec<usize>, Vec<f32>), ModelError> {
    let shape = tensor.dims().to_vec();
    Ok((shape, to_host(tensor)?))
}

impl Decoder {
    /// Returns whether the decoder has an adapter.
    pub fn has_adapter(&self) -> bool {
        self.layers
            .iter()
            .any(|layer| layer.projections().into_iter().any(|(_, linear)| linear.lora.is_some()))
    }

    /// Adds a fresh adapter: A uniform in ±1/√in (PEFT's Kaiming initialization with a = √5), B zero.
    ///
    /// The model's output does not change until the adapter is trained. The same seed gives the same adapter.
    ///
    /// # Errors
    /// Returns an error if [`LoraConfig::validate`] does.
    pub fn with_lora(mut self, config: &LoraConfig, seed: u64) -> Result<Self, ModelError> {
        config.validate()?;
        let device = self.device();
        for (index, layer) in self.layers.iter_mut().enumerate() {
            for (linear, projection) in layer.projections_mut() {
                if !config.target_modules.iter().any(|target| target == linear.name()) {
                    continue;
                }
                let [output, input] = projection.weight.val().dims();
                let (a_name, b_name) =
                    (peft_name(index, linear, "A"), peft_name(index, linear, "B"));
                let mut key = ContentHasher::new();
                key.bytes(seed.to_le_bytes()).bytes(&a_name);
                let mut rng = random::stream(&key);
                let bound = 1.0 / (input as f32).sqrt();
                let a: Vec<f32> =
                    (0..config.r * input).map(|_| rng.random_range(-bound..bound)).collect();
                let a = Tensor::from_data(TensorData::new(a, [config.r, input]), &device);
                let b = Tensor::zeros([output, config.r], &device);
                projection.lora = Some(Lora {
                    a: Param::initialized(param_id(&a_name), a),
                    b: Param::initialized(param_id(&b_name), b),
                    scale: config.scale(),
                });
            }
            layer.join();
            layer.adapt();
        }
        Ok(self)
    }

    /// Removes the adapter.
    #[must_use]
    pub fn without_adapter(mut self) -> Self {
        for layer in &mut self.layers {
            for (_, projection) in layer.projections_mut() {
                projection.lora = None;
            }
            layer.adapt();
        }
        self
    }

    /// Declares that the weights stay as they are and only adapters will be trained.
    ///
    /// On a GPU, the weights of layers with the same input are then stored together, so that they are multiplied as one. Clones
    /// share them, whereas adding an adapter to a decoder without this declaration copies them. Training every weight is an
    /// error from then on.
    #[must_use]
    pub fn frozen(mut self) -> Self {
        for layer in &mut self.layers {
            layer.join();
        }
        self
    }

    /// Returns the adapter's factors by their PEFT names.
    ///
    /// # Errors
    /// Returns an error if the device cannot be read.
    pub fn adapter(&self) -> Result<NamedTensors, ModelError> {
        let mut tensors = NamedTensors::new();
        for (index, layer) in self.layers.iter().enumerate() {
            for (linear, projection) in layer.projections() {
                if let Some(lora) = &projection.lora {
                    tensors.insert(peft_name(index, linear, "A"), values(lora.a.val())?);
                    tensors.insert(peft_name(index, linear, "B"), values(lora.b.val())?);
                }
            }
        }
        Ok(tensors)
    }

    /// Replaces the adapter by the given factors; `scale` is `lora_alpha / r`.
    ///
    /// # Errors
    /// Returns [`ModelError::BadFactors`] if a factor is missing, does not fit its layer, belongs to no layer, or holds a
    /// value that is not finite.
    pub fn load_adapter(self, tensors: &NamedTensors, scale: f64) -> Result<Self, ModelError> {
        self.load_adapter_with(tensors, |_| scale)
    }

    /// Replaces the adapter by the given factors; `scale` returns `lora_alpha / r` of a layer, by its path, for instance
    /// `model.layers.0.self_attn.q_proj`.
    ///
    /// # Errors
    /// Returns [`ModelError::BadFactors`] for the reasons of [`Decoder::load_adapter`].
    pub fn load_adapter_with(
        mut self,
        tensors: &NamedTensors,
        scale: impl Fn(&str) -> f64,
    ) -> Result<Self, ModelError> {
        let device = self.device();
        let fail = |reason| ModelError::BadFactors { reason };
        let mut used = 0;
        for (index, layer) in self.layers.iter_mut().enumerate() {
            for (linear, projection) in layer.projections_mut() {
                let (a_name, b_name) =
                    (peft_name(index, linear, "A"), peft_name(index, linear, "B"));
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
                    scale: scale(&linear.path(index)),
                });
                used += 2;
            }
        }
        if used == 0 {
            return Err(fail(
                "found no factors, expected those of at least one linear layer".to_owned(),
            ));
        }
        if let Some(name) = not_finite(tensors) {
            return Err(fail(format!("`{name}` contains a value that is not finite")));
        }
        if used != tensors.len() {
            return Err(fail(format!(
                "{} of {} tensors match no layer",
                tensors.len() - used,
                tensors.len()
            )));
        }
        for layer in &mut self.layers {
            layer.join();
            layer.adapt();
        }
        Ok(self)
    }

    /// Returns gradients by the names of [`Decoder::adapter`] and [`Decoder::full_parameters`].
    ///
    /// # Errors
    /// Returns an error if the device cannot be read.
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
