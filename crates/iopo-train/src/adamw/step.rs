//! One update of a tensor.

use burn::tensor::{DType, Tensor, TensorData};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
/// Values per work item of a thread.
const PIECE: usize = 1 << 15;

/// Factors of one step that are the same for every value.
pub(super) struct Step {
    /// `1 − rate · decay`.
    kept: f32,
    /// `rate / (1 − β₁ᵗ)`.
    size: f32,
    /// `1 / √(1 − β₂ᵗ)`.
    spread: f32,
    /// Factor of the gradients.
    factor: Option<f32>,
}

impl Step {
    /// Makes the factors of update `time`, from 1.
    pub(super) fn new(rate: f64, decay: f64, time: usize) -> Self {
        let correction = |beta: f64| 1.0 - beta.powi(i32::try_from(time).unwrap_or(i32::MAX));
        Self {
            kept: (1.0 - rate * decay) as f32,
            size: (rate / correction(BETA_1)) as f32,
            spread: correction(BETA_2).sqrt().recip() as f32,
            factor: None,
        }
    }

    /// Sets a factor of all gradients, for clipping. Default: none.
    pub(super) fn with_factor(self, factor: Option<f64>) -> Self {
        Self { factor: factor.map(|factor| factor as f32), ..self }
    }

    /// Returns the updated weight and moments on flex, in one pass over memory.
    ///
    /// # Shapes
    /// `[count]` each.
    pub(super) fn fused(
        &self,
        weight: Tensor<1>,
        gradient: Tensor<1>,
        [first, second]: [Tensor<1>; 2],
    ) -> (Tensor<1>, [Tensor<1>; 2]) {
        let device = weight.device();
        let mut data = [weight, first, second].map(|tensor| tensor.into_data().convert::<f32>());
        update(&mut data, &gradient.into_data().convert::<f32>(), self);
        let [weight, first, second] =
            data.map(|data| Tensor::from_data(data, (&device, DType::F32)));
        (weight, [first, second])
    }

    /// Returns the updated weight and moments with Burn operations.
    ///
    /// # Shapes
    /// The same for all.
    pub(super) fn plain<const D: usize>(
        &self,
        weight: Tensor<D>,
        gradient: Tensor<D>,
        [first, second]: [Tensor<D>; 2],
    ) -> (Tensor<D>, [Tensor<D>; 2]) {
        let gradient = match self.factor {
            Some(factor) => gradient.mul_scalar(factor),
            None => gradient,
        };
        let first = first.mul_scalar(BETA_1) + gradient.clone().mul_scalar(1.0 - BETA_1);
        let second = second.mul_scalar(BETA_2) + gradient.square().mul_scalar(1.0 - BETA_2);
        let spread = second.clone().sqrt().mul_scalar(self.spread).add_scalar(EPSILON);
        let change = first.clone() / spread;
        let weight = weight.mul_scalar(self.kept) - change.mul_scalar(self.size);
        (weight, [first, second])
    }

    /// Computes `w ← (1 − rate·decay)·w − rate·m̂ / (√v̂ + ε)`.
    fn piece(&self, [w, m, v]: [&mut [f32]; 3], g: &[f32]) {
        const FIRST: [f32; 2] = [BETA_1 as f32, (1.0 - BETA_1) as f32];
        const SECOND: [f32; 2] = [BETA_2 as f32, (1.0 - BETA_2) as f32];
        let factor = self.factor.unwrap_or(1.0);
        for (((w, m), v), g) in w.iter_mut().zip(m).zip(v).zip(g) {
            let g = factor * g;
            *m = FIRST[0] * *m + FIRST[1] * g;
            *v = SECOND[0] * *v + SECOND[1] * (g * g);
            *w = self.kept * *w - self.size * *m / (v.sqrt() * self.spread + EPSILON as f32);
        }
    }
}

/// Updates weight and moments, given in this order.
fn update([w, m, v]: &mut [TensorData; 3], g: &TensorData, step: &Step) {
    let written = (w.as_mut_slice::<f32>(), m.as_mut_slice::<f32>(), v.as_mut_slice::<f32>());
    let (Ok(w), Ok(m), Ok(v), Ok(g)) = (written.0, written.1, written.2, g.as_slice::<f32>())
    else {
        unreachable!("the values were converted to f32");
    };
    let moments = m.par_chunks_mut(PIECE).zip(v.par_chunks_mut(PIECE));
    let pieces = w.par_chunks_mut(PIECE).zip(moments).zip(g.par_chunks(PIECE));
    pieces.for_each(|((w, (m, v)), g)| step.piece([w, m, v], g));
}

#[cfg(test)]
mod tests {
    use burn::optim::{AdamWConfig, Optimizer};
    use burn::tensor::{Device, Tensor, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::{BETA_1, BETA_2, EPSILON, Step};

    fn random(rng: &mut ChaCha8Rng, size: f32) -> Tensor<1> {
        let values: Vec<f32> = (0..75_000).map(|_| rng.random_range(-size..size)).collect();
        Tensor::from_data(TensorData::new(values, [75_000]), &Device::flex())
    }

    fn far(a: &Tensor<1>, b: &Tensor<1>) -> f32 {
        (a.clone() - b.clone()).abs().max().into_scalar()
    }

    const RATE: f64 = 1e-2;

    /// Runs seven steps and returns the weight, both moments and the initial weight.
    fn run(decay: f64, fused: bool) -> [Tensor<1>; 4] {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let start = random(&mut rng, 1.0);
        let zeros = || start.zeros_like();
        let (mut weight, mut moments) = (start.clone(), [zeros(), zeros()]);
        for time in 1..=7 {
            let gradient = random(&mut rng, 1e-3);
            // The gradient arrives four times as large as it counts.
            let (step, gradient) =
                (Step::new(RATE, decay, time).with_factor(Some(0.25)), gradient.mul_scalar(4.0));
            (weight, moments) = if fused {
                step.fused(weight, gradient, moments)
            } else {
                step.plain(weight, gradient, moments)
            };
        }
        let [first, second] = moments;
        [weight, first, second, start]
    }

    /// The same with Burn's implementation.
    fn burn(decay: f64) -> [Tensor<1>; 3] {
        let config = AdamWConfig::new()
            .with_beta_1(BETA_1 as f32)
            .with_beta_2(BETA_2 as f32)
            .with_epsilon(EPSILON as f32)
            .with_weight_decay(decay as f32);
        let (optimizer, mut rng) = (config.build(), ChaCha8Rng::seed_from_u64(3));
        let (mut weight, mut state) = (random(&mut rng, 1.0), None);
        for _ in 0..7 {
            (weight, state) = optimizer.step(RATE, weight, random(&mut rng, 1e-3), state);
        }
        let momentum = state.expect("moments").momentum;
        [weight, momentum.moment_1, momentum.moment_2]
    }

    #[test]
    fn both_ways_equal_burns_implementation_within_rounding() {
        let expected = burn(0.1);
        for found in [run(0.1, true), run(0.1, false)] {
            assert!(far(&found[0], &expected[0]) < 2e-6, "{}", far(&found[0], &expected[0]));
            assert!(far(&found[1], &expected[1]) < 1e-9);
            assert!(far(&found[2], &expected[2]) < 1e-12);
            // Negative controls: the steps changed the weight, not its copy, and the weight decay has an effect.
            assert!(far(&found[0], &found[3]) > 1e-2);
            assert!(far(&found[0], &run(0.0, true)[0]) > 1e-3);
        }
        let first = random(&mut ChaCha8Rng::seed_from_u64(3), 1.0);
        assert!(far(&run(0.1, true)[3], &first) == 0.0);
    }
}
