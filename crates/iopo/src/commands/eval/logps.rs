//! What evaluation asks of log-probabilities, kept beside the answers so that a second run need not ask again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use iopo_eval::Prompt;
use iopo_llm::{LanguageModel, Progress, TokenLogps};
use iopo_schema::{
    MetricRow, Parts, PredictionRow, PreferenceRow, Provenance, ReferenceRow, Split,
};
use iopo_train::reference::{Identity, reference};
use iopo_train::{EncodedGroup, Encoder, TruncationMode, encode};
use serde_json::json;

use crate::bars::Bars;
use crate::config::PipelineConfig;
use crate::local::Local;
use crate::printer;

/// Answers whose likelihood makes one part.
const PART: usize = 32;

/// The groups that rewards are measured on.
pub(super) struct TestGroups {
    /// Those that can be encoded.
    pub(super) rows: Vec<PreferenceRow>,
    encoded: Vec<EncodedGroup>,
    preferences_hash: String,
}

impl TestGroups {
    /// The test split of a preferences file.
    pub(super) fn read(preferences: &Path, model: &Local) -> Result<Self> {
        let mut rows: Vec<PreferenceRow> = iopo_schema::read(preferences)?;
        rows.retain(|row| row.split == Split::Test);
        let base = model.base();
        // Whatever the context takes: a limit of training is none of evaluation.
        let limit = base.decoder.config().max_position_embeddings;
        let encoder = Encoder::new(base.tokenizer, base.template, limit, TruncationMode::Drop)?;
        let made = encode(&rows, &encoder)?;
        for (reason, count) in &made.dropped {
            printer::note(&format!("{:>10}  {count} test groups left out: {reason}", ""));
        }
        let encoded = made.groups;
        let known: BTreeSet<&str> = encoded.iter().map(|group| group.id.as_str()).collect();
        rows.retain(|row| known.contains(row.id.as_str()));
        Ok(Self { rows, encoded, preferences_hash: iopo_schema::file_hash(preferences)? })
    }
}

/// What was measured of one model.
pub(super) struct Measured {
    pub(super) predictions: PathBuf,
    pub(super) scores: PathBuf,
    pub(super) base_logps: BTreeMap<String, TokenLogps>,
    pub(super) policy: Vec<ReferenceRow>,
}

/// Evaluates one model into its own folder.
pub(super) struct Evaluator<'a> {
    pub(super) base: &'a Local,
    pub(super) model: &'a Local,
    pub(super) dir: PathBuf,
    pub(super) config: &'a PipelineConfig,
    pub(super) bars: &'a Bars,
}

impl Evaluator<'_> {
    /// Answers, verdicts, and both kinds of log-probabilities.
    pub(super) fn run(&self, prompts: &[Prompt], groups: &TestGroups) -> Result<Measured> {
        let answers =
            iopo_eval::answer(prompts, self.model, &self.dir, &self.config.eval, self.bars)?;
        let scores = self.dir.join("scores.parquet");
        iopo_eval::score(&answers.path, &scores, &self.config.eval)?;
        Ok(Measured {
            base_logps: self.base_logps(&answers.path)?,
            policy: self.policy(groups)?,
            predictions: answers.path,
            scores,
        })
    }

    /// How likely the base model finds the answers: a gain that it finds absurd is a hollow one.
    fn base_logps(&self, predictions: &Path) -> Result<BTreeMap<String, TokenLogps>> {
        let path = self.dir.join("answer_logps.parquet");
        let config = json!({
            "model": self.base.name(),
            "template_hash": self.base.base().template_hash()?,
            "end_of_turn": "where it was generated",
        });
        let provenance = Provenance::new(concat!("iopo ", env!("CARGO_PKG_VERSION")), config)
            .with_input("predictions", iopo_schema::file_hash(predictions)?);
        let parts = Parts::<MetricRow>::open(&path, &provenance)?;
        if !parts.is_complete() {
            let rows: Vec<PredictionRow> = iopo_schema::read(predictions)?;
            self.bars.start("likelihood of answers", rows.len() as u64);
            for (index, chunk) in rows.chunks(PART).enumerate() {
                if parts.has(index) {
                    self.bars.advance(chunk.len() as u64);
                    continue;
                }
                let logps = iopo_eval::answer_logps(self.base, chunk, &Within(self.bars))?;
                let rows = logps.into_iter().map(|(key, logps)| MetricRow {
                    step: u64::from(logps.tokens),
                    name: key,
                    value: logps.sum,
                });
                parts.write(index, &rows.collect::<Vec<_>>())?;
            }
            parts.finish(rows.len().div_ceil(PART))?;
            self.bars.finish();
        }
        let rows: Vec<MetricRow> = iopo_schema::read(&path)?;
        let logps = |row: MetricRow| {
            let tokens = u32::try_from(row.step).context("a token count is out of range")?;
            Ok((row.name, TokenLogps { sum: row.value, tokens }))
        };
        rows.into_iter().map(logps).collect()
    }

    /// The model's own log-probabilities of the test groups.
    fn policy(&self, groups: &TestGroups) -> Result<Vec<ReferenceRow>> {
        let path = self.dir.join("group_logps.parquet");
        let identity = Identity {
            model_hash: &self.model.name(),
            template_hash: &self.base.base().template_hash()?,
            preferences_hash: &groups.preferences_hash,
        };
        let encoded: Vec<&EncodedGroup> = groups.encoded.iter().collect();
        let (layout, budget) =
            (self.config.train.sequence_layout, self.config.train.tokens_per_micro_batch);
        let decoder = self.model.base().decoder;
        reference(&path, decoder, &encoded, identity, layout, budget, self.bars)?;
        Ok(iopo_schema::read(&path)?)
    }
}

/// Advances a bar that somebody else has started.
struct Within<'a>(&'a Bars);

impl Progress for Within<'_> {
    fn advance(&self, steps: u64) {
        self.0.advance(steps);
    }

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}
