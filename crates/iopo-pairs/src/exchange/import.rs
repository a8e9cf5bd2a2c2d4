//! Imports rows of another trainer as preference groups and pairs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_schema::{PreferenceRow, Provenance, Split};
use serde_json::json;

use super::beside_text::{BESIDE_TEXT, has_content};
use super::hold_out::{Prompts, keys};
use super::mirrors::{Mirrors, Source};
use super::records::{Record, open};
use super::row::{Origin, Texts, row};
use super::skip_reason::listed;
use super::taken::{RowSink, write_rows};
use super::turns::{Fault, Prompt};
use super::{ExchangeError, Format, HoldOut, Place, SkipReason, llama_factory, trl};

/// Name and version in the provenance of files. Increase the number after `+` when the same rows give other groups.
pub(super) const PRODUCER: &str = concat!("iopo-pairs ", env!("CARGO_PKG_VERSION"), "+import.5");

/// Options of an import.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Import {
    /// The format of the rows.
    pub from: Format,
    /// The prompts of the train file that are held out. Default: none.
    pub hold_out: HoldOut,
}

impl Import {
    /// Creates options for a format. Nothing is held out.
    pub fn new(from: Format) -> Self {
        Self { from, hold_out: HoldOut::default() }
    }
}

/// The result of an import.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ImportSummary {
    /// Number of rows read.
    pub rows: u64,
    /// Number of groups written.
    pub groups: u64,
    /// Number of pairs written.
    pub pairs: u64,
    /// Number of groups and pairs written, by split.
    pub splits: BTreeMap<Split, u64>,
    /// Number of skipped rows, by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
}

impl ImportSummary {
    fn skip(&mut self, reason: SkipReason, rows: u64) {
        *self.skipped.entry(reason).or_default() += rows;
    }

    fn count(&mut self, row: &PreferenceRow) {
        *(if row.is_pair() { &mut self.pairs } else { &mut self.groups }) += 1;
        *self.splits.entry(row.split).or_default() += 1;
    }

    fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.groups += other.groups;
        self.pairs += other.pairs;
        for (split, count) in other.splits {
            *self.splits.entry(split).or_default() += count;
        }
        for (reason, rows) in other.skipped {
            self.skip(reason, rows);
        }
    }
}

/// Imports files, each with the split of its rows, and writes their groups and pairs to `out`.
///
/// A row without a mirrored row is a pair. The rows of a group come from one file. A prompt belongs to the split of the
/// first file that contains it, and its rows in other splits are skipped, so that no test prompt is trained on. Held-out rows
/// of the train file are moved to their split before this check.
///
/// The files are read several times. The first pass checks every row, so that an invalid row leaves no output.
///
/// # Errors
/// Returns an error if there is no file, a row is not in the format, a file gives no group and no pair, there are too
/// few prompts to hold out, or a file cannot be read or written.
pub fn import(
    files: &[(Split, &Path)],
    out: &Path,
    options: &Import,
) -> Result<ImportSummary, ExchangeError> {
    if files.is_empty() {
        return Err(ExchangeError::NoFile);
    }
    let Import { from, hold_out } = options;
    hold_out.validate()?;
    let mut prompts = Prompts::default();
    let mut job = Job { files, from: *from, held_out: BTreeMap::new() };
    let mut summary = job.run(&mut |row| {
        if row.split == Split::Train {
            prompts.join(keys(&row));
        }
        Ok(())
    })?;
    if !hold_out.is_none() {
        job.held_out = prompts.splits(hold_out)?;
        summary = job.run(&mut |_| Ok(()))?;
    }
    let HoldOut { dev_size, test_size, seed } = hold_out;
    let config =
        json!({ "from": from.name(), "dev_size": dev_size, "test_size": test_size, "seed": seed });
    let provenance = Provenance::new(PRODUCER, config);
    write_rows(out, provenance, files, |sink| job.run(sink).map(drop))?;
    Ok(summary)
}

/// The files of an import, and the split of the prompts of the train file that are held out.
struct Job<'a> {
    files: &'a [(Split, &'a Path)],
    from: Format,
    held_out: BTreeMap<String, Split>,
}

