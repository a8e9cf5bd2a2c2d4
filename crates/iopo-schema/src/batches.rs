//! Iteration over the batches of a Parquet file, whether iopo wrote it or not.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use crate::SchemaError;
use crate::guard::guarded;
use crate::pages::{Ledger, Pages};

/// Rows per batch. It bounds the memory of reading and writing.
pub(crate) const BATCH_ROWS: usize = 1_024;
/// Rows per batch of foreign texts, each of which may be long.
const TEXT_ROWS: usize = 16;

/// Iterates over a file's batches and ends after the first error.
///
/// A panic of the decoder becomes an error. So does a row count that differs from the footer's.
pub struct Batches {
    reader: Option<ParquetRecordBatchReader>,
    schema: SchemaRef,
    path: PathBuf,
    seen: u64,
    expected: u64,
    /// Counts the bytes of a batch's pages when foreign texts are read.
    ledger: Arc<Ledger>,
}

impl Batches {
    /// Returns the batches of an opened and checked file.
    pub(crate) fn new(
        file: File,
        metadata: ArrowReaderMetadata,
        path: &Path,
    ) -> Result<Self, SchemaError> {
        let expected = rows(&metadata);
        let reader = guarded(path, || {
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
                .with_batch_size(BATCH_ROWS)
                .build()
        })?;
        Ok(Self::of(reader, path, expected, Arc::default()))
    }

    /// Returns the batches of some text columns, with a limit on the bytes of their pages.
    pub(crate) fn texts(
        file: File,
        metadata: ArrowReaderMetadata,
        columns: ProjectionMask,
        path: &Path,
    ) -> Result<Self, SchemaError> {
        let (expected, ledger) = (rows(&metadata), Arc::new(Ledger::default()));
        let pages = Pages { file, ledger: Arc::clone(&ledger) };
        let reader = guarded(path, || {
            ParquetRecordBatchReaderBuilder::new_with_metadata(pages, metadata)
                .with_projection(columns)
                .with_batch_size(TEXT_ROWS)
                .build()
        })?;
        Ok(Self::of(reader, path, expected, ledger))
    }

    fn of(
        reader: ParquetRecordBatchReader,
        path: &Path,
        expected: u64,
        ledger: Arc<Ledger>,
    ) -> Self {
        let schema = reader.schema();
        Self { reader: Some(reader), schema, path: path.to_path_buf(), seen: 0, expected, ledger }
    }

    /// Returns the columns of the batches.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the path of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Ends the iteration after an error.
    pub(crate) fn end(&mut self) {
        self.reader = None;
    }

    fn step(
        &mut self,
        reader: &mut ParquetRecordBatchReader,
    ) -> Result<Option<RecordBatch>, SchemaError> {
        self.ledger.begin();
        let batch = guarded(&self.path, || Ok(reader.next().transpose()?)).map_err(|error| {
            match self.ledger.refused() {
                Some(got) => {
                    SchemaError::Unbounded { path: self.path.clone(), got: got.to_owned() }
                }
                None => error,
            }
        })?;
        self.seen += batch.as_ref().map_or(0, RecordBatch::num_rows) as u64;
        if batch.is_none() && self.seen != self.expected {
            let got = format!("{} rows, but {} in its footer", self.seen, self.expected);
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

/// Returns the number of rows in the footer.
pub(crate) fn rows(metadata: &ArrowReaderMetadata) -> u64 {
    u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
}
