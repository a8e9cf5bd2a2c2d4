//! The training of one method, from its start to its weights.

mod lifecycle;
mod output;
mod update;

use std::path::PathBuf;

use iopo_model::LoraConfig;

use crate::{
    Method, TrainConfig, batch::Plan, encode::EncodedGroup, eval_strategy::EvalStrategy,
    gradient_checkpointing::GradientCheckpointing, grid::Settings, objective::Objective,
    optim::OptimizerName, reference::ReferenceLogps, schedule::Schedule, tree::SequenceLayout,
    weights::Card,
};

pub use output::TrainOutput;

/// The groups of a training and their logps under the reference.
#[derive(Debug, Clone, Copy)]
pub struct TrainingData<'a> {
    /// Groups to train on.
    pub train: &'a [&'a EncodedGroup],
    /// Groups to evaluate on.
    pub dev: &'a [&'a EncodedGroup],
    /// Logps of all of them under the reference; read by methods with a reference only.
    pub reference: &'a ReferenceLogps,
}

/// Trains one method; made from a configuration and data by [`Trainer::new`].
///
/// Its fields follow from the configuration and may be changed before the training starts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Trainer<'a> {
    /// The loss.
    pub objective: Objective,
    /// Groups of each update.
    pub plan: Plan,
    /// The learning rate of each update.
    pub schedule: Schedule,
    /// Shape of the adapters; `None` trains every weight.
    pub lora: Option<LoraConfig>,
    /// Tree or rows.
    pub sequence_layout: SequenceLayout,
    /// Most tokens of a micro-batch.
    pub tokens_per_micro_batch: usize,
    /// Whether the backward pass recomputes activations.
    pub gradient_checkpointing: GradientCheckpointing,
    /// Bound of the gradient's global norm; 0 for none.
    pub max_grad_norm: f64,
    /// The optimizer.
    pub optim: OptimizerName,
    /// Its weight decay.
    pub weight_decay: f64,
    /// Updates between checkpoints; 0 for none.
    pub save_steps: usize,
    /// Groups and reference.
    pub data: TrainingData<'a>,
    /// When to evaluate, when to stop early and which weights to keep.
    pub eval_strategy: EvalStrategy,
    /// Whether the policy starts as its own reference, so that all margins must be 0 at first.
    pub starts_at_reference: bool,
    /// Output directory.
    pub dir: PathBuf,
    /// Whether to write the trained weights; a trial of a grid needs its metrics only.
    pub keep_weights: bool,
    /// Identifies the run; written beside the weights.
    pub metadata: Card,
}

impl<'a> Trainer<'a> {
    /// Makes the trainer of a method with the settings that `config` gives it and a random seed.
    ///
    /// It writes to `dir`. A method with a reference is expected to start at it.
    pub fn new(
        config: &TrainConfig,
        method: Method,
        seed: u64,
        data: TrainingData<'a>,
        dir: impl Into<PathBuf>,
        metadata: Card,
    ) -> Self {
        let plan = Plan {
            groups: data.train.len(),
            per_update: config.groups_per_update,
            epochs: config.epochs(method),
            seed,
        };
        let settings = config.settings(method);
        Self {
            objective: objective(config, method, settings),
            schedule: schedule(config, settings, &plan),
            plan,
            lora: config.use_peft.then(|| config.lora.clone()),
            sequence_layout: config.sequence_layout,
            tokens_per_micro_batch: config.tokens_per_micro_batch,
            gradient_checkpointing: config.gradient_checkpointing,
            max_grad_norm: config.max_grad_norm,
            optim: config.optim,
            weight_decay: config.weight_decay,
            save_steps: config.save_steps,
            data,
            eval_strategy: config.eval_strategy(),
            starts_at_reference: method.has_reference(),
            dir: dir.into(),
            keep_weights: true,
            metadata,
        }
    }

    /// Replaces the method's settings, for instance by those that a grid chose.
    #[must_use]
    pub fn with_settings(self, config: &TrainConfig, settings: Settings) -> Self {
        Self {
            objective: objective(config, self.objective.method, settings),
            schedule: schedule(config, settings, &self.plan),
            ..self
        }
    }
}

fn objective(config: &TrainConfig, method: Method, settings: Settings) -> Objective {
    let Settings { beta, pref_ftx, gamma, .. } = settings;
    let shape = config.loss_type.shape(config.label_smoothing);
    Objective { method, beta, pref_ftx, gamma: gamma.unwrap_or(0.0), shape }
}

fn schedule(config: &TrainConfig, settings: Settings, plan: &Plan) -> Schedule {
    let TrainConfig { lr_scheduler_type, warmup_ratio, .. } = *config;
    Schedule::with_ratio(lr_scheduler_type, settings.learning_rate, warmup_ratio, plan.updates())
}
