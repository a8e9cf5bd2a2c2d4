//! `AdamW` in one pass over memory.
//!
//! Burn's implementation makes one pass per operation, on one thread. This one reads weights, gradient and moments once, on
//! all threads. Devices outside this process use Burn's. The tests compare the two.

use burn::optim::{AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState, LearningRate, Optimizer};
use burn::tensor::{DType, Device, Tensor, TensorData};
use iopo_model::device;
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
/// Values per work item of a thread.
const PIECE: usize = 1 << 15;

/// Decoupled weight decay (Loshchilov and Hutter 2017, arXiv 1711.05101), with the numbers of `torch.optim.AdamW`.
#[derive(Clone)]
pub(crate) struct FusedAdamW {
    weight_decay: f64,
    /// Burn's implementation of the same optimizer.
    plain: AdamW,
}

impl FusedAdamW {
    pub(crate) fn new(weight_decay: f64) -> Self {
        let config = AdamWConfig::new()
            .with_beta_1(BETA_1 as f32)
            .with_beta_2(BETA_2 as f32)
            .with_epsilon(EPSILON as f32)
            .with_weight_decay(weight_decay as f32);
        Self { weight_decay, plain: config.build() }
    }

    fn fused_step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamWState<D>>,
    ) -> (Tensor<D>, Option<AdamWState<D>>) {
        let device = tensor.device();
        let (time, first, second) = match state {
            Some(AdamWState { momentum }) => {
                (momentum.time + 1, momentum.moment_1, momentum.moment_2)
            }
            None => (1, tensor.zeros_like(), tensor.zeros_like()),
        };
        let mut data = [tensor, first, second].map(Tensor::into_data);
        let gradient = gradient.into_data();
        update(&mut data, &gradient, &Step::new(rate, self.weight_decay, time));
        let [tensor, first, second] =
            data.map(|data| Tensor::from_data(data, (&device, DType::F32)));
        let momentum = AdaptiveMomentumState::new(time, first, second);
        (tensor, Some(AdamWState { momentum }))
    }
}

impl Optimizer for FusedAdamW {
    type State<const D: usize> = AdamWState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamWState<D>>,
    ) -> (Tensor<D>, Option<AdamWState<D>>) {
        let plain =
            |other: &Tensor<D>| other.dtype() == DType::F32 && other.dims() == tensor.dims();
        let fits = state.as_ref().is_none_or(|AdamWState { momentum }| {
            plain(&momentum.moment_1) && plain(&momentum.moment_2)
        });
        if plain(&tensor) && plain(&gradient) && fits && device::has_kernels(&tensor.device()) {
            self.fused_step(rate, tensor, gradient, state)
        } else {
            self.plain.step(rate, tensor, gradient, state)
        }
    }

    fn to_device<const D: usize>(state: AdamWState<D>, device: &Device) -> AdamWState<D> {
        AdamW::to_device(state, device)
    }
}

/// Factors of one step that are the same for every value.
struct Step {
    /// `1 − rate · decay`.
    kept: f32,
    /// `rate / (1 − β₁ᵗ)`.
    size: f32,
    /// `1 / √(1 − β₂ᵗ)`.
    spread: f32,
}

impl Step {
    fn new(rate: f64, decay: f64, time: usize) -> Self {
        let correction = |beta: f64| 1.0 - beta.powi(i32::try_from(time).unwrap_or(i32::MAX));
        Self {
            kept: (1.0 - rate * decay) as f32,
            size: (rate / correction(BETA_1)) as f32,
            spread: correction(BETA_2).sqrt().recip() as f32,
        }
    }

    /// Computes `w ← (1 − rate·decay)·w − rate·m̂ / (√v̂ + ε)`.
    fn piece(&self, [w, m, v]: [&mut [f32]; 3], g: &[f32]) {
        const FIRST: [f32; 2] = [BETA_1 as f32, (1.0 - BETA_1) as f32];
        const SECOND: [f32; 2] = [BETA_2 as f32, (1.0 - BETA_2) as f32];
        for (((w, m), v), g) in w.iter_mut().zip(m).zip(v).zip(g) {
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
        unreachable!("moments have the type of their weight, which is f32");
    };
    let moments = m.par_chunks_mut(PIECE).zip(v.par_chunks_mut(PIECE));
    let pieces = w.par_chunks_mut(PIECE).zip(moments).zip(g.par_chunks(PIECE));
    pieces.for_each(|((w, (m, v)), g)| step.piece([w, m, v], g));
}

#[cfg(test)]
mod tests {
    use burn::optim::{AdamWState, Optimizer};
    use burn::tensor::{Device, Tensor, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::FusedAdamW;

    fn random(rng: &mut ChaCha8Rng, size: f32) -> Tensor<2> {
        let values: Vec<f32> = (0..300 * 250).map(|_| rng.random_range(-size..size)).collect();
        Tensor::from_data(TensorData::new(values, [300, 250]), &Device::flex())
    }

    /// Runs seven steps and returns the weight, both moments and the initial weight.
    fn run(
        optimizer: &FusedAdamW,
        step: impl Fn(
            &FusedAdamW,
            Tensor<2>,
            Tensor<2>,
            Option<AdamWState<2>>,
        ) -> (Tensor<2>, Option<AdamWState<2>>),
    ) -> [Tensor<2>; 4] {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let start = random(&mut rng, 1.0);
        let (mut tensor, mut state) = (start.clone(), None);
        for _ in 0..7 {
            (tensor, state) = step(optimizer, tensor, random(&mut rng, 1e-3), state);
        }
        let momentum = state.expect("moments").momentum;
        assert_eq!(momentum.time, 7);
        [tensor, momentum.moment_1, momentum.moment_2, start]
    }

    #[test]
    fn it_equals_burns_implementation_within_rounding() {
        let (rate, optimizer) = (1e-2, FusedAdamW::new(0.1));
        let fused = run(&optimizer, |optimizer, w, g, state| optimizer.step(rate, w, g, state));
        let plain =
            run(&optimizer, |optimizer, w, g, state| optimizer.plain.step(rate, w, g, state));
        let far = |a: &Tensor<2>, b: &Tensor<2>| -> f32 {
            (a.clone() - b.clone()).abs().max().into_scalar()
        };
        assert!(far(&fused[0], &plain[0]) < 2e-6, "{}", far(&fused[0], &plain[0]));
        assert!(far(&fused[1], &plain[1]) < 1e-9);
        assert!(far(&fused[2], &plain[2]) < 1e-12);
        // Negative controls: the steps changed the weight, not its copy, and the weight decay has an effect.
        assert!(far(&fused[0], &fused[3]) > 1e-2);
        assert!(far(&fused[3], &plain[3]) == 0.0);
        let undecayed = FusedAdamW::new(0.0);
        let other = run(&undecayed, |optimizer, w, g, state| optimizer.step(rate, w, g, state));
        assert!(far(&fused[0], &other[0]) > 1e-3);
    }
}
