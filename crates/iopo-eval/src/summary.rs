//! The table of a run: every metric of every model with its interval, and the paired differences.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use iopo_llm::{Progress, TokenLogps};
use iopo_schema::{
    PreferenceRow, Provenance, ReferenceRow, Split, SummaryRow, content_id, file_hash,
};
use serde_json::json;

use crate::table::{Cell, Table};
use crate::{EvalConfig, EvalError};

/// A model to put into the table; several training seeds of one method are its runs.
///
/// The numbers of a model with several runs are means over the runs, row by row; its intervals tell how
/// much other test tasks would change that mean, not how much other training seeds would. Give each run
/// as a model of its own too, to see the spread between them.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluatedModel {
    /// The name in the `model` column, for instance `iopo`.
    pub model: String,
    /// One or more runs.
    pub runs: Vec<EvaluatedRun>,
}

/// What is known of one trained (or untrained) model.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluatedRun {
    /// Its `predictions.parquet`.
    pub predictions: PathBuf,
    /// Its `scores.parquet`.
    pub scores: PathBuf,
    /// How likely the base model finds its answers, by key ([`crate::answer_logps`]); without it there is
    /// no `perplexity_base`.
    pub base_logps: Option<BTreeMap<String, TokenLogps>>,
    /// Its log-probabilities of the test groups; without them there are no rewards.
    pub groups: Option<GroupRewards>,
}

/// Log-probabilities of the test groups' four responses.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupRewards {
    /// Under the model itself; at least the groups of split `test`.
    pub policy: Vec<ReferenceRow>,
    /// Under its reference (the model that training started from); absent for the reference itself, whose
    /// rewards are all zero.
    pub reference: Option<Vec<ReferenceRow>>,
    /// Beta of the reward: it scales the margins and changes no accuracy.
    pub beta: f64,
}

/// Makes the table and writes it to `out` (`eval/summary.parquet`).
///
/// Rows of a model: accuracies of prompts and of single constraints over their subsets, the signs of
/// [`crate::hollow`], `perplexity_base`, and on the test groups `logps_chosen` and the rewards (subsets
/// `all`, `full`, `sided`). Rows with a baseline: `model − baseline` on the same prompts or groups with the
/// same resamples; not for single kinds or lengths, where a table of many small differences would
/// only invite to pick one. Metrics without a row to measure are left out.
pub fn summarize(
    models: &[EvaluatedModel],
    groups: &[PreferenceRow],
    out: &Path,
    config: &EvalConfig,
    progress: &dyn Progress,
) -> Result<Vec<SummaryRow>, EvalError> {
    config.validate()?;
    let names: Vec<&str> = models.iter().map(|model| model.model.as_str()).collect();
    crate::score::refuse_duplicates(names.iter().copied(), "the list of models")?;
    let tests: Vec<&PreferenceRow> =
        groups.iter().filter(|group| group.split == Split::Test).collect();
    let mut tables = Vec::with_capacity(models.len());
    for model in models {
        tables.push(Table::of(model, &tests)?);
    }
    let pairs = pairs(&names, &config.baselines);
    let rows = rows(&names, &tables, &pairs, config, progress)?;
    iopo_schema::write(out, &rows, &provenance(models, &tests, config)?)?;
    Ok(rows)
}

/// All estimates, then all differences.
fn rows(
    names: &[&str],
    tables: &[Table],
    pairs: &[(usize, usize)],
    config: &EvalConfig,
    progress: &dyn Progress,
) -> Result<Vec<SummaryRow>, EvalError> {
    let bootstrap = config.bootstrap();
    progress.start("statistics", (tables.len() + pairs.len()) as u64);
    let mut rows = Vec::new();
    for (name, table) in names.iter().zip(tables) {
        for cell in &table.cells {
            stop_if_cancelled(progress)?;
            let estimate = match &cell.fixed {
                Some(estimate) => *estimate,
                None => bootstrap.estimate(&cell.rows, cell.statistic)?,
            };
            rows.extend(row(name, None, cell, estimate));
        }
        progress.advance(1);
    }
    for &(left, right) in pairs {
        for cell in tables[left].cells.iter().filter(|cell| cell.paired) {
            stop_if_cancelled(progress)?;
            let Some(other) = tables[right].find(&cell.metric, &cell.subset) else { continue };
            let estimate = bootstrap.difference(
                (names[left], &cell.rows),
                (names[right], &other.rows),
                cell.statistic,
            )?;
            rows.extend(row(names[left], Some(names[right]), cell, estimate));
        }
        progress.advance(1);
    }
    progress.finish();
    Ok(rows)
}

