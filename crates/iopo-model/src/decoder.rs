//! The decoder: embedding, layers, final norm, head.

use std::cell::OnceCell;
use std::sync::Arc;

use burn::module::{Module, Param, ParamId};
use burn::tensor::{DType, Device, IndexingUpdateOp, Int, Tensor, TensorData};
use iopo_core::ContentHasher;

use crate::attention::Heads;
use crate::config::ModelConfig;
use crate::device::in_main_memory;
use crate::dtype::{Dtype, wide};
use crate::grads::Grads;
use crate::kernels::Int8Matrix;
use crate::layer::{DecoderLayer, KeysValues, Pass};
use crate::layout::Layout;
use crate::linear::{Projection, times_transposed};
use crate::mlp::SwiGlu;
use crate::norm::{RmsNorm, RmsNormTape};
use crate::projections::{LinearLayer, PerProjection};
use crate::rope::{Rope, frequencies};
use crate::tape::{Activations, Kept};
use crate::{ModelError, device, vocabulary};

/// A decoder-only transformer of the Llama family.
///
/// Its device must not be an autodiff device: the backward pass is written by hand, layer by layer, and keeps only what
/// training needs. The tests compare the gradient of every parameter with the reference implementation.
#[derive(Module, Debug)]
pub struct Decoder {
    /// `[vocab, d_model]`.
    pub(crate) embed: Param<Tensor<2>>,
    pub(crate) layers: Vec<DecoderLayer>,
    pub(crate) norm: RmsNorm,
    /// `[vocab, d_model]`; `None` if tied to the embedding.
    pub(crate) head: Option<Param<Tensor<2>>>,
    /// The head in 8 bits, for a decoder that samples with it.
    #[module(skip)]
    pub(crate) rounded_head: Option<Arc<Int8Matrix>>,
    #[module(skip)]
    config: ModelConfig,
    #[module(skip)]
    frequencies: Vec<f32>,
}

/// State kept for the backward pass.
pub(crate) struct DecoderTape<'a> {
    pass: Pass<'a>,
    layers: Vec<Kept>,
    norm: RmsNormTape,
}

/// Derives a parameter's id from its name, so that optimizer state matches after a restart.
pub(crate) fn param_id(name: &str) -> ParamId {
    ParamId::from(ContentHasher::new().bytes(name).number())
}

impl Decoder {
    /// Builds a decoder whose parameters come from `tensor(name, shape)`.
    ///
    /// `tensor` is called once per parameter with its Hugging Face name and returns the values in row-major order.
    ///
    /// # Errors
    /// Returns the first error of `tensor`.
    pub fn from_tensors(
        config: &ModelConfig,
        device: &Device,
        tensor: impl FnMut(&str, &[usize]) -> Result<Vec<f32>, ModelError>,
    ) -> Result<Self, ModelError> {
        Self::from_tensors_in(Dtype::F32, config, device, tensor)
    }

