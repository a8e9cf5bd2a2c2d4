//! Imports rows of another trainer as preference groups.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_schema::{Parts, PreferenceRow, Provenance, Split, file_hash};
use serde_json::json;

use super::mirrors::Mirrors;
use super::records::{Record, open};
use super::row::{Texts, row};
use super::skip_reason::listed;
use super::turns::Fault;
use super::{ExchangeError, Format, Place, SkipReason, llama_factory, trl};

/// Number of groups in one part of the output.
const PART: usize = 1_024;

/// Name and version in the provenance of files. Increase the number after `+` when the same rows give other groups.
pub(super) const PRODUCER: &str = concat!("iopo-pairs ", env!("CARGO_PKG_VERSION"), "+import.2");

/// The result of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ImportSummary {
    /// Number of rows read.
    pub rows: u64,
    /// Number of groups written.
    pub groups: u64,
    /// Number of groups written, by split.
    pub splits: BTreeMap<Split, u64>,
    /// Number of skipped rows, by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
}

impl ImportSummary {
    fn skip(&mut self, reason: SkipReason, rows: u64) {
        *self.skipped.entry(reason).or_default() += rows;
    }
}

/// Imports files, each with the split of its rows, and writes their groups to `out`.
///
/// The rows of a group come from one file. A task belongs to the split of the first file that has it, and its groups in
/// other splits are skipped, so that no test task is trained on. The files are read twice. The first pass checks every
/// row, so that an invalid row leaves no output.
///
/// # Errors
/// Returns an error if there is no file, a row is not of the format, a file gives no group, or a file cannot be read or
/// written.
pub fn import(
    files: &[(Split, &Path)],
    from: Format,
    out: &Path,
) -> Result<ImportSummary, ExchangeError> {
    if files.is_empty() {
        return Err(ExchangeError::NoFile);
    }
    let summary = all_groups(files, from, &mut |_| Ok(()))?;
    let mut provenance = Provenance::new(PRODUCER, json!({ "from": from.name() }));
    for (index, (split, file)) in files.iter().enumerate() {
        provenance = provenance.with_input(format!("{split}/{index}"), file_hash(file)?);
    }
    let parts = Parts::<PreferenceRow>::open(out, &provenance)?;
    if !parts.is_complete() {
        let (mut pending, mut index) = (Vec::with_capacity(PART), 0);
        all_groups(files, from, &mut |group| {
            pending.push(group);
            if pending.len() == PART {
                parts.write(index, &pending)?;
                pending.clear();
                index += 1;
            }
            Ok(())
        })?;
        if !pending.is_empty() {
            parts.write(index, &pending)?;
            index += 1;
        }
        parts.finish(index)?;
    }
    Ok(summary)
}

/// Receives groups.
type GroupSink<'a> = &'a mut dyn FnMut(PreferenceRow) -> Result<(), ExchangeError>;

/// Passes every group of the files to `sink`, in the order in which they become complete.
fn all_groups(
    files: &[(Split, &Path)],
    from: Format,
    sink: GroupSink<'_>,
) -> Result<ImportSummary, ExchangeError> {
    let (mut total, mut seen) = (ImportSummary::default(), Seen::default());
    for (split, file) in files {
        let made = groups(file, from, *split, &mut seen, sink)?;
        if made.groups == 0 {
            let skipped = listed(&made.skipped);
            return Err(ExchangeError::Nothing {
                path: file.to_path_buf(),
                seen: made.rows,
                skipped,
            });
        }
        total.rows += made.rows;
        total.groups += made.groups;
        *total.splits.entry(*split).or_default() += made.groups;
        for (reason, rows) in made.skipped {
            total.skip(reason, rows);
        }
    }
    Ok(total)
}

/// The groups and tasks of the files so far.
#[derive(Debug, Default)]
struct Seen {
    groups: BTreeSet<String>,
    /// The split of each task.
    tasks: BTreeMap<String, Split>,
}

impl Seen {
    /// Registers a group, or returns the reason to skip it.
    fn admit(&mut self, group: &PreferenceRow) -> Result<(), SkipReason> {
        if self.groups.contains(&group.id) {
            return Err(SkipReason::Repeated);
        }
        if *self.tasks.entry(group.task_id.clone()).or_insert(group.split) != group.split {
            return Err(SkipReason::OtherSplit);
        }
        self.groups.insert(group.id.clone());
        Ok(())
    }
}

/// Passes every group of one file to `sink`.
fn groups(
    file: &Path,
    from: Format,
    split: Split,
    seen: &mut Seen,
    sink: GroupSink<'_>,
) -> Result<ImportSummary, ExchangeError> {
    let (wanted, rows_per_group) = match from {
        Format::Trl => (trl::WANTED, 2),
        Format::LlamaFactory => (llama_factory::WANTED, 1),
    };
    let (mut summary, mut mirrors) = (ImportSummary::default(), Mirrors::default());
    for record in open(file, wanted)? {
        let record = record?;
        summary.rows += 1;
        let (place, texts) = match read(&record, from, &mut mirrors) {
            Ok(Some(found)) => found,
            Ok(None) => continue,
            Err(Fault::Skip(reason)) => {
                summary.skip(reason, 1);
                continue;
            }
            Err(Fault::Bad(reason)) => {
                let path = file.to_path_buf();
                return Err(ExchangeError::Row { path, place: record.place, reason });
            }
        };
        let made = row(texts, place, split).and_then(|group| seen.admit(&group).map(|()| group));
        match made {
            Ok(group) => {
                summary.groups += 1;
                sink(group)?;
            }
            Err(reason) => summary.skip(reason, rows_per_group),
        }
    }
    if mirrors.alone() > 0 {
        summary.skip(SkipReason::NoMirror, mirrors.alone());
    }
    Ok(summary)
}

/// Returns the group that a row is or completes, if any.
fn read(
    record: &Record,
    from: Format,
    mirrors: &mut Mirrors,
) -> Result<Option<(Place, Texts)>, Fault> {
    match from {
        Format::LlamaFactory => Ok(Some((record.place, llama_factory::read(&record.fields)?))),
        Format::Trl => {
            let pair = trl::read(&record.fields)?;
            if pair.chosen.trim() == pair.rejected.trim() {
                return Err(SkipReason::SameResponses.into());
            }
            Ok(mirrors.add(record.place, pair))
        }
    }
}
