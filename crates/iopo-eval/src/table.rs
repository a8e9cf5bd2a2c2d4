//! The cells of one model's table: which rows each number is computed from.

use std::collections::BTreeMap;

use iopo_constraints::quality::QualityConfig;
use iopo_llm::TokenLogps;
use iopo_schema::{GroupKind, PredictionRow, PreferenceRow, Subset, SummaryMetric};

use crate::observe::{self, MAIN_SUBSETS, ScoredResponse, Strictness};
use crate::quality::Quality;
use crate::summary::{EvaluatedModel, EvaluatedRun, GroupRewards, ScoredFiles};
use crate::{Estimate, EvalError, Observation, Statistic, degeneration, rewards};

/// One number of the table, before it is estimated.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cell {
    pub(crate) metric: SummaryMetric,
    pub(crate) subset: Subset,
    pub(crate) statistic: Statistic,
    /// The rows that it is computed from.
    pub(crate) rows: Vec<Observation>,
    /// Whether differences to baselines are reported.
    pub(crate) paired: bool,
    /// An estimate that cannot be resampled.
    pub(crate) fixed: Option<Estimate>,
}

impl Cell {
    /// Makes a ratio whose differences are reported.
    fn new(metric: SummaryMetric, subset: Subset, rows: Vec<Observation>) -> Self {
        Self { metric, subset, statistic: Statistic::Ratio, rows, paired: true, fixed: None }
    }
}

/// The cells of one model, in the order of the table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    pub(crate) cells: Vec<Cell>,
}

impl Table {
    /// Makes the cells of a model: those of its run, or the mean over its runs.
    pub(crate) fn of(
        model: &EvaluatedModel,
        tests: &[&PreferenceRow],
        config: &QualityConfig,
    ) -> Result<Self, EvalError> {
        let mut tables = Vec::with_capacity(model.runs.len());
        for run in &model.runs {
            tables.push(Self { cells: cells(run, tests, config)? });
        }
        let Some((first, others)) = tables.split_first() else {
            return Err(EvalError::NoRuns { model: model.model.clone() });
        };
        if others.is_empty() {
            return Ok(first.clone());
        }
        let mut mean = first.clone();
        for cell in &mut mean.cells {
            let mut same = vec![first.find_or_differ(model, cell.metric, &cell.subset)?];
            for other in others {
                same.push(other.find_or_differ(model, cell.metric, &cell.subset)?);
            }
            let averaged = average(&model.model, &same)?;
            let fixed = average_fixed(&same);
            (cell.rows, cell.fixed) = (averaged, fixed);
        }
        Ok(mean)
    }

    /// Finds the cell of a metric and subset.
    pub(crate) fn find(&self, metric: SummaryMetric, subset: &Subset) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.metric == metric && cell.subset == *subset)
    }

    /// Finds a cell that every run must have.
    fn find_or_differ(
        &self,
        model: &EvaluatedModel,
        metric: SummaryMetric,
        subset: &Subset,
    ) -> Result<&Cell, EvalError> {
        self.find(metric, subset).ok_or_else(|| EvalError::KeysDiffer {
            left: format!("the first run of {}", model.model),
            right: "another of its runs".to_owned(),
            key: format!("{metric} ({subset})"),
            only_in: "the first".to_owned(),
        })
    }
}

/// Makes the cells of one run.
fn cells(
    run: &EvaluatedRun,
    tests: &[&PreferenceRow],
    config: &QualityConfig,
) -> Result<Vec<Cell>, EvalError> {
    let mut cells = match &run.responses {
        Some(responses) => response_cells(run, responses, config)?,
        None => Vec::new(),
    };
    if let Some(groups) = &run.groups {
        cells.extend(reward_cells(groups, tests)?);
    }
    Ok(cells)
}

/// Makes the cells of the responses to test prompts.
fn response_cells(
    run: &EvaluatedRun,
    responses: &ScoredFiles,
    config: &QualityConfig,
) -> Result<Vec<Cell>, EvalError> {
    let (predictions, scored) = observe::read_scored(&responses.predictions, &responses.scores)?;
    let mut cells = Vec::new();
    if let Some(relevance) = &run.relevance {
        let quality = Quality::of(&predictions, relevance, config)?;
        for subset in prompt_subsets(&scored) {
            let rows = quality.accuracy(&scored, &subset);
            let paired = MAIN_SUBSETS.contains(&subset);
            cells.push(Cell { paired, ..Cell::new(SummaryMetric::CleanAccuracy, subset, rows) });
        }
        for (metric, rows) in quality.checks() {
            cells.push(Cell::new(metric, Subset::All, rows));
        }
    }
    cells.extend(accuracies(&scored));
    cells.extend(degeneration_cells(&predictions, &Subset::All));
    if let Some(plain) = &run.plain {
        let predictions: Vec<PredictionRow> = iopo_schema::read(&plain.predictions)?;
        let quality = Quality::of(&predictions, &plain.relevance, config)?;
        // A task without constraints has no sentence to echo.
        let accuracy = quality.plain_accuracy();
        cells.push(Cell::new(SummaryMetric::CleanAccuracy, Subset::Plain, accuracy));
        let checks =
            quality.checks().into_iter().filter(|(metric, _)| *metric != SummaryMetric::EchoShare);
        cells.extend(checks.map(|(metric, rows)| Cell::new(metric, Subset::Plain, rows)));
        cells.extend(degeneration_cells(&predictions, &Subset::Plain));
    }
    for (metric, n) in degeneration::CORPUS_METRICS {
        let value = degeneration::corpus_distinct(&predictions, n);
        let rows = if value.is_nan() { 0 } else { predictions.len() as u64 };
        let fixed = Estimate { value, low: f64::NAN, high: f64::NAN, n: rows };
        let cell = Cell::new(metric, Subset::All, Vec::new());
        cells.push(Cell { fixed: Some(fixed), paired: false, ..cell });
    }
    if let Some(logps) = &run.base_logps {
        let rows = perplexities(&predictions, logps)?;
        let statistic = Statistic::ExpRatio;
        cells.push(Cell {
            statistic,
            ..Cell::new(SummaryMetric::PerplexityBase, Subset::All, rows)
        });
    }
    Ok(cells)
}

