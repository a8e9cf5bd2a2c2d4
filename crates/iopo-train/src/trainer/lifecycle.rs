//! A training from its start or a checkpoint to its files.

use std::time::Instant;

use iopo_core::hash;
use iopo_llm::Progress;
use iopo_model::{Decoder, device::in_main_memory, memory};
use iopo_schema::{
    Provenance, SchemaError, TrainingMetric,
    content_hash::{read_json, write_json},
    read,
    run_files::METRICS,
    write,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{TrainOutput, Trainer};
use crate::{
    PRODUCER, TrainError,
    checkpoint::Checkpoints,
    estimate::{self, duration, remaining},
    events, files,
    metadata::Metadata,
    metrics::{self, MetricMeans},
    micro_batch,
    optim::Optimizer,
    state::TrainerState,
    weights,
};

const FINISHED: &str = "finished.json";

#[derive(Serialize, Deserialize)]
struct Finished {
    fingerprint: String,
    updates: usize,
    tokens: u64,
    padded_tokens: u64,
    /// Absent if the last weights are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kept: Option<usize>,
}

impl Trainer<'_> {
    /// Hashes settings, data and initial weights. Results and checkpoints with another fingerprint belong to another run.
    fn fingerprint(metadata: &Metadata, start: &Decoder) -> Result<String, TrainError> {
        let start = weights::hash(&weights::trained_tensors(start)?);
        let text = json!({ "card": metadata, "start": start }).to_string();
        Ok(hash::bytes(text))
    }

    /// Trains from `start`, resumes from the newest checkpoint, or returns the result of a finished training.
    ///
    /// # Errors
    /// Returns an error if the directory belongs to another run, a guard stops the training, or the model or a file fails.
    /// Returns [`TrainError::Cancelled`] if `progress` is cancelled: if checkpoints are on, one is written first, and an
    /// evaluation that was running is repeated on resume.
    pub fn run(&self, start: &Decoder, progress: &dyn Progress) -> Result<TrainOutput, TrainError> {
        let metadata = self.metadata(start.dtype());
        let fingerprint = Self::fingerprint(&metadata, start)?;
        let checkpoints = Checkpoints::new(&self.dir.join("checkpoint"), &fingerprint);
        let finished = match self.finished(&fingerprint) {
            // A file that cannot be read may still be intact.
            Err(error @ TrainError::Schema(SchemaError::Io { .. })) => return Err(error),
            Err(TrainError::OtherRun { .. } | TrainError::Schema(_)) if self.replaces => {
                files::remove_dir(&self.dir)?;
                None
            }
            finished => finished?,
        };
        if let Some(output) = finished {
            // A kill after the last file was written leaves the checkpoints.
            checkpoints.clear()?;
            return Ok(output);
        }
        files::create_dir(&self.dir)?;
        let mut state = self.begin(start, &checkpoints)?;
        let total = self.plan.updates();
        progress.start(&format!("train {}", self.method), total as u64);
        progress.advance(state.step as u64);
        let estimate = self.estimate(&state.decoder);
        let choice = self
            .config
            .gradient_checkpointing
            .choose(&estimate, micro_batch::obtainable(&state.decoder, estimate.weights));
        progress.note(&choice.describe(&estimate));
        if self.config.tokens_per_micro_batch.is_none() && !in_main_memory(&state.decoder.device())
        {
            let tokens = self.micro_batch_tokens(&state.decoder);
            progress.note(&format!("micro-batches of at most {tokens} tokens"));
        }
        state.activations = choice.activations;
        let expected = self.throughput(&state)?.seconds(self, state.step);
        progress.note(&format!(
            "about {} for {} updates, estimated from a trial step",
            duration(expected),
            total - state.step
        ));
        let (clock, first_step) = (Instant::now(), state.step);
        let mut line = String::new();
        // Every update and every evaluation adds metrics, so their number shows whether there is unsaved work.
        let mut saved = state.metrics.len();
        while !self.is_over(&state) {
            if progress.cancelled() {
                return self.stop(&state, saved, &checkpoints);
            }
            if self.evaluation_due(&state) {
                match self.evaluate(&state, progress) {
                    Ok(found) => self.evaluated(&mut state, &found)?,
                    Err(TrainError::Cancelled) => return self.stop(&state, saved, &checkpoints),
                    Err(error) => return Err(error),
                }
            } else {
                let members = self.members(state.step);
                let (next, window) = self.update(state, &members)?;
                state = next;
                progress.advance(1);
                line = metrics::line(self.method, &window);
                let seconds = clock.elapsed().as_secs_f64();
                let left = remaining(seconds, state.step - first_step, total - first_step);
                progress.message(&format!("{line}  {left}"));
            }
            let save_steps = self.config.save_steps;
            let due = save_steps > 0 && state.step.is_multiple_of(save_steps);
            if due && !self.is_over(&state) && !self.evaluation_due(&state) {
                self.save(&state, &checkpoints)?;
                saved = state.metrics.len();
            }
        }
        let took = clock.elapsed().as_secs_f64();
        let output = self.finish(state, &metadata, &fingerprint, &checkpoints)?;
        let mut last = format!("{line}  took {}, estimated {}", duration(took), duration(expected));
        if let Some(peak) = memory::peak() {
            let beside = estimate::beside(peak, estimate.total(choice.activations));
            last = format!("{last}; {beside}");
        }
        progress.message(last.trim_start());
        progress.finish();
        Ok(output)
    }

    /// Returns whether the training is complete: all updates or early stopping, and the evaluation after it.
    fn is_over(&self, state: &TrainerState) -> bool {
        let enough =
            state.step >= self.plan.updates() || self.eval_strategy().stops_early(&state.metrics);
        enough && !self.evaluation_due(state)
    }

    /// Returns whether an evaluation is due that has not run since the last update.
    fn evaluation_due(&self, state: &TrainerState) -> bool {
        let step = state.step as u64;
        let mut latest = state.metrics.iter().rev().take_while(|row| row.step == step);
        let due = !self.data.dev.is_empty() && self.eval_strategy().is_due(state.step, &self.plan);
        due && !latest.any(|row| row.name.starts_with(TrainingMetric::EVAL_PREFIX))
    }

    /// Records an evaluation, and keeps a copy of the weights if they are the best so far.
    fn evaluated(&self, state: &mut TrainerState, found: &MetricMeans) -> Result<(), TrainError> {
        state.metrics.extend(found.rows(state.step as u64, TrainingMetric::EVAL_PREFIX));
        let strategy = self.eval_strategy();
        if strategy.load_best_model_at_end && strategy.best_step(&state.metrics) == Some(state.step)
        {
            state.best = Some(weights::trained_tensors(&state.decoder)?);
        }
        Ok(())
    }

    /// Writes a checkpoint and the event file of the metrics so far.
    fn save(&self, state: &TrainerState, checkpoints: &Checkpoints) -> Result<(), TrainError> {
        events::write(&self.dir, &state.metrics)?;
        checkpoints.save(&state.checkpoint()?)
    }

    /// Writes a checkpoint of unsaved work if checkpoints are on, and returns [`TrainError::Cancelled`].
    fn stop(
        &self,
        state: &TrainerState,
        saved: usize,
        checkpoints: &Checkpoints,
    ) -> Result<TrainOutput, TrainError> {
        if self.config.save_steps > 0 && state.metrics.len() != saved {
            self.save(state, checkpoints)?;
        }
        Err(TrainError::Cancelled)
    }

    fn finished(&self, fingerprint: &str) -> Result<Option<TrainOutput>, TrainError> {
        let path = self.dir.join(FINISHED);
        if !path.exists() {
            return Ok(None);
        }
        let finished: Finished = read_json(&path)?;
        if finished.fingerprint != fingerprint {
            let what = "finished with other settings".to_owned();
            return Err(TrainError::OtherRun { path: self.dir.clone(), what });
        }
        let metrics = read(&self.dir.join(METRICS))?;
        if !self.dir.join(events::EVENTS).exists() {
            events::write(&self.dir, &metrics)?;
        }
        Ok(Some(TrainOutput {
            updates: finished.updates,
            tokens: finished.tokens,
            padded_tokens: finished.padded_tokens,
            kept: finished.kept.unwrap_or(finished.updates),
            metrics,
        }))
    }

    fn begin(
        &self,
        start: &Decoder,
        checkpoints: &Checkpoints,
    ) -> Result<TrainerState, TrainError> {
        let optimizer = Optimizer::new(self.config.optim, self.config.weight_decay);
        let saved = match checkpoints.latest() {
            Err(TrainError::OtherRun { .. }) if self.replaces => {
                checkpoints.clear()?;
                None
            }
            saved => saved?,
        };
        match saved {
            Some(saved) => TrainerState::resume(start, optimizer, self.lora(), saved),
            None => Ok(TrainerState::new(start.clone(), optimizer)),
        }
    }

    fn finish(
        &self,
        state: TrainerState,
        metadata: &Metadata,
        fingerprint: &str,
        checkpoints: &Checkpoints,
    ) -> Result<TrainOutput, TrainError> {
        let (decoder, kept) = match &state.best {
            Some(best) => (
                weights::with_tensors(&state.decoder, best, self.lora())?,
                self.eval_strategy().best_step(&state.metrics),
            ),
            None => (state.decoder, None),
        };
        if self.writes_weights {
            weights::save(&self.dir, &decoder, self.lora(), &self.origin.location)?;
            let files = weights::file_hashes(&self.dir)?;
            Metadata { files, ..metadata.clone() }.write(&self.dir)?;
        }
        let provenance = Provenance::new(PRODUCER, json!(metadata.settings))
            .with_input("preferences", metadata.preferences_hash.as_str())
            .with_input("base_weights", metadata.base_weights_hash.as_str());
        events::write(&self.dir, &state.metrics)?;
        write(&self.dir.join(METRICS), &state.metrics, &provenance)?;
        let finished = Finished {
            fingerprint: fingerprint.to_owned(),
            updates: state.step,
            tokens: state.tokens,
            padded_tokens: state.padded_tokens,
            kept,
        };
        write_json(&self.dir.join(FINISHED), &finished)?;
        checkpoints.clear()?;
        Ok(TrainOutput {
            updates: state.step,
            tokens: state.tokens,
            padded_tokens: state.padded_tokens,
            kept: kept.unwrap_or(state.step),
            metrics: state.metrics,
        })
    }
}
