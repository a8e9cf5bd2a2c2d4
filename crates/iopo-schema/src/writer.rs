//! Writes files atomically. The same rows and provenance give the same bytes.

use std::fs;
use std::path::{Path, PathBuf};

use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::batches::BATCH_ROWS;
use crate::content_hash::HashedFile;
use crate::provenance::ProvenanceTexts;
use crate::{Provenance, Record, SchemaError};

/// Rows per row group. The bytes of every file depend on it.
const ROW_GROUP_ROWS: usize = 4 * BATCH_ROWS;

/// Writes all rows to `path` atomically. Creates missing directories.
///
/// # Errors
/// Returns [`SchemaError::Io`], [`SchemaError::Encode`] or [`SchemaError::Write`]. The file at `path` is unchanged
/// then.
pub fn write<R: Record>(
    path: &Path,
    rows: &[R],
    provenance: &Provenance,
) -> Result<(), SchemaError> {
    write_with(path, rows, &provenance.texts(), None)
}

pub(crate) fn write_with<R: Record>(
    path: &Path,
    rows: &[R],
    texts: &ProvenanceTexts,
    answers: Option<&str>,
) -> Result<(), SchemaError> {
    let mut sink = Sink::create(path, texts, answers)?;
    sink.push(rows)?;
    sink.finish()
}

/// Collects rows and writes them in batches of a fixed size.
pub(crate) struct Sink<R: Record> {
    path: PathBuf,
    writer: ArrowWriter<HashedFile>,
    pending: Vec<R>,
}

impl<R: Record> Sink<R> {
    pub(crate) fn create(
        path: &Path,
        texts: &ProvenanceTexts,
        answers: Option<&str>,
    ) -> Result<Self, SchemaError> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(SchemaError::io(parent, "create the directory"))?;
        }
        let file = HashedFile::create(path).map_err(SchemaError::io(path, "create the file"))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_key_value_metadata(Some(texts.metadata::<R>(answers)))
            .build();
        let writer = ArrowWriter::try_new(file, R::arrow_schema(), Some(properties))
            .map_err(|source| SchemaError::Write { path: path.to_path_buf(), source })?;
        Ok(Self { path: path.to_path_buf(), writer, pending: Vec::new() })
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
        self.writer
            .write(&batch)
            .map_err(|source| SchemaError::Write { path: self.path.clone(), source })
    }

    pub(crate) fn finish(mut self) -> Result<(), SchemaError> {
        if !self.pending.is_empty() {
            self.flush()?;
        }
        let Self { path, mut writer, .. } = self;
        let failed = |source| SchemaError::Write { path: path.clone(), source };
        writer.flush().map_err(failed)?;
        writer.inner_mut().keep_footer();
        let file = writer.into_inner().map_err(failed)?;
        file.commit().map_err(SchemaError::io(&path, "move the file into place"))
    }
}
