//! The models that an evaluation compares.

use std::collections::BTreeSet;
use std::path::Path;

use iopo_core::text::counted;
use iopo_eval::{Candidate, EvalError, Models};
use iopo_llm::{LanguageModel, Progress};
use iopo_model::ChatModel;
use iopo_schema::{PreferenceRow, ReferenceRow, Split};
use iopo_train::reference::{Identity, discard_other, reference};
use iopo_train::{
    EncodedGroup, EncodedGroups, Encoder, TrainConfig, TrainError, TruncationMode, encode,
    micro_batch,
};

use crate::pipeline::BaseModel;

/// The base and the trained models of a run, with the encoded groups of one split.
pub(super) struct RunModels<'a> {
    base: &'a BaseModel,
    template_hash: String,
    rows: Vec<PreferenceRow>,
    encoded: Vec<EncodedGroup>,
    preferences_hash: String,
    train: &'a TrainConfig,
    /// Whether log-probabilities of other models or groups are replaced.
    replaces: bool,
}

impl<'a> RunModels<'a> {
    /// Encodes the groups of a split from a preferences file. Groups that do not fit the context are skipped with a note.
    pub(super) fn new(
        base: &'a BaseModel,
        preferences: &Path,
        split: Split,
        train: &'a TrainConfig,
        replaces: bool,
        progress: &dyn Progress,
    ) -> Result<Self, EvalError> {
        let mut rows: Vec<PreferenceRow> = iopo_schema::read(preferences)?;
        rows.retain(|row| row.split == split);
        let made = encoded(base, &rows).map_err(failed_to("encode the groups"))?;
        for (reason, count) in &made.dropped {
            progress
                .note(&format!("skipped {}: {reason}", counted(*count, &format!("{split} group"))));
        }
        let known: BTreeSet<&str> = made.groups.iter().map(|group| group.id.as_str()).collect();
        rows.retain(|row| known.contains(row.id.as_str()));
        Ok(Self {
            template_hash: base.base().template_hash().map_err(failed_to("hash the tokenizer"))?,
            preferences_hash: iopo_schema::file_hash(preferences)?,
            encoded: made.groups,
            base,
            rows,
            train,
            replaces,
        })
    }
}

/// Encodes groups. They are limited by the context only, not by the length limit of training.
fn encoded(base: &BaseModel, rows: &[PreferenceRow]) -> Result<EncodedGroups, TrainError> {
    let chat = base.chat();
    let limit = chat.decoder().config().max_position_embeddings;
    let encoder = Encoder::new(chat.tokenizer(), chat.template(), limit, TruncationMode::Drop)?;
    Ok(encode(rows, &encoder)?)
}

/// Adds the failed action to an error, for `map_err`.
fn failed_to(action: impl Into<String>) -> impl FnOnce(TrainError) -> EvalError {
    let action = action.into();
    move |error| match error {
        TrainError::Cancelled => EvalError::Cancelled,
        error => EvalError::Source { action, source: error.into() },
    }
}

impl Models for RunModels<'_> {
    type Model = ChatModel;

    fn base(&self) -> &ChatModel {
        self.base.chat()
    }

    fn template_hash(&self) -> &str {
        &self.template_hash
    }

    fn trained(&self, candidate: &Candidate, dir: &Path) -> Result<ChatModel, EvalError> {
        let action = format!("load {} from {}", candidate.folder, dir.display());
        self.base.trained(dir, &candidate.folder).map_err(failed_to(action))
    }

    fn groups(&self) -> &[PreferenceRow] {
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
        if self.replaces {
            discard_other(path, &groups, identity)
                .map_err(failed_to("replace the log-probabilities of the groups"))?;
        }
        let layout = self.train.sequence_layout;
        let configured = self.train.tokens_per_micro_batch;
        let budget = micro_batch::forward_tokens(configured, model.decoder());
        reference(path, model.decoder(), &groups, identity, layout, budget, progress)
            .map_err(failed_to("compute the log-probabilities of the groups"))?;
        Ok(iopo_schema::read(path)?)
    }
}
