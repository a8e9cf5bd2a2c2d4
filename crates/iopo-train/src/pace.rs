//! What a run will take: memory by its sizes, time by a trial before its first update.

use std::time::Instant;

use iopo_model::{Decoder, device, workers};

use crate::{
    TrainError,
    batch::{Plan, weight},
    encode::EncodedGroup,
    estimate::{Estimate, Size},
    learner::Learner,
    objective::Window,
    optim::trained_sizes,
    trainer::Job,
};

/// A trial that took less is repeated: its first pass also paid for fresh memory.
const SHORT: f64 = 1.0;
/// An evaluation's forward pass beside forward and backward.
const FORWARD: f64 = 0.35;

/// What a group costs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    seconds_per_group: f64,
}

impl Pace {
    /// Seconds of all updates from `done` on, and of the evaluations between them.
    pub(crate) fn seconds(self, job: &Job<'_>, done: usize) -> f64 {
        let Plan { groups, epochs, .. } = job.plan;
        let left = (groups * epochs).saturating_sub(job.plan.seen(done));
        let steps = done + 1..=job.plan.updates();
        let evaluations = steps.filter(|step| job.eval_strategy.is_due(*step, &job.plan)).count();
        let evaluated = FORWARD * (evaluations * job.dev.len()) as f64;
        self.seconds_per_group * (left as f64 + evaluated)
    }
}

impl Job<'_> {
    /// The memory of the largest micro-batches, side by side.
    pub(crate) fn estimate(&self, decoder: &Decoder) -> Estimate {
        let trained: usize = trained_sizes(decoder).into_iter().sum();
        let largest = self.groups.iter().map(|group| weight(group)).max().unwrap_or(0);
        let longest = self.groups.iter().map(|group| group.longest()).max().unwrap_or(0);
        let tokens = largest.max(self.tokens_per_micro_batch);
        let at_once = self.at_once(decoder);
        Estimate::new(Size {
            config: decoder.config(),
            weight: decoder.dtype().bytes(),
            trained: trained as u64,
            full: self.lora.is_none(),
            copies: self.optim.moments() + usize::from(self.eval_strategy.load_best_model_at_end),
            tokens,
            longest,
            written_out: device::in_process(&decoder.device()),
            at_once,
        })
    }

    /// Micro-batches that are computed side by side; an update has at most as many as groups.
    pub(crate) fn at_once(&self, decoder: &Decoder) -> usize {
        workers::count(&decoder.device()).min(self.plan.per_update.max(1))
    }

    /// Forward and backward of groups of the usual size, side by side as in an update, for nothing but the
    /// time that it takes.
    ///
    /// # Errors
    /// When a guard stops the training or the model fails.
    pub(crate) fn pace(&self, state: &Learner) -> Result<Pace, TrainError> {
        let sizes: usize = self.groups.iter().map(|group| weight(group)).sum();
        let usual = sizes / self.groups.len().max(1);
        let mut drawn: Vec<&EncodedGroup> = self.groups.to_vec();
        drawn.sort_by_key(|group| (weight(group).abs_diff(usual), group.id.as_str()));
        drawn.truncate(self.at_once(&state.decoder));
        let window = Window::of(drawn.iter().copied());
        let trial = || {
            let clock = Instant::now();
            let pass = |group: &EncodedGroup| {
                self.micro_batch(&state.decoder, state.activations, state.step, &[group], window)
                    .map(|_| ())
            };
            workers::map(&state.decoder.device(), drawn.clone(), pass)?;
            Ok::<f64, TrainError>(clock.elapsed().as_secs_f64())
        };
        let mut seconds = trial()?;
        if seconds < SHORT {
            seconds = trial()?;
        }
        Ok(Pace { seconds_per_group: seconds / drawn.len().max(1) as f64 })
    }
}
