//! The cells of one model's table, before any statistics: which rows stand behind which number.

use std::collections::BTreeMap;

use iopo_llm::TokenLogps;
use iopo_schema::{GroupKind, PredictionRow, PreferenceRow};

use crate::observe::{self, ScoredAnswer, Subset};
use crate::summary::{EvaluatedModel, EvaluatedRun};
use crate::{Estimate, EvalError, Observation, Statistic, hollow, rewards};

/// One number to come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cell {
    pub(crate) metric: String,
    pub(crate) subset: String,
    pub(crate) statistic: Statistic,
    /// The rows behind it.
    pub(crate) rows: Vec<Observation>,
    /// Whether differences to baselines are reported.
    pub(crate) paired: bool,
    /// A number that no resample gives.
    pub(crate) fixed: Option<Estimate>,
}

impl Cell {
    /// A ratio whose differences are reported.
    fn new(metric: &str, subset: &str, rows: Vec<Observation>) -> Self {
        let (metric, subset) = (metric.to_owned(), subset.to_owned());
        Self { metric, subset, statistic: Statistic::Ratio, rows, paired: true, fixed: None }
    }
}

/// One model's cells, in the order of the table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    pub(crate) cells: Vec<Cell>,
}

impl Table {
    /// The cells of a model: of its run, or the mean over its runs.
    pub(crate) fn of(model: &EvaluatedModel, tests: &[&PreferenceRow]) -> Result<Self, EvalError> {
        let mut tables = Vec::with_capacity(model.runs.len());
        for run in &model.runs {
            tables.push(Self { cells: cells(run, tests)? });
        }
        let Some((first, others)) = tables.split_first() else {
            return Err(EvalError::NoRuns { model: model.model.clone() });
        };
        if others.is_empty() {
            return Ok(first.clone());
        }
        let mut mean = first.clone();
        for cell in &mut mean.cells {
            let mut same = vec![first.find_or_differ(model, &cell.metric, &cell.subset)?];
            for other in others {
                same.push(other.find_or_differ(model, &cell.metric, &cell.subset)?);
            }
            let averaged = average(&model.model, &same)?;
            let fixed = average_fixed(&same);
            (cell.rows, cell.fixed) = (averaged, fixed);
        }
        Ok(mean)
    }

    /// The cell of a metric and subset.
    pub(crate) fn find(&self, metric: &str, subset: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.metric == metric && cell.subset == subset)
    }

    /// The same, where every run must have it.
    fn find_or_differ(
        &self,
        model: &EvaluatedModel,
        metric: &str,
        subset: &str,
    ) -> Result<&Cell, EvalError> {
        self.find(metric, subset).ok_or_else(|| EvalError::KeysDiffer {
            left: format!("the first run of {}", model.model),
            right: "another of its runs".to_owned(),
            key: format!("{metric} ({subset})"),
            only_in: "the first".to_owned(),
        })
    }
}

/// The cells of one run.
fn cells(run: &EvaluatedRun, tests: &[&PreferenceRow]) -> Result<Vec<Cell>, EvalError> {
    let answers = observe::read_scored(&run.predictions, &run.scores)?;
    let mut cells = accuracies(&answers);
    let predictions: Vec<PredictionRow> =
        answers.into_iter().map(|answer| answer.prediction).collect();
    for metric in hollow::METRICS {
        let rows = predictions.iter().map(|row| hollow::measure(metric, row)).collect();
        cells.push(Cell::new(metric, "all", rows));
    }
    for n in 1..=3 {
        let value = hollow::corpus_distinct(&predictions, n);
        let rows = if value.is_nan() { 0 } else { predictions.len() as u64 };
        let fixed = Estimate { value, low: f64::NAN, high: f64::NAN, n: rows };
        let cell = Cell::new(&format!("corpus_distinct_{n}"), "all", Vec::new());
        cells.push(Cell { fixed: Some(fixed), paired: false, ..cell });
    }
    if let Some(logps) = &run.base_logps {
        let rows = perplexities(&predictions, logps)?;
        let statistic = Statistic::ExpRatio;
        cells.push(Cell { statistic, ..Cell::new("perplexity_base", "all", rows) });
    }
    if let Some(groups) = &run.groups {
        let ranked =
            rewards::rank(tests, &groups.policy, groups.reference.as_deref(), groups.beta)?;
        for metric in rewards::METRICS {
            for (subset, kind) in
                [("all", None), ("full", Some(GroupKind::Full)), ("sided", Some(GroupKind::Sided))]
            {
                let chosen =
                    ranked.iter().filter(|group| kind.is_none_or(|kind| group.kind == kind));
                let rows = chosen.map(|group| rewards::measure(metric, group)).collect();
                cells.push(Cell::new(metric, subset, rows));
            }
        }
    }
    Ok(cells)
}

/// Accuracies of prompts and of single constraints, over their subsets.
fn accuracies(answers: &[ScoredAnswer]) -> Vec<Cell> {
    let main = [Subset::All, Subset::Seen, Subset::Unseen];
    let counts: Vec<Subset> =
        observe::constraint_counts(answers).into_iter().map(Subset::Constraints).collect();
    let kinds: Vec<Subset> = observe::kinds(answers).into_iter().map(Subset::Kind).collect();
    let mut cells = Vec::new();
    for subset in main.iter().chain(&counts) {
        let rows = observe::prompt_accuracy(answers, subset);
        let cell = Cell::new("prompt_accuracy_strict", &subset.name(), rows);
        cells.push(Cell { paired: main.contains(subset), ..cell });
    }
    for subset in main.iter().chain(&counts).chain(&kinds) {
        let rows = observe::instruction_accuracy(answers, subset);
        let cell = Cell::new("instruction_accuracy_strict", &subset.name(), rows);
        cells.push(Cell { paired: main.contains(subset), ..cell });
    }
    cells
}

/// Negative log-probabilities over tokens; blank answers have nothing to measure.
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
                    what: format!("the answer to `{}` under the base model", row.key),
                    expected: "one sum".to_owned(),
                    got: "none".to_owned(),
                });
            }
        };
        Ok(Observation::ratio(row.key.as_str(), row.task_id.as_str(), num, den))
    };
    predictions.iter().map(observe).collect()
}

/// The mean over runs, row by row; refuses runs on different rows.
fn average(model: &str, cells: &[&Cell]) -> Result<Vec<Observation>, EvalError> {
    let mut mean: BTreeMap<&str, (usize, Observation)> = BTreeMap::new();
    for row in cells.iter().flat_map(|cell| &cell.rows) {
        let empty = || (0, Observation { num: 0.0, den: 0.0, ..row.clone() });
        let (runs, sum) = mean.entry(&row.key).or_insert_with(empty);
        *runs += 1;
        sum.num += row.num / cells.len() as f64;
        sum.den += row.den / cells.len() as f64;
    }
    if let Some((key, _)) = mean.iter().find(|(_, (runs, _))| *runs != cells.len()) {
        return Err(EvalError::KeysDiffer {
            left: format!("one run of {model}"),
            right: "another".to_owned(),
            key: (*key).to_owned(),
            only_in: "one of them".to_owned(),
        });
    }
    Ok(mean.into_values().map(|(_, row)| row).collect())
}

/// The mean over runs of a number that has no rows.
fn average_fixed(cells: &[&Cell]) -> Option<Estimate> {
    let values: Option<Vec<Estimate>> = cells.iter().map(|cell| cell.fixed).collect();
    let values = values?;
    let value = values.iter().map(|one| one.value).sum::<f64>() / values.len() as f64;
    values.first().map(|first| Estimate { value, ..*first })
}
