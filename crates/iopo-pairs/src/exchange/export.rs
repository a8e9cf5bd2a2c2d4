//! Preference groups to foreign rows.

use std::collections::BTreeMap;
use std::path::Path;

use iopo_schema::{PreferenceRow, Split, stream};

use super::left_out::listed;
use super::sink::Sink;
use super::{Container, ExchangeError, Format, LeftOut, llama_factory, trl};
use crate::admit::FULL_TABLE;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Export {
    /// Whose rows.
    pub to: Format,
    /// Lists of turns instead of texts; TRL alone has both, LLaMA-Factory has turns always.
    pub conversational: bool,
    /// What they stand in.
    pub container: Container,
    /// The groups of this split alone; rows do not name their split, so that without it held-out groups stand among
    /// those to train on.
    pub split: Option<Split>,
}

/// What came of an export.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportSummary {
    /// Groups of the file, or of the split.
    pub groups: u64,
    /// Rows written.
    pub rows: u64,
    /// Groups that gave rows, by split.
    pub splits: BTreeMap<Split, u64>,
    /// Groups that gave no row.
    pub left_out: BTreeMap<LeftOut, u64>,
}

/// Writes the groups of `preferences` to `out`; a file there is replaced.
///
/// Full groups come first, the two pairs of each side by side, so that [`super::import()`] finds the same groups again.
///
/// # Errors
/// When a file cannot be read or written, or nothing can be written.
pub fn export(
    preferences: &Path,
    out: &Path,
    options: &Export,
) -> Result<ExportSummary, ExchangeError> {
    let layout = match (options.to, options.conversational) {
        (Format::Trl, false) => trl::PLAIN,
        (Format::Trl, true) => trl::CONVERSATIONAL,
        (Format::LlamaFactory, _) => llama_factory::LAYOUT,
    };
    // Before anything is made.
    drop(stream::<PreferenceRow>(preferences)?);
    let mut sink = Sink::create(out, options.container, layout)?;
    let mut summary = ExportSummary::default();
    for full in [true, false] {
        for batch in stream::<PreferenceRow>(preferences)? {
            for group in batch?.iter().filter(|group| is_full(group) == full) {
                if options.split.is_none_or(|split| split == group.split) {
                    write(group, options.to, &mut sink, &mut summary)?;
                }
            }
        }
    }
    if summary.rows == 0 {
        return Err(ExchangeError::Nothing {
            path: preferences.to_path_buf(),
            seen: summary.groups,
            left_out: listed(&summary.left_out),
        });
    }
    sink.finish()?;
    Ok(summary)
}

/// Whether both of its pairs are strict.
pub(super) fn is_full(group: &PreferenceRow) -> bool {
    group.truth_table() == FULL_TABLE
}

fn write(
    group: &PreferenceRow,
    to: Format,
    sink: &mut Sink,
    summary: &mut ExportSummary,
) -> Result<(), ExchangeError> {
    summary.groups += 1;
    let rows = match to {
        Format::Trl => trl::rows(group),
        Format::LlamaFactory => llama_factory::rows(group),
    };
    match rows {
        Ok(rows) => {
            summary.rows += rows.len() as u64;
            *summary.splits.entry(group.split).or_default() += 1;
            rows.into_iter().try_for_each(|row| sink.push(row))
        }
        Err(reason) => {
            *summary.left_out.entry(reason).or_default() += 1;
            Ok(())
        }
    }
}
