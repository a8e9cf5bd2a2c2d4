//! Counters of synthesis.

use std::collections::BTreeMap;

use iopo_core::Counts;
use iopo_schema::{Breakdown, InstructionRow, MetricRow, Total, stats};

/// The result of a run of synthesis.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct SynthSummary {
    /// Number of tasks.
    pub tasks: u64,
    /// Number of sampled answers.
    pub answers: u64,
    /// Number of answers that passed cleaning and decontamination.
    pub kept: u64,
    /// Number of instructions written.
    pub instructions: u64,
    /// Number of responses written. All are accepted.
    pub responses: u64,
    /// Number of responses that an edit changed.
    pub edited: u64,
    /// Number of dropped answers, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// All counters, as in `synth_stats.parquet`.
    pub metrics: Vec<MetricRow>,
}

impl SynthSummary {
    /// Returns the share of edited responses.
    pub fn edited_share(&self) -> f64 {
        self.edited as f64 / self.responses.max(1) as f64
    }

    /// Creates the summary from the rows of a stats file.
    pub(crate) fn from_metrics(metrics: Vec<MetricRow>) -> Self {
        let total = |name: Total| stats::count(&metrics, name.as_str());
        Self {
            tasks: total(Total::Tasks),
            answers: total(Total::Answers),
            kept: total(Total::Kept),
            instructions: total(Total::Instructions),
            responses: total(Total::Responses),
            edited: total(Total::Edited),
            dropped: stats::members(&metrics, Breakdown::Dropped),
            metrics,
        }
    }
}

/// Counts a written instruction and its constraints.
pub(crate) fn count_instruction(counts: &mut Counts, row: &InstructionRow) {
    counts.one(Total::Instructions);
    counts.one(Breakdown::ConstraintsPerInstruction.of(row.constraints.len()));
    for constraint in &row.constraints {
        stats::count_constraint(counts, constraint);
    }
}

/// Returns the counters as rows, sorted by name, followed by the shares derived from them.
pub(crate) fn metrics(counts: &Counts) -> Vec<MetricRow> {
    let share = |part: Total, whole: Total| counts.share(part.as_str(), whole.as_str());
    let shares = [
        (Total::KeptShare, share(Total::Kept, Total::Answers)),
        (Total::EditedShare, share(Total::Edited, Total::Responses)),
        (Total::TasksWithResponsesShare, share(Total::TasksWithResponses, Total::Tasks)),
    ];
    stats::to_rows(counts, &shares)
}
