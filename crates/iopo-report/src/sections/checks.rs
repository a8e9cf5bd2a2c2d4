//! Degeneration checks, and the implicit reward on test groups.

use iopo_schema::{MetricFamily, Subset, SummaryMetric, SummaryRow};
use minijinja::Value;
use serde::Serialize;

use super::accuracy::{find, interval, models, share};
use super::{Cell, Column, Row, Table};
use crate::format;
use crate::models::color;

/// Every metric of the summary that is not an accuracy of responses.
#[derive(Debug, Serialize)]
pub(crate) struct Checks {
    rewards: Option<Table>,
    degeneration: Option<Table>,
}

/// Returns a metric's name for readers and an explanation.
fn meaning(metric: SummaryMetric) -> (&'static str, &'static str) {
    match metric {
        SummaryMetric::PromptAccuracyStrict => ("Prompt accuracy", "strict"),
        SummaryMetric::PromptAccuracyLoose => ("Prompt accuracy", "loose"),
        SummaryMetric::CleanAccuracy => ("Clean accuracy", "constraints followed in an answer"),
        SummaryMetric::EchoShare => ("Echo", "responses that repeat a constraint's sentence"),
        SummaryMetric::LoopShare => ("Loop", "responses that repeat themselves"),
        SummaryMetric::ThinShare => ("Thin", "responses that say little"),
        SummaryMetric::OffTaskShare => {
            ("Off task", "responses that fit another task as well as their own")
        }
        SummaryMetric::Relevance => (
            "Relevance",
            "increase of a response's log-probability given its task, in nats per token",
        ),
        SummaryMetric::InstructionAccuracyStrict => ("Constraint accuracy", "strict"),
        SummaryMetric::InstructionAccuracyLoose => ("Constraint accuracy", "loose"),
        SummaryMetric::ResponseWords => {
            ("Words", "per response; a change in length can explain a gain")
        }
        SummaryMetric::ResponseTokens => ("Tokens", "per response"),
        SummaryMetric::EmptyShare => {
            ("Blank", "responses without text; they violate no upper limit")
        }
        SummaryMetric::LengthCutShare => ("Cut off", "responses that end at the token limit"),
        SummaryMetric::RepeatedLines => {
            ("Repeated lines", "lines that repeat an earlier line; high values mean padding")
        }
        SummaryMetric::Distinct1 => ("Distinct words", "share within a response"),
        SummaryMetric::Distinct2 => {
            ("Distinct 2-grams", "share within a response; low values mean repetition")
        }
        SummaryMetric::Distinct3 => {
            ("Distinct 3-grams", "share within a response; low values mean repetition")
        }
        SummaryMetric::CorpusDistinct1 => {
            ("Distinct words overall", "over all responses; low values mean similar responses")
        }
        SummaryMetric::CorpusDistinct2 => {
            ("Distinct 2-grams overall", "over all responses; low values mean similar responses")
        }
        SummaryMetric::CorpusDistinct3 => {
            ("Distinct 3-grams overall", "over all responses; low values mean similar responses")
        }
        SummaryMetric::PerplexityBase => {
            ("Perplexity under base", "high values mean text that the base model finds unlikely")
        }
        SummaryMetric::LogpsChosen => (
            "Log-probability of chosen",
            "nats per response; a drop means that the model forgets them",
        ),
        SummaryMetric::LogpsChosenPerToken => ("Log-probability of chosen", "nats per token"),
        SummaryMetric::RewardsAccuracies => {
            ("Reward accuracy of responses", "chosen over rejected under one instruction")
        }
        SummaryMetric::RewardAccuracy => {
            ("Reward accuracy of groups", "test groups ranked correctly")
        }
        SummaryMetric::RewardAccuracyV1 => ("Reward accuracy under x1", "y1 over y2"),
        SummaryMetric::RewardAccuracyV2 => ("Reward accuracy under x2", "y2 over y1"),
        SummaryMetric::RewardOutputMargin => {
            ("Output margin", "between responses to one instruction")
        }
        SummaryMetric::RewardInputMargin => {
            ("Input margin", "between instructions for one response")
        }
    }
}

type Key<'a> = (SummaryMetric, &'a Subset);

impl Checks {
    /// Makes both tables; `None` if the summary has accuracies only.
    pub(crate) fn of(rows: &[SummaryRow]) -> Option<Self> {
        let mut keys: Vec<Key<'_>> = Vec::new();
        for row in rows.iter().filter(|row| row.baseline.is_none()) {
            let key = (row.metric, &row.subset);
            if row.metric.family() != MetricFamily::Accuracy && !keys.contains(&key) {
                keys.push(key);
            }
        }
        let (rewards, others): (Vec<_>, Vec<_>) =
            keys.into_iter().partition(|key| key.0.family() == MetricFamily::Reward);
        let checks = Self {
            rewards: table("Implicit rewards on test groups, by model", rows, &rewards),
            degeneration: table("Degeneration checks, by model", rows, &others),
        };
        (checks.rewards.is_some() || checks.degeneration.is_some()).then_some(checks)
    }
}

/// Makes a table with one row per metric and subset and one column per model.
fn table(caption: &str, rows: &[SummaryRow], keys: &[Key<'_>]) -> Option<Table> {
    let names: Vec<&str> = models(rows)
        .into_iter()
        .filter(|name| keys.iter().any(|key| find(rows, name, None, key.0, key.1).is_some()))
        .collect();
    let row = |(metric, subset): &Key<'_>| {
        let (name, detail) = meaning(*metric);
        let percent = metric.is_percentage();
        let cell = |model: &&str| match find(rows, model, None, *metric, subset) {
            None => Cell::default(),
            Some(row) if percent => share(row, &color(model)),
            Some(row) => Cell {
                shown: format::estimate(row.value, row.value),
                interval: interval(row, |end| format::estimate(end, row.value)),
                picture: Value::from_safe_string(String::new()),
                sign: "",
            },
        };
        let subset = if **subset == Subset::All { String::new() } else { format!(" ({subset})") };
        Row {
            name: format!("{name}{subset}"),
            detail: if percent { format!("{detail}, in %") } else { detail.to_owned() },
            color: String::new(),
            cells: names.iter().map(cell).collect(),
        }
    };
    (!keys.is_empty())
        .then(|| Table::new(caption, Column::models(&names), keys.iter().map(row).collect()))
}
