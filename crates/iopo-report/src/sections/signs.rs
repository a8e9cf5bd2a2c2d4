//! Rewards on test groups, and what would betray a hollow gain.

use iopo_schema::SummaryRow;
use minijinja::Value;
use serde::Serialize;

use super::accuracy::{find, interval, models, share};
use super::{Cell, Column, Row, Table};
use crate::format;
use crate::models::colour;

/// Every metric of the summary that is no accuracy of answers.
#[derive(Debug, Serialize)]
pub(crate) struct Signs {
    rewards: Option<Table>,
    hollow: Option<Table>,
}

/// A metric's name for readers, and what it tells.
fn meaning(metric: &str) -> (&str, &'static str) {
    match metric {
        "response_words" => ("Words", "of an answer; a gain by length alone shows here"),
        "response_tokens" => ("Tokens", "of an answer"),
        "empty_share" => ("Blank", "answers that say nothing; such an answer breaks no limit"),
        "length_cut_share" => (
            "Cut off",
            "answers that met the token limit; what should stand at their end is missing",
        ),
        "repeated_lines" => {
            ("Repeated lines", "lines that stood before in the same answer; high is filling")
        }
        "distinct_1" => ("Distinct words", "share of an answer's words that differ"),
        "distinct_2" => ("Distinct 2-grams", "share within an answer; low is repetitive"),
        "distinct_3" => ("Distinct 3-grams", "share within an answer; low is repetitive"),
        "corpus_distinct_1" => {
            ("Distinct words overall", "over all answers; low is one answer to everything")
        }
        "corpus_distinct_2" => {
            ("Distinct 2-grams overall", "over all answers; low is one answer to everything")
        }
        "corpus_distinct_3" => {
            ("Distinct 3-grams overall", "over all answers; low is one answer to everything")
        }
        "perplexity_base" => {
            ("Perplexity under base", "high is no longer the language of the base model")
        }
        "logps_chosen" => (
            "Log-probability of chosen",
            "nats a response; a fall means the good answers are unlearnt",
        ),
        "logps_chosen_per_token" => ("Log-probability of chosen", "nats a token"),
        "reward_accuracy" => ("Reward accuracy", "test groups ranked the right way round"),
        "reward_accuracy_v1" => ("Reward accuracy under x1", "y1 over y2"),
        "reward_accuracy_v2" => ("Reward accuracy under x2", "y2 over y1"),
        "reward_output_margin" => ("Output margin", "between responses to one instruction"),
        "reward_input_margin" => ("Input margin", "between instructions for one response"),
        other => (other, ""),
    }
}

impl Signs {
    pub(crate) fn of(rows: &[SummaryRow]) -> Option<Self> {
        let mut keys: Vec<(&str, &str)> = Vec::new();
        for row in rows.iter().filter(|row| row.baseline.is_none()) {
            let key = (row.metric.as_str(), row.subset.as_str());
            let answers = row.metric.contains("accuracy") && !row.metric.starts_with("reward");
            if !answers && !keys.contains(&key) {
                keys.push(key);
            }
        }
        let (rewards, hollow): (Vec<_>, Vec<_>) =
            keys.into_iter().partition(|key| key.0.starts_with("reward"));
        let signs = Self { rewards: table(rows, &rewards), hollow: table(rows, &hollow) };
        (signs.rewards.is_some() || signs.hollow.is_some()).then_some(signs)
    }
}

/// One row a metric and subset, one column a model.
fn table(rows: &[SummaryRow], keys: &[(&str, &str)]) -> Option<Table> {
    let names: Vec<&str> = models(rows)
        .into_iter()
        .filter(|name| keys.iter().any(|key| find(rows, name, None, key.0, key.1).is_some()))
        .collect();
    let row = |(metric, subset): &(&str, &str)| {
        let (name, detail) = meaning(metric);
        let percent = metric.contains("accuracy")
            || metric.ends_with("_share")
            || *metric == "repeated_lines";
        let cell = |model: &&str| match find(rows, model, None, metric, subset) {
            None => Cell::default(),
            Some(row) if percent => share(row, &colour(model)),
            Some(row) => Cell {
                shown: format::estimate(row.value, row.value),
                interval: interval(row, |end| format::estimate(end, row.value)),
                picture: Value::from_safe_string(String::new()),
                sign: "",
            },
        };
        let subset = if *subset == "all" { String::new() } else { format!(" ({subset})") };
        Row {
            name: format!("{}{subset}", name.replace('_', " ")),
            detail: detail.to_owned(),
            colour: String::new(),
            cells: names.iter().map(cell).collect(),
        }
    };
    (!keys.is_empty())
        .then(|| Table { columns: Column::models(&names), rows: keys.iter().map(row).collect() })
}
