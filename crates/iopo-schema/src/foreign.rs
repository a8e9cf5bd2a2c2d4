//! Parquet files that none of our stages wrote, for instance seed tasks from elsewhere.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::SchemaError;
use crate::guard::guarded;
use crate::reader::{BATCH_ROWS, open_checked};

/// The rows of a foreign file, batch by batch; ends after the first error.
pub struct ForeignBatches {
    reader: Option<ParquetRecordBatchReader>,
    path: PathBuf,
    seen: u64,
    expected: u64,
}

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
pub fn foreign_batches(path: &Path) -> Result<ForeignBatches, SchemaError> {
    let (file, metadata) = open_checked(path, "foreign")?;
    let expected = u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0);
    let reader = guarded(path, || {
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_batch_size(BATCH_ROWS)
            .build()
    })?;
    Ok(ForeignBatches { reader: Some(reader), path: path.to_path_buf(), seen: 0, expected })
}

impl ForeignBatches {
    fn step(
        &mut self,
        reader: &mut ParquetRecordBatchReader,
    ) -> Result<Option<RecordBatch>, SchemaError> {
        let batch = guarded(&self.path, || Ok(reader.next().transpose()?))?;
        self.seen += batch.as_ref().map_or(0, RecordBatch::num_rows) as u64;
        if batch.is_none() && self.seen != self.expected {
            let got = format!("{} rows where its footer says {}", self.seen, self.expected);
            return Err(SchemaError::Corrupt { path: self.path.clone(), got });
        }
        Ok(batch)
    }
}

impl Iterator for ForeignBatches {
    type Item = Result<RecordBatch, SchemaError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = self.reader.take()?;
        let step = self.step(&mut reader).transpose();
        if matches!(step, Some(Ok(_))) {
            self.reader = Some(reader);
        }
        step
    }
}
