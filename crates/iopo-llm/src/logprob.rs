//! The trait for models that score given responses.

use crate::{Failure, LlmError, Message, Progress};

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

    /// Returns the outcome of each response: its log-probability, or why it has none. By default, every response has one.
    ///
    /// # Errors
    /// Returns the errors of [`response_logps`](Self::response_logps), except those that concern one response only, if the model
    /// returns failures as outcomes.
    fn response_logps_each(
        &self,
        prompts: &[Vec<Message>],
        responses: &[LogProbResponse<'_>],
        progress: &dyn Progress,
    ) -> Result<Vec<Result<TokenLogps, Failure>>, LlmError> {
        Ok(self.response_logps(prompts, responses, progress)?.into_iter().map(Ok).collect())
    }
}

/// Scores every response and checks that the model returned a usable log-probability for each.
///
/// # Errors
/// Returns the error of [`LogProb::response_logps`], and [`LlmError::Failed`] for another number of log-probabilities, or for
/// one that is not finite or covers no token.
pub fn response_logps_all(
    model: &dyn LogProb,
    prompts: &[Vec<Message>],
    responses: &[LogProbResponse<'_>],
    progress: &dyn Progress,
) -> Result<Vec<TokenLogps>, LlmError> {
    let logps = model.response_logps(prompts, responses, progress)?;
    let found = if logps.len() == responses.len() {
        let odd = logps.iter().position(|one| !one.sum.is_finite() || one.tokens == 0);
        odd.map(|at| {
            format!("{} over {} tokens for response {at}", logps[at].sum, logps[at].tokens)
        })
    } else {
        Some(format!("{} log-probabilities for {} responses", logps.len(), responses.len()))
    };
    match found {
        None => Ok(logps),
        Some(found) => {
            let expected = "a finite sum over at least one token for each response";
            Err(LlmError::Failed { reason: format!("found {found}, expected {expected}") })
        }
    }
}
