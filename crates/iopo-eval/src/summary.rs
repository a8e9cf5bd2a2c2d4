//! The summary of a run: every metric of every model with its interval, and paired differences.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use iopo_llm::{Progress, TokenLogps};
use iopo_schema::run_files::{method_of, model_name, round_of};
use iopo_schema::{
    PreferenceRow, Provenance, ReferenceRow, RelevanceRow, SummaryRow, content_id, file_hash,
};
use serde_json::json;

use crate::table::{Cell, Table};
use crate::{EvalConfig, EvalError};

/// A model of the table. The training seeds of a method are its runs.
///
/// The numbers of a model with several runs are means over the runs, row by row. Its intervals cover the choice of test
/// tasks and of training seeds. To see the spread between seeds, pass each run as a separate model too.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluatedModel {
    /// Name in the `model` column, for instance `iopo`.
    pub model: String,
    /// One or more runs.
    pub runs: Vec<EvaluatedRun>,
}

/// Files and log-probabilities of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluatedRun {
    /// Responses to the test prompts; `None` if only rewards are measured.
    pub responses: Option<ScoredFiles>,
    /// Log-probabilities of the responses under the base model, by key ([`crate::response_logps`]); `None` omits
    /// `perplexity_base`.
    pub base_logps: Option<BTreeMap<String, TokenLogps>>,
    /// Relevance of the responses, by key ([`crate::PlainTasks::relevance`]); `None` omits clean accuracy and its checks.
    pub relevance: Option<BTreeMap<String, RelevanceRow>>,
    /// Responses to the test tasks without constraints; `None` omits the subset `plain`.
    pub plain: Option<PlainResponses>,
    /// Log-probabilities of the test groups; `None` omits the rewards.
    pub groups: Option<GroupRewards>,
    /// Random seed of the training; `None` for a model without one. Two models are compared over the seeds that both have.
    pub seed: Option<u64>,
}

/// Responses of a model to the test prompts, and their scores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoredFiles {
    /// `predictions.parquet` of the run.
    pub predictions: PathBuf,
    /// `scores.parquet` of the run.
    pub scores: PathBuf,
}

/// Responses of a model to the test tasks without constraints.
#[derive(Debug, Clone, PartialEq)]
pub struct PlainResponses {
    /// `predictions.parquet` of the tasks.
    pub predictions: PathBuf,
    /// Relevance of the responses, by key.
    pub relevance: BTreeMap<String, RelevanceRow>,
}

/// Log-probabilities of the sequences of each test group or pair.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupRewards {
    /// Under the model itself, for every group of the summary.
    pub policy: Vec<ReferenceRow>,
    /// Under the reference, the model that training started from; `None` for the reference itself, whose rewards are 0.
    pub reference: Option<Vec<ReferenceRow>>,
    /// Beta of the reward. It scales the margins and changes no accuracy.
    pub beta: f64,
}

/// Computes the table and writes it to `out` (`eval/summary.parquet`).
///
/// A model has accuracies of prompts and of constraints over their subsets, the [degeneration checks](crate::degeneration),
/// `perplexity_base`, and `logps_chosen` and the rewards on the test groups. Rows with a baseline are the difference
/// `model − baseline` on the same prompts or groups with the same resamples. Single kinds and numbers of constraints have no
/// differences: of many small differences, some exclude zero by chance. Metrics with nothing to measure are omitted.
///
/// # Errors
/// Returns an error if a model occurs twice or has no run, files or groups do not match, `progress` cancels or `out` cannot be
/// written.
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
    let groups: Vec<&PreferenceRow> = groups.iter().collect();
    let mut tables = Vec::with_capacity(models.len());
    for model in models {
        tables.push(Table::of(model, &groups, &config.quality)?);
    }
    let pairs = pairs(&names, &config.baselines);
    let rows = rows(&names, models, &groups, &tables, &pairs, config, progress)?;
    iopo_schema::write(out, &rows, &provenance(models, &groups, config)?)?;
    Ok(rows)
}

