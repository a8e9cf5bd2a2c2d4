//! Logps, loss and reward accuracy of groups, without training.

use iopo_core::PerSequence;
use iopo_llm::Progress;
use iopo_model::{Decoder, workers};
use iopo_schema::TrainingMetric;

use crate::{
    TrainError,
    batch::{micro_batches, tree_tokens},
    encode::EncodedGroup,
    guards,
    metrics::MetricMeans,
    objective::{GroupWithLogps, Objective, UpdateSize},
    reference::ReferenceLogps,
    tree::{Batch, SequenceLayout},
};

/// Computes the summed logps of the wanted sequences of each group; the others are 0.
///
/// # Errors
/// Returns an error if the model fails, and [`TrainError::Cancelled`] if `progress` is cancelled.
pub fn group_logps(
    decoder: &Decoder,
    groups: &[&EncodedGroup],
    sequence_layout: SequenceLayout,
    budget: usize,
    needs: impl Fn(&EncodedGroup) -> PerSequence<bool> + Sync,
    progress: &dyn Progress,
) -> Result<Vec<PerSequence<f64>>, TrainError> {
    let tokens = |group: &EncodedGroup| tree_tokens(group, needs(group));
    let batches = micro_batches(groups, tokens, budget);
    let logps = workers::map(&decoder.device(), batches, |members| {
        if progress.cancelled() {
            return Err(TrainError::Cancelled);
        }
        let batch = Batch::new(&members, sequence_layout, &needs)?;
        let logps = decoder.response_logps(&batch.layout, &batch.targets)?;
        progress.advance(members.len() as u64);
        Ok(batch.sequence_logps(&logps, members.len())?)
    })?;
    Ok(logps.into_iter().flatten().collect())
}

/// Computes loss, rewards and accuracies of a model on held-out groups.
///
/// `reference` holds the logps of every group that a method with a reference compares with. `step` is the number of
/// updates before the evaluation; an error names it.
///
/// # Errors
/// Returns an error if the model fails, a reference is missing, a loss is not finite, or `progress` is cancelled.
pub fn evaluate(
    step: usize,
    decoder: &Decoder,
    objective: &Objective,
    (groups, reference): (&[&EncodedGroup], &ReferenceLogps),
    sequence_layout: SequenceLayout,
    budget: usize,
    progress: &dyn Progress,
) -> Result<MetricMeans, TrainError> {
    let needs = |group: &EncodedGroup| objective.method.needs(group);
    let policy = group_logps(decoder, groups, sequence_layout, budget, needs, &Quiet(progress))?;
    let scored: Vec<GroupWithLogps<'_>> = groups
        .iter()
        .zip(policy)
        .map(|(group, policy)| GroupWithLogps::new(group, policy, objective.method, reference))
        .collect::<Result<_, _>>()?;
    let size = UpdateSize::of(groups.iter().copied());
    let made = objective.evaluate(&scored, size)?;
    guards::finite_losses(step, &scored, &made.losses)?;
    let mut means = MetricMeans::default();
    means.observe(objective, &scored);
    if !groups.is_empty() {
        means.add(TrainingMetric::Loss, made.loss, 1.0);
    }
    Ok(means)
}

/// Forwards cancellation but no progress, because the progress bar belongs to the training that runs the evaluation.
struct Quiet<'a>(&'a dyn Progress);

impl Progress for Quiet<'_> {
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}
