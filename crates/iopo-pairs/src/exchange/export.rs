//! Exports preference groups as rows of another trainer.

use std::collections::BTreeMap;
use std::path::Path;

use iopo_schema::{PreferenceRow, Split, stream};

use super::sink::Sink;
use super::skip_reason::listed;
use super::{Container, ExchangeError, Format, SkipReason, llama_factory, trl};
use crate::admit::FULL_TABLE;

/// Options of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Export {
    /// The format of the rows.
    pub to: Format,
    /// Writes lists of turns instead of text. Applies to TRL only, because LLaMA-Factory always has turns. Default:
    /// false.
    pub conversational: bool,
    /// The type of the file.
    pub container: Container,
    /// Exports the groups of this split only. Rows do not name their split, so `None` mixes test groups with training
    /// groups. Default: `None`.
    pub split: Option<Split>,
}

impl Export {
    /// Creates the options for a format and a type of file, with plain text and all splits.
    pub fn new(to: Format, container: Container) -> Self {
        Self { to, conversational: false, container, split: None }
    }
}

/// The result of an export.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ExportSummary {
    /// Number of groups and pairs in the file, or of the split.
    pub groups: u64,
    /// Number of rows written.
    pub rows: u64,
    /// Number of groups and pairs that were exported as rows, by split.
    pub splits: BTreeMap<Split, u64>,
    /// Number of skipped groups and pairs, by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
}

/// Writes the groups of `preferences` to `out`, replacing an existing file.
///
/// Full groups are first, and the two rows of a group are adjacent, so that [`super::import()`] finds the same groups
/// again. A pair is one row.
///
/// # Errors
/// Returns an error if a file cannot be read or written, or there is nothing to write.
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
    // Fail before a file is created.
    drop(stream::<PreferenceRow>(preferences)?);
    let mut sink = Sink::create(out, options.container, layout)?;
    let mut summary = ExportSummary::default();
    for full in [true, false] {
        for batch in stream::<PreferenceRow>(preferences)? {
            for group in batch?.iter().filter(|group| is_full(group) == full) {
                if options.split.is_none_or(|split| split == group.split) {
                    write(group, *options, &mut sink, &mut summary)?;
                }
            }
        }
    }
    if let (0, Some(split)) = (summary.groups, options.split) {
        return Err(ExchangeError::EmptySplit { path: preferences.to_path_buf(), split });
    }
    if summary.rows == 0 {
        return Err(ExchangeError::Nothing {
            path: preferences.to_path_buf(),
            seen: summary.groups,
            skipped: listed(&summary.skipped),
        });
    }
    sink.finish()?;
    Ok(summary)
}

/// Returns whether a row is a group whose output pairs are both strict.
pub(super) fn is_full(group: &PreferenceRow) -> bool {
    !group.is_pair() && group.truth_table() == FULL_TABLE
}

fn write(
    group: &PreferenceRow,
    options: Export,
    sink: &mut Sink,
    summary: &mut ExportSummary,
) -> Result<(), ExchangeError> {
    summary.groups += 1;
    let rows = match options.to {
        Format::Trl => trl::rows(group, options.conversational),
        Format::LlamaFactory => llama_factory::rows(group),
    };
    match rows {
        Ok(rows) => {
            summary.rows += rows.len() as u64;
            *summary.splits.entry(group.split).or_default() += 1;
            rows.into_iter().try_for_each(|row| sink.push(row))
        }
        Err(reason) => {
            *summary.skipped.entry(reason).or_default() += 1;
            Ok(())
        }
    }
}