/// Computes all estimates, then all differences.
fn rows(
    names: &[&str],
    models: &[EvaluatedModel],
    groups: &[&PreferenceRow],
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
        let (left_table, right_table) = same_seeds(&models[left], &models[right], groups, config)?;
        let left_table = left_table.as_ref().unwrap_or(&tables[left]);
        let right_table = right_table.as_ref().unwrap_or(&tables[right]);
        for cell in left_table.cells.iter().filter(|cell| cell.paired) {
            stop_if_cancelled(progress)?;
            let Some(other) = right_table.find(cell.metric, &cell.subset) else { continue };
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

/// Makes the tables of two models over the random seeds that both have; `None` for a model that needs no other table.
fn same_seeds(
    left: &EvaluatedModel,
    right: &EvaluatedModel,
    groups: &[&PreferenceRow],
    config: &EvalConfig,
) -> Result<(Option<Table>, Option<Table>), EvalError> {
    let seeds = |model: &EvaluatedModel| -> BTreeSet<u64> {
        model.runs.iter().filter_map(|run| run.seed).collect()
    };
    let both: BTreeSet<u64> = seeds(left).intersection(&seeds(right)).copied().collect();
    let restricted = |model: &EvaluatedModel| {
        if both.is_empty() || seeds(model) == both {
            return Ok(None);
        }
        let shared = |run: &&EvaluatedRun| run.seed.is_some_and(|seed| both.contains(&seed));
        let runs = model.runs.iter().filter(shared).cloned().collect();
        let model = EvaluatedModel { model: model.model.clone(), runs };
        Table::of(&model, groups, &config.quality).map(Some)
    };
    Ok((restricted(left)?, restricted(right)?))
}

/// Makes a row of the table; `None` if nothing was measured.
fn row(
    model: &str,
    baseline: Option<&str>,
    cell: &Cell,
    estimate: crate::Estimate,
) -> Option<SummaryRow> {
    (estimate.n > 0).then(|| estimate.row(model, baseline, cell.metric, cell.subset.clone()))
}

/// Lists the pairs to compare: each model with every baseline, a baseline only with those before it in the list.
///
/// After a later round, a model is also compared with the baselines after the same round, and with itself after the round
/// before.
fn pairs(names: &[&str], baselines: &[String]) -> Vec<(usize, usize)> {
    let rank = |name: &str| baselines.iter().position(|baseline| baseline == method_of(name));
    let mut pairs = Vec::new();
    for (left, name) in names.iter().enumerate() {
        let (method, round) = (method_of(name), round_of(name));
        let before = &baselines[..rank(name).unwrap_or(baselines.len())];
        let mut wanted: Vec<String> = before.to_vec();
        if round > 1 {
            wanted.push(model_name(method, round - 1));
            wanted.extend(before.iter().map(|baseline| model_name(baseline, round)));
        }
        let mut seen = BTreeSet::new();
        for baseline in wanted {
            let right = names.iter().position(|name| *name == baseline);
            pairs.extend(right.filter(|right| seen.insert(*right)).map(|right| (left, right)));
        }
    }
    pairs
}

/// Returns [`EvalError::Cancelled`] if the user asked to stop.
fn stop_if_cancelled(progress: &dyn Progress) -> Result<(), EvalError> {
    if progress.cancelled() { Err(EvalError::Cancelled) } else { Ok(()) }
}

/// Describes what the table depends on.
fn provenance(
    models: &[EvaluatedModel],
    groups: &[&PreferenceRow],
    config: &EvalConfig,
) -> Result<Provenance, EvalError> {
    let ids: Vec<&str> = groups.iter().map(|group| group.id.as_str()).collect();
    let mut inputs = BTreeMap::from([("groups".to_owned(), content_id(&ids))]);
    for model in models {
        for (index, run) in model.runs.iter().enumerate() {
            let mut insert = |what: &str, hash| {
                inputs.insert(format!("{}/{index}/{what}", model.model), hash);
            };
            if let Some(ScoredFiles { predictions, scores }) = &run.responses {
                insert("predictions", file_hash(predictions)?);
                insert("scores", file_hash(scores)?);
            }
            if let Some(logps) = &run.base_logps {
                insert("base_logps", content_id(&[&format!("{logps:?}")]));
            }
            if let Some(relevance) = &run.relevance {
                insert("relevance", content_id(&[&format!("{relevance:?}")]));
            }
            if let Some(plain) = &run.plain {
                insert("plain", file_hash(&plain.predictions)?);
                insert("plain_relevance", content_id(&[&format!("{:?}", plain.relevance)]));
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
        "quality": config.quality,
        "models": models.iter().map(|model| (&model.model, model.runs.len())).collect::<Vec<_>>(),
        "seed": config.seed,
    });
    Ok(Provenance { producer: crate::score::PRODUCER.to_owned(), config, inputs })
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn every_pair_occurs_once_and_missing_baselines_are_ignored() {
        let baselines = ["base", "sft", "dpo"].map(str::to_owned);
        assert_eq!(pairs(&["base", "sft", "iopo"], &baselines), [(1, 0), (2, 0), (2, 1)]);
        assert_eq!(pairs(&["iopo", "dpo"], &baselines), [(0, 1)]);
        assert_eq!(pairs(&["base"], &baselines), []);
    }

    #[test]
    fn a_later_round_is_compared_with_its_controls_and_with_the_round_before() {
        let baselines = ["base", "dpo"].map(str::to_owned);
        let names = ["base", "dpo", "dpo-round2", "iopo", "iopo-round2"];
        let of = |left: &str| -> Vec<&str> {
            let at = names.iter().position(|name| *name == left);
            let found = pairs(&names, &baselines).into_iter().filter(|pair| Some(pair.0) == at);
            found.map(|pair| names[pair.1]).collect()
        };
        assert_eq!(of("iopo-round2"), ["base", "dpo", "iopo", "dpo-round2"]);
        assert_eq!(of("dpo-round2"), ["base", "dpo"]);
        assert_eq!(of("iopo"), ["base", "dpo"]);
    }
}
