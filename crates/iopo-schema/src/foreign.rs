//! Parquet files that none of our stages wrote, for instance seed tasks from elsewhere.

use std::path::Path;

use crate::reader::open_checked;
use crate::{Batches, SchemaError};

/// Opens a Parquet file that need not be ours, with the care that our own files get: the footer is checked before it
/// is decoded, no column may claim bytes outside the file, batches are of bounded size, a panic of the decoder becomes
/// an error, and the file must hold as many rows as it says.
///
/// The columns follow from the Parquet types alone: text is [`arrow::datatypes::DataType::Utf8`] however it was laid
/// out in memory when it was written.
///
/// # Errors
/// [`SchemaError::Missing`], [`SchemaError::Io`], [`SchemaError::NotParquet`] or [`SchemaError::Corrupt`]; reading the
/// batches adds no other.
pub fn foreign_batches(path: &Path) -> Result<Batches, SchemaError> {
    let (file, metadata) = open_checked(path, "foreign")?;
    Batches::new(file, metadata, path)
}
