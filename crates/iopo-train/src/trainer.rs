//! One method, from its start to its weights.

use std::{collections::BTreeMap, path::PathBuf, time::Instant};

use burn::optim::{GradientsAccumulator, GradientsParams};
use iopo_llm::Progress;
use iopo_model::{Activations, Decoder, LoraConfig, memory, workers};
use iopo_schema::{MetricRow, Provenance, read, write};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    TrainError,
    batch::{Plan, micro_batches},
    checkpoint::Checkpoints,
    clipping::{clip, global_norm},
    encode::EncodedGroup,
    estimate::{self, duration, remaining},
    eval_strategy::{EVALUATION, EvalStrategy},
    evaluate::evaluate,
    events, files,
    gradient_checkpointing::GradientCheckpointing,
    guards,
    learner::Learner,
    metrics,
    objective::{Objective, Scored, Window},
    optim::{Optimizer, OptimizerName},
    schedule::Schedule,
    tree::{Batch, SequenceLayout},
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
    pub sequence_layout: SequenceLayout,
    /// Flat tokens of a micro-batch.
    pub tokens_per_micro_batch: usize,
    /// Whether activations are computed again; changes no result.
    pub gradient_checkpointing: GradientCheckpointing,
    /// Bound of the gradient's norm; 0 for none.
    pub max_grad_norm: f64,
    /// What moves the weights.
    pub optim: OptimizerName,
    /// Its weight decay.
    pub weight_decay: f64,
    /// Updates between checkpoints; 0 for none.
    pub save_steps: usize,
    /// Groups to train on.
    pub groups: &'a [&'a EncodedGroup],
    /// Groups to evaluate on.
    pub dev: &'a [&'a EncodedGroup],
    /// When to evaluate, and what follows from it.
    pub eval_strategy: EvalStrategy,
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
    /// The update after which the kept weights were taken.
    pub kept: usize,
    /// All metrics.
    pub metrics: Vec<MetricRow>,
}

impl Outcome {
    /// The last value of a metric.
    pub fn last(&self, name: &str) -> Option<f64> {
        self.last_until(name, self.updates)
    }

    /// The last value of a metric of the kept weights or before them.
    pub fn kept(&self, name: &str) -> Option<f64> {
        self.last_until(name, self.kept)
    }

    fn last_until(&self, name: &str, step: usize) -> Option<f64> {
        let mut latest = self.metrics.iter().rev();
        latest.find(|row| row.name == name && row.step <= step as u64).map(|row| row.value)
    }
}

/// What one micro-batch gives to an update.
pub(crate) struct Piece<'g> {
    scored: Vec<Scored<'g>>,
    gradients: GradientsParams,
    loss: f64,
    tokens: u64,
    padded_tokens: u64,
}

