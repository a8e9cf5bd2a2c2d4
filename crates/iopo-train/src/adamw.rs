//! `AdamW` (Loshchilov and Hutter 2017, arXiv 1711.05101), with the numbers of `torch.optim.AdamW`.
//!
//! On flex, one pass over memory reads each weight, its gradient and its moments once, on all threads; Burn's implementation
//! makes one pass per operation, on one thread. On other devices parameters of equal width are updated together.

mod moments;
mod stacks;
mod step;

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use iopo_model::{Decoder, ModelError, device};

use moments::Moments;
use stacks::Stacks;
use step::Step;

/// The optimizer with its moments.
pub(crate) struct AdamW {
    weight_decay: f64,
    /// Updates done.
    time: usize,
    /// Moments by parameter.
    moments: Moments,
    /// Moments of the parameters that are updated together, taken out of `moments`.
    stacks: Option<Stacks>,
}

impl AdamW {
    pub(crate) fn new(weight_decay: f64) -> Self {
        Self { weight_decay, time: 0, moments: Moments::default(), stacks: None }
    }

    /// Updates every parameter that has a gradient; the others stay as they are. Gradients are multiplied by `factor`, if given.
    pub(crate) fn step(
        &mut self,
        rate: f64,
        decoder: Decoder,
        gradients: GradientsParams,
        factor: Option<f64>,
    ) -> Decoder {
        self.time += 1;
        let step = Step::new(rate, self.weight_decay, self.time).with_factor(factor);
        if !device::has_kernels(&decoder.device()) {
            return self.step_together(&step, decoder, gradients);
        }
        decoder.map(&mut Each { moments: &mut self.moments, step: &step, gradients })
    }

    fn step_together(
        &mut self,
        step: &Step,
        decoder: Decoder,
        gradients: GradientsParams,
    ) -> Decoder {
        let parts = stacks::collect(&decoder, gradients);
        if let Some(other) = self.stacks.take_if(|stacks| !stacks.fit(&parts)) {
            other.scatter(&mut self.moments);
        }
        let stacks = self.stacks.get_or_insert_with(|| Stacks::gather(&parts, &mut self.moments));
        stacks.step(step, parts, decoder)
    }

    /// Serializes the moments exactly.
    ///
    /// # Errors
    /// Returns an error if the device cannot be read.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        let mut moments = self.moments.clone();
        if let Some(stacks) = &self.stacks {
            stacks.scatter(&mut moments);
        }
        moments.to_bytes(self.time)
    }

    /// Returns the optimizer with the moments that [`AdamW::to_bytes`] wrote.
    ///
    /// # Errors
    /// Returns an error if the bytes are damaged.
    pub(crate) fn restored(self, bytes: &[u8]) -> Result<Self, ModelError> {
        let (time, moments) = Moments::from_bytes(bytes)?;
        Ok(Self { time, moments, stacks: None, ..self })
    }

    /// Returns the number of moments that belong to these parameters with these sizes; other moments count as none at all.
    pub(crate) fn moments_of(&self, parameters: &[(ParamId, usize)]) -> usize {
        let fitting = parameters.iter().filter(|(id, size)| self.moments.fit(*id, *size)).count();
        if fitting == self.moments.len() { 2 * fitting } else { 0 }
    }
}

/// Updates one parameter after the other.
struct Each<'a> {
    moments: &'a mut Moments,
    step: &'a Step,
    gradients: GradientsParams,
}

impl ModuleMapper for Each<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return param };
        let (id, weight, mapper) = param.consume();
        let (shape, device) = (weight.dims(), weight.device());
        let count = shape.iter().product();
        let moments = self.moments.take(id, count, &device);
        let (weight, moments) =
            self.step.fused(weight.reshape([count]), gradient.reshape([count]), moments);
        self.moments.put(id, moments);
        Param::from_mapped_value(id, weight.reshape(shape), mapper)
    }
}

#[cfg(test)]
mod tests {
    use burn::module::{Module, ModuleVisitor, Param};
    use burn::optim::GradientsParams;
    use burn::tensor::{Tensor, TensorData};
    use iopo_model::{Decoder, LoraConfig, ModelConfig, NamedTensors, device::device};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use serde_json::json;

    use super::{AdamW, Step, stacks};
    use crate::weights::trained_tensors;