    /// Builds a decoder as [`Decoder::from_tensors`] does, with matrices of type `dtype`.
    ///
    /// Norms and biases stay f32. Weights of 16 bits cannot be trained, but an adapter on them can.
    ///
    /// # Errors
    /// Returns the first error of `tensor`, and [`ModelError::Other`] if the device does not compute in `dtype`.
    pub fn from_tensors_in(
        dtype: Dtype,
        config: &ModelConfig,
        device: &Device,
        mut tensor: impl FnMut(&str, &[usize]) -> Result<Vec<f32>, ModelError>,
    ) -> Result<Self, ModelError> {
        let known = device::dtypes(device);
        if !known.contains(&dtype) {
            let known: Vec<&str> = known.into_iter().map(Dtype::name).collect();
            let (dtype, known) = (dtype.name(), known.join(", "));
            return Err(ModelError::Other {
                reason: format!("the device does not compute in {dtype}; set `dtype` to {known}"),
            });
        }
        let device = &device.clone().without_autodiff();
        let mut matrix = |name: &str, shape: [usize; 2]| -> Result<Param<Tensor<2>>, ModelError> {
            let data = TensorData::new(tensor(name, &shape)?, shape);
            let weight = Tensor::<2>::from_data(data, (device, DType::F32));
            let weight = if dtype == Dtype::F32 { weight } else { weight.cast(dtype.burn()) };
            Ok(Param::initialized(param_id(name), weight))
        };
        let (d, vocab, wide) = (config.hidden_size, config.vocab_size, config.intermediate_size);
        let embed = matrix("model.embed_tokens.weight", [vocab, d])?;
        let head = if config.tie_word_embeddings {
            None
        } else {
            Some(matrix("lm_head.weight", [vocab, d])?)
        };
        let queries = config.num_attention_heads * config.head_dim;
        let keys = config.num_key_value_heads * config.head_dim;
        let shape = |linear| match linear {
            LinearLayer::Query => [queries, d],
            LinearLayer::Key | LinearLayer::Value => [keys, d],
            LinearLayer::Output => [d, queries],
            LinearLayer::Gate | LinearLayer::Up => [wide, d],
            LinearLayer::Down => [d, wide],
        };
        let mut weights = Vec::with_capacity(config.num_hidden_layers);
        for layer in 0..config.num_hidden_layers {
            weights.push(PerProjection::try_from_fn(|linear| {
                matrix(&format!("{}.weight", linear.path(layer)), shape(linear))
            })?);
        }
        let mut vector = |name: &str, len: usize| -> Result<Param<Tensor<1>>, ModelError> {
            let data = TensorData::new(tensor(name, &[len])?, [len]);
            Ok(Param::initialized(param_id(name), Tensor::from_data(data, device)))
        };
        let mut layers = Vec::with_capacity(config.num_hidden_layers);
        for (layer, of_layer) in weights.into_iter().enumerate() {
            let projections = of_layer.named().try_map(|(linear, weight)| {
                let bias = if config.qkv_bias && linear.is_biased() {
                    let [output, _] = shape(linear);
                    Some(vector(&format!("{}.bias", linear.path(layer)), output)?)
                } else {
                    None
                };
                Ok::<_, ModelError>(Projection::new(weight, bias))
            })?;
            let mut norm = |name: &str| -> Result<RmsNorm, ModelError> {
                let gamma = vector(&format!("model.layers.{layer}.{name}.weight"), d)?;
                Ok(RmsNorm::new(gamma, config.rms_norm_eps))
            };
            let (input_norm, post_norm) =
                (norm("input_layernorm")?, norm("post_attention_layernorm")?);
            let PerProjection { q, k, v, o, gate, up, down } = projections;
            layers.push(DecoderLayer {
                input_norm,
                q,
                k,
                v,
                o,
                post_norm,
                mlp: SwiGlu { gate, up, down, joint: None },
                joint: None,
            });
        }
        let norm = RmsNorm::new(vector("model.norm.weight", d)?, config.rms_norm_eps);
        Ok(Self {
            embed,
            layers,
            norm,
            head,
            rounded_head: None,
            config: config.clone(),
            frequencies: frequencies(config),
        })
    }

    /// Returns the configuration.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Returns the type of the weight matrices.
    pub fn dtype(&self) -> Dtype {
        let burn = self.embed.val().dtype();
        // Matrices are built in one of these types.
        Dtype::ALL.into_iter().find(|dtype| dtype.burn() == burn).unwrap_or_default()
    }

    /// Returns whether matrix products can be less precise than f32: with 16-bit weights, and on GPUs, whose matrix units
    /// can round f32 inputs.
    pub fn products_are_coarse(&self) -> bool {
        self.dtype() != Dtype::F32 || !in_main_memory(&self.device())
    }

    /// Returns the device that holds the weights.
    pub fn device(&self) -> Device {
        self.embed.val().device()
    }

    /// Returns the output matrix, `[vocab, d_model]`.
    pub(crate) fn head_param(&self) -> &Param<Tensor<2>> {
        self.head.as_ref().unwrap_or(&self.embed)
    }

    pub(crate) fn heads(&self) -> Heads {
        Heads::new(&self.config)
    }

    /// Returns the angular frequency of each pair of a head.
    pub(crate) fn frequencies(&self) -> &[f32] {
        &self.frequencies
    }

    pub(crate) fn rope(&self, positions: &[u32]) -> Rope {
        Rope::new(&self.frequencies, positions, &self.device())
    }

