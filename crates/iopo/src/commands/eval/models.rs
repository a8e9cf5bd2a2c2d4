//! The models that an evaluation compares.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use iopo_eval::{Candidate, EvalError, Models};
use iopo_llm::{LanguageModel, Progress};
use iopo_model::ChatModel;
use iopo_schema::{PreferenceRow, ReferenceRow, Split};
use iopo_train::reference::{Identity, reference};
use iopo_train::{EncodedGroup, Encoder, TrainConfig, TruncationMode, encode};

use crate::base_model::BaseModel;

/// The base of a run, what training made of it, and the encoded test groups.
pub(super) struct RunModels<'a> {
    base: &'a BaseModel,
    template_hash: String,
    rows: Vec<PreferenceRow>,
    encoded: Vec<EncodedGroup>,
    preferences_hash: String,
    train: &'a TrainConfig,
}

impl<'a> RunModels<'a> {
    /// Encodes the test groups of a preferences file. Groups that do not fit the context are skipped with a note.
    pub(super) fn new(
        base: &'a BaseModel,
        preferences: &Path,
        train: &'a TrainConfig,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let mut rows: Vec<PreferenceRow> = iopo_schema::read(preferences)?;
        rows.retain(|row| row.split == Split::Test);
        // Evaluation is limited by the context only, not by the length limit of training.
        let limit = base.chat.decoder().config().max_position_embeddings;
        let tokenizer = base.chat.tokenizer();
        let encoder = Encoder::new(tokenizer, base.chat.template(), limit, TruncationMode::Drop)?;
        let made = encode(&rows, &encoder)?;
        for (reason, count) in &made.dropped {
            progress.note(&format!("{count} test groups skipped: {reason}"));
        }
        let known: BTreeSet<&str> = made.groups.iter().map(|group| group.id.as_str()).collect();
        rows.retain(|row| known.contains(row.id.as_str()));
        Ok(Self {
            template_hash: base.base().template_hash()?,
            preferences_hash: iopo_schema::file_hash(preferences)?,
            encoded: made.groups,
            base,
            rows,
            train,
        })
    }
}

impl Models for RunModels<'_> {
    type Model = ChatModel;

    fn base(&self) -> &ChatModel {
        &self.base.chat
    }

    fn template_hash(&self) -> &str {
        &self.template_hash
    }

    fn trained(&self, candidate: &Candidate, dir: &Path) -> Result<ChatModel, EvalError> {
        self.base.trained(dir, &candidate.folder).map_err(|error| EvalError::Source {
            action: format!("load the model of {}", candidate.folder),
            source: error.into(),
        })
    }

    fn test_groups(&self) -> &[PreferenceRow] {
        &self.rows
    }

    fn group_logps(
        &self,
        model: &ChatModel,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<Vec<ReferenceRow>, EvalError> {
        let identity = Identity {
            model_hash: &model.name(),
            template_hash: &self.template_hash,
            preferences_hash: &self.preferences_hash,
        };
        let groups: Vec<&EncodedGroup> = self.encoded.iter().collect();
        let (layout, budget) = (self.train.sequence_layout, self.train.tokens_per_micro_batch);
        reference(path, model.decoder(), &groups, identity, layout, budget, progress).map_err(
            |error| EvalError::Source {
                action: "compute the log-probabilities of the test groups".to_owned(),
                source: Box::new(error),
            },
        )?;
        Ok(iopo_schema::read(path)?)
    }
}
