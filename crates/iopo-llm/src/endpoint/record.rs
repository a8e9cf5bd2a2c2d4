//! The stored record of a request.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Money, Usage};
use crate::{Completion, Failure, FinishReason, Outcome, TokenLogps};

/// A stored answer, permanent failure or score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The answer, failure or score.
    #[serde(flatten)]
    pub result: Stored,
    /// Token counts.
    pub usage: Usage,
    /// Metadata of the answer.
    #[serde(default)]
    pub about: About,
    /// The content of the request, if the store keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Value>,
}

/// The result of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stored {
    /// The text of an answer.
    Answer {
        /// The text.
        text: String,
        /// Why the answer ended.
        finish_reason: FinishReason,
    },
    /// A permanent failure.
    Failure(Failure),
    /// The log-probability of a given response.
    Score {
        /// Sum over the tokens.
        sum: f64,
        /// Number of tokens.
        tokens: u32,
    },
}

/// Metadata of an answer, reported by the server or measured by the client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// The model as the server names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The server's `system_fingerprint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The answer's `id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The header `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The server's `finish_reason`, unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// Number of characters of reasoning. The reasoning itself is not stored.
    pub reasoning_chars: u64,
    /// Time of the last attempt, in milliseconds.
    pub latency_ms: u64,
    /// Number of times the request was sent.
    pub attempts: u32,
    /// Time when the answer arrived, in seconds since 1970.
    pub time: u64,
    /// Cost of the answer at the prices of that time, as a decimal number; `None` if it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<String>,
    /// Id of the journal of requests that the answer was paid for; empty without a journal, and `None` in records of older builds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<String>,
    /// Whether the server has answered, so that it charges for the result even if that is a failure.
    #[serde(skip_serializing_if = "is_false")]
    pub charged: bool,
    /// How often the answer repeated the API key, which was replaced by `***`.
    #[serde(skip_serializing_if = "is_zero")]
    pub keys_removed: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Record {
    /// Returns the outcome of a chat request. `None` for a score.
    pub fn outcome(&self) -> Option<Outcome> {
        let count = |tokens: Option<u64>| tokens.and_then(|tokens| usize::try_from(tokens).ok());
        match &self.result {
            Stored::Answer { text, finish_reason } => Some(Ok(Completion {
                text: text.clone(),
                finish_reason: *finish_reason,
                prompt_tokens: count(self.usage.prompt),
                completion_tokens: count(self.usage.completion),
            })),
            Stored::Failure(failure) => Some(Err(failure.clone())),
            Stored::Score { .. } => None,
        }
    }

    /// Returns the outcome of a request that scores a response. `None` for a chat's answer.
    pub(crate) fn score(&self) -> Option<Result<TokenLogps, Failure>> {
        match &self.result {
            Stored::Score { sum, tokens } => Some(Ok(TokenLogps { sum: *sum, tokens: *tokens })),
            Stored::Failure(failure) => Some(Err(failure.clone())),
            Stored::Answer { .. } => None,
        }
    }

    /// Returns the cost, if it is known.
    pub(crate) fn cost(&self) -> Option<Money> {
        self.about.cost.as_deref()?.parse().ok()
    }

    /// Returns whether the record is a failure.
    pub fn is_failure(&self) -> bool {
        matches!(self.result, Stored::Failure(_))
    }
}