#[derive(Serialize, Deserialize)]
struct Finished {
    fingerprint: String,
    updates: usize,
    tokens: u64,
    padded_tokens: u64,
    /// Absent where the last weights are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kept: Option<usize>,
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
    /// or `progress` asks to stop: where checkpoints are on, one is written first, and an evaluation
    /// that was under way is repeated when the training goes on.
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
        let estimate = self.estimate(&state.decoder);
        let choice = self
            .gradient_checkpointing
            .choose(&estimate, memory::obtainable(&state.decoder.device()));
        progress.note(&choice.describe(&estimate));
        state.activations = choice.activations;
        let expected = self.pace(&state)?.seconds(self, state.step);
        progress.note(&format!(
            "about {} for {} updates, by the time of a trial",
            duration(expected),
            total - state.step
        ));
        let (clock, first) = (Instant::now(), state.step);
        let mut said = String::new();
        // Every update and every evaluation adds metrics: their number says what is not saved yet.
        let mut saved = state.metrics.len();
        while !self.is_over(&state) {
            if progress.cancelled() {
                return self.stop(&state, saved, &checkpoints);
            }
            if self.evaluation_due(&state) {
                match self.evaluate(&state.decoder, progress) {
                    Ok(found) => self.evaluated(&mut state, &found)?,
                    Err(TrainError::Cancelled) => return self.stop(&state, saved, &checkpoints),
                    Err(error) => return Err(error),
                }
            } else {
                let members = self.members(state.step);
                let (next, window) = self.update(state, &members)?;
                state = next;
                progress.advance(1);
                said = metrics::line(self.objective.method, &window);
                let seconds = clock.elapsed().as_secs_f64();
                let left = remaining(seconds, state.step - first, total - first);
                progress.message(&format!("{said}  {left}"));
            }
            let due = self.save_steps > 0 && state.step.is_multiple_of(self.save_steps);
            if due && !self.is_over(&state) && !self.evaluation_due(&state) {
                self.save(&state, &checkpoints)?;
                saved = state.metrics.len();
            }
        }
        let took = clock.elapsed().as_secs_f64();
        let outcome = self.finish(state, &fingerprint, &checkpoints)?;
        let mut last = format!("{said}  took {}, estimated {}", duration(took), duration(expected));
        if let Some(peak) = memory::peak() {
            let beside = estimate::beside(peak, estimate.total(choice.activations));
            last = format!("{last}; {beside}");
        }
        progress.message(last.trim_start());
        progress.finish();
        Ok(outcome)
    }

    /// The groups of an update.
    fn members(&self, update: usize) -> Vec<&EncodedGroup> {
        let order = self.plan.order(self.plan.epoch(update));
        self.plan.members(update, &order).iter().map(|&index| self.groups[index]).collect()
    }

    /// Whether nothing is left to do: all updates are done, or enough of them, and all evaluations.
    fn is_over(&self, state: &Learner) -> bool {
        let enough =
            state.step >= self.plan.updates() || self.eval_strategy.stops_early(&state.metrics);
        enough && !self.evaluation_due(state)
    }

    /// Whether the dev split is to be evaluated now and was not since the last update.
    fn evaluation_due(&self, state: &Learner) -> bool {
        let step = state.step as u64;
        let mut latest = state.metrics.iter().rev().take_while(|row| row.step == step);
        let due = !self.dev.is_empty() && self.eval_strategy.is_due(state.step, &self.plan);
        due && !latest.any(|row| row.name.starts_with(EVALUATION))
    }

    /// Notes an evaluation, and the weights where they are the best so far.
    fn evaluated(&self, state: &mut Learner, found: &metrics::Window) -> Result<(), TrainError> {
        state.metrics.extend(found.rows(state.step as u64, EVALUATION));
        if self.eval_strategy.load_best_model_at_end
            && self.eval_strategy.best_step(&state.metrics) == Some(state.step)
        {
            state.best = Some(weights::trained_tensors(&state.decoder)?);
        }
        Ok(())
    }

    /// Writes a checkpoint, and the metrics so far for who looks on.
    fn save(&self, state: &Learner, checkpoints: &Checkpoints) -> Result<(), TrainError> {
        events::write(&self.dir, &state.metrics)?;
        checkpoints.save(&state.checkpoint()?)
    }

    /// Saves what is not saved yet, where checkpoints are on, and ends.
    fn stop(
        &self,
        state: &Learner,
        saved: usize,
        checkpoints: &Checkpoints,
    ) -> Result<Outcome, TrainError> {
        if self.save_steps > 0 && state.metrics.len() != saved {
            self.save(state, checkpoints)?;
        }
        Err(TrainError::Cancelled)
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
            kept: finished.kept.unwrap_or(finished.updates),
            metrics: read(&self.dir.join(METRICS))?,
        }))
    }

    fn begin(&self, start: &Decoder, checkpoints: &Checkpoints) -> Result<Learner, TrainError> {
        let optimizer = Optimizer::new(self.optim, self.weight_decay);
        match checkpoints.latest()? {
            Some(saved) => Learner::resume(start, optimizer, self.lora, saved),
            None => Ok(Learner::new(start.clone(), optimizer)),
        }
    }

    /// One update: micro-batches forward and backward, guards, clipping, the optimizer's step. Answers
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
        tracing::debug!(step, "update begins");
        let mut means = metrics::Window::default();
        let (mut gradients, loss) = self.gradients(&mut state, members, &mut means)?;
        let norm = global_norm(&state.decoder, &gradients)?;
        guards::finite_norm(step, norm, members.iter().map(|group| group.id.as_str()))?;
        clip(&state.decoder, &mut gradients, norm, self.max_grad_norm);
        let rate = self.schedule.rate(step);
        state.decoder = state.optimizer.step(rate, state.decoder, gradients);
        means.add("loss", loss, 1.0);
        means.add("grad_norm", norm, 1.0);
        means.add("learning_rate", rate, 1.0);
        means.add("epoch", (step + 1) as f64 / self.plan.updates_per_epoch() as f64, 1.0);
        state.step += 1;
        state.metrics.extend(means.rows(state.step as u64, ""));
        tracing::debug!(step, "update ends");
        Ok((state, means))
    }

    /// An update's loss and its gradient, summed over its micro-batches in their order.
    ///
    /// # Errors
    /// When a guard stops the training or the model fails.
    pub fn gradients(
        &self,
        state: &mut Learner,
        members: &[&EncodedGroup],
        means: &mut metrics::Window,
    ) -> Result<(GradientsParams, f64), TrainError> {
        let window = Window::of(members.iter().copied());
        let (decoder, step, activations) = (&state.decoder, state.step, state.activations);
        let device = decoder.device();
        let parts = micro_batches(members, self.tokens_per_micro_batch);
        // Gradients of every weight are as big as the model: no more of them are held than are computed at once.
        let wave = if self.lora.is_some() { parts.len() } else { workers::count(&device) };
        let mut sum = GradientsAccumulator::<Decoder>::new();
        let mut loss = 0.0;
        let (mut computed, mut padded) = (0, 0);
        for parts in parts.chunks(wave.max(1)) {
            let piece = |part: &Vec<_>| self.micro_batch(decoder, activations, step, part, window);
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
        means.add("tokens/computed", computed as f64, 1.0);
        means.add("tokens/padded_rows", padded as f64, 1.0);
        Ok((sum.grads(), loss))
    }

    /// Forward and backward of one micro-batch, as its share of an update's loss.
    pub(crate) fn micro_batch<'g>(
        &self,
        decoder: &Decoder,
        activations: Activations,
        step: usize,
        groups: &[&'g EncodedGroup],
        window: Window,
    ) -> Result<Piece<'g>, TrainError> {
        let needs = |group: &EncodedGroup| self.objective.method.needs(group);
        let batch = Batch::new(groups, self.sequence_layout, needs)?;
        let (mut scored, mut loss) = (Vec::new(), 0.0);
        let coefficients = |logps: &[f32]| -> Result<Vec<f32>, TrainError> {
            scored = self.scored(groups, &batch, logps)?;
            if self.starts_at_reference && step == 0 {
                let read: Vec<[bool; 4]> = groups.iter().map(|group| needs(group)).collect();
                guards::step_zero(&scored, &read, decoder.products_are_coarse())?;
            }
            let evaluated = self.objective.evaluate(&scored, window, &decoder.device())?;
            guards::finite_losses(step, &scored, &evaluated.losses)?;
            loss = evaluated.share;
            Ok(batch.spread(&evaluated.slopes))
        };
        let Batch { layout, targets, .. } = &batch;
        let (_, gradients) =
            decoder.response_logps_and_grads(layout, targets, activations, coefficients)?;
        Ok(Piece {
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
            self.sequence_layout,
            self.tokens_per_micro_batch,
            progress,
        )
    }

    fn finish(
        &self,
        state: Learner,
        fingerprint: &str,
        checkpoints: &Checkpoints,
    ) -> Result<Outcome, TrainError> {
        let (decoder, kept) = match &state.best {
            Some(best) => (
                weights::with_tensors(&state.decoder, best, self.lora)?,
                self.eval_strategy.best_step(&state.metrics),
            ),
            None => (state.decoder, None),
        };
        if self.keep_weights {
            weights::save(&self.dir, &decoder, self.lora, &self.card)?;
        }
        let producer = concat!("iopo-train ", env!("CARGO_PKG_VERSION"));
        let provenance = Provenance::new(producer, self.card.settings.clone())
            .with_input("preferences", self.card.preferences_hash.as_str())
            .with_input("base_weights", self.card.base_weights_hash.as_str());
        events::write(&self.dir, &state.metrics)?;
        write(&self.dir.join(METRICS), &state.metrics, &provenance)?;
        let finished = Finished {
            fingerprint: fingerprint.to_owned(),
            updates: state.step,
            tokens: state.tokens,
            padded_tokens: state.padded_tokens,
            kept,
        };
        files::write(&self.dir.join(FINISHED), json!(finished).to_string().as_bytes())?;
        checkpoints.clear()?;
        Ok(Outcome {
            updates: state.step,
            tokens: state.tokens,
            padded_tokens: state.padded_tokens,
            kept: kept.unwrap_or(state.step),
            metrics: state.metrics,
        })
    }
}
