//! Counts of what synthesis kept and dropped.

use std::collections::BTreeMap;

use iopo_schema::{InstructionRow, MetricRow};

/// What a run of synthesis made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SynthSummary {
    /// Tasks.
    pub tasks: u64,
    /// Answers sampled.
    pub answers: u64,
    /// Answers that passed cleaning and the cross-seed rule.
    pub kept: u64,
    /// Instructions written.
    pub instructions: u64,
    /// Responses written; all are accepted.
    pub responses: u64,
    /// Those of them that an edit changed.
    pub repaired: u64,
    /// Dropped answers by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Everything counted, as in `synth_stats.parquet`.
    pub metrics: Vec<MetricRow>,
}

impl SynthSummary {
    /// The share of the accepted responses that is repaired.
    pub fn repaired_share(&self) -> f64 {
        self.repaired as f64 / self.responses.max(1) as f64
    }

    /// The summary behind the rows of a stats file.
    pub(crate) fn from_metrics(metrics: Vec<MetricRow>) -> Self {
        let count = |name: &str| {
            metrics.iter().find(|row| row.name == name).map_or(0, |row| row.value as u64)
        };
        let dropped = metrics
            .iter()
            .filter_map(|row| Some((row.name.strip_prefix("dropped/")?, row.value as u64)))
            .map(|(reason, count)| (reason.to_owned(), count))
            .collect();
        Self {
            tasks: count("tasks"),
            answers: count("answers"),
            kept: count("kept"),
            instructions: count("instructions"),
            responses: count("responses"),
            repaired: count("repaired"),
            dropped,
            metrics,
        }
    }
}

/// Counters by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts(BTreeMap<String, u64>);

impl Counts {
    /// Adds one to a counter.
    pub(crate) fn one(&mut self, name: impl Into<String>) {
        self.add(name, 1);
    }

    /// Adds to a counter.
    pub(crate) fn add(&mut self, name: impl Into<String>, by: u64) {
        *self.0.entry(name.into()).or_default() += by;
    }

    /// Takes over the counters of another.
    pub(crate) fn merge(&mut self, other: Counts) {
        for (name, by) in other.0 {
            self.add(name, by);
        }
    }

    /// A counter's value.
    pub(crate) fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Counts an instruction's constraints by type, dimension and kind.
    pub(crate) fn instruction(&mut self, row: &InstructionRow) {
        self.one("instructions");
        self.one(format!("constraints_per_instruction/{}", row.constraints.len()));
        for constraint in &row.constraints {
            self.one(format!("type/{}", constraint.constraint_type));
            self.one(format!("dimension/{}", constraint.dimension));
            if let Some(check) = &constraint.check {
                self.one(format!("kind/{}", check.id));
            }
        }
    }

    /// The counters as rows, in the order of their names, and the shares that follow from them.
    pub(crate) fn into_metrics(self) -> Vec<MetricRow> {
        let share = |part: &str, whole: &str| self.get(part) as f64 / self.get(whole).max(1) as f64;
        let shares = [
            ("kept_share", share("kept", "answers")),
            ("repaired_share", share("repaired", "responses")),
            ("tasks_with_responses_share", share("tasks_with_responses", "tasks")),
        ];
        let counts = self.0.iter().map(|(name, count)| (name.as_str(), *count as f64));
        counts
            .chain(shares)
            .map(|(name, value)| MetricRow { step: 0, name: name.to_owned(), value })
            .collect()
    }
}
