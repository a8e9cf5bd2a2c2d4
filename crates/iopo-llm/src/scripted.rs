//! Models for tests: one answers from a script, one scores responses by the words of their prompts.

use crate::{
    Completion, FinishReason, LanguageModel, LlmError, LogProb, LogProbResponse, Message, Outcome,
    Progress, Request, TokenLogps,
};

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
    ) -> Result<Vec<Outcome>, LlmError> {
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
            completions.push(Ok(Completion {
                text: words[..kept].concat(),
                finish_reason: if words.len() > limit {
                    FinishReason::Length
                } else {
                    FinishReason::Stop
                },
                prompt_tokens: Some(prompt_tokens),
                completion_tokens: Some(kept),
            }));
            progress.advance(1);
        }
        Ok(completions)
    }
}

/// A model that scores responses by the words of their prompts.
///
/// A word of a response is a token of -1 nat, or of -0.5 nats if it occurs in the prompt.
#[derive(Debug, Clone, Copy, Default)]
pub struct Overlap;

impl LogProb for Overlap {
    fn response_logps(
        &self,
        prompts: &[Vec<Message>],
        responses: &[LogProbResponse<'_>],
        progress: &dyn Progress,
    ) -> Result<Vec<TokenLogps>, LlmError> {
        if progress.cancelled() {
            return Err(LlmError::Cancelled);
        }
        let one = |(prompt, response): (&Vec<Message>, &LogProbResponse<'_>)| {
            let known: Vec<&str> =
                prompt.iter().flat_map(|turn| turn.content.split_whitespace()).collect();
            let cost = |word: &str| if known.contains(&word) { 0.5 } else { 1.0 };
            let words: Vec<&str> = response.text.split_whitespace().collect();
            progress.advance(1);
            TokenLogps {
                sum: -words.iter().map(|word| cost(word)).sum::<f64>(),
                tokens: u32::try_from(words.len()).unwrap_or(u32::MAX),
            }
        };
        Ok(prompts.iter().zip(responses).map(one).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Scripted;
    use crate::{FinishReason, Message, Request, Sampling, Silent, complete_all};

    #[test]
    fn a_script_answers_in_order_and_respects_the_token_limit() {
        let model = Scripted::new(|request: &Request| request.messages[0].content.to_uppercase());
        let ask =
            |text: &str, limit| Request::new(vec![Message::user(text)], Sampling::greedy(limit));
        let out =
            complete_all(&model, &[ask("one two three", 2), ask("four", 5)], &Silent).expect("ok");
        assert_eq!(
            (out[0].text.as_str(), out[0].finish_reason),
            ("ONE TWO ", FinishReason::Length)
        );
        assert_eq!((out[1].text.as_str(), out[1].finish_reason), ("FOUR", FinishReason::Stop));
    }
}
