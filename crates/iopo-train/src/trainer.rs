//! The training of one method, from its start to its weights.

mod lifecycle;
mod output;
mod throughput;
mod update;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use iopo_model::{Decoder, Dtype, LoraConfig};

use crate::{
    Method, TrainConfig,
    batch::Plan,
    encode::EncodedGroup,
    estimate::Estimate,
    eval_strategy::EvalStrategy,
    grid::Settings,
    group_weights::{GroupWeights, WeightsOrigin},
    metadata::{Metadata, Origin, ResultSettings},
    micro_batch,
    objective::Objective,
    reference::ReferenceLogps,
    schedule::Schedule,
};

pub use output::TrainOutput;

/// The groups of a training and their logps under the reference.
#[derive(Debug, Clone, Copy)]
pub struct TrainingData<'a> {
    /// Groups to train on.
    pub train: &'a [&'a EncodedGroup],
    /// Groups to evaluate on.
    pub dev: &'a [&'a EncodedGroup],
    /// Logps of all of them under the reference; only methods with a reference read them.
    pub reference: &'a ReferenceLogps,
}

/// Trains one method, with the settings that a configuration gives it.
#[derive(Debug, Clone)]
pub struct Trainer<'a> {
    config: TrainConfig,
    method: Method,
    settings: Settings,
    plan: Plan,
    objective: Objective,
    schedule: Schedule,
    data: TrainingData<'a>,
    dir: PathBuf,
    origin: Origin,
    weights: GroupWeights,
    starts_at_reference: bool,
    writes_weights: bool,
    replaces: bool,
    /// Made with the first micro-batch.
    tokens_per_micro_batch: OnceLock<usize>,
}

impl<'a> Trainer<'a> {
    /// Makes the trainer of a method from a configuration and data.
    ///
    /// `seed` is the random seed of the order of the groups. The trainer writes its files to `dir`; `origin` identifies the
    /// run, so that a directory of another run is refused.
    pub fn new(
        config: &TrainConfig,
        method: Method,
        seed: u64,
        data: TrainingData<'a>,
        dir: impl Into<PathBuf>,
        origin: &Origin,
    ) -> Self {
        let plan = Plan {
            groups: data.train.len(),
            per_update: config.groups_per_update,
            epochs: config.epochs(method),
            seed,
            group_by_length: config.group_by_length,
        };
        let settings = config.settings(method);
        Self {
            method,
            settings,
            objective: objective(config, method, settings),
            schedule: schedule(config, settings, &plan),
            plan,
            data,
            dir: dir.into(),
            origin: origin.clone(),
            weights: GroupWeights::new(),
            starts_at_reference: method.has_reference(),
            writes_weights: true,
            replaces: false,
            tokens_per_micro_batch: OnceLock::new(),
            config: config.clone(),
        }
    }

    /// Replaces the method's settings, for instance by those that a grid chose.
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Self {
        Self {
            objective: objective(&self.config, self.method, settings),
            schedule: schedule(&self.config, settings, &self.plan),
            settings,
            ..self
        }
    }

    /// Sets the weights of the training groups in the loss. Default: equal weights.
    #[must_use]
    pub fn with_group_weights(self, weights: GroupWeights) -> Self {
        Self { weights, ..self }
    }

    /// Sets whether the policy starts as its own reference. If it does, every margin must be 0 before the first update, or
    /// training stops. Default: true for a method with a reference.
    #[must_use]
    pub fn starts_at_reference(self, starts_at_reference: bool) -> Self {
        Self { starts_at_reference, ..self }
    }

    /// Sets whether the trained weights are written; a trial of a grid needs its metrics only. Default: true.
    #[must_use]
    pub fn writes_weights(self, writes_weights: bool) -> Self {
        Self { writes_weights, ..self }
    }

    /// Sets whether a result or a checkpoint of another run, or a damaged result, is replaced. Default: false; it is an error.
    #[must_use]
    pub fn replaces(self, replaces: bool) -> Self {
        Self { replaces, ..self }
    }

    /// Returns the method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Returns the groups of each update.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the loss.
    pub fn objective(&self) -> &Objective {
        &self.objective
    }

    /// Returns the output directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the settings of the adapters; `None` if every weight is trained.
    fn lora(&self) -> Option<&LoraConfig> {
        self.config.use_peft.then_some(&self.config.lora)
    }

    /// Returns the maximum number of tokens of a micro-batch.
    fn micro_batch_tokens(&self, decoder: &Decoder) -> usize {
        let configured = self.config.tokens_per_micro_batch;
        let activations = self.config.gradient_checkpointing.if_they_fit();
        *self.tokens_per_micro_batch.get_or_init(|| {
            let estimate = |tokens| Estimate::new(self.size(decoder, tokens));
            micro_batch::tokens(configured, decoder, activations, estimate)
        })
    }

    fn eval_strategy(&self) -> EvalStrategy {
        self.config.eval_strategy()
    }

    /// Describes the training of a model whose base has weights of type `dtype`.
    fn metadata(&self, dtype: Dtype) -> Metadata {
        let Origin {
            base,
            location: _,
            base_weights_hash,
            template_hash,
            preferences_hash,
            sft_rows,
            start_hash,
        } = self.origin.clone();
        Metadata {
            base,
            base_weights_hash,
            template_hash,
            method: self.method,
            preferences_hash,
            sft_rows,
            start_hash,
            files: BTreeMap::new(),
            group_weights: (!self.weights.is_empty())
                .then(|| WeightsOrigin::new(self.config.group_weighting, &self.weights)),
            settings: ResultSettings::new(
                &self.config,
                self.method,
                self.settings,
                self.plan,
                self.data.dev.len(),
                dtype,
            ),
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
