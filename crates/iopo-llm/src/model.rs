//! The trait for models that complete chats.

use crate::{Completion, Progress, Request};

/// Why a call to a model failed.
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
            Self::BadRequest { index, .. } | Self::SpecialToken { index, .. } => Some(*index),
            Self::Failed { .. } | Self::Cancelled => None,
        }
    }
}

/// A model that completes chats.
pub trait LanguageModel {
    /// Returns the model's name and the hash of its weights, as written to the `generator` column.
    fn name(&self) -> String;

    /// Returns a text that is equal only for models that give the same completions.
    ///
    /// It is written to files of completions, which are used again only if it is the same. The default is the
    /// [name](Self::name), for models whose tokenizer and chat template are unknown.
    ///
    /// # Errors
    /// Returns [`LlmError::Failed`] if it cannot be computed.
    fn fingerprint(&self) -> Result<String, LlmError> {
        Ok(self.name())
    }

    /// Completes every request, in order: one completion per chat.
    ///
    /// Advances `progress` by one per completed request.
    ///
    /// # Errors
    /// Returns [`LlmError::BadRequest`] for a request that the model cannot process, [`LlmError::SpecialToken`] for one that
    /// spells a special token, [`LlmError::Failed`] if the model
    /// fails, and [`LlmError::Cancelled`] if `progress` asks to stop.
    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Completion>, LlmError>;

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

/// Completes every request and checks that the model returned one completion per request.
///
/// # Errors
/// Returns the error of [`LanguageModel::complete`], and [`LlmError::Failed`] for another number of completions.
pub fn complete_all(
    model: &dyn LanguageModel,
    requests: &[Request],
    progress: &dyn Progress,
) -> Result<Vec<Completion>, LlmError> {
    let completions = model.complete(requests, progress)?;
    if completions.len() == requests.len() {
        return Ok(completions);
    }
    let reason = format!("found {} completions, expected {}", completions.len(), requests.len());
    Err(LlmError::Failed { reason })
}
