//! Parquet files that none of our stages wrote, for instance tasks from elsewhere.

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

/// Opens a Parquet file that need not be ours, with the care that our own files get: the footer is checked before it
/// is decoded, no column may claim bytes outside the file, batches are of bounded size, a panic of the decoder becomes
/// an error, and the file must hold as many rows as it says.
///
/// The columns follow from the Parquet types alone: text is [`arrow_schema::DataType::Utf8`] however it was laid
/// out in memory when it was written.
///
/// # Errors
/// [`SchemaError::Missing`], [`SchemaError::Io`], [`SchemaError::NotParquet`] or [`SchemaError::Corrupt`]; reading the
/// batches adds no other.
pub fn foreign_batches(path: &Path) -> Result<Batches, SchemaError> {
    let Foreign { file, metadata, path } = Foreign::open(path)?;
    Batches::new(file, metadata, &path)
}

/// An opened Parquet file that need not be ours, of which nothing was decoded yet but the footer.
#[derive(Debug)]
pub struct Foreign {
    file: File,
    metadata: ArrowReaderMetadata,
    path: PathBuf,
}

impl Foreign {
    /// Opens the file and checks its footer, as [`foreign_batches`] does.
    ///
    /// # Errors
    /// [`SchemaError::Missing`], [`SchemaError::Io`], [`SchemaError::NotParquet`] or [`SchemaError::Corrupt`].
    pub fn open(path: &Path) -> Result<Self, SchemaError> {
        let (file, metadata) = open_checked(path, "foreign")?;
        Ok(Self { file, metadata, path: path.to_path_buf() })
    }

    /// The columns, as they follow from the Parquet types alone.
    pub fn schema(&self) -> &SchemaRef {
        self.metadata.schema()
    }

    /// The texts in the named columns, also those inside of lists and structs, and nothing else.
    ///
    /// They come as [`DataType::Utf8View`], a few rows at a time: a text that a million rows repeat is in memory once.
    /// What a page will take is known from its header before it is decoded, and bounded.
    ///
    /// # Errors
    /// [`SchemaError::Corrupt`]; reading the batches adds [`SchemaError::Unbounded`].
    pub fn texts(self, columns: &[&str]) -> Result<Batches, SchemaError> {
        let Self { file, metadata, path } = self;
        let parquet = metadata.metadata().file_metadata().schema_descr();
        let leaves = (0..parquet.num_columns()).filter(|leaf| {
            columns.contains(&parquet.get_column_root(*leaf).name())
                && is_text(&parquet.column(*leaf))
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

/// Whether a leaf can be decoded as a view: decimals are bytes too, but of other meaning.
fn is_text(column: &ColumnDescriptor) -> bool {
    column.physical_type() == Type::BYTE_ARRAY
        && column.converted_type() != ConvertedType::DECIMAL
        && !matches!(column.logical_type_ref(), Some(LogicalType::Decimal { .. }))
}

/// The same field with views for texts and bytes.
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
