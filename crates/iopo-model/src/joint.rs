//! Several linear layers of one input, computed as one.
//!
//! A step of a small model on a GPU waits for the host (`docs/backends.md`, Operations), so that one product with the rows of
//! all weights takes less time than one product each. The weights are frozen, and an adapter is trained on each layer.

use std::sync::Arc;

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};

use crate::device;
use crate::grads::Grads;
use crate::kernels::{Product, product, sum, turned};
use crate::linear::{Lora, Projection};

/// The frozen weights of several layers, one below the other.
#[derive(Debug)]
struct Frozen {
    /// `[out, in]`, `out` being that of all layers together. The layers' own weights are views of it, on a GPU whose memory
    /// alignment allows it.
    weight: Tensor<2>,
    /// The same values, `[in, out]`.
    turned: Tensor<2>,
    /// `[1, out]`.
    bias: Option<Tensor<2>>,
    /// `out` of each layer.
    outputs: Vec<usize>,
}

impl Frozen {
    /// Joins the weights; `None` if some layers have a bias and others none.
    fn new(layers: &mut [&mut Projection]) -> Option<Self> {
        let biases: Vec<Tensor<1>> =
            layers.iter().filter_map(|layer| layer.bias.as_ref().map(Param::val)).collect();
        if !biases.is_empty() && biases.len() < layers.len() {
            return None;
        }
        let bias = (!biases.is_empty()).then(|| Tensor::cat(biases, 0).unsqueeze());
        let weight = Tensor::cat(layers.iter().map(|layer| layer.weight.val()).collect(), 0);
        let outputs: Vec<usize> = layers.iter().map(|layer| layer.weight.val().dims()[0]).collect();
        let mut start = 0;
        for (layer, &output) in layers.iter_mut().zip(&outputs) {
            let view = weight.clone().narrow(0, start, output);
            layer.weight = Param::initialized(layer.weight.id, view);
            start += output;
        }
        let turned = weight.clone().transpose();
        Some(Self { weight, turned, bias, outputs })
    }
}

/// Layers that are computed as one.
#[derive(Debug, Clone)]
pub(crate) struct Joint {
    frozen: Arc<Frozen>,
    /// `None` while the layers are computed one by one.
    adapters: Option<Adapters>,
}

/// What the adapters of all layers have in common.
#[derive(Debug, Clone)]
struct Adapters {
    /// 1 where a row and a column belong to the same layer, else 0: `[out, layers · rank]`.
    mask: Tensor<2>,
    rank: usize,
    /// `lora_alpha / r`.
    scale: f64,
}

/// The matrix with the factors B on its diagonal has at most one value for so many values of the weights.
const WEIGHTS_PER_VALUE: usize = 16;
/// Number of values that this matrix may always have.
const FEW: usize = 1 << 16;

impl Adapters {
    /// Returns `None` if a layer has no adapter, or if their ranks or scales differ.
    fn of(layers: &[&Projection], frozen: &Frozen) -> Option<Self> {
        let first = layers.first()?.lora.as_ref()?;
        let ([rank, _], scale) = (first.a.val().dims(), first.scale);
        let same =
            |lora: &Lora| lora.a.val().dims()[0] == rank && lora.scale.to_bits() == scale.to_bits();
        if !layers.iter().all(|layer| layer.lora.as_ref().is_some_and(same)) {
            return None;
        }
        let columns = layers.len() * rank;
        let rows = frozen.outputs.iter().enumerate().flat_map(|(at, &output)| {
            let row = (0..columns).map(move |column| f32::from(u8::from(column / rank == at)));
            std::iter::repeat_n(row, output).flatten()
        });
        let data = TensorData::new(rows.collect::<Vec<f32>>(), [frozen.weight.dims()[0], columns]);
        Some(Self { mask: Tensor::from_data(data, &frozen.weight.device()), rank, scale })
    }
}

/// State kept for the backward pass.
#[derive(Debug, Clone)]
pub(crate) struct JointTape {
    /// `[tokens, in]`.
    x: Tensor<2>,
    /// `scale · x·Aᵀ`, `[tokens, layers · rank]`.
    low: Tensor<2>,
    /// The factors A, one below the other: `[layers · rank, in]`.
    a: Tensor<2>,
    /// The factors B on the diagonal: `[out, layers · rank]`.
    b: Tensor<2>,
}

