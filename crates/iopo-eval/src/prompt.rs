//! Test prompts.

use iopo_schema::ConstraintRow;

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
