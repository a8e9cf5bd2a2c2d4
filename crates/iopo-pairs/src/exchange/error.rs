//! Why an exchange failed.

use std::io;
use std::path::{Path, PathBuf};

use iopo_schema::SchemaError;

use super::{MAX_ROW_BYTES, Place};

/// Why an exchange failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// One of our own files cannot be read or written.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The operating system refused.
    #[error("{}: could not {action}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The ending names no container.
    #[error(
        "{}: expected a file that ends in .jsonl, .ndjson, .json or .parquet; rename or convert it",
        path.display()
    )]
    Ending {
        /// The file.
        path: PathBuf,
    },
    /// A Parquet file that cannot be read.
    #[error(
        "{}: expected a whole Parquet file, found {got}; copy it again, or write it again with \
         snappy or zstd compression, or none",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What was found.
        got: String,
    },
    /// A Parquet file that cannot be read in bounded memory.
    #[error(
        "{}: expected Parquet pages that can be read in bounded memory, found {got}; write it again \
         in smaller row groups, plain or dictionary-encoded",
        path.display()
    )]
    Unbounded {
        /// The file.
        path: PathBuf,
        /// What was found.
        got: String,
    },
    /// A column of another type.
    #[error(
        "{}: expected column `{column}` to hold texts or turns, found {got}; rename or convert it",
        path.display()
    )]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Its type.
        got: String,
    },
    /// A row that is not of the format.
    #[error("{}, {place}: {reason}; hint: fix or remove the row", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// Where it stands.
        place: Place,
        /// What was expected and what was found.
        reason: String,
    },
    /// A row longer than any that is read or written.
    #[error(
        "{}, {place}: expected at most {} bytes in a row, found more; take the row out",
        path.display(),
        MAX_ROW_BYTES
    )]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Where it stands.
        place: Place,
    },
    /// The Parquet writer failed.
    #[error("{}: could not write Parquet data; check free space", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: parquet::errors::ParquetError,
    },
    /// Nothing to write.
    #[error("{}: expected groups to write, found none among {seen} ({left_out})", path.display())]
    Nothing {
        /// The file that was read.
        path: PathBuf,
        /// Rows in it.
        seen: u64,
        /// Reasons with counts.
        left_out: String,
    },
    /// No file to read.
    #[error("expected at least one file to import, found none; name the rows to train on")]
    NoFile,
}

impl ExchangeError {
    pub(super) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_path_buf(), action, source }
    }

    /// The reader's error in the words of a file that no stage of ours wrote.
    pub(super) fn foreign(error: SchemaError) -> Self {
        match error {
            SchemaError::Missing { path, .. } => Self::Io {
                path,
                action: "open it for reading",
                source: io::ErrorKind::NotFound.into(),
            },
            SchemaError::NotParquet { path, got } | SchemaError::Corrupt { path, got } => {
                Self::Unreadable { path, got }
            }
            SchemaError::Unbounded { path, got } => Self::Unbounded { path, got },
            other => other.into(),
        }
    }
}
