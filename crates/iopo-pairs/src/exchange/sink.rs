//! Writes the exported file atomically.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use iopo_core::files::AtomicFile;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::cells::{Cell, Layout};
use super::{Container, ExchangeError, MAX_ROW_BYTES, Place};

/// Limits on the rows and bytes of a batch.
const BATCH_ROWS: usize = 1_024;
const BATCH_BYTES: usize = 4 * MAX_ROW_BYTES;

/// Writes rows. Dropping it before [`Sink::finish`] leaves no file.
pub(super) struct Sink {
    path: PathBuf,
    layout: Layout,
    writer: Writer,
    rows: u64,
}

enum Writer {
    Jsonl(AtomicFile),
    Parquet { writer: Box<ArrowWriter<AtomicFile>>, pending: Vec<[Cell; 3]>, bytes: usize },
}

impl Sink {
    pub(super) fn create(
        path: &Path,
        container: Container,
        layout: Layout,
    ) -> Result<Self, ExchangeError> {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent)
                .map_err(ExchangeError::io(parent, "create the directory"))?;
        }
        let file = AtomicFile::create(path).map_err(ExchangeError::io(path, "create the file"))?;
        let writer = match container {
            Container::Jsonl => Writer::Jsonl(file),
            Container::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .build();
                let writer = ArrowWriter::try_new(file, layout.schema(), Some(properties))
                    .map_err(|source| ExchangeError::Write { path: path.to_path_buf(), source })?;
                Writer::Parquet { writer: Box::new(writer), pending: Vec::new(), bytes: 0 }
            }
        };
        Ok(Self { path: path.to_path_buf(), layout, writer, rows: 0 })
    }

    pub(super) fn push(&mut self, row: [Cell; 3]) -> Result<(), ExchangeError> {
        self.rows += 1;
        let size: usize = row.iter().map(Cell::bytes).sum();
        if size > MAX_ROW_BYTES {
            let place = Place::Row(self.rows);
            return Err(ExchangeError::TooLong { path: self.path.clone(), place });
        }
        match &mut self.writer {
            Writer::Jsonl(file) => writeln!(file, "{}", self.layout.json(&row))
                .map_err(ExchangeError::io(&self.path, "write the file")),
            Writer::Parquet { pending, bytes, .. } => {
                pending.push(row);
                *bytes += size;
                if pending.len() < BATCH_ROWS && *bytes < BATCH_BYTES {
                    return Ok(());
                }
                self.flush()
            }
        }
    }

    fn flush(&mut self) -> Result<(), ExchangeError> {
        let Writer::Parquet { writer, pending, bytes } = &mut self.writer else { return Ok(()) };
        let batch = self.layout.batch(pending).map_err(ParquetError::from);
        pending.clear();
        *bytes = 0;
        let written = batch.and_then(|batch| writer.write(&batch));
        written.map_err(|source| self.failed(source))
    }

    /// Writes the pending rows and moves the file into place.
    pub(super) fn finish(mut self) -> Result<(), ExchangeError> {
        self.flush()?;
        let Self { path, writer, .. } = self;
        let file = match writer {
            Writer::Jsonl(file) => file,
            Writer::Parquet { writer, .. } => writer
                .into_inner()
                .map_err(|source| ExchangeError::Write { path: path.clone(), source })?,
        };
        file.commit().map_err(ExchangeError::io(&path, "move the file into place"))
    }

    fn failed(&self, source: ParquetError) -> ExchangeError {
        ExchangeError::Write { path: self.path.clone(), source }
    }
}
