//! The state of a training: weights, moments and counts, to a checkpoint and back.

use iopo_model::{Activations, Decoder, LoraConfig, NamedTensors};
use iopo_schema::MetricRow;

use crate::{TrainError, checkpoint::Checkpoint, optim::Optimizer, weights};

/// State of a training between two updates.
#[derive(Debug)]
pub struct TrainerState {
    /// The model.
    pub decoder: Decoder,
    /// Its optimizer.
    pub optimizer: Optimizer,
    /// Whether the next updates keep or recompute activations. No checkpoint stores it, because it changes no result.
    pub activations: Activations,
    /// Trained weights of the best evaluation, if these are kept.
    pub best: Option<NamedTensors>,
    /// Updates done.
    pub step: usize,
    /// Tokens computed.
    pub tokens: u64,
    /// Tokens of the same sequences laid out as padded rows.
    pub padded_tokens: u64,
    /// Metrics of all updates.
    pub metrics: Vec<MetricRow>,
}

impl TrainerState {
    /// Makes the state before the first update.
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

    /// Restores the state that a checkpoint holds; `start` supplies the frozen weights, `optimizer` its settings.
    ///
    /// # Errors
    /// Returns an error if weights or moments do not fit `start`.
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

    /// Makes a checkpoint from which [`TrainerState::resume`] continues.
    ///
    /// # Errors
    /// Returns an error if the device cannot be read.
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
