//! Errors of reading and writing files.

use std::io;
use std::path::{Path, PathBuf};

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The file does not exist.
    #[error("{}: found no file, expected a `{expected}` Parquet file", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The expected schema.
        expected: String,
    },
    /// A foreign file does not exist.
    #[error("{}: found no file, expected a Parquet file", path.display())]
    NoFile {
        /// The file.
        path: PathBuf,
    },
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
    /// The file is not a Parquet file, or it is truncated.
    #[error("{}: found {got}, expected a complete Parquet file", path.display())]
    NotParquet {
        /// The file.
        path: PathBuf,
        /// The content found.
        got: String,
    },
    /// The Parquet data cannot be decoded.
    #[error("{}: found {got}, expected valid Parquet data", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The content found.
        got: String,
    },
    /// The file differs from the content hash that it carries.
    #[error("{}: found content with the hash {got}, expected {expected}, which the file records", path.display())]
    Altered {
        /// The file.
        path: PathBuf,
        /// The hash that the file records.
        expected: String,
        /// The hash of the content found.
        got: String,
    },
    /// A JSON file cannot be read or written.
    #[error("{}: found {got}, expected a JSON object written by iopo", path.display())]
    Json {
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
    /// The Parquet file was not written by iopo.
    #[error(
        "{}: found a Parquet file without the metadata key `{key}`, expected `{expected}` rows written by iopo",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The expected schema.
        expected: String,
        /// The missing metadata key.
        key: &'static str,
    },
    /// The file has another schema of iopo.
    #[error("{}: found `{got}` rows, expected `{expected}` rows", path.display())]
    OtherSchema {
        /// The file.
        path: PathBuf,
        /// The expected schema.
        expected: String,
        /// The schema of the file.
        got: String,
    },
    /// The file has another version of its schema.
    #[error("{}: found version {got} of `{schema}`, expected version {expected}", path.display())]
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
    /// A column is missing.
    #[error("{}: found the columns {got}, expected a column `{column}` of type {expected}", path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The missing column.
        column: String,
        /// Its type.
        expected: String,
        /// The columns of the file.
        got: String,
    },
    /// A column has the wrong type.
    #[error("{}: column `{column}`: found {got}, expected {expected}", path.display())]
    ColumnType {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Its type in the schema.
        expected: String,
        /// Its type in the file.
        got: String,
    },
    /// A column that allows no null has one.
    #[error("{}: column `{column}`: found null at entry {entry}, expected a value", path.display())]
    Null {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The index of the entry in its batch, from 0.
        entry: usize,
    },
    /// A value is not one that the schema allows.
    #[error("{}: column `{column}`: found {got} at entry {entry}, expected {expected}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The allowed values.
        expected: String,
        /// The value found.
        got: String,
        /// The index of the entry in its batch, from 0.
        entry: usize,
    },
    /// The rows do not fit an Arrow batch.
    #[error("{}: failed to encode {what} as Arrow columns", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// The schema of the rows.
        what: String,
        /// The underlying error.
        source: ArrowError,
    },
    /// The Parquet writer failed.
    #[error("{}: failed to write Parquet data", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The underlying error.
        source: ParquetError,
    },
    /// Another process is writing this output.
    #[error("{}: found another writer that holds the lock, expected none", path.display())]
    Locked {
        /// The directory of the parts.
        path: PathBuf,
    },
    /// A part is missing when the output is finished.
    #[error("{}: found no part {index}, expected {count} in total", path.display())]
    MissingPart {
        /// The directory of the parts.
        path: PathBuf,
        /// The missing part.
        index: usize,
        /// The number of parts of the output.
        count: usize,
    },
    /// There are more parts than the output has.
    #[error("{}: found a part {index}, expected {count} in total", path.display())]
    StrayPart {
        /// The directory of the parts.
        path: PathBuf,
        /// The surplus part.
        index: usize,
        /// The number of parts of the output.
        count: usize,
    },
}

/// The path in errors about a batch that does not come from a file.
const IN_MEMORY: &str = "record batch in memory";

impl SchemaError {
    /// Returns a remedy, if one is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing { .. } => "check the path, or run the stage that writes the file",
            Self::NoFile { .. } => "check the path",
            Self::Io { source, .. } => {
                iopo_core::files::hint(source).unwrap_or("check permissions and free space")
            }
            Self::NotParquet { .. } => "copy the file again, or run the stage that writes it",
            Self::Altered { .. } => {
                "the file was changed after it was written; restore it, or delete it and run the stage that writes it"
            }
            Self::Corrupt { .. } | Self::Json { .. } => {
                "the file is damaged; restore it, or delete it and run the stage that writes it"
            }
            Self::Unbounded { .. } => {
                "write the file with smaller row groups and with plain or dictionary encoding"
            }
            Self::Foreign { .. } => "import the file first, or pass another one",
            Self::OtherSchema { expected, .. } => {
                return Some(format!("pass the `{expected}` file"));
            }
            Self::OtherVersion { .. } => {
                "run the stage again with this release, or use the release that wrote the file"
            }
            Self::MissingColumn { .. }
            | Self::ColumnType { .. }
            | Self::Null { .. }
            | Self::Value { .. } => "run the stage that writes the file again",
            Self::Encode { .. } => "write fewer or shorter rows",
            Self::Write { .. } => "check free space",
            Self::Locked { .. } => "wait for it to end, or choose another output directory",
            Self::MissingPart { .. } => "run the stage again to write it",
            Self::StrayPart { .. } => "delete that directory and run the stage again",
        };
        Some(hint.to_owned())
    }

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

    /// Sets the file of an error. The decoder knows columns only; its caller knows the file.
    pub(crate) fn at(mut self, file: &Path) -> Self {
        match &mut self {
            Self::MissingColumn { path, .. }
            | Self::ColumnType { path, .. }
            | Self::Null { path, .. }
            | Self::Value { path, .. }
            | Self::Encode { path, .. } => *path = file.to_path_buf(),
            // These errors already name their file.
            Self::Missing { .. }
            | Self::NoFile { .. }
            | Self::Io { .. }
            | Self::NotParquet { .. }
            | Self::Corrupt { .. }
            | Self::Altered { .. }
            | Self::Json { .. }
            | Self::Unbounded { .. }
            | Self::Foreign { .. }
            | Self::OtherSchema { .. }
            | Self::OtherVersion { .. }
            | Self::Write { .. }
            | Self::Locked { .. }
            | Self::MissingPart { .. }
            | Self::StrayPart { .. } => {}
        }
        self
    }
}
