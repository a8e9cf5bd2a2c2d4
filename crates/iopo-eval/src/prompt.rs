//! Test prompts.

use iopo_llm::{Message, Request, Sampling};
use iopo_schema::{ConstraintRow, PredictionRow, ResponseEnd};

/// A prompt that a model is tested on, with the constraints that score its response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestPrompt {
    /// Id of the benchmark, for instance `heldout` or `ifeval`.
    pub benchmark: String,
    /// Key of the prompt, unique within the benchmark.
    pub key: String,
    /// Task of the prompt, which the bootstrap resamples first; empty where prompts are independent.
    pub task_id: String,
    /// The user turn.
    pub prompt: String,
    /// The constraints, in the order of the prompt.
    pub constraints: Vec<ConstraintRow>,
}

impl TestPrompt {
    /// Creates the prediction of a response to this prompt, with token counts of 0.
    pub(crate) fn prediction(&self, response: String, finish_reason: ResponseEnd) -> PredictionRow {
        PredictionRow {
            benchmark: self.benchmark.clone(),
            key: self.key.clone(),
            task_id: self.task_id.clone(),
            prompt: self.prompt.clone(),
            constraints: self.constraints.clone(),
            response,
            finish_reason,
            prompt_tokens: 0,
            completion_tokens: 0,
            error: None,
        }
    }
}

/// What a model is asked, and the row of its response.
pub(crate) trait Asked {
    /// Returns the key, unique within the benchmark.
    fn key(&self) -> &str;

    /// Returns the turns that the model reads.
    fn messages(&self) -> Vec<Message>;

    /// Creates the prediction of a response, with token counts of 0.
    fn prediction(&self, response: String, end: ResponseEnd) -> PredictionRow;

    /// Returns all that the response and its verdicts depend on, for a hash.
    fn identity(&self) -> Vec<&str>;

    /// Makes the request for a greedy response.
    fn request(&self, max_new_tokens: usize) -> Request {
        Request::new(self.messages(), Sampling::greedy(max_new_tokens))
    }
}

impl Asked for TestPrompt {
    fn key(&self) -> &str {
        &self.key
    }

    fn messages(&self) -> Vec<Message> {
        vec![Message::user(self.prompt.as_str())]
    }

    fn prediction(&self, response: String, end: ResponseEnd) -> PredictionRow {
        self.prediction(response, end)
    }

    fn identity(&self) -> Vec<&str> {
        let checks = self.constraints.iter().filter_map(|row| row.check.as_ref());
        let checks = checks.flat_map(|check| [check.id.as_str(), &check.params]);
        [self.key.as_str(), &self.prompt].into_iter().chain(checks).collect()
    }
}
