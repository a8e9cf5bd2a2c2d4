//! What the requests of a stage took: answers, tokens and cost, over all its calls.
//!
//! A stage lists its requests in `stages/NAME.requests`. The store of answers knows what they took and which stage paid for them,
//! so a kill loses nothing, and each answer is counted once: as answered, or as one from the store that another stage or run paid
//! for. A failure that a server has answered, for instance with reasoning only, costs as much as an answer. Other failures cost
//! nothing; they are counted when a call ends.

#[cfg(feature = "endpoint")]
use iopo_llm::endpoint::Tally;
use iopo_report::Usage as Shown;
use serde::{Deserialize, Serialize};

use super::record::Record;
use super::{Pipeline, PipelineError, Stage};

/// Counts of the requests of a stage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Usage {
    /// Requests with an answer from a model.
    pub(super) answered: u64,
    /// Requests with an answer from the store that another stage or run paid for.
    pub(super) from_store: u64,
    /// Requests that failed.
    pub(super) failed: u64,
    /// Tokens of the prompts, as far as they are known.
    pub(super) prompt_tokens: u64,
    /// Generated tokens, as far as they are known.
    pub(super) completion_tokens: u64,
    /// Answers without numbers of tokens.
    pub(super) unknown_tokens: u64,
    /// The known cost as a decimal number.
    pub(super) cost: String,
    /// Answers whose cost is unknown.
    pub(super) unknown_cost: u64,
}

#[cfg(feature = "endpoint")]
impl Usage {
    /// Adds the failures of a call, and replaces the counts of the answers by what all requests took.
    fn add(&mut self, call: &Tally, spent: &Tally) {
        self.from_store = spent.from_store;
        self.failed += call.failed.values().sum::<u64>();
        self.answered = spent.answered;
        self.prompt_tokens = spent.prompt_tokens;
        self.completion_tokens = spent.completion_tokens;
        self.unknown_tokens = spent.unknown_usage;
        self.unknown_cost = spent.unknown_cost;
        self.cost = spent.cost.to_string();
    }
}

impl From<Usage> for Shown {
    fn from(usage: Usage) -> Self {
        let is_zero = usage.cost.chars().all(|c| matches!(c, '0' | '.'));
        let mut shown = Self::default();
        shown.answered = usage.answered;
        shown.from_store = usage.from_store;
        shown.prompt_tokens = usage.prompt_tokens;
        shown.completion_tokens = usage.completion_tokens;
        shown.unknown_tokens = usage.unknown_tokens;
        shown.cost = (!is_zero).then_some(usage.cost);
        shown.unknown_cost = usage.unknown_cost;
        shown
    }
}

impl Pipeline {
    /// Notes what the models of the roles were asked in the record of a stage, also if the stage did not finish.
    #[cfg(feature = "endpoint")]
    pub(super) fn note_usage(
        &self,
        stage: Stage,
        roles: &crate::roles::Roles,
    ) -> Result<(), PipelineError> {
        let file = self.dir.record_file(stage);
        let Some(mut record) = Record::read(&file)? else { return Ok(()) };
        let Some(spent) = roles.spent()? else { return Ok(()) };
        record.usage.get_or_insert_default().add(&roles.tally(), &spent);
        record.write(&file)
    }

    #[cfg(not(feature = "endpoint"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with endpoints")]
    pub(super) fn note_usage(
        &self,
        _stage: Stage,
        _roles: &crate::roles::Roles,
    ) -> Result<(), PipelineError> {
        Ok(())
    }

    /// Returns the usage in the record of a stage.
    pub(super) fn usage(&self, stage: Stage) -> Result<Option<Usage>, PipelineError> {
        Ok(Record::read(&self.dir.record_file(stage))?.and_then(|record| record.usage))
    }
}
