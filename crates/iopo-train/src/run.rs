//! All methods of a run: SFT from the base model, the others from the SFT model.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use iopo_core::SettingError;
use iopo_llm::Progress;
use iopo_model::{ChatTemplate, Decoder, Dtype, LoraConfig, Tokenizer, write_chat_files};
use iopo_schema::{PreferenceRow, Provenance, Split, TrainingMetric, file_hash, read};
use serde_json::json;

use crate::{
    Method, TrainConfig, TrainError,
    batch::{Plan, limited, smaller},
    encode::{EncodedGroup, EncodedGroups, Encoder, TruncationMode, encode},
    files,
    grid::{self, Settings, Trial},
    reference::{Identity, ReferenceLogps, reference},
    trainer::{TrainOutput, Trainer, TrainingData},
    weights::{self, Card},
};

/// The model that training starts from.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// Public name, which adapters record.
    pub name: &'a str,
    /// Hash of the weight files.
    pub weights_hash: &'a str,
    /// Weights.
    pub decoder: &'a Decoder,
    /// Tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// Chat template.
    pub template: &'a ChatTemplate,
}

impl Base<'_> {
    /// Hashes tokenizer and chat template, which turn text into tokens.
    ///
    /// # Errors
    /// Returns an error if the tokenizer cannot be serialized.
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
    /// The random seed.
    pub seed: u64,
    /// Directory of the adapter (or the whole model) and its metrics.
    pub adapter: PathBuf,
    /// The method's settings; with a grid, the chosen ones.
    pub settings: Settings,
    /// Updates done.
    pub updates: usize,
    /// Updates planned, without early stopping.
    pub planned: usize,
    /// Update after which the kept weights were taken.
    pub kept: usize,
    /// Tokens computed.
    pub tokens: u64,
    /// Tokens of the same sequences laid out as padded rows.
    pub padded_tokens: u64,
    /// Loss of the last update.
    pub loss: Option<f64>,
    /// Reward accuracy of the kept weights on the dev split.
    pub dev_accuracy: Option<f64>,
}

impl RunSummary {
    /// Returns the tokens computed as a share of the tokens of padded rows.
    pub fn token_ratio(&self) -> f64 {
        self.tokens as f64 / self.padded_tokens.max(1) as f64
    }
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainSummary {
    /// The models, by random seed, SFT first.
    pub runs: Vec<RunSummary>,
    /// Groups trained on.
    pub groups: usize,
    /// Groups of the dev split evaluated on.
    pub dev_groups: usize,
    /// Dropped rows, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
}

/// The inputs of a run.
struct Inputs<'a> {
    config: &'a TrainConfig,
    base: &'a Base<'a>,
    out_dir: &'a Path,
    progress: &'a dyn Progress,
    train: Vec<&'a EncodedGroup>,
    /// Groups that a trial of the grid trains on.
    trial: Vec<&'a EncodedGroup>,
    dev: Vec<&'a EncodedGroup>,
    template_hash: String,
    max_length: usize,
    preferences_hash: String,
}

