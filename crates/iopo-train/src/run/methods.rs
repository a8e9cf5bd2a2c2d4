//! The trainings of a run: SFT, the reference, the grid, and every other method.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    rc::Rc,
};

use iopo_core::hash;
use iopo_llm::Progress;
use iopo_model::{Decoder, Dtype, write_chat_files};
use iopo_schema::{Provenance, TrainingMetric, run_files::model_folder};
use serde_json::json;

use super::{Base, RunSummary, selection::Selection};
use crate::{
    Method, PRODUCER, TrainConfig, TrainError,
    encode::{EncodedGroup, TruncationMode},
    files,
    grid::{self, Settings, Trial},
    group_weights::{ChangedKinds, GroupWeighting, GroupWeights, hardness, rarity},
    metadata::{Origin, SftRowsOrigin},
    micro_batch,
    reference::{Identity, ReferenceLogps, discard_other, reference},
    starts::{self, Starts},
    trainer::{TrainOutput, Trainer, TrainingData},
    weights,
};

/// A run: its settings, model and data.
pub(super) struct Run<'a> {
    pub(super) config: &'a TrainConfig,
    pub(super) base: &'a Base<'a>,
    pub(super) out_dir: &'a Path,
    pub(super) progress: &'a dyn Progress,
    /// Groups and pairs, without those of `worse`.
    pub(super) rows: Selection<'a>,
    /// Rows with two instructions.
    pub(super) groups: Selection<'a>,
    /// Pairs with a worse answer.
    pub(super) worse: Selection<'a>,
    /// The three with the input preferences, if there are any.
    pub(super) mixed: Option<[Selection<'a>; 3]>,
    pub(super) input_preferences: &'a [EncodedGroup],
    pub(super) origin: Origin,
    /// Data of SFT, unless it reads the groups.
    pub(super) sft: Option<SftRun<'a>>,
    pub(super) max_length: usize,
    pub(super) changed: &'a ChangedKinds,
    pub(super) satisfaction_rates: &'a BTreeMap<String, f64>,
    pub(super) starts: Starts<'a>,
    /// Hashes of the trained tensors and scales of the starts.
    pub(super) start_hashes: BTreeMap<Method, String>,
    /// Whether results of other settings, data or models are replaced.
    pub(super) replace: bool,
}

/// Settings that a grid chose with the first random seed, and all trials.
#[derive(Default)]
pub(super) struct Chosen {
    settings: BTreeMap<Method, Settings>,
    trials: Vec<(Method, Vec<Trial>)>,
}

/// Reference logps by the name of their file.
type References = BTreeMap<String, Rc<ReferenceLogps>>;

/// The rows of SFT in pairs, and where they come from.
pub(super) struct SftRun<'a> {
    pub(super) pairs: Vec<&'a EncodedGroup>,
    pub(super) origin: SftRowsOrigin,
}