impl Joint {
    /// Joins the weights of layers on a device without this crate's kernels.
    pub(crate) fn new(layers: &mut [&mut Projection]) -> Option<Self> {
        let on_host = layers.iter().any(|layer| device::has_kernels(&layer.weight.val().device()));
        if on_host { None } else { Self::of(layers) }
    }

    /// Joins the weights of layers on any device.
    pub(crate) fn of(layers: &mut [&mut Projection]) -> Option<Self> {
        Some(Self { frozen: Arc::new(Frozen::new(layers)?), adapters: None })
    }

    /// Returns the weights of all layers, `[in, out]`.
    pub(crate) fn weight(&self) -> Tensor<2> {
        self.frozen.turned.clone()
    }

    /// Computes the layers as one if all have an adapter of the same low rank and scale, else one by one.
    pub(crate) fn adapt(&mut self, layers: &[&Projection]) {
        let rank =
            |layer: &&Projection| layer.lora.as_ref().map_or(0, |lora| lora.a.val().dims()[0]);
        let [output, input] = self.frozen.weight.dims();
        let values = output * layers.iter().map(rank).sum::<usize>();
        let small = values <= FEW.max(output * input / WEIGHTS_PER_VALUE);
        self.adapters = if small { Adapters::of(layers, &self.frozen) } else { None };
    }

    /// Returns the outputs of all layers side by side; `None` if they are computed one by one.
    ///
    /// # Shapes
    /// `[tokens, in]` → `[tokens, out]`.
    pub(crate) fn forward(
        &self,
        x: &Tensor<2>,
        layers: &[&Projection],
    ) -> Option<(Tensor<2>, JointTape)> {
        let Adapters { mask, scale, .. } = self.adapters.as_ref()?;
        let factors = |of: fn(&Lora) -> &Param<Tensor<2>>| {
            let factors = layers.iter().filter_map(|layer| layer.lora.as_ref());
            factors.map(|lora| of(lora).val()).collect::<Vec<_>>()
        };
        let a = Tensor::cat(factors(|lora| &lora.a), 0);
        let b = Tensor::cat(factors(|lora| &lora.b), 0);
        let b = Tensor::cat(vec![b; layers.len()], 1) * mask.clone();
        let low = sum(None, &Product::new(x.clone(), turned(a.clone())).times(*scale), None);
        let adapted = Product::new(low.clone(), turned(b.clone()));
        let y = sum(None, &Product::new(x.clone(), self.frozen.turned.clone()), Some(&adapted));
        let y = match &self.frozen.bias {
            Some(bias) => y + bias.clone(),
            None => y,
        };
        Some((y, JointTape { x: x.clone(), low, a, b }))
    }

    /// Adds the adapters' gradients to `grads` and returns the input's gradient.
    ///
    /// # Shapes
    /// `[tokens, out]` → `[tokens, in]`.
    pub(crate) fn backward(
        &self,
        tape: JointTape,
        dy: Tensor<2>,
        layers: &[&Projection],
        grads: &mut Grads,
    ) -> Tensor<2> {
        let JointTape { x, low, a, b } = tape;
        let (scale, rank) =
            self.adapters.as_ref().map_or((1.0, 0), |adapters| (adapters.scale, adapters.rank));
        let db = product(turned(dy.clone()), low);
        let dlow = sum(None, &Product::new(dy.clone(), b).times(scale), None);
        let da = product(turned(dlow.clone()), x);
        let mut start = 0;
        for (at, (layer, &output)) in layers.iter().zip(&self.frozen.outputs).enumerate() {
            let columns = at * rank..(at + 1) * rank;
            if let Some(lora) = &layer.lora {
                grads.add(&lora.b, db.clone().slice([start..start + output, columns.clone()]));
                grads.add(&lora.a, da.clone().narrow(0, columns.start, rank));
            }
            start += output;
        }
        sum(None, &Product::new(dy, self.frozen.weight.clone()), Some(&Product::new(dlow, a)))
    }
}