/// Trains every method of `config` on the train split of `preferences`: SFT from `base`, then each other method from the
/// SFT model.
///
/// All of them see the same groups in the same order, with the same number of updates unless early stopping ends one.
/// Each writes to its own directory under `out_dir`; finished methods are not trained again.
///
/// # Errors
/// Returns an error if a setting is out of range, no group fits, a directory belongs to another run, a guard stops a
/// training, or a model or file fails, and [`TrainError::Cancelled`] if `progress` is cancelled.
pub fn train(
    config: &TrainConfig,
    preferences: &Path,
    base: &Base<'_>,
    out_dir: &Path,
    progress: &dyn Progress,
) -> Result<TrainSummary, TrainError> {
    config.validate()?;
    // The model has no positions beyond its own limit.
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

    /// Trains all methods with one random seed.
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
        let trainer = self.trainer(Method::Sft, seed, settings, &none);
        let output = self.train(&trainer, &start)?;
        let mut runs = vec![summary(&trainer, seed, settings, &output)];
        let methods: Vec<Method> =
            self.config.resolved_methods().into_iter().filter(|m| *m != Method::Sft).collect();
        if methods.is_empty() {
            return Ok(runs);
        }

        let sft = weights::load(&trainer.dir, base.decoder, base.weights_hash)?;
        let reference = if methods.iter().any(|method| method.has_reference()) {
            self.reference(seed, &sft)?
        } else {
            BTreeMap::new()
        };
        if !self.config.grid.is_empty() && chosen.is_empty() {
            *chosen = self.choose(&methods, seed, &sft, &reference)?;
        }
        for method in methods {
            let own = grid::candidates(self.config, method)[0];
            let settings = chosen.get(&method).copied().unwrap_or(own);
            let trainer = self.trainer(method, seed, settings, &reference);
            let output = self.train(&trainer, &sft)?;
            runs.push(summary(&trainer, seed, settings, &output));
        }
        Ok(runs)
    }

    /// Runs a trainer and keeps its model; a fully trained model gets all files of a Hugging Face directory.
    fn train(&self, trainer: &Trainer<'_>, start: &Decoder) -> Result<TrainOutput, TrainError> {
        let output = trainer.run(start, self.progress)?;
        if !self.config.use_peft {
            // Written each time, because a kill after the training's last file leaves them out.
            let Base { decoder, tokenizer, template, .. } = self.base;
            write_chat_files(&trainer.dir, tokenizer, template, decoder.config())?;
        }
        Ok(output)
    }

    /// Returns the number type of the base's weights if it is not f32, because logps depend on it.
    fn narrow(&self) -> String {
        let dtype = self.base.decoder.dtype();
        if dtype == Dtype::F32 { String::new() } else { format!(" {}", dtype.name()) }
    }

    fn reference(&self, seed: u64, sft: &Decoder) -> Result<ReferenceLogps, TrainError> {
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

    /// Hashes everything that turns text into the scored tokens, truncation included.
    fn encoding_hash(&self) -> String {
        match self.config.truncation_mode {
            TruncationMode::Drop => self.template_hash.clone(),
            TruncationMode::Official => {
                let text = format!("{} official {}", self.template_hash, self.max_length);
                blake3::hash(text.as_bytes()).to_hex().to_string()
            }
        }
    }

    /// Trains every candidate of every method and chooses the best on the dev split.
    fn choose(
        &self,
        methods: &[Method],
        seed: u64,
        sft: &Decoder,
        reference: &ReferenceLogps,
    ) -> Result<BTreeMap<Method, Settings>, TrainError> {
        let mut trials: Vec<(Method, Vec<Trial>)> = Vec::new();
        let mut chosen = BTreeMap::new();
        for &method in methods {
            let mut of_method = Vec::new();
            for (index, settings) in grid::candidates(self.config, method).into_iter().enumerate() {
                let mut trainer = self.trainer(method, seed, settings, reference);
                trainer.dir = self.out_dir.join("grid").join(format!("{method}-{index:02}"));
                trainer.keep_weights = false;
                if self.config.grid.num_train_epochs > 0 {
                    trainer.plan.epochs = self.config.grid.num_train_epochs;
                }
                trainer.data.train = &self.trial;
                trainer.plan.groups = self.trial.len();
                trainer = trainer.with_settings(self.config, settings);
                trainer.metadata.settings["plan"] = plan_json(&trainer.plan);
                of_method.push(match trainer.run(sft, self.progress) {
                    Ok(output) => grid::trial(settings, &output),
                    // A diverging candidate is a result of the grid, not an error.
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
            // It changes no result.
            settings.remove("gradient_checkpointing");
        }
        let provenance = Provenance::new(producer, settings)
            .with_input("preferences", self.preferences_hash.as_str());
        grid::save(&self.out_dir.join("grid.parquet"), &trials, &provenance)?;
        Ok(chosen)
    }

    fn trainer<'j>(
        &'j self,
        method: Method,
        seed: u64,
        settings: Settings,
        reference: &'j ReferenceLogps,
    ) -> Trainer<'j> {
        let config = self.config;
        let plan = Plan {
            groups: self.train.len(),
            per_update: config.groups_per_update,
            epochs: config.epochs(method),
            seed,
        };
        let metadata = Card {
            base: self.base.name.to_owned(),
            base_weights_hash: self.base.weights_hash.to_owned(),
            template_hash: self.template_hash.clone(),
            method: method.to_string(),
            preferences_hash: self.preferences_hash.clone(),
            settings: self.settings_json(method, settings, &plan),
        };
        let data = TrainingData { train: &self.train, dev: &self.dev, reference };
        let dir = self.out_dir.join(config.folder(method, seed));
        Trainer::new(config, method, seed, data, dir, metadata).with_settings(config, settings)
    }

    /// Lists the settings that a training's result depends on.
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
        if method.has_loss_type() && loss != (plain.loss_type, plain.label_smoothing) {
            made["loss"] = json!(loss);
        }
        made
    }
}

fn summary(
    trainer: &Trainer<'_>,
    seed: u64,
    settings: Settings,
    output: &TrainOutput,
) -> RunSummary {
    RunSummary {
        method: trainer.objective.method,
        seed,
        adapter: trainer.dir.clone(),
        settings,
        updates: output.updates,
        planned: trainer.plan.updates(),
        kept: output.kept,
        tokens: output.tokens,
        padded_tokens: output.padded_tokens,
        loss: output.last(TrainingMetric::Loss),
        dev_accuracy: output.kept(TrainingMetric::RewardsAccuracies),
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