impl<'a> Run<'a> {
    /// Returns the rows that a method trains on.
    fn rows_of(&self, method: Method) -> &Selection<'a> {
        let (rows, groups, worse) = match &self.mixed {
            Some([rows, groups, worse]) if method.takes_input_preferences() => {
                (rows, groups, worse)
            }
            _ => (&self.rows, &self.groups, &self.worse),
        };
        match method {
            Method::DpoPaper if !self.worse.train.is_empty() => worse,
            _ if method.compares_instructions() => groups,
            _ => rows,
        }
    }

    /// Trains all methods with one random seed.
    pub(super) fn seed(
        &self,
        seed: u64,
        chosen: &mut Chosen,
    ) -> Result<Vec<RunSummary>, TrainError> {
        let (mut runs, mut sft, mut references) = (Vec::new(), None, References::new());
        for method in self.starts.methods() {
            if !self.config.seeds_of(method).contains(&seed) {
                continue;
            }
            let start = match (self.starts.of(method), method.starts_from_base()) {
                (Some(dir), _) => starts::load(dir, self.base, self.config)?,
                (None, true) => self.fresh(seed)?,
                (None, false) => match &sft {
                    Some(sft) => Decoder::clone(sft),
                    None => sft.insert(self.trained(Method::Sft, seed)?).clone(),
                },
            };
            let reference = if method.has_reference() {
                self.reference(method, seed, &start, &mut references)?
            } else {
                Rc::default()
            };
            let settings = self.settings(method, seed, &start, &reference, chosen)?;
            let trainer = self.trainer(method, seed, settings, &reference);
            let output = self.train(&trainer, &start)?;
            runs.push(summary(&trainer, seed, settings, &output));
        }
        Ok(runs)
    }

    /// Returns the base model, with a fresh adapter if the run trains one.
    fn fresh(&self, seed: u64) -> Result<Decoder, TrainError> {
        let base = self.base.decoder.clone();
        Ok(if self.config.use_peft { base.with_lora(&self.config.lora, seed)? } else { base })
    }

    /// Loads the model of a finished training.
    fn trained(&self, method: Method, seed: u64) -> Result<Decoder, TrainError> {
        let dir = self.out_dir.join(self.config.folder(method, seed));
        weights::load(&dir, self.base.decoder, self.base.weights_hash)
    }

    /// Returns the settings of a method: its own, or the best candidate of the grid with the first random seed.
    fn settings(
        &self,
        method: Method,
        seed: u64,
        start: &Decoder,
        reference: &ReferenceLogps,
        chosen: &mut Chosen,
    ) -> Result<Settings, TrainError> {
        if let Some(settings) = chosen.settings.get(&method) {
            return Ok(*settings);
        }
        let settings = if method.starts_from_base() || self.config.grid.is_empty() {
            self.config.settings(method)
        } else {
            self.choose(method, seed, start, reference, &mut chosen.trials)?
        };
        chosen.settings.insert(method, settings);
        Ok(settings)
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

    /// Returns the logps of every group under the start of a method, which methods with the same start share.
    fn reference(
        &self,
        method: Method,
        seed: u64,
        start: &Decoder,
        known: &mut References,
    ) -> Result<Rc<ReferenceLogps>, TrainError> {
        let name = self.reference_name(method);
        if let Some(logps) = known.get(&name) {
            return Ok(Rc::clone(logps));
        }
        // The same factors with another scale are another reference.
        let trained = starts::hash(start, self.config)?;
        let text = format!("{} {trained}", self.base.weights_hash) + &self.dtype_suffix();
        let model_hash = hash::bytes(text);
        let file = model_folder(&name, (self.config.seeds.len() > 1).then_some(seed));
        let groups = self.referenced();
        files::create_dir(self.out_dir)?;
        let path = self.out_dir.join(format!("{file}.parquet"));
        let template_hash = self.encoding_hash();
        let identity = Identity {
            model_hash: &model_hash,
            template_hash: &template_hash,
            preferences_hash: &self.origin.preferences_hash,
        };
        if self.replace {
            discard_other(&path, &groups, identity)?;
        }
        let logps = reference(
            &path,
            start,
            &groups,
            identity,
            self.config.sequence_layout,
            micro_batch::forward_tokens(self.config.tokens_per_micro_batch, start),
            self.progress,
        )?;
        let logps = Rc::new(logps);
        known.insert(name, Rc::clone(&logps));
        Ok(logps)
    }

    /// Returns the rows that methods compare with a reference.
    fn referenced(&self) -> Vec<&EncodedGroup> {
        let of = |rows: &Selection<'a>| -> Vec<&'a EncodedGroup> {
            rows.train.iter().chain(&rows.dev).copied().collect()
        };
        let mut rows = of(&self.rows);
        let methods = self.starts.methods();
        // A limit selects other rows without pairs than with them.
        let groups = methods.iter().any(|method| method.compares_instructions());
        let worse = methods.contains(&Method::DpoPaper);
        for more in [(groups, &self.groups), (worse, &self.worse)] {
            let (true, selection) = more else { continue };
            let known: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
            let mut more = of(selection);
            more.retain(|row| !known.contains(row.id.as_str()));
            rows.extend(more);
        }
        rows.extend(self.input_preferences);
        rows
    }

    /// Names the reference logps of a method: `reference_logps` under the SFT model or the common start, followed by the
    /// first method with that start otherwise.
    fn reference_name(&self, method: Method) -> String {
        let own = self.starts.of(method);
        if own == self.config.start.as_deref() {
            return "reference_logps".to_owned();
        }
        let methods = self.starts.methods();
        let first =
            methods.iter().find(|other| other.has_reference() && self.starts.of(**other) == own);
        format!("reference_logps-{}", first.unwrap_or(&method))
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

    /// Trains every candidate of a method, chooses the best on the dev split, and writes the trials so far.
    fn choose(
        &self,
        method: Method,
        seed: u64,
        start: &Decoder,
        reference: &ReferenceLogps,
        trials: &mut Vec<(Method, Vec<Trial>)>,
    ) -> Result<Settings, TrainError> {
        let mut config = self.config.clone();
        if config.grid.num_train_epochs > 0 {
            config.num_train_epochs = config.grid.num_train_epochs;
        }
        let rows = self.rows_of(method);
        let mut of_method = Vec::new();
        for (index, settings) in grid::candidates(self.config, method).into_iter().enumerate() {
            let data = TrainingData { train: &rows.trial, dev: &rows.dev, reference };
            let dir = self.out_dir.join("grid").join(format!("{method}-{index:02}"));
            let trainer = Trainer::new(&config, method, seed, data, dir, &self.origin(method))
                .with_settings(settings)
                .with_group_weights(self.weights(method, settings, &rows.trial, reference))
                .replaces(self.replace)
                .writes_weights(false);
            of_method.push(match trainer.run(start, self.progress) {
                Ok(output) => grid::trial(settings, &output),
                // A diverging candidate is a result of the grid, not an error.
                Err(TrainError::NonFinite { .. }) => {
                    Trial { settings, accuracy: None, nll: f64::INFINITY }
                }
                Err(error) => return Err(error),
            });
        }
        let best = grid::best(&of_method);
        let best = best.ok_or(TrainError::NoTrial { method, candidates: of_method.len() })?;
        trials.push((method, of_method));
        let mut settings = json!(self.config);
        if let Some(settings) = settings.as_object_mut() {
            // Gradient checkpointing does not change the result.
            settings.remove("gradient_checkpointing");
        }
        let provenance = Provenance::new(PRODUCER, settings)
            .with_input("preferences", self.origin.preferences_hash.as_str());
        grid::save(&self.out_dir.join("grid.parquet"), trials, &provenance)?;
        Ok(best)
    }

    fn trainer<'j>(
        &'j self,
        method: Method,
        seed: u64,
        settings: Settings,
        reference: &'j ReferenceLogps,
    ) -> Trainer<'j> {
        let rows = self.rows_of(method);
        let train = match &self.sft {
            Some(sft) if method == Method::Sft => &sft.pairs,
            _ => &rows.train,
        };
        let data = TrainingData { train, dev: &rows.dev, reference };
        let dir = self.out_dir.join(self.config.folder(method, seed));
        let origin = self.origin(method);
        Trainer::new(self.config, method, seed, data, dir, &origin)
            .with_settings(settings)
            .with_group_weights(self.weights(method, settings, train, reference))
            .replaces(self.replace)
    }

    /// Returns the weights of groups in the loss of a method, and those of the input preferences among them.
    fn weights(
        &self,
        method: Method,
        settings: Settings,
        rows: &[&EncodedGroup],
        reference: &ReferenceLogps,
    ) -> GroupWeights {
        let weighting = self.config.group_weighting;
        let (inputs, groups): (Vec<&EncodedGroup>, Vec<&EncodedGroup>) =
            rows.iter().copied().partition(|row| row.is_input_preference());
        let mut weights = match weighting {
            _ if !method.is_weighted(weighting) => GroupWeights::new(),
            GroupWeighting::None => GroupWeights::new(),
            GroupWeighting::Hardness => hardness(&groups, reference, settings.beta),
            GroupWeighting::Rarity => rarity(&groups, self.changed, self.satisfaction_rates),
        };
        let weight = self.config.input_preference_weight;
        weights.extend(inputs.into_iter().map(|row| (row.id.clone(), weight)));
        weights
    }

    /// Returns where the training of a method comes from.
    fn origin(&self, method: Method) -> Origin {
        let rows = self.sft.as_ref().map(|sft| &sft.origin).filter(|_| method == Method::Sft);
        Origin {
            sft_rows: rows.cloned(),
            start_hash: self.start_hashes.get(&method).cloned(),
            ..self.origin.clone()
        }
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
