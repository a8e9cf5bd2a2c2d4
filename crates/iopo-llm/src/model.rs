//! The trait that local models and endpoints implement.

use crate::{Completion, Progress, Request};

/// Why a model could not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LlmError {
    /// The chat cannot be put to this model (too long, template refuses it …).
    #[error("request {index} cannot be put to the model: {reason}")]
    BadRequest {
        /// Index in the batch.
        index: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The model or endpoint failed.
    #[error("the model failed: {reason}")]
    Failed {
        /// What happened.
        reason: String,
    },
    /// The user asked to stop.
    #[error("stopped on request")]
    Cancelled,
}

/// A language model: a batch of chats in, one completion a chat out, in the same order.
pub trait LanguageModel {
    /// Name and weight hash, as it goes into the `generator` column.
    fn name(&self) -> String;

    /// Completes every request. Advances `progress` by one a finished request.
    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Completion>, LlmError>;
}
