//! A benchmark in memory.

use iopo_schema::{PredictionRow, ResponseEnd, ScoreRow, Subset, SummaryMetric, SummaryRow};

use super::{Benchmark, accuracies};
use crate::score::score_rows;
use crate::{Bootstrap, EvalError, TestPrompt};

/// Name of the model of responses that another program generated.
pub(crate) const GIVEN: &str = "given";

/// Returns the name of a model in the headline of a table.
pub(crate) fn responder(model: &str) -> &str {
    if model == GIVEN { "given responses" } else { model }
}

/// Scored responses and their accuracies.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredResponses {
    /// One row per constraint, in the order of the prompts; without a verdict if it has no check.
    pub scores: Vec<ScoreRow>,
    /// Accuracies with intervals over all prompts and over subsets.
    pub accuracies: Vec<SummaryRow>,
}

impl ScoredResponses {
    /// Returns one accuracy with its interval.
    pub fn accuracy(&self, metric: SummaryMetric, subset: &Subset) -> Option<&SummaryRow> {
        accuracies::find(&self.accuracies, metric, subset)
    }
}

/// Scores one response per prompt, in the order of the prompts, and computes the accuracies.
///
/// # Errors
/// Returns an error if the number of responses differs from the number of prompts, a key occurs twice or a constraint
/// cannot be decided.
pub fn score_responses(
    benchmark: &dyn Benchmark,
    prompts: &[TestPrompt],
    responses: Vec<String>,
    bootstrap: Bootstrap,
) -> Result<ScoredResponses, EvalError> {
    if responses.len() != prompts.len() {
        return Err(EvalError::Unpaired { prompts: prompts.len(), responses: responses.len() });
    }
    let predictions: Vec<PredictionRow> = prompts
        .iter()
        .zip(responses)
        .map(|(prompt, response)| prompt.prediction(response, ResponseEnd::Given))
        .collect();
    let scores = score_rows(benchmark, &predictions)?;
    let accuracies = benchmark.summarize(GIVEN, prompts, &scores, bootstrap)?;
    Ok(ScoredResponses { scores, accuracies })
}
