//! All methods of a run: SFT from the base model, the others from the SFT model.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use iopo_core::{SettingError, hash};
use iopo_llm::Progress;
use iopo_model::{ChatTemplate, Decoder, Dtype, Tokenizer, write_chat_files};
use iopo_schema::run_files::model_folder;
use iopo_schema::{PreferenceRow, Provenance, Split, TrainingMetric, file_hash, read};
use serde_json::json;

use crate::{
    Method, PRODUCER, TrainConfig, TrainError,
    batch::{limited, smaller},
    encode::{DropReason, EncodedGroup, EncodedGroups, Encoder, TruncationMode, encode},
    files,
    grid::{self, Settings, Trial},
    metadata::Origin,
    reference::{Identity, ReferenceLogps, reference},
    trainer::{TrainOutput, Trainer, TrainingData},
    weights,
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
        Ok(hash::bytes(self.tokenizer.hash()? + &self.template.hash()))
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
    pub dropped: BTreeMap<DropReason, u64>,
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
    origin: Origin,
    max_length: usize,
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
    // The model cannot compute longer sequences than it has positions for.
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
    let needs_dev = match (choosing, config.eval_strategy().needs_evaluations()) {
        (true, _) => Some("train.grid"),
        (_, true) if config.early_stopping_patience > 0 => Some("train.early_stopping_patience"),
        (_, true) => Some("train.load_best_model_at_end"),
        (false, false) => None,
    };
    if let Some(key) = needs_dev
        && dev.groups.is_empty()
    {
        let found = format!("a dev split without groups ({})", dev.describe_dropped());
        return Err(SettingError::new(key, found, "at least one group of the dev split").into());
    }
    let mut dropped = train.dropped.clone();
    for (reason, count) in &dev.dropped {
        *dropped.entry(*reason).or_default() += count;
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
        origin: Origin {
            base: base.name.to_owned(),
            base_weights_hash: base.weights_hash.to_owned(),
            template_hash: base.template_hash()?,
            preferences_hash: file_hash(preferences)?,
        },
        max_length,
    };
    let mut chosen = BTreeMap::new();
    let mut runs = Vec::new();
    for seed in config.resolved_seeds() {
        runs.extend(inputs.seed(seed, &mut chosen)?);
    }
    Ok(TrainSummary { runs, groups: inputs.train.len(), dev_groups: inputs.dev.len(), dropped })
}

impl Inputs<'_> {
    /// Trains all methods with one random seed.
    fn seed(
        &self,
        seed: u64,
        chosen: &mut BTreeMap<Method, Settings>,
    ) -> Result<Vec<RunSummary>, TrainError> {
        let (base, none) = (self.base, BTreeMap::new());
        let start = base.decoder.clone();
        let start =
            if self.config.use_peft { start.with_lora(&self.config.lora, seed)? } else { start };
        let settings = grid::candidates(self.config, Method::Sft)[0];
        let trainer = self.trainer(Method::Sft, seed, settings, &none);
        let output = self.train(&trainer, &start)?;
        let mut runs = vec![summary(&trainer, seed, settings, &output)];
        let methods: Vec<Method> =
            self.config.resolved_methods().into_iter().filter(|m| !m.starts_from_base()).collect();
        if methods.is_empty() {
            return Ok(runs);
        }

        let sft = weights::load(trainer.dir(), base.decoder, base.weights_hash)?;
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

    /// Runs a trainer. A fully trained model gets all files of a Hugging Face directory.
    fn train(&self, trainer: &Trainer<'_>, start: &Decoder) -> Result<TrainOutput, TrainError> {
        let output = trainer.run(start, self.progress)?;
        if !self.config.use_peft {
            // Written every time, because a kill can occur between the last file of the training and these.
            let Base { decoder, tokenizer, template, .. } = self.base;
            write_chat_files(trainer.dir(), tokenizer, template, decoder.config())?;
        }
        Ok(output)
    }

    /// Returns the type of the base's weights if it is not f32, because logps depend on it.
    fn dtype_suffix(&self) -> String {
        let dtype = self.base.decoder.dtype();
        if dtype == Dtype::F32 { String::new() } else { format!(" {}", dtype.name()) }
    }

    fn reference(&self, seed: u64, sft: &Decoder) -> Result<ReferenceLogps, TrainError> {
        let trained = weights::hash(&weights::trained_tensors(sft)?);
        let text = format!("{} {trained}", self.base.weights_hash) + &self.dtype_suffix();
        let model_hash = hash::bytes(text);
        let name = model_folder("reference_logps", (self.config.seeds.len() > 1).then_some(seed));
        let groups: Vec<&EncodedGroup> = self.train.iter().chain(&self.dev).copied().collect();
        files::create_dir(self.out_dir)?;
        reference(
            &self.out_dir.join(format!("{name}.parquet")),
            sft,
            &groups,
            Identity {
                model_hash: &model_hash,
                template_hash: &self.encoding_hash(),
                preferences_hash: &self.origin.preferences_hash,
            },
            self.config.sequence_layout,
            self.config.tokens_per_micro_batch,
            self.progress,
        )
    }

    /// Hashes everything that turns text into the scored tokens, truncation included.
    fn encoding_hash(&self) -> String {
        match self.config.truncation_mode {
            TruncationMode::Drop => self.origin.template_hash.clone(),
            TruncationMode::Official => {
                let text = format!("{} official {}", self.origin.template_hash, self.max_length);
                hash::bytes(text)
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
        let mut config = self.config.clone();
        if config.grid.num_train_epochs > 0 {
            config.num_train_epochs = config.grid.num_train_epochs;
        }
        let mut trials: Vec<(Method, Vec<Trial>)> = Vec::new();
        let mut chosen = BTreeMap::new();
        for &method in methods {
            let mut of_method = Vec::new();
            for (index, settings) in grid::candidates(self.config, method).into_iter().enumerate() {
                let data = TrainingData { train: &self.trial, dev: &self.dev, reference };
                let dir = self.out_dir.join("grid").join(format!("{method}-{index:02}"));
                let trainer = Trainer::new(&config, method, seed, data, dir, &self.origin)
                    .with_settings(settings)
                    .writes_weights(false);
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
        let mut settings = json!(self.config);
        if let Some(settings) = settings.as_object_mut() {
            // Gradient checkpointing does not change the result.
            settings.remove("gradient_checkpointing");
        }
        let provenance = Provenance::new(PRODUCER, settings)
            .with_input("preferences", self.origin.preferences_hash.as_str());
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
        let data = TrainingData { train: &self.train, dev: &self.dev, reference };
        let dir = self.out_dir.join(self.config.folder(method, seed));
        Trainer::new(self.config, method, seed, data, dir, &self.origin).with_settings(settings)
    }
}

fn summary(
    trainer: &Trainer<'_>,
    seed: u64,
    settings: Settings,
    output: &TrainOutput,
) -> RunSummary {
    RunSummary {
        method: trainer.method(),
        seed,
        adapter: trainer.dir().to_owned(),
        settings,
        updates: output.updates,
        planned: trainer.plan().updates(),
        kept: output.kept,
        tokens: output.tokens,
        padded_tokens: output.padded_tokens,
        loss: output.last(TrainingMetric::Loss),
        dev_accuracy: output.kept(TrainingMetric::RewardsAccuracies),
    }
}
