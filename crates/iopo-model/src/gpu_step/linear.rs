//! The linear layers of a decoding step.

use burn::module::Param;
use burn::tensor::{Device, Tensor};

use crate::joint::Joint;
use crate::kernels::product;
use crate::linear::Projection;

/// Linear layers of one input side by side, with their adapters.
pub(super) struct StepLinear {
    /// `[in, out]`: one matrix if the weights are joined, else that of each layer.
    weights: Vec<Tensor<2>>,
    /// `[1, out]` of all layers.
    bias: Option<Tensor<2>>,
    /// `Aᵀ`, `[in, ranks]`, and `scale · Bᵀ`, `[ranks, out]`, with each layer's factors in its own rows and columns.
    adapter: Option<[Tensor<2>; 2]>,
}

impl StepLinear {
    /// `joint` has the joined weights, if they are.
    pub(super) fn new(joint: Option<&Joint>, layers: &[&Projection]) -> Self {
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
    pub(super) fn times(&self, x: Tensor<2>) -> Tensor<2> {
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
