//! The trait for models that score given responses.

use crate::{LlmError, Message, Progress};

/// The log-probability of one response.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenLogps {
    /// Sum over the response's tokens, in nats. EOS is one of them if the response ended its turn.
    pub sum: f64,
    /// Number of those tokens.
    pub tokens: u32,
}

/// A response to score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogProbResponse<'a> {
    /// The response's text.
    pub text: &'a str,
    /// Whether the response ended its turn. A response cut off by a token limit has no EOS, and none is scored.
    pub ended: bool,
}

/// A model that computes the log-probability of a response after its prompt.
pub trait LogProb {
    /// Returns the log-probability of each response after its prompt, in the same order.
    ///
    /// Advances `progress` by one per response. `prompts` and `responses` have the same length.
    ///
    /// # Errors
    /// Returns [`LlmError::BadRequest`] for a prompt or response that the model cannot process, [`LlmError::Failed`] if the
    /// model fails, and [`LlmError::Cancelled`] if `progress` asks to stop.
    fn response_logps(
        &self,
        prompts: &[Vec<Message>],
        responses: &[LogProbResponse<'_>],
        progress: &dyn Progress,
    ) -> Result<Vec<TokenLogps>, LlmError>;
}
