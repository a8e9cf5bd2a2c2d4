//! One method, from its start to its weights.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Instant,
};

use burn::optim::{GradientsAccumulator, GradientsParams};
use iopo_llm::Progress;
use iopo_model::{Decoder, LoraConfig};
use iopo_schema::{MetricRow, Provenance, read, write};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    TrainError,
    batch::{Plan, micro_batches, weight},
    checkpoint::Checkpoints,
    encode::EncodedGroup,
    estimate::{Estimate, remaining},
    evaluate::evaluate,
    files, guards,
    learner::Learner,
    method::{Evaluated, Objective, Scored, Window},
    metrics,
    optim::{clip, global_norm},
    schedule::Schedule,
    tree::{Batch, Shape},
    weights::{self, Card},
};

const FINISHED: &str = "finished.json";
const METRICS: &str = "metrics.parquet";

/// Everything that one training is a function of, but for the decoder that it starts from.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// The loss.
    pub objective: Objective,
    /// Which groups an update takes.
    pub plan: Plan,
    /// The learning rate.
    pub schedule: Schedule,
    /// The adapters' shape; `None` trains every weight.
    pub lora: Option<&'a LoraConfig>,
    /// Tree or four rows.
    pub shape: Shape,
    /// Flat tokens of a micro-batch.
    pub micro_batch_tokens: usize,
    /// Bound of the gradient's norm; 0 for none.
    pub clip_norm: f64,
    /// `AdamW`'s weight decay.
    pub weight_decay: f64,
    /// Updates between checkpoints; 0 for none.
    pub checkpoint_every: usize,
    /// Groups to train on.
    pub groups: &'a [&'a EncodedGroup],
    /// Groups to evaluate on at the end of each epoch.
    pub dev: &'a [&'a EncodedGroup],
    /// Four sums of every group of both, under the reference.
    pub reference: &'a BTreeMap<String, [f64; 4]>,
    /// Whether the policy starts as its own reference, so that margins must be 0 at first.
    pub starts_at_reference: bool,
    /// Where everything goes.
    pub dir: PathBuf,
    /// Whether the trained weights are written (a trial of a grid needs its metrics only).
    pub keep_weights: bool,
    /// What identifies the run.
    pub card: Card,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Updates done.
    pub updates: usize,
    /// Flat tokens that went through the model.
    pub tokens: u64,
    /// Tokens of the same sequences as padded rows.
    pub padded_tokens: u64,
    /// All metrics.
    pub metrics: Vec<MetricRow>,
}

impl Outcome {
    /// The last value of a metric.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.metrics.iter().rev().find(|row| row.name == name).map(|row| row.value)
    }
}

#[derive(Serialize, Deserialize)]
struct Finished {
    fingerprint: String,
    updates: usize,
    tokens: u64,
    padded_tokens: u64,
}