    fn pass<'a>(&self, layout: &'a Layout) -> Pass<'a> {
        let heads = self.heads();
        Pass { layout, dense: OnceCell::new(), rope: self.rope(layout.positions()), heads }
    }

    /// Returns the embeddings of tokens.
    ///
    /// # Errors
    /// Returns [`ModelError::Layout`] if a token is outside the vocabulary.
    pub(crate) fn embed(&self, tokens: &[u32]) -> Result<Tensor<2>, ModelError> {
        Ok(wide(self.embed.val().select(0, self.indices(tokens)?)))
    }

    /// Returns the embedding's gradient for a lookup of `tokens` with output gradient `dx`, added to `onto`, the gradient of
    /// a tied head.
    ///
    /// The pad token gets no gradient, as with PyTorch's `padding_idx`, which transformers sets. Models whose pad token
    /// also ends turns thus train as in other trainers.
    fn lookup_gradient(
        &self,
        tokens: &[u32],
        dx: Tensor<2>,
        onto: Option<Tensor<2>>,
    ) -> Result<Tensor<2>, ModelError> {
        let pad = self.config.pad_token_id;
        let (kept, looked_up): (Vec<i64>, Vec<u32>) =
            (0..).zip(tokens.iter().copied()).filter(|(_, token)| Some(*token) != pad).unzip();
        let onto = onto.unwrap_or_else(|| Tensor::zeros(self.embed.val().dims(), &self.device()));
        if kept.is_empty() {
            return Ok(onto);
        }
        let dx = if kept.len() == tokens.len() {
            dx
        } else {
            dx.select(0, index_tensor(kept.into_iter(), &self.device()))
        };
        Ok(onto.select_assign(0, self.indices(&looked_up)?, dx, IndexingUpdateOp::Add))
    }

    /// Refuses a token outside the vocabulary.
    pub(crate) fn check(&self, tokens: &[u32]) -> Result<(), ModelError> {
        let vocab = self.config.vocab_size;
        match tokens.iter().find(|&&token| token as usize >= vocab) {
            Some(token) => Err(ModelError::Layout {
                reason: format!("token {token} is outside the vocabulary of {vocab}"),
            }),
            None => Ok(()),
        }
    }

    fn indices(&self, tokens: &[u32]) -> Result<Tensor<1, Int>, ModelError> {
        self.check(tokens)?;
        Ok(index_tensor(tokens.iter().map(|&token| i64::from(token)), &self.device()))
    }

    /// Returns the hidden states after the final norm.
    ///
    /// # Shapes
    /// `[tokens, d_model]`, one row per flat token of the layout.
    ///
    /// # Errors
    /// Returns [`ModelError::Layout`] if a token is outside the vocabulary.
    pub fn hidden(&self, layout: &Layout) -> Result<Tensor<2>, ModelError> {
        let pass = self.pass(layout);
        let mut x = self.embed(layout.tokens())?;
        for layer in &self.layers {
            x = layer.prefill(x, &pass).0;
        }
        Ok(self.norm.forward(&x).0)
    }

    /// Returns the logits of hidden states.
    ///
    /// # Shapes
    /// `[rows, d_model]` → `[rows, vocab]`.
    pub fn logits(&self, hidden: &Tensor<2>) -> Tensor<2> {
        let rounded = self.rounded_head.as_ref().and_then(|head| head.times(hidden, None).ok());
        rounded.unwrap_or_else(|| {
            vocabulary::logits(hidden, &self.head_param().val(), times_transposed)
        })
    }

    /// Returns hidden states, and every layer's keys and values for the cache.
    pub(crate) fn prefill(
        &self,
        layout: &Layout,
    ) -> Result<(Tensor<2>, Vec<KeysValues>), ModelError> {
        let pass = self.pass(layout);
        let mut x = self.embed(layout.tokens())?;
        let mut kept = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let (y, keys_values) = layer.prefill(x, &pass);
            x = y;
            kept.push(keys_values);
        }
        Ok((self.norm.forward(&x).0, kept))
    }

    /// Returns [`Decoder::hidden`] with the state for the backward pass.
    pub(crate) fn forward<'a>(
        &self,
        layout: &'a Layout,
        activations: Activations,
    ) -> Result<(Tensor<2>, DecoderTape<'a>), ModelError> {
        let pass = self.pass(layout);
        let mut x = self.embed(layout.tokens())?;
        let mut layers = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let (y, kept) = Kept::forward(layer, x, &pass, activations);
            x = y;
            layers.push(kept);
        }
        let (hidden, norm) = self.norm.forward(&x);
        Ok((hidden, DecoderTape { pass, layers, norm }))
    }

    /// Propagates the hidden states' gradient back through all layers and adds the parameters' gradients to `grads`.
    pub(crate) fn backward(
        &self,
        tape: DecoderTape<'_>,
        dhidden: Tensor<2>,
        grads: &mut Grads,
    ) -> Result<(), ModelError> {
        let DecoderTape { pass, layers, norm } = tape;
        let nothing = dhidden.zeros_like();
        let (mut dx, dgamma) = self.norm.backward(&norm, &dhidden, nothing, grads.full());
        drop((norm, dhidden));
        if let Some(dgamma) = dgamma {
            grads.add(&self.norm.gamma, dgamma);
        }
        for (layer, kept) in self.layers.iter().zip(layers).rev() {
            let tape = kept.into_tape(layer, &pass);
            dx = layer.backward(tape, dx, &pass, grads);
        }
        if grads.full() {
            let head = grads.take(&self.embed);
            let gradient = self.lookup_gradient(pass.layout.tokens(), dx, head)?;
            grads.add(&self.embed, gradient);
        }
        Ok(())
    }
}

/// Makes a tensor of row indices on a device.
pub(crate) fn index_tensor(values: impl Iterator<Item = i64>, device: &Device) -> Tensor<1, Int> {
    let values: Vec<i64> = values.collect();
    let len = values.len();
    Tensor::from_data(TensorData::new(values, [len]), device)
}
