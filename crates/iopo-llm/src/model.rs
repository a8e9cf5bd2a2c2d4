//! The trait for models that complete chats.

use crate::{Completion, Failure, Outcome, Progress, Request};

/// An error of an entire call to a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LlmError {
    /// The model cannot process this chat: it is too long, or the chat template rejects it.
    #[error("the model cannot process request {index}: {reason}")]
    BadRequest {
        /// Index in the batch.
        index: usize,
        /// Why the model cannot process it.
        reason: String,
    },
    /// A message spells a special token, which would end a turn or start another one.
    #[error(
        "the model cannot process request {index}: a message contains the special token {token}"
    )]
    SpecialToken {
        /// Index in the batch.
        index: usize,
        /// The special token.
        token: String,
    },
    /// A request has no completion, and the caller needs one for each.
    #[error("no completion for request {index}: {failure}")]
    Request {
        /// Index in the batch.
        index: usize,
        /// The failure.
        failure: Failure,
    },
    /// Every further request would fail, or a limit was reached. Completed answers are kept.
    #[error("stopped: {reason}")]
    Stopped {
        /// The cause.
        cause: StopCause,
        /// A description of the cause.
        reason: String,
    },
    /// The model or endpoint failed.
    #[error("the model failed: {reason}")]
    Failed {
        /// The cause.
        reason: String,
    },
    /// The user asked to stop.
    #[error("stopped on request")]
    Cancelled,
}

impl LlmError {
    /// Returns the index of the request that the model cannot process, if one is the cause.
    pub fn index(&self) -> Option<usize> {
        match self {
            Self::BadRequest { index, .. }
            | Self::SpecialToken { index, .. }
            | Self::Request { index, .. } => Some(*index),
            Self::Stopped { .. } | Self::Failed { .. } | Self::Cancelled => None,
        }
    }

    /// Returns a remedy, if there is a general one.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Stopped { cause, .. } => Some(cause.hint()),
            _ => None,
        }
    }
}

/// Why an endpoint sends no further requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopCause {
    /// The server rejects the API key.
    Key,
    /// The account has no balance or quota left.
    Quota,
    /// The address is wrong, or no server answers there.
    Address,
    /// The server does not know the model.
    Model,
    /// The server rejects the parameters of every request.
    Parameters,
    /// The next request could exceed the maximum cost.
    MaxCost,
    /// No request succeeded for a long time.
    NoSuccess,
    /// Answers cannot be stored.
    Store,
}

impl StopCause {
    /// Returns the name of the cause, as in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Quota => "quota",
            Self::Address => "address",
            Self::Model => "model",
            Self::Parameters => "parameters",
            Self::MaxCost => "max_cost",
            Self::NoSuccess => "no_success",
            Self::Store => "store",
        }
    }

    /// Returns the remedy.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Key => {
                "set the environment variable to a valid key, then run the same command again"
            }
            Self::Quota => "add credit or raise the quota, then run the same command again",
            Self::Address => "check `base_url` and that the server is running",
            Self::Model => "check `model`; most servers list their models at `/models`",
            Self::Parameters => "list the rejected parameters in `omit`, or correct `extra_body`",
            Self::MaxCost => "raise `llm.max_cost`; stored answers are not paid again",
            Self::NoSuccess => "run the same command again later; stored answers are kept",
            Self::Store => "free disk space, then run the same command again",
        }
    }
}

/// The origin of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredBy {
    /// The [name](LanguageModel::name) of the one model that answered.
    pub model: String,
    /// The key of the answer in a store. `None` if the answer is not stored.
    pub key: Option<String>,
}

/// A model that completes chats.
pub trait LanguageModel {
    /// Returns the model's name and the hash of its weights, as written to the `generator` column.
    fn name(&self) -> String;

    /// Returns a text that differs between models that give different completions.
    ///
    /// It is written to files of completions, which are reused only if it is the same. The default is the
    /// [name](Self::name), for models whose tokenizer and chat template are unknown.
    ///
    /// # Errors
    /// Returns [`LlmError::Failed`] if it cannot be computed.
    fn fingerprint(&self) -> Result<String, LlmError> {
        Ok(self.name())
    }

    /// Completes the requests, in order: one outcome per chat.
    ///
    /// A request that the model cannot process has a [`Failure`]; the others are completed. Advances `progress` by one per
    /// outcome.
    ///
    /// # Errors
    /// Returns [`LlmError::Failed`] if the model fails, [`LlmError::Stopped`] if no further request can succeed, and
    /// [`LlmError::Cancelled`] if `progress` asks to stop.
    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Outcome>, LlmError>;

    /// Returns which model gave the answer to a request, and where it is stored. Call it after
    /// [`complete`](Self::complete).
    ///
    /// The default is this model, without a store.
    ///
    /// # Errors
    /// Returns [`LlmError::Failed`] or [`LlmError::Stopped`] if the store cannot be read.
    fn answered_by(&self, _request: &Request) -> Result<AnsweredBy, LlmError> {
        Ok(AnsweredBy { model: self.name(), key: None })
    }

    /// Returns whether a request and its longest completion fit the model's context.
    ///
    /// The default is `true`, for models whose context is unknown.
    ///
    /// # Errors
    /// Returns [`LlmError::BadRequest`] for a request that the model cannot process for another reason than its length.
    fn fits(&self, _request: &Request) -> Result<bool, LlmError> {
        Ok(true)
    }
}

/// Completes the requests and checks that the model returned one outcome per request.
///
/// # Errors
/// Returns the error of [`LanguageModel::complete`], and [`LlmError::Failed`] for another number of outcomes.
pub fn complete_each(
    model: &dyn LanguageModel,
    requests: &[Request],
    progress: &dyn Progress,
) -> Result<Vec<Outcome>, LlmError> {
    let outcomes = model.complete(requests, progress)?;
    if outcomes.len() == requests.len() {
        return Ok(outcomes);
    }
    let reason = format!("found {} outcomes, expected {}", outcomes.len(), requests.len());
    Err(LlmError::Failed { reason })
}

/// Completes every request.
///
/// # Errors
/// Returns the error of [`complete_each`], and [`LlmError::Request`] for the first request without a completion.
pub fn complete_all(
    model: &dyn LanguageModel,
    requests: &[Request],
    progress: &dyn Progress,
) -> Result<Vec<Completion>, LlmError> {
    let outcomes = complete_each(model, requests, progress)?.into_iter().enumerate();
    outcomes
        .map(|(index, outcome)| outcome.map_err(|failure| LlmError::Request { index, failure }))
        .collect()
}
