//! Writing a file: whole or not at all, and always the same bytes for the same rows and provenance.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::batches::BATCH_ROWS;
use crate::provenance::ProvenanceTexts;
use crate::{Provenance, Record, SchemaError};

/// Rows of a row group. Part of the bytes: a change here changes every file.
const ROW_GROUP_ROWS: usize = 4 * BATCH_ROWS;

/// Writes all rows to `path`: to a temporary name beside it, fsynced, renamed, and the directory fsynced. Directories
/// that are missing are made.
pub fn write<R: Record>(
    path: &Path,
    rows: &[R],
    provenance: &Provenance,
) -> Result<(), SchemaError> {
    write_with(path, rows, &provenance.texts())
}

pub(crate) fn write_with<R: Record>(
    path: &Path,
    rows: &[R],
    texts: &ProvenanceTexts,
) -> Result<(), SchemaError> {
    let mut sink = Sink::create(path, texts)?;
    sink.push(rows)?;
    sink.finish()
}

/// The temporary name of `path`: hidden, beside it, one a file, so that the next writer replaces what a killed one
/// left.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".tmp");
    path.with_file_name(name)
}

/// Takes rows in any portions and writes them in fixed ones.
pub(crate) struct Sink<R: Record> {
    path: PathBuf,
    temporary: PathBuf,
    writer: Option<ArrowWriter<BufWriter<File>>>,
    pending: Vec<R>,
}

impl<R: Record> Sink<R> {
    pub(crate) fn create(path: &Path, texts: &ProvenanceTexts) -> Result<Self, SchemaError> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(SchemaError::io(parent, "create this directory"))?;
        }
        let temporary = temporary(path);
        let file = File::create(&temporary).map_err(SchemaError::io(&temporary, "create it"))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_key_value_metadata(Some(texts.metadata::<R>()))
            .build();
        let writer =
            ArrowWriter::try_new(BufWriter::new(file), R::arrow_schema(), Some(properties))
                .map_err(|source| SchemaError::Write { path: path.to_path_buf(), source })?;
        Ok(Self { path: path.to_path_buf(), temporary, writer: Some(writer), pending: Vec::new() })
    }

    pub(crate) fn push(&mut self, mut rows: &[R]) -> Result<(), SchemaError> {
        while !rows.is_empty() {
            let (now, later) = rows.split_at(rows.len().min(BATCH_ROWS - self.pending.len()));
            self.pending.extend_from_slice(now);
            rows = later;
            if self.pending.len() == BATCH_ROWS {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SchemaError> {
        let batch = R::to_batch(&self.pending).map_err(|error| error.at(&self.path))?;
        self.pending.clear();
        match &mut self.writer {
            Some(writer) => writer
                .write(&batch)
                .map_err(|source| SchemaError::Write { path: self.path.clone(), source }),
            None => Ok(()),
        }
    }

    pub(crate) fn finish(mut self) -> Result<(), SchemaError> {
        if !self.pending.is_empty() {
            self.flush()?;
        }
        if let Some(writer) = self.writer.take() {
            let mut buffer = writer
                .into_inner()
                .map_err(|source| SchemaError::Write { path: self.path.clone(), source })?;
            buffer.flush().map_err(SchemaError::io(&self.temporary, "write it"))?;
            buffer
                .get_ref()
                .sync_all()
                .map_err(SchemaError::io(&self.temporary, "flush it to disk"))?;
        }
        fs::rename(&self.temporary, &self.path)
            .map_err(SchemaError::io(&self.path, "move it into place"))?;
        sync_parent(&self.path)
    }
}

/// Makes a rename last: without this, a power cut may undo it.
pub(crate) fn sync_parent(path: &Path) -> Result<(), SchemaError> {
    #[cfg(unix)]
    {
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let directory =
            File::open(parent).map_err(SchemaError::io(parent, "open this directory"))?;
        directory.sync_all().map_err(SchemaError::io(parent, "flush this directory to disk"))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
