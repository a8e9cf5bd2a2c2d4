//! Foreign rows, whatever file they stand in.

use std::fmt;
use std::path::Path;

use serde_json::{Map, Value};

use super::ExchangeError;
use super::lines::Lines;
use super::table::Table;

/// What rows stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// A JSON object a line; a JSON list of objects can be read too.
    Jsonl,
    /// A Parquet file.
    Parquet,
}

impl Container {
    /// The container that a file's ending names.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "jsonl" | "ndjson" | "json" => Some(Self::Jsonl),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// Where a row stands, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a text file.
    Line(u64),
    /// In a table.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(formatter, "line {line}"),
            Self::Row(row) => write!(formatter, "row {row}"),
        }
    }
}

/// A foreign row.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) place: Place,
    pub(super) fields: Map<String, Value>,
}

/// Rows one after the other; ends after the first error.
pub(super) type Records = Box<dyn Iterator<Item = Result<Record, ExchangeError>>>;

/// The rows of a file, of which `wanted` names the fields that matter.
pub(super) fn open(path: &Path, wanted: &'static [&'static str]) -> Result<Records, ExchangeError> {
    match Container::of(path) {
        Some(Container::Jsonl) => Ok(Box::new(Lines::open(path)?)),
        Some(Container::Parquet) => Ok(Box::new(Table::open(path, wanted)?)),
        None => Err(ExchangeError::Ending { path: path.to_path_buf() }),
    }
}
