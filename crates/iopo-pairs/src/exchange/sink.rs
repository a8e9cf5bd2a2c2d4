//! The exported file: whole or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::cells::{Cell, Layout};
use super::{Container, ExchangeError, MAX_ROW_BYTES, Place};

/// Rows, and bytes of text, that are laid out as columns together.
const BATCH_ROWS: usize = 1_024;
const BATCH_BYTES: usize = 4 * MAX_ROW_BYTES;

/// Writes rows to a hidden name beside `path`; dropped before [`Sink::finish`], it leaves nothing.
pub(super) struct Sink {
    path: PathBuf,
    temporary: PathBuf,
    layout: Layout,
    writer: Writer,
    rows: u64,
}

enum Writer {
    Jsonl(BufWriter<File>),
    Parquet { writer: Box<ArrowWriter<File>>, pending: Vec<[Cell; 3]>, bytes: usize },
    Done,
}

impl Sink {
    pub(super) fn create(
        path: &Path,
        container: Container,
        layout: Layout,
    ) -> Result<Self, ExchangeError> {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(ExchangeError::io(parent, "make this folder"))?;
        }
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(".tmp");
        let temporary = path.with_file_name(name);
        let file = File::create(&temporary).map_err(ExchangeError::io(&temporary, "create it"))?;
        let mut sink =
            Self { path: path.to_path_buf(), temporary, layout, writer: Writer::Done, rows: 0 };
        sink.writer = match container {
            Container::Jsonl => Writer::Jsonl(BufWriter::new(file)),
            Container::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::default()))
                    .build();
                let writer = ArrowWriter::try_new(file, layout.schema(), Some(properties))
                    .map_err(|source| sink.failed(source))?;
                Writer::Parquet { writer: Box::new(writer), pending: Vec::new(), bytes: 0 }
            }
        };
        Ok(sink)
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
                .map_err(ExchangeError::io(&self.temporary, "write it")),
            Writer::Parquet { pending, bytes, .. } => {
                pending.push(row);
                *bytes += size;
                if pending.len() < BATCH_ROWS && *bytes < BATCH_BYTES {
                    return Ok(());
                }
                self.flush()
            }
            Writer::Done => Ok(()),
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

    /// Gives the file its name.
    pub(super) fn finish(mut self) -> Result<(), ExchangeError> {
        self.flush()?;
        let file = match std::mem::replace(&mut self.writer, Writer::Done) {
            Writer::Jsonl(file) => file
                .into_inner()
                .map_err(|error| ExchangeError::io(&self.path, "write it")(error.into_error()))?,
            Writer::Parquet { writer, .. } => {
                writer.into_inner().map_err(|source| self.failed(source))?
            }
            Writer::Done => return Ok(()),
        };
        file.sync_all().map_err(ExchangeError::io(&self.path, "flush it to disk"))?;
        fs::rename(&self.temporary, &self.path)
            .map_err(ExchangeError::io(&self.path, "move it into place"))
    }

    fn failed(&self, source: ParquetError) -> ExchangeError {
        ExchangeError::Write { path: self.path.clone(), source }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // Gone already where it was finished.
        let _ = fs::remove_file(&self.temporary);
    }
}
