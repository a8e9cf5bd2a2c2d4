//! All methods of a run: SFT from the base, the others from the SFT model.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use iopo_core::SettingError;
use iopo_llm::Progress;
use iopo_model::{ChatTemplate, Decoder, Dtype, LoraConfig, Tokenizer, write_chat_files};
use iopo_schema::{PreferenceRow, Provenance, Split, file_hash, read};
use serde_json::json;

use crate::{
    Method, Objective, TrainConfig, TrainError,
    batch::{Plan, limited, smaller},
    encode::{EncodedGroup, EncodedGroups, Encoder, TruncationMode, encode},
    files,
    grid::{self, Settings, Trial},
    reference::{Identity, reference},
    schedule::Schedule,
    trainer::{Job, Outcome},
    weights::{self, Card},
};

/// The model that training starts from.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// Its public name, as adapters will give it.
    pub name: &'a str,
    /// Hash of its weight files.
    pub weights_hash: &'a str,
    /// Its weights.
    pub decoder: &'a Decoder,
    /// Its tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// Its chat template.
    pub template: &'a ChatTemplate,
}

impl Base<'_> {
    /// Hash of tokenizer and chat template: what turns text into tokens.
    ///
    /// # Errors
    /// When the tokenizer cannot be written out.
    pub fn template_hash(&self) -> Result<String, TrainError> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.tokenizer.hash()?.as_bytes()).update(self.template.hash().as_bytes());
        Ok(hasher.finalize().to_hex().to_string())
    }
}

/// One trained model.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// The method.
    pub method: Method,
    /// The seed.
    pub seed: u64,
    /// Folder of the adapter (or of the whole model) and its metrics.
    pub adapter: PathBuf,
    /// The settings, chosen from the grid where there is one.
    pub settings: Settings,
    /// Updates.
    pub updates: usize,
    /// Updates that there would have been without early stopping.
    pub planned: usize,
    /// The update after which the kept weights were taken.
    pub kept: usize,
    /// Flat tokens computed.
    pub tokens: u64,
    /// Tokens of the same sequences as padded rows.
    pub padded_tokens: u64,
    /// Loss of the last update.
    pub loss: Option<f64>,
    /// Reward accuracy on the dev split of the weights that were kept.
    pub dev_accuracy: Option<f64>,
}

impl RunSummary {
    /// Tokens computed ÷ tokens of padded rows (four of them for IOPO on full groups).
    pub fn token_ratio(&self) -> f64 {
        self.tokens as f64 / self.padded_tokens.max(1) as f64
    }
}

/// What a run made.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainSummary {
    /// The models, SFT first, seed by seed.
    pub runs: Vec<RunSummary>,
    /// Groups trained on.
    pub groups: usize,
    /// Groups of the dev split that were evaluated.
    pub dev_groups: usize,
    /// Rows left out, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
}

/// A run's inputs, read once.
struct Inputs<'a> {
    config: &'a TrainConfig,
    base: &'a Base<'a>,
    out_dir: &'a Path,
    progress: &'a dyn Progress,
    train: Vec<&'a EncodedGroup>,
    /// The groups that a trial of the grid trains on.
    trial: Vec<&'a EncodedGroup>,
    dev: Vec<&'a EncodedGroup>,
    template_hash: String,
    max_length: usize,
    preferences_hash: String,
}

