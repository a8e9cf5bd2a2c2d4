//! A model in training: weights, moments and counts, to a checkpoint and back.

use iopo_model::{Activations, Decoder, LoraConfig, NamedTensors};
use iopo_schema::MetricRow;

use crate::{TrainError, checkpoint::Checkpoint, optim::Optimizer, weights};

/// Where a training stands between two updates.
#[derive(Debug)]
pub struct Learner {
    /// The model.
    pub decoder: Decoder,
    /// Its optimizer.
    pub optimizer: Optimizer,
    /// What becomes of the activations in its next updates; no checkpoint says so, for no result changes with it.
    pub activations: Activations,
    /// What is trained, as it was at the best evaluation, where that is kept.
    pub best: Option<NamedTensors>,
    /// Updates done.
    pub step: usize,
    /// Flat tokens computed.
    pub tokens: u64,
    /// Tokens of the same sequences as padded rows.
    pub padded_tokens: u64,
    /// Metrics of all updates.
    pub metrics: Vec<MetricRow>,
}

impl Learner {
    /// A learner before its first update.
    pub fn new(decoder: Decoder, optimizer: Optimizer) -> Self {
        Self {
            decoder,
            optimizer,
            activations: Activations::default(),
            best: None,
            step: 0,
            tokens: 0,
            padded_tokens: 0,
            metrics: Vec::new(),
        }
    }

    /// The learner that a checkpoint was made of; `start` lends what is not trained, `optimizer` its
    /// settings.
    ///
    /// # Errors
    /// When weights or moments do not fit `start`.
    pub fn resume(
        start: &Decoder,
        optimizer: Optimizer,
        lora: Option<&LoraConfig>,
        saved: Checkpoint,
    ) -> Result<Self, TrainError> {
        let decoder = weights::with_tensors(start, &saved.weights, lora)?;
        Ok(Self {
            optimizer: optimizer.restore(saved.optimizer, &decoder)?,
            decoder,
            activations: Activations::default(),
            best: saved.best,
            step: saved.step,
            tokens: saved.tokens,
            padded_tokens: saved.padded_tokens,
            metrics: saved.metrics,
        })
    }

    /// Everything that [`Learner::resume`] needs.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn checkpoint(&self) -> Result<Checkpoint, TrainError> {
        Ok(Checkpoint {
            step: self.step,
            tokens: self.tokens,
            padded_tokens: self.padded_tokens,
            weights: weights::trained_tensors(&self.decoder)?,
            best: self.best.clone(),
            optimizer: self.optimizer.to_bytes()?,
            metrics: self.metrics.clone(),
        })
    }
}
