//! Parquet files that iopo did not write, for instance tasks of another project.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::schema::types::ColumnDescriptor;

use crate::guard::guarded;
use crate::reader::open_checked;
use crate::{Batches, SchemaError};

/// An opened Parquet file of any origin. Only its footer has been decoded.
///
/// The same checks apply as for iopo's own files: the footer is checked before it is decoded, no column may claim bytes
/// outside the file, a panic of the decoder becomes an error, and the file must have as many rows as its footer says.
#[derive(Debug)]
pub struct Foreign {
    file: File,
    metadata: ArrowReaderMetadata,
    path: PathBuf,
}

impl Foreign {
    /// Opens the file and checks its footer.
    ///
    /// # Errors
    /// Returns [`SchemaError::NoFile`], [`SchemaError::Io`], [`SchemaError::NotParquet`] or [`SchemaError::Corrupt`].
    pub fn open(path: &Path) -> Result<Self, SchemaError> {
        let (file, metadata) = open_checked(path, |path| SchemaError::NoFile { path })?;
        Ok(Self { file, metadata, path: path.to_path_buf() })
    }

    /// Returns the columns. Their types follow from the Parquet types alone.
    pub fn schema(&self) -> &SchemaRef {
        self.metadata.schema()
    }

    /// Returns the path of the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Iterates over the texts in the named columns, including those inside lists and structs. Other values are
    /// skipped.
    ///
    /// Texts are [`DataType::Utf8View`], in batches of a few rows, so that a text that a million rows repeat is in
    /// memory once. The memory for a page is computed from its header and limited before the page is decoded.
    ///
    /// # Errors
    /// Returns [`SchemaError::Corrupt`]; the iterator also returns [`SchemaError::Unbounded`].
    pub fn texts(self, columns: &[&str]) -> Result<Batches, SchemaError> {
        self.texts_and(columns, &[])
    }

    /// Iterates like [`texts`](Self::texts), but over all values in the columns `whole`, whatever their types.
    ///
    /// # Errors
    /// Returns the errors of [`texts`](Self::texts).
    pub fn texts_and(self, columns: &[&str], whole: &[&str]) -> Result<Batches, SchemaError> {
        let Self { file, metadata, path } = self;
        let parquet = metadata.metadata().file_metadata().schema_descr();
        let leaves = (0..parquet.num_columns()).filter(|leaf| {
            let name = parquet.get_column_root(*leaf).name();
            whole.contains(&name) || (columns.contains(&name) && is_text(&parquet.column(*leaf)))
        });
        let mask = ProjectionMask::leaves(parquet, leaves);
        let views: Vec<FieldRef> = metadata.schema().fields().iter().map(view_field).collect();
        let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(views)));
        let metadata = guarded(&path, || {
            ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)
        })?;
        Batches::texts(file, metadata, mask, &path)
    }
}

/// Tells whether a leaf can be decoded as a text view. Decimals are bytes too but hold numbers.
fn is_text(column: &ColumnDescriptor) -> bool {
    column.physical_type() == Type::BYTE_ARRAY
        && column.converted_type() != ConvertedType::DECIMAL
        && !matches!(column.logical_type_ref(), Some(LogicalType::Decimal { .. }))
}

/// Returns the field with its texts and bytes as views.
fn view_field(field: &FieldRef) -> FieldRef {
    Arc::new(Field::clone(field).with_data_type(view(field.data_type())))
}

fn view(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 => DataType::Utf8View,
        DataType::Binary => DataType::BinaryView,
        DataType::List(element) => DataType::List(view_field(element)),
        DataType::Map(entries, sorted) => DataType::Map(view_field(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(view_field).collect()),
        other => other.clone(),
    }
}
