//! All methods of a run: SFT from the base model, the others from the SFT model.

mod data;
mod methods;
mod selection;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use iopo_core::hash;
use iopo_llm::Progress;
use iopo_model::{ChatTemplate, Decoder, Tokenizer};
use iopo_schema::file_hash;

use crate::{
    Method, TrainConfig, TrainError,
    encode::{DropReason, Encoder},
    grid::Settings,
    inputs::TrainInputs,
    metadata::{Origin, SftRowsOrigin},
    starts::Starts,
};
use data::Data;
use methods::{Chosen, Run, SftRun};
use selection::Selection;

/// The model that training starts from.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// Public name.
    pub name: &'a str,
    /// Hub id or absolute path, with which PEFT finds the base of an adapter.
    pub location: &'a str,
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
    /// The models, by random seed, SFT first if it was trained.
    pub runs: Vec<RunSummary>,
    /// Groups and pairs trained on.
    pub groups: usize,
    /// Groups and pairs of the dev split evaluated on.
    pub dev_groups: usize,
    /// Dropped groups and pairs, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// The rows of SFT, if it reads responses.
    pub sft_rows: Option<SftRowsSummary>,
}

/// The rows that SFT reads with `train.sft.data = "responses"`.
#[derive(Debug, Clone, PartialEq)]
pub struct SftRowsSummary {
    /// Rows trained on.
    pub rows: usize,
    /// Dropped rows, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
}

/// Trains every method of `config`: SFT from `base`, then each other method from the SFT model on the train split of the
/// preferences. A method with a [start](TrainInputs::with_start) continues that model instead, and SFT is left out if no
/// method needs it.
///
/// `inputs` are the files to read, or the path of the preferences alone. All methods after SFT see the same groups in the
/// same order, with the same number of updates unless early stopping ends one. Each method writes to its own directory
/// under `out_dir`; finished methods are not trained again. With `input_preference_weight`, methods with a reference train on
/// the input preferences, too, and have more updates. Methods that compare two instructions skip pairs, which have
/// only one.
///
/// # Errors
/// Returns an error if a setting is out of range, no group fits, a method compares two instructions and all rows are pairs,
/// a file that a setting needs is missing, a task of the dev or test split is among those to train on, a start does not fit
/// the base or the settings, a directory belongs to another run, a guard stops a training, or a model or file fails, and
/// [`TrainError::Cancelled`] if `progress` is cancelled.
pub fn train<'a>(
    config: &TrainConfig,
    inputs: impl Into<TrainInputs<'a>>,
    base: &Base<'_>,
    out_dir: &Path,
    progress: &dyn Progress,
) -> Result<TrainSummary, TrainError> {
    let inputs = inputs.into();
    config.validate()?;
    // The model cannot compute longer sequences than it has positions for.
    let max_length = config.max_length.min(base.decoder.config().max_position_embeddings);
    let encoder = Encoder::new(base.tokenizer, base.template, max_length, config.truncation_mode)?;
    let starts = Starts::new(config, &inputs.starts);
    let data = Data::read(config, &inputs, starts, &encoder)?;
    let origin = Origin {
        base: base.name.to_owned(),
        location: base.location.to_owned(),
        base_weights_hash: base.weights_hash.to_owned(),
        template_hash: base.template_hash()?,
        preferences_hash: file_hash(inputs.preferences)?,
        sft_rows: None,
        start_hash: None,
    };
    let sft = data.sft.as_ref().map(|(rows, responses_hash)| SftRun {
        pairs: rows.pairs.iter().collect(),
        origin: SftRowsOrigin {
            responses_hash: responses_hash.clone(),
            rows: rows.rows,
            rows_hash: rows.hash(),
        },
    });
    let rows = Selection::all(config, &data);
    let groups = Selection::without_pairs(config, &data, &starts.methods())?;
    let worse = Selection::worse(config, &data, &starts.methods())?;
    note_pairs(&starts.methods(), [&rows, &groups, &worse], progress);
    let input_preferences = data.input_preferences.as_slice();
    let mixed = (!input_preferences.is_empty())
        .then(|| [&rows, &groups, &worse].map(|own| own.clone().with(input_preferences)));
    if !input_preferences.is_empty() {
        note_input_preferences(&starts.methods(), input_preferences.len(), progress);
    }
    let run = Run {
        config,
        base,
        out_dir,
        progress,
        rows,
        groups,
        worse,
        mixed,
        input_preferences,
        origin,
        sft,
        max_length,
        changed: &data.changed,
        satisfaction_rates: &inputs.satisfaction_rates,
        starts,
        start_hashes: starts.hashes(base)?,
        replace: inputs.replace,
    };
    let mut chosen = Chosen::default();
    let mut runs = Vec::new();
    for seed in config.resolved_seeds() {
        runs.extend(run.seed(seed, &mut chosen)?);
    }
    let sft_rows = data
        .sft
        .as_ref()
        .map(|(rows, _)| SftRowsSummary { rows: rows.rows, dropped: rows.dropped.clone() });
    let (groups, dev_groups) = (run.rows.train.len(), run.rows.dev.len());
    Ok(TrainSummary { runs, groups, dev_groups, dropped: data.dropped, sft_rows })
}

/// Notes which methods train on input preferences, too.
fn note_input_preferences(methods: &[Method], count: usize, progress: &dyn Progress) {
    let taking = methods.iter().filter(|method| method.takes_input_preferences());
    let names: Vec<&str> = taking.map(|method| method.name()).collect();
    progress.note(&format!("{} trains on {count} input preferences, too", names.join(", ")));
}

/// Notes which methods train on a part of the rows only.
fn note_pairs(
    methods: &[Method],
    [rows, groups, worse]: [&Selection<'_>; 3],
    progress: &dyn Progress,
) {
    let (all, kept) = (rows.train.len(), groups.train.len());
    let pairs = rows.train.iter().filter(|row| !row.has_second_instruction()).count();
    for method in methods.iter().filter(|method| pairs > 0 && method.compares_instructions()) {
        progress.note(&format!(
            "{method} trains on {kept} of {all} rows; it skips {pairs} pairs, which have one instruction"
        ));
    }
    let worse = worse.train.len();
    if worse > 0 && methods.contains(&Method::DpoPaper) {
        progress.note(&format!(
            "dpo-paper trains on {worse} pairs with a worse answer; the other methods skip them"
        ));
    }
}
