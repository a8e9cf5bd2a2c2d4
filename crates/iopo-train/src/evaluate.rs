//! Log-probabilities, loss and reward accuracy of groups, without training.

use std::collections::BTreeMap;

use iopo_llm::Progress;
use iopo_model::{Decoder, workers};

use crate::{
    TrainError,
    batch::micro_batches,
    encode::EncodedGroup,
    guards, metrics,
    objective::{Objective, Scored, Window},
    tree::{Batch, SequenceLayout},
};

/// Summed log-probabilities of the wanted sequences of each group; the others are 0.
///
/// # Errors
/// When the model fails or `progress` asks to stop.
pub fn group_logps(
    decoder: &Decoder,
    groups: &[&EncodedGroup],
    sequence_layout: SequenceLayout,
    budget: usize,
    needs: impl Fn(&EncodedGroup) -> [bool; 4] + Sync,
    progress: &dyn Progress,
) -> Result<Vec<[f64; 4]>, TrainError> {
    let sums = workers::map(&decoder.device(), micro_batches(groups, budget), |members| {
        if progress.cancelled() {
            return Err(TrainError::Cancelled);
        }
        let batch = Batch::new(&members, sequence_layout, &needs)?;
        let logps = decoder.response_logps(&batch.layout, &batch.targets)?;
        progress.advance(members.len() as u64);
        Ok(batch.sums(&logps, members.len())?)
    })?;
    Ok(sums.into_iter().flatten().collect())
}

/// Loss, rewards and accuracies of a model on groups that it is not trained on.
///
/// `reference` holds the four sums of every group that a preference method compares with.
///
/// # Errors
/// When the model fails, a reference is missing or a loss is not finite.
pub fn evaluate(
    decoder: &Decoder,
    objective: &Objective,
    groups: &[&EncodedGroup],
    reference: &BTreeMap<String, [f64; 4]>,
    sequence_layout: SequenceLayout,
    budget: usize,
    progress: &dyn Progress,
) -> Result<metrics::Window, TrainError> {
    let needs = |group: &EncodedGroup| objective.method.needs(group);
    let policy = group_logps(decoder, groups, sequence_layout, budget, needs, &Quiet(progress))?;
    let scored: Vec<Scored<'_>> = groups
        .iter()
        .zip(policy)
        .map(|(group, policy)| Scored::new(group, policy, objective.method, reference))
        .collect::<Result<_, _>>()?;
    let window = Window::of(groups.iter().copied());
    let made = objective.evaluate(&scored, window, &decoder.device())?;
    guards::finite_losses(0, &scored, &made.losses)?;
    let mut means = metrics::Window::default();
    means.observe(objective, &scored);
    if !groups.is_empty() {
        means.add("loss", made.share, 1.0);
    }
    Ok(means)
}

/// Lets a stop through, but no progress: the bar belongs to the training that surrounds this.
struct Quiet<'a>(&'a dyn Progress);

impl Progress for Quiet<'_> {
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}