impl Job<'_> {
    /// Identifies settings, data and start: what is finished or checkpointed under another
    /// fingerprint is another run's.
    fn fingerprint(&self, start: &Decoder) -> Result<String, TrainError> {
        let start = weights::hash(&weights::trained_tensors(start)?);
        let text = json!({ "card": self.card, "start": start }).to_string();
        Ok(blake3::hash(text.as_bytes()).to_hex().to_string())
    }

    /// Trains from `start`, or goes on where a killed run stood, or returns what is finished already.
    ///
    /// # Errors
    /// When the folder belongs to another run, a guard stops the training, the model or a file fails,
    /// or `progress` asks to stop (between updates a checkpoint is written first, where checkpoints are
    /// on; during an evaluation on the dev split the last one stands).
    pub fn run(&self, start: &Decoder, progress: &dyn Progress) -> Result<Outcome, TrainError> {
        let fingerprint = self.fingerprint(start)?;
        let checkpoints = Checkpoints::new(&self.dir.join("checkpoint"), &fingerprint);
        if let Some(outcome) = self.finished(&fingerprint)? {
            // A kill between the last file and the clearing left them behind.
            checkpoints.clear()?;
            return Ok(outcome);
        }
        files::create_dir(&self.dir)?;
        let mut state = self.begin(start, &checkpoints)?;
        let total = self.plan.updates();
        progress.start(&format!("train {}", self.objective.method), total as u64);
        progress.advance(state.step as u64);
        progress.message(&self.estimate(&state.decoder)?.describe());
        let (clock, first) = (Instant::now(), state.step);
        let mut order = (usize::MAX, Vec::new());
        while state.step < total {
            if progress.cancelled() {
                if self.checkpoint_every > 0 && state.step > first {
                    checkpoints.save(&state.checkpoint()?)?;
                }
                return Err(TrainError::Cancelled);
            }
            let epoch = self.plan.epoch(state.step);
            if order.0 != epoch {
                order = (epoch, self.plan.order(epoch));
            }
            let members: Vec<&EncodedGroup> = self
                .plan
                .members(state.step, &order.1)
                .iter()
                .map(|&index| self.groups[index])
                .collect();
            let (next, window) = self.update(state, &members)?;
            state = next;
            if self.plan.ends_epoch(state.step - 1) && !self.dev.is_empty() {
                let found = self.evaluate(&state.decoder, progress)?;
                state.metrics.extend(found.rows(state.step as u64, "eval_"));
            }
            progress.advance(1);
            let left = remaining(clock.elapsed().as_secs_f64(), state.step - first, total - first);
            progress.message(&format!("{}  {left}", metrics::line(self.objective.method, &window)));
            let due = self.checkpoint_every > 0 && state.step.is_multiple_of(self.checkpoint_every);
            if due && state.step < total {
                checkpoints.save(&state.checkpoint()?)?;
            }
        }
        let outcome = self.finish(state, &fingerprint, &checkpoints)?;
        let seconds = clock.elapsed().as_secs_f64();
        let timing = json!({ "seconds": seconds, "updates": total - first }).to_string();
        files::write(&self.dir.join("timing.json"), timing.as_bytes())?;
        progress.finish();
        Ok(outcome)
    }

    fn finished(&self, fingerprint: &str) -> Result<Option<Outcome>, TrainError> {
        let path = self.dir.join(FINISHED);
        if !path.exists() {
            return Ok(None);
        }
        let other = |what: &str| TrainError::OtherRun { path: self.dir.clone(), what: what.into() };
        let finished: Finished = serde_json::from_slice(&files::read(&path)?)
            .map_err(|_| other("finished.json cannot be read"))?;
        if finished.fingerprint != fingerprint {
            return Err(other("finished with other settings"));
        }
        Ok(Some(Outcome {
            updates: finished.updates,
            tokens: finished.tokens,
            padded_tokens: finished.padded_tokens,
            metrics: read(&self.dir.join(METRICS))?,
        }))
    }

    fn begin(&self, start: &Decoder, checkpoints: &Checkpoints) -> Result<Learner, TrainError> {
        match checkpoints.latest()? {
            Some(saved) => Learner::resume(start, self.weight_decay, self.lora, saved),
            None => Ok(Learner::new(start.clone(), self.weight_decay)),
        }
    }

    fn estimate(&self, decoder: &Decoder) -> Result<Estimate, TrainError> {
        let trained: usize =
            weights::trained_tensors(decoder)?.values().map(|(_, values)| values.len()).sum();
        let largest = self.groups.iter().map(|group| weight(group)).max().unwrap_or(0);
        let longest = self.groups.iter().map(|group| group.longest()).max().unwrap_or(0);
        let tokens = largest.max(self.micro_batch_tokens);
        Ok(Estimate::new(decoder.config(), trained as u64, tokens, longest))
    }

    /// One update: micro-batches forward and backward, guards, clipping, the optimiser's step. Answers
    /// with the means over its groups.
    ///
    /// # Errors
    /// When a guard stops the training or the model fails.
    pub fn update(
        &self,
        mut state: Learner,
        members: &[&EncodedGroup],
    ) -> Result<(Learner, metrics::Window), TrainError> {
        let step = state.step;
        let mut means = metrics::Window::default();
        let (mut gradients, loss) = self.gradients(&mut state, members, &mut means)?;
        let norm = global_norm(&state.decoder, &gradients)?;
        guards::finite_norm(step, norm, members.iter().map(|group| group.id.as_str()))?;
        clip(&state.decoder, &mut gradients, norm, self.clip_norm);
        let rate = self.schedule.rate(step);
        state.decoder = state.optimiser.step(rate, state.decoder, gradients);
        means.add("loss", loss, 1.0);
        means.add("grad_norm", norm, 1.0);
        means.add("learning_rate", rate, 1.0);
        means.add("epoch", (step + 1) as f64 / self.plan.updates_per_epoch() as f64, 1.0);
        state.step += 1;
        state.metrics.extend(means.rows(state.step as u64, ""));
        Ok((state, means))
    }

    /// The gradient of an update's loss, summed over its micro-batches.
    fn gradients(
        &self,
        state: &mut Learner,
        members: &[&EncodedGroup],
        means: &mut metrics::Window,
    ) -> Result<(GradientsParams, f64), TrainError> {
        let window = Window::of(members.iter().copied());
        let needs = |group: &EncodedGroup| self.objective.method.needs(group);
        let device = state.decoder.device();
        let mut sum = GradientsAccumulator::<Decoder>::new();
        let mut loss = 0.0;
        let (mut computed, mut padded) = (0, 0);
        for part in &micro_batches(members, self.micro_batch_tokens) {
            let batch = Batch::new(part, self.shape, needs)?;
            let mut made: Option<Evaluated> = None;
            let coefficients = |logps: &[f32]| -> Result<Vec<f32>, TrainError> {
                let scored = self.scored(part, &batch, logps)?;
                if self.starts_at_reference && state.step == 0 {
                    let read: Vec<[bool; 4]> = part.iter().map(|group| needs(group)).collect();
                    guards::step_zero(&scored, &read)?;
                }
                let evaluated = self.objective.evaluate(&scored, window, &device)?;
                guards::finite_losses(state.step, &scored, &evaluated.losses)?;
                means.observe(&self.objective, &scored);
                let coefficients = batch.spread(&evaluated.slopes);
                made = Some(evaluated);
                Ok(coefficients)
            };
            let (_, gradients) = state.decoder.response_logps_and_grads(
                &batch.layout,
                &batch.targets,
                coefficients,
            )?;
            sum.accumulate(&state.decoder, gradients);
            loss += made.map_or(0.0, |made| made.share);
            computed += batch.layout.token_count() as u64;
            padded += batch.padded_tokens as u64;
        }
        state.tokens += computed;
        state.padded_tokens += padded;
        means.add("tokens/computed", computed as f64, 1.0);
        means.add("tokens/padded_rows", padded as f64, 1.0);
        Ok((sum.grads(), loss))
    }

    fn scored<'g>(
        &self,
        groups: &[&'g EncodedGroup],
        batch: &Batch,
        logps: &[f32],
    ) -> Result<Vec<Scored<'g>>, TrainError> {
        let sums = batch.sums(logps, groups.len())?;
        let method = self.objective.method;
        let scored = groups.iter().zip(sums);
        scored.map(|(group, sums)| Scored::new(group, sums, method, self.reference)).collect()
    }

    fn evaluate(
        &self,
        decoder: &Decoder,
        progress: &dyn Progress,
    ) -> Result<metrics::Window, TrainError> {
        evaluate(
            decoder,
            &self.objective,
            self.dev,
            self.reference,
            self.shape,
            self.micro_batch_tokens,
            progress,
        )
    }

    fn finish(
        &self,
        state: Learner,
        fingerprint: &str,
        checkpoints: &Checkpoints,
    ) -> Result<Outcome, TrainError> {
        if self.keep_weights {
            weights::save(&self.dir, &state.decoder, self.lora, &self.card)?;
        }
        let producer = concat!("iopo-train ", env!("CARGO_PKG_VERSION"));
        let provenance = Provenance::new(producer, self.card.settings.clone())
            .with_input("preferences", self.card.preferences_hash.as_str())
            .with_input("base_weights", self.card.base_weights_hash.as_str());
        write(&self.dir.join(METRICS), &state.metrics, &provenance)?;
        let finished = Finished {
            fingerprint: fingerprint.to_owned(),
            updates: state.step,
            tokens: state.tokens,
            padded_tokens: state.padded_tokens,
        };
        files::write(&self.dir.join(FINISHED), json!(finished).to_string().as_bytes())?;
        checkpoints.clear()?;
        Ok(Outcome {
            updates: state.step,
            tokens: state.tokens,
            padded_tokens: state.padded_tokens,
            metrics: state.metrics,
        })
    }
}

/// Whether a folder holds a finished training.
pub fn is_finished(dir: &Path) -> bool {
    dir.join(FINISHED).exists()
}
