//! Estimates of a training's memory, from its sizes, and of its time, from a trial step.

use std::time::Instant;

use iopo_model::{Decoder, device, workers};

use super::Trainer;
use crate::{
    TrainError,
    batch::Plan,
    encode::EncodedGroup,
    estimate::{Estimate, Size},
    objective::UpdateSize,
    optim::trained_sizes,
    state::TrainerState,
};

/// Seconds below which a trial is repeated, because its first pass also allocates memory.
const SHORT: f64 = 1.0;
/// Cost of a forward pass relative to forward and backward.
const FORWARD: f64 = 0.35;

/// Time per group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Throughput {
    seconds_per_group: f64,
}

impl Throughput {
    /// Estimates the seconds of all updates after `done` and of the evaluations between them.
    pub(crate) fn seconds(self, trainer: &Trainer<'_>, done: usize) -> f64 {
        let Plan { groups, epochs, .. } = trainer.plan;
        let left = (groups * epochs).saturating_sub(trainer.plan.seen(done));
        let steps = done + 1..=trainer.plan.updates();
        let evaluations =
            steps.filter(|step| trainer.eval_strategy().is_due(*step, &trainer.plan)).count();
        let evaluated = FORWARD * (evaluations * trainer.data.dev.len()) as f64;
        self.seconds_per_group * (left as f64 + evaluated)
    }
}

impl Trainer<'_> {
    /// Estimates the peak memory, as if every concurrent micro-batch were the largest.
    pub(crate) fn estimate(&self, decoder: &Decoder) -> Estimate {
        // A micro-batch has at most the groups of an update.
        let most = self.largest_group().saturating_mul(self.plan.per_update);
        Estimate::new(self.size(decoder, most.min(self.micro_batch_tokens(decoder))))
    }

    /// Returns the inputs of an estimate for micro-batches of a number of tokens, or of one group.
    pub(super) fn size<'d>(&self, decoder: &'d Decoder, tokens: usize) -> Size<'d> {
        let trained: usize = trained_sizes(decoder).into_iter().sum();
        let group = self.largest_group();
        Size {
            config: decoder.config(),
            weight: decoder.dtype().bytes(),
            trained: trained as u64,
            full: !self.config.use_peft,
            copies: self.config.optim.moments() + usize::from(self.config.load_best_model_at_end),
            tokens: group.max(tokens),
            group,
            fused_kernels: device::has_kernels(&decoder.device()),
            at_once: self.at_once(decoder),
        }
    }

    /// Returns the tokens of the largest group.
    fn largest_group(&self) -> usize {
        self.data.train.iter().map(|group| self.tokens(group)).max().unwrap_or(0)
    }

    /// Returns the number of concurrent micro-batches; an update has at most one per group.
    pub(crate) fn at_once(&self, decoder: &Decoder) -> usize {
        workers::count(&decoder.device()).min(self.plan.per_update.max(1))
    }

    /// Times forward and backward passes of groups of average size, concurrently as in an update.
    ///
    /// # Errors
    /// Returns an error if a guard stops the training or the model fails.
    pub(crate) fn throughput(&self, state: &TrainerState) -> Result<Throughput, TrainError> {
        let sizes: usize = self.data.train.iter().map(|group| self.tokens(group)).sum();
        let average = sizes / self.data.train.len().max(1);
        let mut drawn: Vec<&EncodedGroup> = self.data.train.to_vec();
        drawn.sort_by_key(|group| (self.tokens(group).abs_diff(average), group.id.as_str()));
        let at_once = self.at_once(&state.decoder);
        // Concurrent passes share the groups of an update. A device with one pass at a time gets as many as it takes.
        let fitting = self.micro_batch_tokens(&state.decoder) / average.max(1);
        let of_a_pass = if at_once > 1 { 1 } else { fitting.clamp(1, self.plan.per_update.max(1)) };
        drawn.truncate(at_once * of_a_pass);
        let size = UpdateSize::of(drawn.iter().copied());
        let trial = || {
            let clock = Instant::now();
            let pass = |groups: &[&EncodedGroup]| {
                self.micro_batch(&state.decoder, state.activations, state.step, groups, size)
                    .map(|_| ())
            };
            let passes = drawn.chunks(of_a_pass).collect();
            workers::map(&state.decoder.device(), passes, pass)?;
            Ok::<f64, TrainError>(clock.elapsed().as_secs_f64())
        };
        let mut seconds = trial()?;
        if seconds < SHORT {
            seconds = trial()?;
        }
        Ok(Throughput { seconds_per_group: seconds / drawn.len().max(1) as f64 })
    }
}