/// A row of the table; none where nothing was measured.
fn row(
    model: &str,
    baseline: Option<&str>,
    cell: &Cell,
    estimate: crate::Estimate,
) -> Option<SummaryRow> {
    (estimate.n > 0).then(|| SummaryRow {
        model: model.to_owned(),
        baseline: baseline.map(str::to_owned),
        metric: cell.metric.clone(),
        subset: cell.subset.clone(),
        value: estimate.value,
        low: estimate.low,
        high: estimate.high,
        n: estimate.n,
    })
}

/// Which models are compared: each with every baseline but itself and those that come later in the list
/// of baselines, so that no pair stands there twice.
fn pairs(names: &[&str], baselines: &[String]) -> Vec<(usize, usize)> {
    let rank = |name: &str| baselines.iter().position(|baseline| baseline == name);
    let mut pairs = Vec::new();
    for (left, name) in names.iter().enumerate() {
        let before = rank(name).unwrap_or(baselines.len());
        let mut seen = BTreeSet::new();
        for baseline in &baselines[..before] {
            let right = names.iter().position(|name| name == baseline);
            pairs.extend(right.filter(|right| seen.insert(*right)).map(|right| (left, right)));
        }
    }
    pairs
}

/// Ends with [`EvalError::Cancelled`] where the user asked to stop.
fn stop_if_cancelled(progress: &dyn Progress) -> Result<(), EvalError> {
    if progress.cancelled() { Err(EvalError::Cancelled) } else { Ok(()) }
}

/// What the table is made from.
fn provenance(
    models: &[EvaluatedModel],
    tests: &[&PreferenceRow],
    config: &EvalConfig,
) -> Result<Provenance, EvalError> {
    let ids: Vec<&str> = tests.iter().map(|group| group.id.as_str()).collect();
    let mut inputs = BTreeMap::from([("test_groups".to_owned(), content_id(&ids))]);
    for model in models {
        for (index, run) in model.runs.iter().enumerate() {
            let mut insert = |what: &str, hash| {
                inputs.insert(format!("{}/{index}/{what}", model.model), hash);
            };
            insert("predictions", file_hash(&run.predictions)?);
            insert("scores", file_hash(&run.scores)?);
            if let Some(logps) = &run.base_logps {
                insert("base_logps", content_id(&[&format!("{logps:?}")]));
            }
            if let Some(groups) = &run.groups {
                insert("group_logps", content_id(&[&format!("{groups:?}")]));
            }
        }
    }
    let config = json!({
        "baselines": config.baselines,
        "bootstrap_samples": config.bootstrap_samples,
        "confidence": config.confidence,
        "models": models.iter().map(|model| (&model.model, model.runs.len())).collect::<Vec<_>>(),
        "seed": config.seed,
    });
    Ok(Provenance { producer: crate::score::PRODUCER.to_owned(), config, inputs })
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn every_pair_stands_there_once_and_missing_baselines_are_left_out() {
        let baselines = ["base", "sft", "dpo"].map(str::to_owned);
        assert_eq!(pairs(&["base", "sft", "iopo"], &baselines), [(1, 0), (2, 0), (2, 1)]);
        assert_eq!(pairs(&["iopo", "dpo"], &baselines), [(0, 1)]);
        assert_eq!(pairs(&["base"], &baselines), []);
    }
}