/// Trains every method of `config` on the train split of `preferences`: SFT from `base`, then each
/// other method from the SFT model, on the same groups in the same order with the same number of
/// updates (fewer where early stopping ends one). Each goes to its own folder under `out_dir`; what is finished is not done again.
///
/// # Errors
/// When a setting is out of bounds, no group fits, a folder belongs to another run, a guard stops a
/// training, or a model or file fails; [`TrainError::Cancelled`] when `progress` asks to stop.
pub fn train(
    config: &TrainConfig,
    preferences: &Path,
    base: &Base<'_>,
    out_dir: &Path,
    progress: &dyn Progress,
) -> Result<TrainSummary, TrainError> {
    config.validate()?;
    // What the model has no positions for does not fit either.
    let max_length = config.max_length.min(base.decoder.config().max_position_embeddings);
    let rows: Vec<PreferenceRow> = read(preferences)?;
    let encoder = Encoder::new(base.tokenizer, base.template, max_length, config.truncation_mode)?;
    let of = |split: Split| encode(rows.iter().filter(|row| row.split == split), &encoder);
    let train = of(Split::Train)?;
    if train.groups.is_empty() {
        return Err(TrainError::NoGroups {
            path: preferences.to_owned(),
            dropped: train.describe_dropped(),
        });
    }
    let choosing = !config.grid.is_empty();
    let dev = if config.do_eval || choosing { of(Split::Dev)? } else { EncodedGroups::default() };
    let chooser = match (choosing, config.eval_strategy().needs_evaluations()) {
        (true, _) => Some("train.grid"),
        (_, true) if config.early_stopping_patience > 0 => Some("train.early_stopping_patience"),
        (_, true) => Some("train.load_best_model_at_end"),
        (false, false) => None,
    };
    if let Some(key) = chooser
        && dev.groups.is_empty()
    {
        let found = format!("a dev split without groups ({})", dev.describe_dropped());
        return Err(SettingError::new(key, found, "groups of the dev split to choose by").into());
    }
    let mut dropped = train.dropped.clone();
    for (reason, count) in &dev.dropped {
        *dropped.entry(reason).or_default() += count;
    }
    let inputs = Inputs {
        config,
        base,
        out_dir,
        progress,
        trial: limited(
            &train.groups,
            smaller(config.max_train_groups, config.grid.max_train_groups),
        ),
        train: limited(&train.groups, config.max_train_groups),
        dev: limited(&dev.groups, config.max_eval_groups),
        template_hash: base.template_hash()?,
        max_length,
        preferences_hash: file_hash(preferences)?,
    };
    let mut chosen = BTreeMap::new();
    let mut runs = Vec::new();
    for seed in config.resolved_seeds() {
        runs.extend(inputs.seed(seed, &mut chosen)?);
    }
    Ok(TrainSummary { runs, groups: inputs.train.len(), dev_groups: inputs.dev.len(), dropped })
}

