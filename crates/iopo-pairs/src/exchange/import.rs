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

/// Groups of one part of the file.
const PART: usize = 1_024;

/// Name and version as they stand in the file's provenance; the number goes up when the same rows come to mean others.
const PRODUCER: &str = concat!("iopo-pairs ", env!("CARGO_PKG_VERSION"), "+import.1");

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportSummary {
    /// Rows of the foreign file.
    pub rows: u64,
    /// Groups made of them.
    pub groups: u64,
    /// Rows that no group was made of.
    pub left_out: BTreeMap<LeftOut, u64>,
}

impl ImportSummary {
    fn leave_out(&mut self, reason: LeftOut, rows: u64) {
        *self.left_out.entry(reason).or_default() += rows;
    }
}

/// Reads `file` and writes its groups to `out`, all of them as `split`.
///
/// The file is read twice, first to see that every row is of its format: a bad one leaves nothing behind.
///
/// # Errors
/// When a row is not of its format, no group can be made, or a file cannot be read or written.
pub fn import(
    file: &Path,
    from: Format,
    split: Split,
    out: &Path,
) -> Result<ImportSummary, ExchangeError> {
    let summary = groups(file, from, split, &mut |_| Ok(()))?;
    if summary.groups == 0 {
        return Err(ExchangeError::Nothing {
            path: file.to_path_buf(),
            seen: summary.rows,
            left_out: listed(&summary.left_out),
        });
    }
    let config = json!({ "from": from.name(), "split": split.as_str() });
    let provenance = Provenance::new(PRODUCER, config).with_input("imported", file_hash(file)?);
    let parts = Parts::<PreferenceRow>::open(out, &provenance)?;
    if !parts.is_complete() {
        let (mut pending, mut index) = (Vec::with_capacity(PART), 0);
        groups(file, from, split, &mut |group| {
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

/// Gives every group of the file to `sink`, in the order in which they are whole.
fn groups(
    file: &Path,
    from: Format,
    split: Split,
    sink: &mut dyn FnMut(PreferenceRow) -> Result<(), ExchangeError>,
) -> Result<ImportSummary, ExchangeError> {
    let (wanted, rows_per_group) = match from {
        Format::Trl => (trl::WANTED, 2),
        Format::LlamaFactory => (llama_factory::WANTED, 1),
    };
    let (mut summary, mut mirrors, mut seen) =
        (ImportSummary::default(), Mirrors::default(), BTreeSet::new());
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
        match row(texts, place, split) {
            Ok(group) if seen.insert(group.id.clone()) => {
                summary.groups += 1;
                sink(group)?;
            }
            Ok(_) => summary.leave_out(LeftOut::Repeated, rows_per_group),
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
