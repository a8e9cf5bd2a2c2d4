//! What can be wrong with a file, said so that a user can act on it.

use std::io;
use std::path::{Path, PathBuf};

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;

/// Why a file could not be read or written. Each text says what was expected, what was found and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// There is no such file.
    #[error("{}: expected a `{expected}` Parquet file, found no file; run the stage that writes it, or check the path", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What was wanted.
        expected: String,
    },
    /// The operating system refused.
    #[error("{}: could not {action}; check permissions and free space", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// Not a Parquet file, or one that was cut off.
    #[error("{}: expected a whole Parquet file, found {got}; write it again with its stage, or copy it again", path.display())]
    NotParquet {
        /// The file.
        path: PathBuf,
        /// What was found.
        got: String,
    },
    /// A Parquet file whose inside cannot be decoded.
    #[error("{}: expected readable Parquet data, found {got}; the file is damaged: delete it and run its stage again", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        got: String,
    },
    /// A Parquet file that cannot be read in bounded memory.
    #[error("{}: expected Parquet pages that can be read in bounded memory, found {got}; write it again in smaller row groups, plain or dictionary-encoded", path.display())]
    Unbounded {
        /// The file.
        path: PathBuf,
        /// What was found.
        got: String,
    },
    /// A Parquet file that none of our stages wrote.
    #[error("{}: expected `{expected}` rows written by iopo (metadata key `{key}`), found a Parquet file without that key; import it first, or name another file", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The schema that was wanted.
        expected: String,
        /// The metadata key that is absent.
        key: &'static str,
    },
    /// A file of another of our schemas.
    #[error("{}: expected `{expected}` rows, but the file holds `{got}` rows; name the `{expected}` file instead", path.display())]
    OtherSchema {
        /// The file.
        path: PathBuf,
        /// The schema that was wanted.
        expected: String,
        /// The schema of the file.
        got: String,
    },
    /// A file of another version of its schema.
    #[error("{}: expected version {expected} of `{schema}`, found version {got}; run its stage again with this release, or read it with the release that wrote it", path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The schema.
        schema: String,
        /// The version that this release reads.
        expected: u32,
        /// The version of the file.
        got: String,
    },
    /// A column is absent.
    #[error("{}: expected a column `{column}` of type {expected}, found only: {got}; run its stage again", path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column that is absent.
        column: String,
        /// Its type.
        expected: String,
        /// The columns that are there.
        got: String,
    },
    /// A column has another type.
    #[error("{}: expected column `{column}` to be {expected}, found {got}; run its stage again", path.display())]
    ColumnType {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Its type in the contract.
        expected: String,
        /// Its type in the file.
        got: String,
    },
    /// A null where none may be.
    #[error("{}: expected a value in column `{column}`, found null in its entry {entry}; run its stage again", path.display())]
    Null {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Which entry of the batch, from 0.
        entry: usize,
    },
    /// A value that the contract does not know.
    #[error("{}: expected {expected} in column `{column}`, found {got} in its entry {entry}; run its stage again", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// What may stand there.
        expected: String,
        /// What stands there.
        got: String,
        /// Which entry of the batch, from 0.
        entry: usize,
    },
    /// Rows that do not fit an Arrow batch.
    #[error("{}: could not lay {what} out as Arrow columns; write fewer or shorter rows", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// What was being encoded.
        what: String,
        /// Why it failed.
        source: ArrowError,
    },
    /// The Parquet writer failed.
    #[error("{}: could not write Parquet data; check free space", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: ParquetError,
    },
    /// An unfinished output was begun with other inputs or another configuration.
    #[error("{}: expected parts with {field} {expected}, found {got}; delete that directory to start this output afresh, or run with the configuration and inputs that began it", path.display())]
    OtherProvenance {
        /// The directory of the parts.
        path: PathBuf,
        /// What differs: `producer`, `config` or `inputs`.
        field: &'static str,
        /// What this run has.
        expected: String,
        /// What the parts have.
        got: String,
    },
    /// Someone else is writing this output.
    #[error("{}: expected to be the only writer, found another one at work; wait for it to end, or choose another output directory", path.display())]
    Locked {
        /// The directory of the parts.
        path: PathBuf,
    },
    /// The output was finished before all its parts were there.
    #[error("{}: expected part {index} of {count}, found none; run the stage again to write it", path.display())]
    MissingPart {
        /// The directory of the parts.
        path: PathBuf,
        /// The part that is absent.
        index: usize,
        /// How many parts the output has.
        count: usize,
    },
    /// There is a part beyond the last.
    #[error("{}: expected {count} parts, found part {index} too; delete that directory and run the stage again", path.display())]
    StrayPart {
        /// The directory of the parts.
        path: PathBuf,
        /// The part that should not be.
        index: usize,
        /// How many parts the output has.
        count: usize,
    },
}

/// Stands for the path in errors about a batch that came from no file.
const IN_MEMORY: &str = "record batch in memory";

impl SchemaError {
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_path_buf(), action, source }
    }

    pub(crate) fn null(column: &str, entry: usize) -> Self {
        Self::Null { path: IN_MEMORY.into(), column: column.to_owned(), entry }
    }

    pub(crate) fn value(column: &str, expected: String, got: String, entry: usize) -> Self {
        Self::Value { path: IN_MEMORY.into(), column: column.to_owned(), expected, got, entry }
    }

    pub(crate) fn column_type(column: &str, expected: String, got: String) -> Self {
        Self::ColumnType { path: IN_MEMORY.into(), column: column.to_owned(), expected, got }
    }

    pub(crate) fn missing_column(column: &str, expected: String, got: String) -> Self {
        Self::MissingColumn { path: IN_MEMORY.into(), column: column.to_owned(), expected, got }
    }

    pub(crate) fn encode(what: &str, source: ArrowError) -> Self {
        Self::Encode { path: IN_MEMORY.into(), what: what.to_owned(), source }
    }

    /// The same error about a batch of `file`: decoding knows columns, only its caller knows the file.
    pub(crate) fn at(mut self, file: &Path) -> Self {
        if let Self::MissingColumn { path, .. }
        | Self::ColumnType { path, .. }
        | Self::Null { path, .. }
        | Self::Value { path, .. }
        | Self::Encode { path, .. } = &mut self
        {
            *path = file.to_path_buf();
        }
        self
    }
}
