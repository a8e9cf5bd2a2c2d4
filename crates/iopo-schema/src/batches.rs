//! The batches of a Parquet file, one after the other, whoever wrote it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use crate::SchemaError;
use crate::guard::guarded;
use crate::pages::{Ledger, Pages};

/// Rows decoded at once: what bounds the memory of reading and writing.
pub(crate) const BATCH_ROWS: usize = 1_024;
/// Rows of somebody else's texts, any of which may be long.
const TEXT_ROWS: usize = 16;

/// A file's rows, batch by batch; ends after the first error. A panic of the decoder becomes an error, and the file
/// must hold as many rows as it says.
pub struct Batches {
    reader: Option<ParquetRecordBatchReader>,
    path: PathBuf,
    seen: u64,
    expected: u64,
    /// Counts the pages of a batch, in files of texts.
    ledger: Arc<Ledger>,
}

impl Batches {
    /// The batches of an opened and checked file.
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

    /// The batches of some columns of texts, whose pages are counted.
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
        Self { reader: Some(reader), path: path.to_path_buf(), seen: 0, expected, ledger }
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

/// The rows that the footer says.
fn rows(metadata: &ArrowReaderMetadata) -> u64 {
    u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
}
