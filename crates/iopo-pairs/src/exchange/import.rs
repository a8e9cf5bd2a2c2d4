//! Foreign rows to preference groups.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_schema::{Parts, PreferenceRow, Provenance, Split, file_hash};
use serde_json::json;

use super::left_out::listed;
use super::mirrors::Mirrors;
use super::records::{Record, open};
use super::taken::{Texts, row};
use super::turns::Fault;
use super::{ExchangeError, Format, LeftOut, Place, llama_factory, trl};

/// Groups of one part of the output.
const PART: usize = 1_024;

/// Name and version as they stand in the file's provenance; the number goes up when the same rows come to mean others.
pub(super) const PRODUCER: &str = concat!("iopo-pairs ", env!("CARGO_PKG_VERSION"), "+import.2");

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportSummary {
    /// Rows of the foreign files.
    pub rows: u64,
    /// Groups made of them.
    pub groups: u64,
    /// The same groups, by split.
    pub splits: BTreeMap<Split, u64>,
    /// Rows that no group was made of.
    pub left_out: BTreeMap<LeftOut, u64>,
}

impl ImportSummary {
    fn leave_out(&mut self, reason: LeftOut, rows: u64) {
        *self.left_out.entry(reason).or_default() += rows;
    }
}

/// Reads files, each with the split that all of its rows belong to, and writes their groups to `out`.
///
/// A group is made of rows of one file, and a task stays with the file that has it first: what another split says of it
/// is left out, so that nothing is held out that was trained on. The files are read twice, first to see that every row
/// is of its format: a bad one leaves nothing behind.
///
/// # Errors
/// When there is no file, a row is not of its format, a file gives no group, or a file cannot be read or written.
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

/// What takes a group.
type GroupSink<'a> = &'a mut dyn FnMut(PreferenceRow) -> Result<(), ExchangeError>;

/// Gives every group of the files to `sink`, in the order in which they are whole.
fn all_groups(
    files: &[(Split, &Path)],
    from: Format,
    sink: GroupSink<'_>,
) -> Result<ImportSummary, ExchangeError> {
    let (mut total, mut seen) = (ImportSummary::default(), Seen::default());
    for (split, file) in files {
        let made = groups(file, from, *split, &mut seen, sink)?;
        if made.groups == 0 {
            let left_out = listed(&made.left_out);
            return Err(ExchangeError::Nothing {
                path: file.to_path_buf(),
                seen: made.rows,
                left_out,
            });
        }
        total.rows += made.rows;
        total.groups += made.groups;
        *total.splits.entry(*split).or_default() += made.groups;
        for (reason, rows) in made.left_out {
            total.leave_out(reason, rows);
        }
    }
    Ok(total)
}

/// What was taken of the files so far.
#[derive(Debug, Default)]
struct Seen {
    groups: BTreeSet<String>,
    /// The split of each task.
    tasks: BTreeMap<String, Split>,
}

impl Seen {
    /// Notes a group; says why it cannot be taken.
    fn admit(&mut self, group: &PreferenceRow) -> Result<(), LeftOut> {
        if self.groups.contains(&group.id) {
            return Err(LeftOut::Repeated);
        }
        if *self.tasks.entry(group.task_id.clone()).or_insert(group.split) != group.split {
            return Err(LeftOut::OtherSplit);
        }
        self.groups.insert(group.id.clone());
        Ok(())
    }
}

/// Gives every group of one file to `sink`.
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
            Err(Fault::LeftOut(reason)) => {
                summary.leave_out(reason, 1);
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
            Err(reason) => summary.leave_out(reason, rows_per_group),
        }
    }
    if mirrors.alone() > 0 {
        summary.leave_out(LeftOut::NoMirror, mirrors.alone());
    }
    Ok(summary)
}

/// The group that a row is, or completes.
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
                return Err(LeftOut::SameResponses.into());
            }
            Ok(mirrors.add(record.place, pair))
        }
    }
}