#[cfg(test)]
mod tests {
    use burn::module::{Param, ParamId};
    use burn::tensor::{Device, Distribution, Tensor};

    use super::{Grads, Joint, Lora, Projection};

    const OUTPUTS: [usize; 3] = [10, 4, 6];
    const WIDTH: usize = 96;

    fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
        Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), &Device::flex())
    }

    fn param<const D: usize>(tensor: Tensor<D>) -> Param<Tensor<D>> {
        Param::initialized(ParamId::new(), tensor)
    }

    fn layer(output: usize, rank: usize, biased: bool) -> Projection {
        let bias = biased.then(|| param(random([output])));
        let mut layer = Projection::new(param(random([output, WIDTH])), bias);
        let (a, b) = (param(random([rank, WIDTH])), param(random([output, rank])));
        layer.lora = Some(Lora { a, b, scale: 1.5 });
        layer
    }

    fn far(a: &Tensor<2>, b: &Tensor<2>) -> f32 {
        (a.clone() - b.clone()).abs().max().into_scalar()
    }

    #[test]
    fn joint_layers_equal_their_own_products() {
        Device::flex().seed(5);
        for biased in [false, true] {
            let mut layers = OUTPUTS.map(|output| layer(output, 2, biased));
            let (x, dy) = (random([7, WIDTH]), random([7, 20]));
            let mut apart = Grads::new(false);
            let (mut outputs, mut dx, mut start) = (Vec::new(), None, 0);
            for layer in &layers {
                let (y, tape) = layer.forward(x.clone());
                let dy = dy.clone().narrow(1, start, y.dims()[1]);
                start += y.dims()[1];
                outputs.push(y);
                dx = Some(layer.backward(tape, dy, dx, &mut apart));
            }
            let [q, k, v] = &mut layers;
            let mut joint = Joint::of(&mut [q, k, v]).expect("weights that fit");
            let layers = [&*q, &*k, &*v];
            assert!(joint.forward(&x, &layers).is_none());
            joint.adapt(&layers);
            let (y, tape) = joint.forward(&x, &layers).expect("adapters that fit");
            assert!(far(&y, &Tensor::cat(outputs.clone(), 1)) < 1e-4);
            let mut together = Grads::new(false);
            let joint_dx = joint.backward(tape, dy, &layers, &mut together);
            assert!(far(&joint_dx, &dx.expect("a gradient")) < 1e-4);
            for (layer, output) in layers.into_iter().zip(outputs) {
                let lora = layer.lora.as_ref().expect("an adapter");
                for factor in [&lora.a, &lora.b] {
                    let [one, other] = [&mut apart, &mut together]
                        .map(|grads| grads.take(factor).expect("a gradient"));
                    assert_eq!(one.dims(), factor.val().dims());
                    assert!(far(&one, &other) < 1e-4);
                    // Negative control: a factor has a gradient.
                    assert!(far(&one, &one.zeros_like()) > 1e-2);
                }
                // The views are the layer's weights.
                assert!(far(&layer.forward(x.clone()).0, &output) < 1e-4);
            }
        }
    }

    #[test]
    fn layers_that_differ_stay_apart() {
        let joined = |change: fn(&mut Projection)| {
            let [mut q, mut k] = [layer(4, 2, false), layer(6, 2, false)];
            change(&mut k);
            let mut joint = Joint::of(&mut [&mut q, &mut k])?;
            joint.adapt(&[&q, &k]);
            joint.forward(&random([3, WIDTH]), &[&q, &k])
        };
        assert!(joined(|_| {}).is_some());
        assert!(joined(|layer| layer.lora = None).is_none());
        assert!(joined(|layer| *layer = self::layer(6, 3, false)).is_none());
        assert!(joined(|layer| *layer = self::layer(6, 2, true)).is_none());
        assert!(joined(|layer| layer.lora.iter_mut().for_each(|lora| lora.scale = 2.0)).is_none());
        let [mut q, mut k] = [layer(400, 90, false), layer(600, 90, false)];
        let mut joint = Joint::of(&mut [&mut q, &mut k]).expect("weights that fit");
        joint.adapt(&[&q, &k]);
        assert!(joint.adapters.is_none(), "the ranks are high");
    }
}
