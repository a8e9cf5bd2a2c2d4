//! One update: forward and backward passes of the micro-batches, clipping and the optimizer's step.

use burn::optim::{GradientsAccumulator, GradientsParams};
use iopo_core::PerSequence;
use iopo_llm::Progress;
use iopo_model::{Activations, Decoder, workers};
use iopo_schema::TrainingMetric;

use super::Trainer;
use crate::{
    TrainError,
    batch::{deal, tree_tokens},
    clipping::{clip_factor, global_norm},
    encode::EncodedGroup,
    evaluate::evaluate,
    guards,
    metrics::MetricMeans,
    objective::{GroupWithLogps, UpdateSize},
    state::TrainerState,
    tree::Batch,
};

/// Contribution of one micro-batch to an update.
pub(crate) struct MicroBatchOutput<'g> {
    scored: Vec<GroupWithLogps<'g>>,
    gradients: GradientsParams,
    loss: f64,
    tokens: u64,
    padded_tokens: u64,
}

impl Trainer<'_> {
    /// Returns the groups of an update.
    pub(super) fn members(&self, update: usize) -> Vec<&EncodedGroup> {
        // The length of all four sequences, so that every method sees the same order.
        let all = PerSequence::from_fn(|_| true);
        let length = |index: usize| tree_tokens(self.data.train[index], all);
        let order = self.plan.order(self.plan.epoch(update), length);
        self.plan.members(update, &order).iter().map(|&index| self.data.train[index]).collect()
    }

    /// Counts the tokens that an update computes for a group.
    pub(super) fn tokens(&self, group: &EncodedGroup) -> usize {
        tree_tokens(group, self.method.needs(group))
    }

    /// Runs one update: forward and backward passes, guards, clipping, the optimizer's step. Returns the means over its
    /// groups.
    ///
    /// # Errors
    /// Returns an error if a guard stops the training or the model fails.
    pub fn update(
        &self,
        mut state: TrainerState,
        members: &[&EncodedGroup],
    ) -> Result<(TrainerState, MetricMeans), TrainError> {
        let step = state.step;
        tracing::debug!(step, "update begins");
        let mut means = MetricMeans::default();
        let (gradients, loss) = self.gradients(&mut state, members, &mut means)?;
        let norm = global_norm(&state.decoder, &gradients)?;
        guards::finite_norm(step, norm, members.iter().map(|group| group.id.as_str()))?;
        let factor = clip_factor(norm, self.config.max_grad_norm);
        let rate = self.schedule.rate(step);
        state.decoder = state.optimizer.step(rate, state.decoder, gradients, factor);
        means.add(TrainingMetric::Loss, loss, 1.0);
        means.add(TrainingMetric::GradNorm, norm, 1.0);
        means.add(TrainingMetric::LearningRate, rate, 1.0);
        let epoch = (step + 1) as f64 / self.plan.updates_per_epoch() as f64;
        means.add(TrainingMetric::Epoch, epoch, 1.0);
        state.step += 1;
        state.metrics.extend(means.rows(state.step as u64, ""));
        tracing::debug!(step, "update ends");
        Ok((state, means))
    }

    /// Returns the gradient and the loss of an update, summed over its micro-batches in order.
    ///
    /// # Errors
    /// Returns an error if a guard stops the training or the model fails.
    pub fn gradients(
        &self,
        state: &mut TrainerState,
        members: &[&EncodedGroup],
        means: &mut MetricMeans,
    ) -> Result<(GradientsParams, f64), TrainError> {
        let size = UpdateSize::of(members.iter().copied());
        let (decoder, step, activations) = (&state.decoder, state.step, state.activations);
        let device = decoder.device();
        let (budget, threads) = (self.micro_batch_tokens(decoder), workers::count(&device));
        let parts = deal(members, |group| self.tokens(group), budget, threads);
        // Gradients of every weight are as large as the model, so at most the concurrent ones are in memory.
        let concurrent = if self.config.use_peft { parts.len() } else { threads };
        let mut sum = GradientsAccumulator::<Decoder>::new();
        let mut loss = 0.0;
        let (mut computed, mut padded) = (0, 0);
        for parts in parts.chunks(concurrent.max(1)) {
            let piece = |part: &Vec<_>| self.micro_batch(decoder, activations, step, part, size);
            for piece in workers::map(&device, parts.iter().collect(), piece)? {
                means.observe(&self.objective, &piece.scored);
                sum.accumulate(decoder, piece.gradients);
                loss += piece.loss;
                computed += piece.tokens;
                padded += piece.padded_tokens;
            }
        }
        state.tokens += computed;
        state.padded_tokens += padded;
        means.add(TrainingMetric::TokensComputed, computed as f64, 1.0);
        means.add(TrainingMetric::TokensPaddedRows, padded as f64, 1.0);
        Ok((sum.grads(), loss))
    }

    /// Runs the forward and backward pass of one micro-batch, as its share of an update's loss.
    pub(crate) fn micro_batch<'g>(
        &self,
        decoder: &Decoder,
        activations: Activations,
        step: usize,
        groups: &[&'g EncodedGroup],
        size: UpdateSize,
    ) -> Result<MicroBatchOutput<'g>, TrainError> {
        let needs = |group: &EncodedGroup| self.method.needs(group);
        let batch = Batch::new(groups, self.config.sequence_layout, needs)?;
        let (mut scored, mut loss) = (Vec::new(), 0.0);
        let coefficients = |logps: &[f32]| -> Result<Vec<f32>, TrainError> {
            scored = self.scored(groups, &batch, logps)?;
            if self.starts_at_reference && step == 0 {
                guards::step_zero(&scored, needs, decoder.products_are_coarse())?;
            }
            let evaluated = self.objective.evaluate(&scored, size)?;
            guards::finite_losses(step, &scored, &evaluated.losses)?;
            loss = evaluated.loss;
            Ok(batch.token_gradients(&evaluated.gradients))
        };
        let Batch { layout, targets, .. } = &batch;
        let (_, gradients) =
            decoder.response_logps_and_grads(layout, targets, activations, coefficients)?;
        Ok(MicroBatchOutput {
            scored,
            gradients,
            loss,
            tokens: batch.layout.token_count() as u64,
            padded_tokens: batch.padded_tokens as u64,
        })
    }

    fn scored<'g>(
        &self,
        groups: &[&'g EncodedGroup],
        batch: &Batch,
        logps: &[f32],
    ) -> Result<Vec<GroupWithLogps<'g>>, TrainError> {
        let logps = batch.sequence_logps(logps, groups.len())?;
        let method = self.method;
        let scored = groups.iter().zip(logps);
        scored
            .map(|(group, logps)| {
                let weight = self.weights.get(&group.id).copied().unwrap_or(1.0);
                let scored = GroupWithLogps::new(group, logps, method, self.data.reference)?;
                Ok(scored.with_weight(weight))
            })
            .collect()
    }

    pub(super) fn evaluate(
        &self,
        state: &TrainerState,
        progress: &dyn Progress,
    ) -> Result<MetricMeans, TrainError> {
        evaluate(
            state.step,
            &state.decoder,
            &self.objective,
            (self.data.dev, self.data.reference),
            self.config.sequence_layout,
            self.micro_batch_tokens(&state.decoder),
            progress,
        )
    }
}
