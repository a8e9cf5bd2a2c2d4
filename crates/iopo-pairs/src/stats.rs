//! Counts of what pairing made and dropped.

use std::collections::BTreeMap;

use iopo_schema::{GroupKind, MetricRow, Operation, PreferenceRow, Split};

/// What a run of pairing made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PairsSummary {
    /// Tasks with a usable response.
    pub tasks: u64,
    /// Groups written.
    pub groups: u64,
    /// Those for training.
    pub train: u64,
    /// Those for choices.
    pub dev: u64,
    /// Those for testing.
    pub test: u64,
    /// Those with a full truth table.
    pub full: u64,
    /// Those with one false cell.
    pub sided: u64,
    /// Those with a repaired response.
    pub repaired: u64,
    /// What was dropped, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Everything counted, as in `pairs_stats.parquet`.
    pub metrics: Vec<MetricRow>,
}

impl PairsSummary {
    /// The share of the groups that hold a repaired response.
    pub fn repaired_share(&self) -> f64 {
        self.repaired as f64 / self.groups.max(1) as f64
    }

    /// A counter of the stats file.
    pub(crate) fn count(&self, name: &str) -> u64 {
        self.metrics.iter().find(|row| row.name == name).map_or(0, |row| row.value as u64)
    }

    /// The summary behind the rows of a stats file.
    pub(crate) fn from_metrics(metrics: Vec<MetricRow>) -> Self {
        let mut summary = Self { metrics, ..Self::default() };
        summary.tasks = summary.count("tasks");
        summary.groups = summary.count("groups");
        summary.train = summary.count("split/train");
        summary.dev = summary.count("split/dev");
        summary.test = summary.count("split/test");
        summary.full = summary.count("full");
        summary.sided = summary.count("sided");
        summary.repaired = summary.count("repaired");
        summary.dropped = summary
            .metrics
            .iter()
            .filter_map(|row| Some((row.name.strip_prefix("dropped/")?, row.value as u64)))
            .map(|(reason, count)| (reason.to_owned(), count))
            .collect();
        summary
    }
}

/// The name of an operation in files.
pub(crate) fn operation_name(operation: Operation) -> &'static str {
    match operation {
        Operation::Revise => "revise",
        Operation::Swap => "swap",
        Operation::Add => "add",
        Operation::Remove => "remove",
    }
}

/// The name of a split in files.
pub(crate) fn split_name(split: Split) -> &'static str {
    match split {
        Split::Train => "train",
        Split::Dev => "dev",
        Split::Test => "test",
    }
}

/// Counters by name.
#[derive(Debug, Clone, Default)]
pub struct Counts(BTreeMap<String, u64>);

impl Counts {
    /// Adds one to a counter.
    pub fn one(&mut self, name: impl Into<String>) {
        self.add(name, 1);
    }

    /// Adds to a counter.
    pub fn add(&mut self, name: impl Into<String>, by: u64) {
        *self.0.entry(name.into()).or_default() += by;
    }

    /// A counter's value.
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Counts a group that is written.
    pub(crate) fn group(&mut self, row: &PreferenceRow) {
        let kind = match row.kind {
            GroupKind::Full => "full",
            GroupKind::Sided => "sided",
        };
        self.one("groups");
        self.one(kind);
        self.one(format!("yield/{}/{kind}", operation_name(row.operation)));
        self.one(format!("split/{}", split_name(row.split)));
        self.add("repaired", u64::from(row.repaired));
        for constraint in row.removed.iter().chain(&row.added) {
            if let Some(check) = &constraint.check {
                self.one(format!("changed/{}", check.id));
            }
        }
        for (place, rows) in [&row.x1_constraints, &row.x2_constraints].into_iter().enumerate() {
            self.one(format!("constraints_per_instruction/{}", rows.len()));
            // Common constraints stand in both prompts and count once.
            let counted = if place == 0 { &rows[..] } else { &row.added[..] };
            for constraint in counted {
                self.one(format!("type/{}", constraint.constraint_type));
                self.one(format!("dimension/{}", constraint.dimension));
                if let Some(check) = &constraint.check {
                    self.one(format!("kind/{}", check.id));
                }
            }
        }
    }

    /// The counters as rows, in the order of their names, and the shares that follow from them.
    pub(crate) fn into_metrics(self) -> Vec<MetricRow> {
        let share = |part: &str| self.get(part) as f64 / self.get("groups").max(1) as f64;
        let shares = [("full_share", share("full")), ("repaired_share", share("repaired"))];
        let counts = self.0.iter().map(|(name, count)| (name.as_str(), *count as f64));
        counts
            .chain(shares)
            .map(|(name, value)| MetricRow { step: 0, name: name.to_owned(), value })
            .collect()
    }
}