impl<'a> Inputs<'a> {
    fn lora(&self) -> Option<&'a LoraConfig> {
        self.config.use_peft.then_some(&self.config.lora)
    }

    /// All methods with one seed.
    fn seed(
        &self,
        seed: u64,
        chosen: &mut BTreeMap<Method, Settings>,
    ) -> Result<Vec<RunSummary>, TrainError> {
        let (base, none) = (self.base, BTreeMap::new());
        let start = match self.lora() {
            Some(lora) => base.decoder.clone().with_lora(lora, seed)?,
            None => base.decoder.clone(),
        };
        let settings = grid::candidates(self.config, Method::Sft)[0];
        let job = self.job(Method::Sft, seed, settings, &none);
        let outcome = self.train(&job, &start)?;
        let mut runs = vec![summary(&job, seed, settings, &outcome)];
        let methods: Vec<Method> =
            self.config.resolved_methods().into_iter().filter(|m| *m != Method::Sft).collect();
        if methods.is_empty() {
            return Ok(runs);
        }

        let sft = weights::load(&job.dir, base.decoder, base.weights_hash)?;
        let sums = if methods.iter().any(|method| method.has_reference()) {
            self.reference(seed, &sft)?
        } else {
            BTreeMap::new()
        };
        if !self.config.grid.is_empty() && chosen.is_empty() {
            *chosen = self.choose(&methods, seed, &sft, &sums)?;
        }
        for method in methods {
            let own = grid::candidates(self.config, method)[0];
            let settings = chosen.get(&method).copied().unwrap_or(own);
            let job = self.job(method, seed, settings, &sums);
            let outcome = self.train(&job, &sft)?;
            runs.push(summary(&job, seed, settings, &outcome));
        }
        Ok(runs)
    }

    /// Runs a job whose model is kept; one without adapters gets all files of a model of its own.
    fn train(&self, job: &Job<'_>, start: &Decoder) -> Result<Outcome, TrainError> {
        let outcome = job.run(start, self.progress)?;
        if !self.config.use_peft {
            // Again each time: a kill after the training's last file left them out.
            let Base { decoder, tokenizer, template, .. } = self.base;
            write_chat_files(&job.dir, tokenizer, template, decoder.config())?;
        }
        Ok(outcome)
    }

    /// What the base's weights are held in, where that is not f32: their sums are others.
    fn narrow(&self) -> String {
        let dtype = self.base.decoder.dtype();
        if dtype == Dtype::F32 { String::new() } else { format!(" {}", dtype.name()) }
    }

    fn reference(
        &self,
        seed: u64,
        sft: &Decoder,
    ) -> Result<BTreeMap<String, [f64; 4]>, TrainError> {
        let trained = weights::hash(&weights::trained_tensors(sft)?);
        let text = format!("{} {trained}", self.base.weights_hash) + &self.narrow();
        let model_hash = blake3::hash(text.as_bytes()).to_hex().to_string();
        let name = self.config.folder(Method::Sft, seed).replacen("sft", "reference_logps", 1);
        let groups: Vec<&EncodedGroup> = self.train.iter().chain(&self.dev).copied().collect();
        files::create_dir(self.out_dir)?;
        reference(
            &self.out_dir.join(format!("{name}.parquet")),
            sft,
            &groups,
            Identity {
                model_hash: &model_hash,
                template_hash: &self.encoding_hash(),
                preferences_hash: &self.preferences_hash,
            },
            self.config.sequence_layout,
            self.config.tokens_per_micro_batch,
            self.progress,
        )
    }

    /// What turns text into the tokens that are scored: a cut changes them too.
    fn encoding_hash(&self) -> String {
        match self.config.truncation_mode {
            TruncationMode::Drop => self.template_hash.clone(),
            TruncationMode::Official => {
                let text = format!("{} official {}", self.template_hash, self.max_length);
                blake3::hash(text.as_bytes()).to_hex().to_string()
            }
        }
    }

    /// Trains every candidate of every method and takes the best on the dev split.
    fn choose(
        &self,
        methods: &[Method],
        seed: u64,
        sft: &Decoder,
        sums: &BTreeMap<String, [f64; 4]>,
    ) -> Result<BTreeMap<Method, Settings>, TrainError> {
        let mut trials: Vec<(Method, Vec<Trial>)> = Vec::new();
        let mut chosen = BTreeMap::new();
        for &method in methods {
            let mut of_method = Vec::new();
            for (index, settings) in grid::candidates(self.config, method).into_iter().enumerate() {
                let mut job = self.job(method, seed, settings, sums);
                job.dir = self.out_dir.join("grid").join(format!("{method}-{index:02}"));
                job.keep_weights = false;
                if self.config.grid.num_train_epochs > 0 {
                    job.plan.epochs = self.config.grid.num_train_epochs;
                }
                job.groups = &self.trial;
                job.plan.groups = self.trial.len();
                job.schedule = self.schedule(settings, &job.plan);
                job.card.settings["plan"] = plan_json(&job.plan);
                of_method.push(match job.run(sft, self.progress) {
                    Ok(outcome) => grid::trial(settings, &outcome),
                    // A diverging candidate is a result of the grid, not its end.
                    Err(TrainError::NonFinite { .. }) => {
                        Trial { settings, accuracy: None, nll: f64::INFINITY }
                    }
                    Err(error) => return Err(error),
                });
            }
            let Some(best) = grid::best(&of_method) else {
                return Err(TrainError::NoTrial { method, candidates: of_method.len() });
            };
            chosen.insert(method, best);
            trials.push((method, of_method));
        }
        let producer = concat!("iopo-train ", env!("CARGO_PKG_VERSION"));
        let mut settings = json!(self.config);
        if let Some(settings) = settings.as_object_mut() {
            // What decides nothing of the file is no part of it.
            settings.remove("gradient_checkpointing");
        }
        let provenance = Provenance::new(producer, settings)
            .with_input("preferences", self.preferences_hash.as_str());
        grid::save(&self.out_dir.join("grid.parquet"), &trials, &provenance)?;
        Ok(chosen)
    }

    fn schedule(&self, settings: Settings, plan: &Plan) -> Schedule {
        let TrainConfig { lr_scheduler_type, warmup_ratio, .. } = *self.config;
        Schedule::with_ratio(
            lr_scheduler_type,
            settings.learning_rate,
            warmup_ratio,
            plan.updates(),
        )
    }

    fn job<'j>(
        &'j self,
        method: Method,
        seed: u64,
        settings: Settings,
        sums: &'j BTreeMap<String, [f64; 4]>,
    ) -> Job<'j> {
        let config = self.config;
        let plan = Plan {
            groups: self.train.len(),
            per_update: config.groups_per_update,
            epochs: config.epochs(method),
            seed,
        };
        let card = Card {
            base: self.base.name.to_owned(),
            base_weights_hash: self.base.weights_hash.to_owned(),
            template_hash: self.template_hash.clone(),
            method: method.to_string(),
            preferences_hash: self.preferences_hash.clone(),
            settings: self.settings_json(method, settings, &plan),
        };
        Job {
            objective: self.objective(method, settings),
            schedule: self.schedule(settings, &plan),
            plan,
            lora: self.lora(),
            sequence_layout: config.sequence_layout,
            tokens_per_micro_batch: config.tokens_per_micro_batch,
            gradient_checkpointing: config.gradient_checkpointing,
            max_grad_norm: config.max_grad_norm,
            optim: config.optim,
            weight_decay: config.weight_decay,
            save_steps: config.save_steps,
            groups: &self.train,
            dev: &self.dev,
            eval_strategy: config.eval_strategy(),
            reference: sums,
            starts_at_reference: method.has_reference(),
            dir: self.out_dir.join(config.folder(method, seed)),
            keep_weights: true,
            card,
        }
    }

    fn objective(&self, method: Method, settings: Settings) -> Objective {
        let Settings { beta, pref_ftx, gamma, .. } = settings;
        let shape = self.config.loss_type.shape(self.config.label_smoothing);
        Objective { method, beta, pref_ftx, gamma: gamma.unwrap_or(0.0), shape }
    }

    /// What a training is a function of, which `recompute` is not. Later settings are named only where they are not the default,
    /// so that runs of before them are recognised.
    fn settings_json(&self, method: Method, settings: Settings, plan: &Plan) -> serde_json::Value {
        let config = self.config;
        let mut made = json!({
            "settings": settings,
            "plan": plan_json(plan),
            "warmup_ratio": config.warmup_ratio,
            "tokens_per_micro_batch": config.tokens_per_micro_batch,
            "sequence_layout": config.sequence_layout,
            "lora": self.lora(),
            "max_length": config.max_length,
            "max_grad_norm": config.max_grad_norm,
            "weight_decay": config.weight_decay,
            "dev_groups": self.dev.len(),
        });
        let plain = TrainConfig::default();
        if self.base.decoder.dtype() != Dtype::F32 {
            made["dtype"] = json!(self.base.decoder.dtype());
        }
        if config.truncation_mode != plain.truncation_mode {
            made["truncation_mode"] = json!(config.truncation_mode);
        }
        if config.lr_scheduler_type != plain.lr_scheduler_type {
            made["lr_scheduler_type"] = json!(config.lr_scheduler_type);
        }
        if config.optim != plain.optim {
            made["optim"] = json!(config.optim);
        }
        if config.eval_strategy() != plain.eval_strategy() {
            made["eval_strategy"] = json!(config.eval_strategy());
        }
        let loss = (config.loss_type, config.label_smoothing);
        if method.has_reference() && loss != (plain.loss_type, plain.label_smoothing) {
            made["loss"] = json!(loss);
        }
        made
    }
}

fn summary(job: &Job<'_>, seed: u64, settings: Settings, outcome: &Outcome) -> RunSummary {
    RunSummary {
        method: job.objective.method,
        seed,
        adapter: job.dir.clone(),
        settings,
        updates: outcome.updates,
        planned: job.plan.updates(),
        kept: outcome.kept,
        tokens: outcome.tokens,
        padded_tokens: outcome.padded_tokens,
        loss: outcome.last("loss"),
        dev_accuracy: outcome.kept("eval_rewards/accuracies"),
    }
}

fn plan_json(plan: &Plan) -> serde_json::Value {
    json!({
        "groups": plan.groups,
        "per_update": plan.per_update,
        "epochs": plan.epochs,
        "seed": plan.seed,
    })
}
