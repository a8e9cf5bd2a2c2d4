//! A model for tests that answers from a script.

use crate::{Completion, FinishReason, LanguageModel, LlmError, Progress, Request};

/// A model that answers every request with the return value of a function.
///
/// A word counts as a token. Answers are truncated to `max_new_tokens` words.
pub struct Scripted<F>(F);

impl<F: Fn(&Request) -> String> Scripted<F> {
    /// Creates a model that answers each request with `answer(request)`.
    pub fn new(answer: F) -> Self {
        Self(answer)
    }
}

impl<F: Fn(&Request) -> String> LanguageModel for Scripted<F> {
    fn name(&self) -> String {
        "scripted".to_owned()
    }

    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Completion>, LlmError> {
        let mut completions = Vec::with_capacity(requests.len());
        for request in requests {
            if progress.cancelled() {
                return Err(LlmError::Cancelled);
            }
            let words: Vec<String> =
                (self.0)(request).split_inclusive(char::is_whitespace).map(str::to_owned).collect();
            let limit = request.sampling.max_new_tokens;
            let kept = words.len().min(limit);
            let prompt_tokens = request
                .messages
                .iter()
                .map(|message| message.content.split_whitespace().count())
                .sum();
            completions.push(Completion {
                text: words[..kept].concat(),
                finish_reason: if words.len() > limit {
                    FinishReason::Length
                } else {
                    FinishReason::Stop
                },
                prompt_tokens,
                completion_tokens: kept,
            });
            progress.advance(1);
        }
        Ok(completions)
    }
}

#[cfg(test)]
mod tests {
    use super::Scripted;
    use crate::{FinishReason, LanguageModel, Message, Request, Sampling, Silent};

    #[test]
    fn a_script_answers_in_order_and_respects_the_token_limit() {
        let model = Scripted::new(|request: &Request| request.messages[0].content.to_uppercase());
        let ask = |text: &str, limit| Request {
            messages: vec![Message::user(text)],
            sampling: Sampling::greedy(limit),
        };
        let out =
            model.complete(&[ask("one two three", 2), ask("four", 5)], &Silent).expect("scripted");
        assert_eq!(
            (out[0].text.as_str(), out[0].finish_reason),
            ("ONE TWO ", FinishReason::Length)
        );
        assert_eq!((out[1].text.as_str(), out[1].finish_reason), ("FOUR", FinishReason::Stop));
    }
}
