//! Counters of pairing.

use std::collections::BTreeMap;

use iopo_core::Counts;
use iopo_schema::{Breakdown, GroupKind, Method, MetricRow, PreferenceRow, Split, Total, stats};

/// The result of a run of pairing.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct PairsSummary {
    /// Number of tasks with a usable response.
    pub tasks: u64,
    /// Number of groups written.
    pub groups: u64,
    /// Number of groups for training.
    pub train: u64,
    /// Number of groups of the dev split.
    pub dev: u64,
    /// Number of groups of the test split.
    pub test: u64,
    /// Number of full groups.
    pub full: u64,
    /// Number of sided groups.
    pub sided: u64,
    /// Number of pairs of an accepted and a worse response written, besides the groups.
    pub worse_pairs: u64,
    /// Number of groups with an edited response.
    pub edited: u64,
    /// Number of dropped responses and combinations, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// All counters, as in `pairs_stats.parquet`.
    pub metrics: Vec<MetricRow>,
}

impl PairsSummary {
    /// Returns the share of groups with an edited response.
    pub fn edited_share(&self) -> f64 {
        self.edited as f64 / self.groups.max(1) as f64
    }

    /// Returns a counter of the stats file; 0 for an unknown name.
    pub(crate) fn count(&self, name: &str) -> u64 {
        stats::count(&self.metrics, name)
    }

    /// Creates the summary from the rows of a stats file.
    pub(crate) fn from_metrics(metrics: Vec<MetricRow>) -> Self {
        let total = |name: Total| stats::count(&metrics, name.as_str());
        let split = |split: Split| stats::count(&metrics, &Breakdown::Split.of(split));
        Self {
            tasks: total(Total::Tasks),
            groups: total(Total::Groups),
            train: split(Split::Train),
            dev: split(Split::Dev),
            test: split(Split::Test),
            full: total(Total::Full),
            sided: total(Total::Sided),
            worse_pairs: total(Total::WorsePairs),
            edited: total(Total::Edited),
            dropped: stats::members(&metrics, Breakdown::Dropped),
            metrics,
        }
    }
}

/// Counts a written group.
pub(crate) fn count_group(counts: &mut Counts, row: &PreferenceRow) {
    counts.one(Total::Groups);
    match row.kind {
        GroupKind::Full => counts.one(Total::Full),
        GroupKind::Sided => counts.one(Total::Sided),
        // Pairs count apart.
        GroupKind::Pair => {}
    }
    if let Some(operation) = row.operation {
        counts.one(Breakdown::Yield.of(format_args!("{operation}/{}", row.kind)));
    }
    counts.one(Breakdown::Split.of(row.split));
    counts.add(Total::Edited, u64::from(row.has_edit()));
    for check in row.removed.iter().chain(&row.added).filter_map(|row| row.check.as_ref()) {
        counts.one(Breakdown::Changed.of(&check.id));
    }
    counts.one(Breakdown::ConstraintsPerInstruction.of(row.x1_constraints.len()));
    counts.one(Breakdown::ConstraintsPerInstruction.of(row.x2_constraints.len()));
    // The constraints that both instructions share count once.
    for constraint in row.x1_constraints.iter().chain(&row.added) {
        stats::count_constraint(counts, constraint);
    }
}

/// Counts the verdicts of a written group or pair, and those of them by code.
pub(crate) fn count_verdicts(counts: &mut Counts, row: &PreferenceRow) {
    for verdict in row.proof.iter().flat_map(|(_, verdicts)| verdicts) {
        counts.one(Total::Verdicts);
        counts.add(Total::CodeVerdicts, u64::from(verdict.method == Method::Code));
    }
}

/// Returns the counters as rows, sorted by name, followed by the shares derived from them.
pub(crate) fn metrics(counts: &Counts) -> Vec<MetricRow> {
    let share = |name: Total, part: Total, whole: Total| {
        (name, counts.share(part.as_str(), whole.as_str()))
    };
    let mut shares = vec![
        share(Total::FullShare, Total::Full, Total::Groups),
        share(Total::EditedShare, Total::Edited, Total::Groups),
    ];
    if counts.get(Total::Verdicts.as_str()) > 0 {
        shares.push(share(Total::CodeVerdictsShare, Total::CodeVerdicts, Total::Verdicts));
    }
    stats::to_rows(counts, &shares)
}