impl Job<'_> {
    /// Passes every group and pair to `sink`, file by file. The groups of a file come before its pairs, in the order in which
    /// they become complete.
    fn run(&self, sink: RowSink<'_, PreferenceRow>) -> Result<ImportSummary, ExchangeError> {
        let (mut total, mut seen) = (ImportSummary::default(), Seen::default());
        for (split, file) in self.files {
            let made = self.file(file, *split, &mut seen, sink)?;
            if made.splits.is_empty() {
                let skipped = listed(&made.skipped);
                return Err(ExchangeError::Nothing {
                    path: file.to_path_buf(),
                    seen: made.rows,
                    skipped,
                });
            }
            total.add(made);
        }
        Ok(total)
    }

    /// Passes every group and pair of one file to `sink`.
    fn file(
        &self,
        file: &Path,
        split: Split,
        seen: &mut Seen,
        sink: RowSink<'_, PreferenceRow>,
    ) -> Result<ImportSummary, ExchangeError> {
        let wanted = match self.from {
            Format::Trl => trl::WANTED,
            Format::LlamaFactory => llama_factory::WANTED,
        };
        let (mut summary, mut mirrors) = (ImportSummary::default(), Mirrors::default());
        let mut add = |summary: &mut ImportSummary, place: Place, texts: Texts, rows: u64| {
            let made = row(texts, Origin { place, file: split });
            match made.and_then(|row| seen.admit(self.in_split(row, split))) {
                Ok(row) => {
                    summary.count(&row);
                    sink(row)
                }
                Err(reason) => {
                    summary.skip(reason, rows);
                    Ok(())
                }
            }
        };
        for record in open(file, wanted)? {
            let record = record?;
            summary.rows += 1;
            let source = Source { number: summary.rows, place: record.place };
            match read(&record, self.from, |pair| mirrors.add(source, pair)) {
                Ok(Some(Found { place, texts, rows })) => add(&mut summary, place, texts, rows)?,
                Ok(None) => {}
                Err(Fault::Skip(reason)) => summary.skip(reason, 1),
                Err(Fault::Bad(reason)) => {
                    let (path, other) = (file.to_path_buf(), other_format(&record, self.from));
                    return Err(ExchangeError::Row { path, place: record.place, reason, other });
                }
            }
        }
        let alone = mirrors.alone();
        if alone.is_empty() {
            return Ok(summary);
        }
        // The texts of rows that wait for a mirrored row are not kept in memory.
        for (number, record) in (1..).zip(open(file, wanted)?) {
            let record = record?;
            if alone.contains(&number)
                && let Ok(trl::Pair { prompt, chosen: y1, rejected: y2 }) = trl::read(&record)
            {
                let Prompt { context, text: x1 } = prompt;
                add(&mut summary, record.place, Texts { context, x1, y1, x2: None, y2 }, 1)?;
            }
        }
        Ok(summary)
    }

    /// Returns the split of a row, which differs from the split of its file if the row is held out.
    fn in_split(&self, row: PreferenceRow, file: Split) -> PreferenceRow {
        // All keys of a row have the same split.
        let held_out = keys(&row).iter().find_map(|key| self.held_out.get(key)).copied();
        let split = if file == Split::Train { held_out.unwrap_or(file) } else { file };
        PreferenceRow { split, ..row }
    }
}

/// The rows and prompts seen so far.
#[derive(Debug, Default)]
struct Seen {
    rows: BTreeSet<String>,
    /// The split of each task and prompt.
    splits: BTreeMap<String, Split>,
}

impl Seen {
    /// Registers a row, or returns the reason to skip it.
    fn admit(&mut self, row: PreferenceRow) -> Result<PreferenceRow, SkipReason> {
        if self.rows.contains(&row.id) {
            return Err(SkipReason::Repeated);
        }
        let keys = keys(&row);
        let is_other = |key: &String| self.splits.get(key).is_some_and(|known| *known != row.split);
        if keys.iter().any(is_other) {
            return Err(SkipReason::OtherSplit);
        }
        self.splits.extend(keys.into_iter().map(|key| (key, row.split)));
        self.rows.insert(row.id.clone());
        Ok(row)
    }
}

/// The texts of a group or pair, the location that its verdicts name, and the number of its rows.
struct Found {
    place: Place,
    texts: Texts,
    rows: u64,
}

/// Returns the other format if a row has its fields.
fn other_format(record: &Record, from: Format) -> Option<Format> {
    let has = |name: &str| {
        record.fields.get(name).is_some_and(|value| !value.is_null())
            || record.unread.iter().any(|unread| unread == name)
    };
    match from {
        Format::LlamaFactory => {
            (!has("conversations") && has("chosen") && has("rejected")).then_some(Format::Trl)
        }
        Format::Trl => has("conversations").then_some(Format::LlamaFactory),
    }
}

/// Returns the group or pair that a row is or completes, if any. `mirror` completes groups of TRL rows.
fn read(
    record: &Record,
    from: Format,
    mirror: impl FnOnce(trl::Pair) -> Option<(Place, Texts)>,
) -> Result<Option<Found>, Fault> {
    if BESIDE_TEXT.iter().filter_map(|name| record.fields.get(*name)).any(has_content) {
        return Err(SkipReason::BesideText.into());
    }
    match from {
        Format::LlamaFactory => {
            let texts = llama_factory::read(record)?;
            Ok(Some(Found { place: record.place, texts, rows: 1 }))
        }
        Format::Trl => {
            let pair = trl::read(record)?;
            if pair.chosen.trim() == pair.rejected.trim() {
                return Err(SkipReason::SameResponses.into());
            }
            Ok(mirror(pair).map(|(place, texts)| Found { place, texts, rows: 2 }))
        }
    }
}
