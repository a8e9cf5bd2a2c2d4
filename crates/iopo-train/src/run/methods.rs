//! The trainings of a run: SFT, the reference, the grid, and every other method.

use std::{collections::BTreeMap, path::Path};

use iopo_core::hash;
use iopo_llm::Progress;
use iopo_model::{Decoder, Dtype, write_chat_files};
use iopo_schema::{Provenance, TrainingMetric, run_files::model_folder};
use serde_json::json;

use super::{Base, RunSummary};
use crate::{
    Method, PRODUCER, TrainConfig, TrainError,
    encode::{EncodedGroup, TruncationMode},
    files,
    grid::{self, Settings, Trial},
    metadata::Origin,
    reference::{Identity, ReferenceLogps, reference},
    trainer::{TrainOutput, Trainer, TrainingData},
    weights,
};

/// A run: its settings, model and data.
pub(super) struct Run<'a> {
    pub(super) config: &'a TrainConfig,
    pub(super) base: &'a Base<'a>,
    pub(super) out_dir: &'a Path,
    pub(super) progress: &'a dyn Progress,
    pub(super) train: Vec<&'a EncodedGroup>,
    /// Groups that a trial of the grid trains on.
    pub(super) trial: Vec<&'a EncodedGroup>,
    pub(super) dev: Vec<&'a EncodedGroup>,
    pub(super) origin: Origin,
    /// Data of SFT, unless it reads the groups.
    pub(super) sft: Option<SftRun<'a>>,
    pub(super) max_length: usize,
}

/// The rows of SFT in pairs, and where they come from.
pub(super) struct SftRun<'a> {
    pub(super) pairs: Vec<&'a EncodedGroup>,
    pub(super) origin: Origin,
}

impl Run<'_> {
    /// Trains all methods with one random seed.
    pub(super) fn seed(
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
        let (train, origin) = match &self.sft {
            Some(sft) if method == Method::Sft => (&sft.pairs, &sft.origin),
            _ => (&self.train, &self.origin),
        };
        let data = TrainingData { train, dev: &self.dev, reference };
        let dir = self.out_dir.join(self.config.folder(method, seed));
        Trainer::new(self.config, method, seed, data, dir, origin).with_settings(settings)
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