/// Makes the cells of test groups and pairs, over all of them and over those of each kind.
fn reward_cells(groups: &GroupRewards, tests: &[&PreferenceRow]) -> Result<Vec<Cell>, EvalError> {
    let ranked = rewards::rank(tests, &groups.policy, groups.reference.as_deref(), groups.beta)?;
    let mut cells = Vec::new();
    for (metric, measure) in rewards::METRICS {
        let kinds = GroupKind::ALL.iter().copied().map(Some);
        for kind in std::iter::once(None).chain(kinds) {
            let subset = kind.map_or(Subset::All, Subset::Groups);
            let chosen = ranked.iter().filter(|group| kind.is_none_or(|kind| group.kind == kind));
            let rows = chosen.map(|group| rewards::observe(measure, group)).collect();
            cells.push(Cell::new(metric, subset, rows));
        }
    }
    Ok(cells)
}

/// Makes the degeneration checks of single responses.
fn degeneration_cells(predictions: &[PredictionRow], subset: &Subset) -> Vec<Cell> {
    let cell = |(metric, measure)| {
        let rows = predictions.iter().map(|row| degeneration::observe(measure, row)).collect();
        Cell::new(metric, subset.clone(), rows)
    };
    degeneration::METRICS.map(cell).into()
}

/// Returns the subsets of prompts: all but single kinds.
fn prompt_subsets(scored: &[ScoredResponse]) -> Vec<Subset> {
    observe::subsets(scored).into_iter().filter(|subset| subset.kind().is_none()).collect()
}

/// Makes the strict accuracies of prompts and of single constraints over their subsets.
fn accuracies(scored: &[ScoredResponse]) -> Vec<Cell> {
    let strict = Strictness::Strict;
    let mut cells = Vec::new();
    for subset in prompt_subsets(scored) {
        let rows = observe::prompt_accuracy(scored, &subset, strict);
        let paired = MAIN_SUBSETS.contains(&subset);
        cells.push(Cell { paired, ..Cell::new(strict.prompt_metric(), subset, rows) });
    }
    for subset in observe::subsets(scored) {
        let rows = observe::instruction_accuracy(scored, &subset, strict);
        let paired = MAIN_SUBSETS.contains(&subset);
        cells.push(Cell { paired, ..Cell::new(strict.instruction_metric(), subset, rows) });
    }
    cells
}

/// Observes negative log-probabilities over tokens; blank responses have nothing to measure.
fn perplexities(
    predictions: &[PredictionRow],
    logps: &BTreeMap<String, TokenLogps>,
) -> Result<Vec<Observation>, EvalError> {
    let observe = |row: &PredictionRow| {
        let (num, den) = match logps.get(&row.key) {
            Some(one) => (-one.sum, f64::from(one.tokens)),
            None if row.response.trim().is_empty() => (0.0, 0.0),
            None => {
                return Err(EvalError::Logps {
                    what: format!("the response to `{}` under the base model", row.key),
                    expected: "one".to_owned(),
                    found: "none".to_owned(),
                });
            }
        };
        Ok(Observation::ratio(row.key.as_str(), row.task_id.as_str(), num, den))
    };
    predictions.iter().map(observe).collect()
}

/// Averages runs row by row; refuses runs on different rows.
fn average(model: &str, cells: &[&Cell]) -> Result<Vec<Observation>, EvalError> {
    let mut mean: BTreeMap<&str, Observation> = BTreeMap::new();
    for row in cells.iter().flat_map(|cell| &cell.rows) {
        let empty = || Observation { num: 0.0, den: 0.0, ..row.clone() };
        let sum = mean.entry(&row.key).or_insert_with(empty);
        sum.runs.push((row.num, row.den));
        sum.num += row.num / cells.len() as f64;
        sum.den += row.den / cells.len() as f64;
    }
    if let Some((key, _)) = mean.iter().find(|(_, row)| row.runs.len() != cells.len()) {
        return Err(EvalError::KeysDiffer {
            left: format!("one run of {model}"),
            right: "another".to_owned(),
            key: (*key).to_owned(),
            only_in: "one of them".to_owned(),
        });
    }
    Ok(mean.into_values().collect())
}

/// Averages over runs an estimate that has no rows.
fn average_fixed(cells: &[&Cell]) -> Option<Estimate> {
    let values: Option<Vec<Estimate>> = cells.iter().map(|cell| cell.fixed).collect();
    let values = values?;
    let value = values.iter().map(|one| one.value).sum::<f64>() / values.len() as f64;
    values.first().map(|first| Estimate { value, ..*first })
}
