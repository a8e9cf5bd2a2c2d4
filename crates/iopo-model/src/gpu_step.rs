//! A decoding step on a GPU: a layer is five kernels and four products, and three more operations for each product with an adapter.

use burn::module::Param;
use burn::tensor::{Device, Tensor};

use crate::cache::{Columns, LayerCache};
use crate::joint::Joint;
use crate::kernels::{Product, gpu, product, sum, swiglu_joint};
use crate::layer::DecoderLayer;
use crate::linear::Projection;
use crate::{Decoder, ModelError};

/// A decoder's weights as its steps read them.
pub(crate) struct GpuStep<'a> {
    decoder: &'a Decoder,
    layers: Vec<StepLayer<'a>>,
}

/// A layer's weights.
struct StepLayer<'a> {
    layer: &'a DecoderLayer,
    /// q, k and v.
    projected: StepLinear,
    o: StepLinear,
    /// gate and up.
    inner: StepLinear,
    down: StepLinear,
}

impl<'a> GpuStep<'a> {
    /// Returns `None` on a device without the kernels, or if the model's heads do not fit them.
    ///
    /// Joins weights of the same input, which [`Decoder::frozen`] does without a copy.
    pub(crate) fn new(decoder: &'a Decoder) -> Option<Self> {
        let dim = decoder.heads().dim;
        let fits = dim <= gpu::LARGEST_HEAD && dim.is_multiple_of(2);
        if !fits || !gpu::runs(&decoder.device()) {
            return None;
        }
        let of = |layer: &'a DecoderLayer| {
            let (attention, mlp) = (layer.joint.as_deref(), layer.mlp.joint.as_deref());
            StepLayer {
                layer,
                projected: StepLinear::new(attention, &[&layer.q, &layer.k, &layer.v]),
                o: StepLinear::new(None, &[&layer.o]),
                inner: StepLinear::new(mlp, &[&layer.mlp.gate, &layer.mlp.up]),
                down: StepLinear::new(None, &[&layer.mlp.down]),
            }
        };
        Some(Self { decoder, layers: decoder.layers.iter().map(of).collect() })
    }

    /// Runs one token per row through all layers.
    ///
    /// # Shapes
    /// → `[rows, d_model]`.
    ///
    /// # Errors
    /// Returns [`ModelError::Layout`] if a token is outside the vocabulary.
    pub(crate) fn run(
        &self,
        tokens: &[u32],
        caches: &mut [LayerCache],
        columns: &Columns,
    ) -> Result<Tensor<2>, ModelError> {
        let (decoder, heads) = (self.decoder, self.decoder.heads());
        let (rope, starts) =
            (decoder.rope(&columns.next_positions()), columns.starts(&decoder.device()));
        let (at, queries) = (columns.used, heads.kv * heads.group * heads.dim);
        let mut x = decoder.embed(tokens)?;
        // The output of the last layer's feed-forward block, which the next norm adds.
        let mut more: Option<Tensor<2>> = None;
        for (StepLayer { layer, projected, o, inner, down }, cache) in
            self.layers.iter().zip(caches)
        {
            let (sum, normed) = match more {
                Some(more) => layer.input_norm.add_forward(x, more),
                None => {
                    let normed = layer.input_norm.forward(&x).0;
                    (x, normed)
                }
            };
            let Some(q) = cache.push_rotated(projected.times(normed), &rope, at, queries) else {
                return Err(ModelError::Generation { reason: "a cache is empty".to_owned() });
            };
            let mixed = cache.attend_on_gpu(q, &starts, at + 1);
            let (sum, normed) = layer.post_norm.add_forward(sum, o.times(mixed));
            more = Some(down.times(swiglu_joint(&inner.times(normed))));
            x = sum;
        }
        Ok(match more {
            Some(more) => decoder.norm.add_forward(x, more).1,
            None => decoder.norm.forward(&x).0,
        })
    }
}

/// Linear layers of one input side by side, with their adapters.
struct StepLinear {
    /// `[in, out]`.
    weight: Tensor<2>,
    /// `[1, out]`.
    bias: Option<Tensor<2>>,
    /// `Aᵀ`, `[in, ranks]`, and `scale · Bᵀ`, `[ranks, out]`, with each layer's factors in its own rows and columns.
    adapter: Option<[Tensor<2>; 2]>,
}

impl StepLinear {
    /// `joint` has the joined weights, if they are.
    fn new(joint: Option<&Joint>, layers: &[&Projection]) -> Self {
        let weights = || layers.iter().map(|layer| layer.weight.val()).collect();
        let weight = joint.map_or_else(|| joined(weights(), 0).transpose(), Joint::weight);
        let device = weight.device();
        let outputs: Vec<usize> = layers.iter().map(|layer| layer.weight.val().dims()[0]).collect();
        let biased = layers.iter().any(|layer| layer.bias.is_some());
        let biases = layers.iter().zip(&outputs).map(|(layer, &output)| {
            let zeros = || Tensor::zeros([output], &device);
            layer.bias.as_ref().map_or_else(zeros, Param::val)
        });
        let bias = biased.then(|| Tensor::cat(biases.collect(), 0).unsqueeze());
        Self { weight, bias, adapter: adapter(layers, &outputs, &device) }
    }

    /// # Shapes
    /// `[rows, in]` → `[rows, out]`.
    fn times(&self, x: Tensor<2>) -> Tensor<2> {
        let adapted = self
            .adapter
            .as_ref()
            .map(|[a, b]| Product::new(product(x.clone(), a.clone()), b.clone()));
        let y = sum(None, &Product::new(x, self.weight.clone()), adapted.as_ref());
        match &self.bias {
            Some(bias) => y + bias.clone(),
            None => y,
        }
    }
}

fn adapter(layers: &[&Projection], outputs: &[usize], device: &Device) -> Option<[Tensor<2>; 2]> {
    let (mut a, mut b, mut before) = (Vec::new(), Vec::new(), 0);
    let all: usize = outputs.iter().sum();
    for (layer, &output) in layers.iter().zip(outputs) {
        if let Some(lora) = &layer.lora {
            let rank = lora.a.val().dims()[0];
            let zeros = |columns| Tensor::zeros([rank, columns], device);
            let own = lora.b.val().transpose().mul_scalar(lora.scale);
            a.push(lora.a.val());
            b.push(joined(vec![zeros(before), own, zeros(all - before - output)], 1));
        }
        before += output;
    }
    (!a.is_empty()).then(|| [joined(a, 0).transpose(), joined(b, 0)])
}

/// Concatenates the matrices that are not empty.
fn joined(mut matrices: Vec<Tensor<2>>, dim: usize) -> Tensor<2> {
    matrices.retain(|matrix| !matrix.dims().contains(&0));
    if matrices.len() == 1 { matrices.remove(0) } else { Tensor::cat(matrices, dim) }
}
