//! Asks a judge.

use iopo_core::random::keyed_u64;
use iopo_judge::{Answers, Attempt, Responses};
use iopo_llm::{Completion, LanguageModel, LlmError, Progress, Request, Sampling, complete_each};
use serde::Serialize;

use super::items::{Items, Question};
use super::{JudgedBenchmark, JudgedMode};
use crate::EvalError;

/// How a judge is asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct JudgeSettings {
    /// Softmax temperature of the first attempt; 0 decodes greedily. Default: 0, except for CFBench in `paper`: 0.01.
    pub temperature: f32,
    /// Draws from the likeliest tokens that together hold this probability. Default: 1, except for TRACE's `script`: 0.8.
    pub top_p: f32,
    /// Temperature of further attempts: an answer to the same prompt must be able to differ. Default: 0.5.
    pub retry_temperature: f32,
    /// Maximum number of tokens of an answer. Default: 2048.
    pub max_new_tokens: usize,
    /// Number of times that a question is asked if its answers give no verdict. Default: 4 in `repaired`, else 1.
    pub attempts: u32,
    /// Random seed. Default: 0.
    pub seed: u64,
}

impl JudgeSettings {
    /// Returns the settings of a benchmark in a mode.
    pub fn of(benchmark: JudgedBenchmark, mode: JudgedMode) -> Self {
        let (temperature, top_p) = match (benchmark, mode) {
            (JudgedBenchmark::CfBench, JudgedMode::Paper) => (0.01, 1.0),
            (_, JudgedMode::Script) => (0.0, 0.8),
            (_, JudgedMode::Paper | JudgedMode::Repaired) => (0.0, 1.0),
        };
        let attempts = if mode == JudgedMode::Repaired { 4 } else { 1 };
        let (retry_temperature, max_new_tokens, seed) = (0.5, 2048, 0);
        Self { temperature, top_p, retry_temperature, max_new_tokens, attempts, seed }
    }

    /// Makes the request of an attempt, counted from 0.
    pub(super) fn request(&self, name: &str, question: &Question, attempt: u32) -> Request {
        let (index, again) = (question.index.to_string(), attempt.to_string());
        let seed = keyed_u64(self.seed, &["judge", name, &question.key, &index, &again]);
        let temperature = if attempt == 0 { self.temperature } else { self.retry_temperature };
        let sampling = Sampling::greedy(self.max_new_tokens)
            .with_temperature(temperature)
            .with_top_p(self.top_p)
            .with_seed(seed);
        Request::new(question.messages.clone(), sampling).with_attempt(attempt)
    }
}

/// Asks all questions in one call, then those again whose answers give no verdict.
pub(super) fn ask(
    judge: &dyn LanguageModel,
    benchmark: JudgedBenchmark,
    (items, responses): (&dyn Items, &Responses),
    questions: &[Question],
    settings: &JudgeSettings,
    progress: &dyn Progress,
) -> Result<Answers, EvalError> {
    let mut answers = Answers::default();
    let mut open: Vec<&Question> = questions.iter().collect();
    for attempt in 0..settings.attempts {
        if open.is_empty() {
            break;
        }
        let requests: Vec<Request> =
            open.iter().map(|one| settings.request(benchmark.id(), one, attempt)).collect();
        let what = match attempt {
            0 => format!("verdicts of {}", judge.name()),
            _ => format!("verdicts of {}, attempt {}", judge.name(), attempt + 1),
        };
        progress.start(&what, requests.len() as u64);
        let outcomes = complete_each(judge, &requests, progress).map_err(judge_failed)?;
        progress.finish();
        let mut again = Vec::new();
        for (question, outcome) in open.into_iter().zip(outcomes) {
            let attempt = match outcome {
                Ok(Completion { text, .. }) => {
                    let text = without_reasoning(&text).to_owned();
                    let response = responses.to(&question.key).unwrap_or_default();
                    if items.read(question, response, &text).is_err() {
                        again.push(question);
                    }
                    Attempt::Answer(text)
                }
                // The model has already repeated what may succeed later.
                Err(failure) => Attempt::Failure(failure.class.name().to_owned()),
            };
            answers.push(&question.key, question.index, attempt);
        }
        open = again;
    }
    Ok(answers)
}

pub(super) fn judge_failed(error: LlmError) -> EvalError {
    match error {
        LlmError::Cancelled => EvalError::Cancelled,
        error => EvalError::Judge { source: error },
    }
}

/// Drops reasoning that a judge puts before its answer. Reasoning that never ends leaves no answer.
pub(super) fn without_reasoning(text: &str) -> &str {
    match text.trim_start().strip_prefix("<think>") {
        Some(rest) => rest.split_once("</think>").map_or("", |(_, answer)| answer.trim_start()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::without_reasoning;

    #[test]
    fn verdicts_are_not_read_from_reasoning() {
        assert_eq!(without_reasoning("<think>[YES]</think>\n[NO]"), "[NO]");
        assert_eq!(without_reasoning(" <think>[YES]"), "");
        assert_eq!(without_reasoning("a <think>"), "a <think>");
    }
}
