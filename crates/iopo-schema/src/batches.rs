//! The batches of a Parquet file, one after the other, whoever wrote it.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use crate::SchemaError;
use crate::guard::guarded;

/// Rows decoded at once: what bounds the memory of reading and writing.
pub(crate) const BATCH_ROWS: usize = 1_024;

/// A file's rows, batch by batch; ends after the first error. A panic of the decoder becomes an error, and the file
/// must hold as many rows as it says.
pub struct Batches {
    reader: Option<ParquetRecordBatchReader>,
    path: PathBuf,
    seen: u64,
    expected: u64,
}

impl Batches {
    /// The batches of an opened and checked file.
    pub(crate) fn new(
        file: File,
        metadata: ArrowReaderMetadata,
        path: &Path,
    ) -> Result<Self, SchemaError> {
        let expected = u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0);
        let reader = guarded(path, || {
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
                .with_batch_size(BATCH_ROWS)
                .build()
        })?;
        Ok(Self { reader: Some(reader), path: path.to_path_buf(), seen: 0, expected })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// No more batches: what was read so far was bad.
    pub(crate) fn end(&mut self) {
        self.reader = None;
    }

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

impl Iterator for Batches {
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
