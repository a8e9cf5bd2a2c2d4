//! Strict and loose accuracies of a benchmark, with intervals.

use std::collections::BTreeMap;

use iopo_schema::{ScoreRow, Subset, SummaryMetric, SummaryRow};

use crate::observe::{self, Outcome, ScoredResponse, Strictness};
use crate::{Bootstrap, EvalError, Observation, Statistic, TestPrompt};

/// Computes the accuracies over all prompts, over seen and unseen types, by number of constraints and by type.
///
/// A prompt counts in the prompt accuracies if all its constraints have a verdict, and in those of `seen` or `unseen` if
/// all its constraints belong to that subset.
///
/// # Errors
/// Returns an error if two prompts share a key.
pub fn summarize(
    model: &str,
    prompts: &[TestPrompt],
    scores: &[ScoreRow],
    bootstrap: Bootstrap,
) -> Result<Vec<SummaryRow>, EvalError> {
    let mut by_key: BTreeMap<&str, Vec<Outcome>> = BTreeMap::new();
    for score in scores {
        by_key.entry(&score.key).or_default().push(Outcome::from(score));
    }
    let scored: Vec<ScoredResponse> = prompts
        .iter()
        .map(|prompt| ScoredResponse {
            key: prompt.key.clone(),
            task_id: prompt.task_id.clone(),
            constraints: prompt.constraints.len(),
            outcomes: by_key.remove(prompt.key.as_str()).unwrap_or_default(),
        })
        .collect();
    let mut rows = Vec::new();
    for subset in observe::subsets(&scored) {
        for strictness in [Strictness::Strict, Strictness::Loose] {
            let mut add =
                |metric: SummaryMetric, observed: &[Observation]| -> Result<(), EvalError> {
                    let estimate = bootstrap.estimate(observed, Statistic::Ratio)?;
                    rows.push(estimate.row(model, None, metric, subset.clone()));
                    Ok(())
                };
            if subset.kind().is_none() {
                let observed = observe::prompt_accuracy(&scored, &subset, strictness);
                add(strictness.prompt_metric(), &observed)?;
            }
            let observed = observe::instruction_accuracy(&scored, &subset, strictness);
            add(strictness.instruction_metric(), &observed)?;
        }
    }
    Ok(rows)
}

/// Finds an accuracy.
pub(super) fn find<'a>(
    rows: &'a [SummaryRow],
    metric: SummaryMetric,
    subset: &Subset,
) -> Option<&'a SummaryRow> {
    rows.iter().find(|row| row.metric == metric && row.subset == *subset)
}