    fn start() -> Decoder {
        let config = json!({
            "model_type": "llama", "vocab_size": 11, "hidden_size": 16, "intermediate_size": 24,
            "num_hidden_layers": 2, "num_attention_heads": 2,
        });
        let config = ModelConfig::from_hf_json(&config, std::path::Path::new("config.json"))
            .expect("a model");
        let weights = |_: &str, shape: &[usize]| Ok(vec![0.1; shape.iter().product()]);
        let decoder = Decoder::from_tensors(&config, &device("flex").expect("flex"), weights);
        decoder.expect("a decoder").with_lora(&LoraConfig::new(3, 6.0), 7).expect("an adapter")
    }

    /// Random gradients of the adapter.
    fn gradients(decoder: &Decoder, seed: u64) -> GradientsParams {
        struct Random(ChaCha8Rng, GradientsParams);
        impl ModuleVisitor for Random {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let shape = param.shape();
                // The factors have rank 3.
                if D == 2 && shape.iter().any(|&size| size == 3) {
                    let count = shape.num_elements();
                    let values: Vec<f32> =
                        (0..count).map(|_| self.0.random_range(-1e-2..1e-2)).collect();
                    let data = TensorData::new(values, shape);
                    self.1.register(param.id, Tensor::<D>::from_data(data, &param.val().device()));
                }
            }
        }
        let mut made = Random(ChaCha8Rng::seed_from_u64(seed), GradientsParams::new());
        decoder.visit(&mut made);
        made.1
    }

    #[test]
    fn an_adapter_updated_together_equals_its_factors_updated_one_by_one() {
        let (mut apart, mut together) = (AdamW::new(0.1), AdamW::new(0.1));
        let (mut one, mut other) = (start(), start());
        for time in 1..=6 {
            if time == 4 {
                // The moments of either way continue in the other.
                (apart, together) = (
                    AdamW::new(0.1).restored(&together.to_bytes().expect("moments")).expect("read"),
                    AdamW::new(0.1).restored(&apart.to_bytes().expect("moments")).expect("read"),
                );
            }
            one = apart.step(1e-2, one, gradients(&start(), time), None);
            together.time += 1;
            let step = Step::new(1e-2, 0.1, together.time);
            other = together.step_together(&step, other, gradients(&start(), time));
            assert!(together.stacks.is_some());
        }
        let [one, other, first] =
            [&one, &other, &start()].map(|decoder| trained_tensors(decoder).expect("factors"));
        let apart = |a: &NamedTensors, b: &NamedTensors| {
            let pairs = a.iter().flat_map(|(name, (_, a))| a.iter().zip(&b[name].1));
            pairs.map(|(a, b)| (a - b).abs()).fold(0.0f32, f32::max)
        };
        assert!(apart(&one, &other) < 1e-7, "{}", apart(&one, &other));
        // Negative control: the updates changed the factors.
        assert!(apart(&one, &first) > 1e-2);
    }

    #[test]
    fn parameters_without_a_gradient_stay() {
        let decoder = start();
        let found = stacks::collect(&decoder, gradients(&decoder, 1));
        // 28 factors; the two factors A of `down` are as wide as the block, the others as the model, and all B as the rank.
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [12, 14, 2]);
        let mut optimizer = AdamW::new(0.1);
        let same = optimizer.step(1e-2, decoder.clone(), GradientsParams::new(), None);
        assert_eq!(
            trained_tensors(&same).expect("factors"),
            trained_tensors(&decoder).expect("factors")
        );
        assert_eq!(optimizer.moments.len(), 0);
    }

    #[test]
    fn a_change_of_the_trained_parameters_keeps_the_moments_of_all() {
        let decoder = start();
        let all = || stacks::collect(&decoder, gradients(&decoder, 1)).into_iter().flatten();
        let mut optimizer = AdamW::new(0.0);
        let step = Step::new(1e-2, 0.0, 1);
        let size = |(id, [rows, width]): (_, [usize; 2])| (id, rows * width);
        let ids: Vec<_> = all().map(|part| size(part.place())).collect();
        drop(optimizer.step_together(&step, decoder.clone(), gradients(&decoder, 1)));
        let before = optimizer.to_bytes().expect("moments");
        // No gradient: nothing changes, and nothing is lost.
        drop(optimizer.step_together(&step, decoder.clone(), GradientsParams::new()));
        assert_eq!(optimizer.to_bytes().expect("moments"), before);
        let restored = AdamW::new(0.0).restored(&before).expect("moments");
        assert_eq!(restored.moments_of(&ids), 56);
        // The same number of parameters with another size, or without one of them.
        let mut other = ids.clone();
        other[3].1 += 1;
        assert_eq!(restored.moments_of(&other), 0);
        assert_eq!(restored.moments_of(&ids[1..]), 0);
    }
}
