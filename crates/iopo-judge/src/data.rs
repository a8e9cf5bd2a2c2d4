//! Reads data files within limits on their size.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use crate::error::{DataError, Place};

/// The largest data file in bytes.
pub const MAX_FILE_BYTES: usize = 256 << 20;

/// The largest number of items in a file.
pub const MAX_ITEMS: usize = 100_000;

/// The largest number of constraints, criteria or questions of an item.
pub const MAX_PARTS: usize = 256;

/// Reads the records of a JSON array, or of a file with one JSON object per line.
pub(crate) fn records<T: DeserializeOwned>(
    benchmark: &'static str,
    text: &str,
) -> Result<Vec<(Place, T)>, DataError> {
    limit("bytes", text.len(), MAX_FILE_BYTES)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let bad = |line: usize, error: &serde_json::Error| DataError::Json {
        benchmark,
        line,
        reason: error.to_string(),
    };
    let records: Vec<(Place, T)> = if text.trim_start().starts_with('[') {
        let all: Vec<T> = serde_json::from_str(text).map_err(|error| bad(error.line(), &error))?;
        all.into_iter().enumerate().map(|(at, record)| (Place::Element(at + 1), record)).collect()
    } else {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines
            .map(|(at, line)| match serde_json::from_str(line) {
                Ok(record) => Ok((Place::Line(at + 1), record)),
                Err(error) => Err(bad(at + 1, &error)),
            })
            .collect::<Result<_, _>>()?
    };
    limit("items", records.len(), MAX_ITEMS)?;
    Ok(records)
}

fn limit(what: &'static str, found: usize, limit: usize) -> Result<(), DataError> {
    if found > limit { Err(DataError::TooLarge { what, found, limit }) } else { Ok(()) }
}

/// Checks the items of one file.
pub(crate) struct Checks {
    benchmark: &'static str,
    keys: BTreeSet<String>,
}

impl Checks {
    pub(crate) fn new(benchmark: &'static str) -> Self {
        Self { benchmark, keys: BTreeSet::new() }
    }

    /// An error about an item.
    pub(crate) fn bad(&self, place: Place, reason: impl Into<String>) -> DataError {
        DataError::Item { benchmark: self.benchmark, place, reason: reason.into() }
    }

    /// Refuses a key that already occurred.
    pub(crate) fn key(&mut self, place: Place, key: &str) -> Result<(), DataError> {
        if self.keys.insert(key.to_owned()) {
            Ok(())
        } else {
            Err(DataError::Duplicate { place, key: key.to_owned() })
        }
    }

    /// Refuses an item without parts, or with too many of them.
    pub(crate) fn parts(&self, place: Place, what: &str, found: usize) -> Result<(), DataError> {
        if (1..=MAX_PARTS).contains(&found) {
            return Ok(());
        }
        Err(self.bad(place, format!("found {found} {what}, expected 1 to {MAX_PARTS}")))
    }
}
