//! A decoding step on a GPU: a layer is five kernels and four products, and three more operations for each product with an adapter.

use burn::module::Param;
use burn::tensor::{Device, Tensor};

use crate::cache::{Columns, LayerCache};
use crate::joint::Joint;
use crate::kernels::{gpu, product, swiglu_joint};
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
    /// Returns whether a decoder's device has the kernels, and its heads fit them.
    pub(crate) fn runs(decoder: &Decoder) -> bool {
        decoder.heads().dim <= gpu::LARGEST_HEAD && gpu::runs(&decoder.device())
    }

    /// Prepares the weights. A layer needs fewer operations if the decoder is [frozen](Decoder::frozen).
    pub(crate) fn new(decoder: &'a Decoder) -> Self {
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
        Self { decoder, layers: decoder.layers.iter().map(of).collect() }
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
    /// `[in, out]`: one matrix if the weights are joined, else that of each layer.
    weights: Vec<Tensor<2>>,
    /// `[1, out]` of all layers.
    bias: Option<Tensor<2>>,
    /// `Aᵀ`, `[in, ranks]`, and `scale · Bᵀ`, `[ranks, out]`, with each layer's factors in its own rows and columns.
    adapter: Option<[Tensor<2>; 2]>,
}

impl StepLinear {
    /// `joint` has the joined weights, if they are.
    fn new(joint: Option<&Joint>, layers: &[&Projection]) -> Self {
        let outputs: Vec<usize> = layers.iter().map(|layer| layer.weight.val().dims()[0]).collect();
        let weights = match joint {
            Some(joint) => vec![joint.weight()],
            None => layers.iter().map(|layer| layer.weight.val().transpose()).collect(),
        };
        let device = weights[0].device();
        let biased = layers.iter().any(|layer| layer.bias.is_some());
        let biases = layers.iter().zip(&outputs).map(|(layer, &output)| {
            let zeros = || Tensor::zeros([output], &device);
            layer.bias.as_ref().map_or_else(zeros, Param::val)
        });
        let bias = biased.then(|| Tensor::cat(biases.collect(), 0).unsqueeze());
        let adapter = adapter(layers, &outputs, &device);
        Self { weights, bias, adapter }
    }

    /// # Shapes
    /// `[rows, in]` → `[rows, out]`.
    fn times(&self, x: Tensor<2>) -> Tensor<2> {
        let outputs = self.weights.iter().map(|weight| product(x.clone(), weight.clone()));
        let mut y = joined(outputs.collect(), 1);
        if let Some([a, b]) = &self.adapter {
            y = y + product(product(x, a.clone()), b.clone());
        }
        match &self.bias {
            Some(bias) => y + bias.clone(),
            None => y,
        }
    }
}

/// Returns the factors of all adapters, with zeros where a row and a column belong to different layers.
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

#[cfg(test)]
mod tests {
    use burn::module::{Param, ParamId};
    use burn::tensor::{Device, Distribution, Tensor};

    use super::StepLinear;
    use crate::joint::Joint;
    use crate::linear::{Lora, Projection};

    const WIDTH: usize = 12;

    fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
        Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), &Device::flex())
    }

    fn param<const D: usize>(tensor: Tensor<D>) -> Param<Tensor<D>> {
        Param::initialized(ParamId::new(), tensor)
    }

    /// A layer with an adapter of this rank, if it is not 0.
    fn layer(output: usize, rank: usize, biased: bool) -> Projection {
        let bias = biased.then(|| param(random([output])));
        let mut layer = Projection::new(param(random([output, WIDTH])), bias);
        let (a, b) = (param(random([rank.max(1), WIDTH])), param(random([output, rank.max(1)])));
        layer.lora = (rank > 0).then_some(Lora { a, b, scale: 0.5 * rank as f64 });
        layer
    }

    fn far(a: &Tensor<2>, b: &Tensor<2>) -> f32 {
        (a.clone() - b.clone()).abs().max().into_scalar()
    }

    #[test]
    fn a_step_multiplies_as_the_layers_do() {
        Device::flex().seed(6);
        for (ranks, biased) in [([0, 0, 0], [false; 3]), ([2, 0, 5], [false, true, false])] {
            let [mut q, mut k, mut v] =
                [0, 1, 2].map(|at| layer([7, 3, 4][at], ranks[at], biased[at]));
            let x = random([5, WIDTH]);
            let outputs = [&q, &k, &v].map(|layer| layer.forward(x.clone()).0);
            let want = Tensor::cat(outputs.to_vec(), 1);
            let apart = StepLinear::new(None, &[&q, &k, &v]).times(x.clone());
            assert!(far(&apart, &want) < 1e-5);
            // Negative control: the order of the layers matters.
            let other = StepLinear::new(None, &[&k, &q, &v]).times(x.clone());
            assert!(far(&other, &want) > 1e-2);
            // Some biases and none do not join.
            if let Some(joint) = Joint::of(&mut [&mut q, &mut k, &mut v]) {
                let joint = StepLinear::new(Some(&joint), &[&q, &k, &v]).times(x);
                assert!(far(&joint, &want) < 1e-5);
            }
        }
        let one = layer(6, 3, true);
        let x = random([2, WIDTH]);
        assert!(far(&StepLinear::new(None, &[&one]).times(x.clone()), &one.forward(x).0) < 1e-5);
    }
}
