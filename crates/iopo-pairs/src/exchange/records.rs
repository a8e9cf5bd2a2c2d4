//! Rows of another trainer, from any type of file.

use std::path::Path;

use iopo_schema::Place;
use serde_json::{Map, Value};

use super::ExchangeError;
use super::lines::Lines;
use super::table::Table;

/// The type of a file of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// One JSON object per line. A JSON list of objects can be read too.
    Jsonl,
    /// A Parquet file.
    Parquet,
}

impl Container {
    /// Returns the type that the file's extension names.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "jsonl" | "ndjson" | "json" => Some(Self::Jsonl),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// A row of another trainer.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) place: Place,
    /// The fields that the format reads.
    pub(super) fields: Map<String, Value>,
    /// The names of other fields, for errors.
    pub(super) unread: Vec<String>,
}

/// The rows of a file, in order. The first error is the last item.
pub(super) type Records = Box<dyn Iterator<Item = Result<Record, ExchangeError>>>;

/// Opens a file of rows. `wanted` names the fields to read.
pub(super) fn open(path: &Path, wanted: &'static [&'static str]) -> Result<Records, ExchangeError> {
    match Container::of(path) {
        Some(Container::Jsonl) => Ok(Box::new(Lines::open(path, wanted)?)),
        Some(Container::Parquet) => Ok(Box::new(Table::open(path, wanted)?)),
        None => Err(ExchangeError::Ending { path: path.to_path_buf() }),
    }
}
