//! Errors of import and export.

use std::io;
use std::path::{Path, PathBuf};

use iopo_schema::{SchemaError, Split};

use super::{Format, MAX_ROW_BYTES, Place};

/// The action of opening a file to read.
pub(super) const OPEN: &str = "open the file";

/// Why an import or export failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// A file of iopo could not be read or written.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// An operation of the operating system failed.
    #[error("{}: failed to {action}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operation that failed.
        action: &'static str,
        /// The underlying error.
        source: io::Error,
    },
    /// The file has an unknown extension.
    #[error("{}: found an unknown file extension, expected .jsonl, .ndjson, .json or .parquet", path.display())]
    Ending {
        /// The file.
        path: PathBuf,
    },
    /// The Parquet file cannot be read.
    #[error("{}: found {got}, expected a complete Parquet file", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The content found.
        got: String,
    },
    /// The Parquet file cannot be read in bounded memory.
    #[error("{}: found {got}, expected Parquet pages that can be read in bounded memory", path.display())]
    Unbounded {
        /// The file.
        path: PathBuf,
        /// The content found.
        got: String,
    },
    /// A column has the wrong type.
    #[error("{}: column `{column}`: found {got}, expected text or turns", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Its type.
        got: String,
    },
    /// A row is not of the format.
    #[error("{}, {place}: {reason}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The place of the row.
        place: Place,
        /// The expected value and the value found.
        reason: String,
        /// The format whose fields the row has, if it is another one.
        other: Option<Format>,
    },
    /// A row is too long to be read or written.
    #[error("{}, {place}: found more than {} bytes, which is the limit of a row", path.display(), MAX_ROW_BYTES)]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The place of the row.
        place: Place,
    },
    /// The Parquet writer failed.
    #[error("{}: failed to write Parquet data", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The underlying error.
        source: parquet::errors::ParquetError,
    },
    /// There is nothing to write.
    #[error("{}: found no group and no pair in {seen} rows ({skipped}), expected at least one", path.display())]
    Nothing {
        /// The file that was read.
        path: PathBuf,
        /// The number of its rows or groups.
        seen: u64,
        /// The reasons for skipping them, with counts.
        skipped: String,
    },
    /// No row gives a preference between two instructions.
    #[error(
        "{}: found no preference between two instructions in {seen} rows ({skipped}), expected at least one",
        path.display()
    )]
    NoInputPreference {
        /// The file that was read.
        path: PathBuf,
        /// The number of its rows.
        seen: u64,
        /// The reasons for skipping them, with counts.
        skipped: String,
    },
    /// The split to export has no groups.
    #[error("{}: found no groups of the {split} split, expected at least one", path.display())]
    EmptySplit {
        /// The file that was read.
        path: PathBuf,
        /// The split.
        split: Split,
    },
    /// The shares of the held-out splits are out of range.
    #[error(
        "found {dev_size} as share of the dev split and {test_size} of the test split, expected shares from 0 that \
         together are below 1"
    )]
    Shares {
        /// Share of the dev split.
        dev_size: f64,
        /// Share of the test split.
        test_size: f64,
    },
    /// Too few prompts to hold some out.
    #[error(
        "found rows of {prompts} separate prompts, expected more than {held_out}, the size of the dev and test splits"
    )]
    TooFewPrompts {
        /// Number of prompts; prompts that share a row count as one.
        prompts: usize,
        /// Number of prompts of the dev and test splits.
        held_out: usize,
    },
    /// There is no file to import.
    #[error("found no file to import, expected at least one")]
    NoFile,
}

impl ExchangeError {
    /// Returns a remedy, if one is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Ending { .. } => "rename or convert it",
            Self::Unreadable { .. } => {
                "copy the file again, or write it with snappy, zstd or no compression"
            }
            Self::Unbounded { .. } => {
                "write the file with smaller row groups and with plain or dictionary encoding"
            }
            Self::Column { .. } => "rename or convert the column",
            Self::Row { other: Some(format), .. } => {
                return Some(format!("pass --from {}", format.name()));
            }
            Self::Row { other: None, .. } => "fix or remove the row",
            Self::TooLong { .. } => "remove the row",
            Self::Write { .. } => "check free space",
            Self::EmptySplit { .. } => "export another split",
            Self::Shares { .. } => "pass shares from 0 that together are below 1, for instance 0.1",
            Self::TooFewPrompts { .. } => "hold out a smaller share, or import more rows",
            Self::NoFile => "pass the file with the rows to train on",
            Self::Schema(error) => return error.hint(),
            Self::Io { .. } if self.is_missing_file() => "check the path",
            Self::Io { .. } | Self::Nothing { .. } | Self::NoInputPreference { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Returns whether the call is at fault, not a file or the system.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Shares { .. } | Self::TooFewPrompts { .. } | Self::NoFile | Self::Ending { .. }
        ) || self.is_missing_file()
    }

    /// Returns whether a file to read does not exist.
    fn is_missing_file(&self) -> bool {
        matches!(self, Self::Io { action: OPEN, source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    pub(super) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_path_buf(), action, source }
    }

    /// Converts an error of the reader into one about a foreign file.
    pub(super) fn foreign(error: SchemaError) -> Self {
        match error {
            SchemaError::NoFile { path } => {
                Self::Io { path, action: OPEN, source: io::ErrorKind::NotFound.into() }
            }
            SchemaError::NotParquet { path, got } | SchemaError::Corrupt { path, got } => {
                Self::Unreadable { path, got }
            }
            SchemaError::Unbounded { path, got } => Self::Unbounded { path, got },
            other => other.into(),
        }
    }
}
