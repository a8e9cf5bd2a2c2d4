//! Compares the models of a run on one benchmark.

use std::path::{Path, PathBuf};

use iopo_schema::{Provenance, SummaryRow, file_hash, run_files};
use serde_json::json;

use crate::observe::{self, MAIN_SUBSETS, ScoredResponse, Strictness};
use crate::score::PRODUCER;
use crate::{Bootstrap, EvalError, Statistic};

/// A model whose responses to a benchmark are scored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoredModel {
    /// Name in the table.
    pub model: String,
    /// Directory with its `predictions.parquet` and `scores.parquet`.
    pub dir: PathBuf,
}

/// Computes the strict and loose accuracies of every model, and its differences from the first one, and writes them to
/// `out`.
///
/// The subsets are all prompts, those with seen types only and those with unseen types only. Differences are paired by
/// prompt.
///
/// # Errors
/// Returns an error if a file cannot be read or written, or the models answered different prompts.
pub fn compare(
    models: &[ScoredModel],
    out: &Path,
    bootstrap: Bootstrap,
) -> Result<Vec<SummaryRow>, EvalError> {
    let mut scored: Vec<(&str, Vec<ScoredResponse>)> = Vec::with_capacity(models.len());
    let settings = json!({
        "models": models.iter().map(|one| &one.model).collect::<Vec<_>>(),
        "bootstrap_samples": bootstrap.samples,
        "confidence": bootstrap.confidence,
        "seed": bootstrap.seed,
    });
    let mut provenance = Provenance::new(PRODUCER, settings);
    for one in models {
        let [predictions, scores] =
            [run_files::PREDICTIONS, run_files::SCORES].map(|name| one.dir.join(name));
        provenance = provenance.with_input(one.model.as_str(), file_hash(&scores)?);
        scored.push((&one.model, observe::read_scored(&predictions, &scores)?.1));
    }
    let mut rows = Vec::new();
    for (name, responses) in &scored {
        for (metric, subset, observed) in measures(responses) {
            let estimate = bootstrap.estimate(&observed, Statistic::Ratio)?;
            if estimate.n > 0 {
                rows.push(estimate.row(name, None, metric, subset));
            }
        }
    }
    if let Some(((first, base), others)) = scored.split_first() {
        for (name, responses) in others {
            let pairs = measures(responses).into_iter().zip(measures(base));
            for ((metric, subset, left), (_, _, right)) in pairs {
                let sides = ((*name, left.as_slice()), (*first, right.as_slice()));
                let estimate = bootstrap.difference(sides.0, sides.1, Statistic::Ratio)?;
                if estimate.n > 0 {
                    rows.push(estimate.row(name, Some(first), metric, subset));
                }
            }
        }
    }
    iopo_schema::write(out, &rows, &provenance)?;
    Ok(rows)
}

type Measured = (iopo_schema::SummaryMetric, iopo_schema::Subset, Vec<crate::Observation>);

/// Observes every accuracy over every main subset.
fn measures(responses: &[ScoredResponse]) -> Vec<Measured> {
    let mut all = Vec::new();
    for subset in MAIN_SUBSETS {
        for strictness in [Strictness::Strict, Strictness::Loose] {
            let prompts = observe::prompt_accuracy(responses, &subset, strictness);
            all.push((strictness.prompt_metric(), subset.clone(), prompts));
            let constraints = observe::instruction_accuracy(responses, &subset, strictness);
            all.push((strictness.instruction_metric(), subset.clone(), constraints));
        }
    }
    all
}
