//! Reads rows of a foreign Parquet file as JSON objects.

use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Schema};
use iopo_schema::{Batches, Foreign};
use serde_json::{Map, Value};

use super::beside_text::{BESIDE_TEXT, cell_has_content};
use super::records::Record;
use super::{ExchangeError, MAX_ROW_BYTES, Place};

/// Bytes that are counted per entry of a list, in addition to its text.
const ENTRY_BYTES: usize = 64;

/// Reads the wanted columns, a few rows at a time.
pub(super) struct Table {
    path: PathBuf,
    batches: Batches,
    batch: Option<RecordBatch>,
    /// The index of the next row in the batch.
    next: usize,
    /// Number of rows returned so far.
    given: u64,
}

impl Table {
    pub(super) fn open(
        path: &Path,
        wanted: &'static [&'static str],
    ) -> Result<Self, ExchangeError> {
        let file = Foreign::open(path).map_err(ExchangeError::foreign)?;
        check(path, file.schema(), wanted)?;
        let batches = file.texts_and(wanted, &BESIDE_TEXT).map_err(ExchangeError::foreign)?;
        Ok(Self { path: path.to_path_buf(), batches, batch: None, next: 0, given: 0 })
    }

    /// Loads batches until one has the next row. Returns `false` at the end.
    fn fill(&mut self) -> Result<bool, ExchangeError> {
        while self.batch.as_ref().is_none_or(|batch| self.next >= batch.num_rows()) {
            let Some(batch) = self.batches.next() else { return Ok(false) };
            let batch = batch.map_err(ExchangeError::foreign)?;
            (self.batch, self.next) = (Some(batch), 0);
        }
        Ok(true)
    }
}

/// Rejects a column of the wrong type among those with texts.
fn check(path: &Path, schema: &Schema, wanted: &[&str]) -> Result<(), ExchangeError> {
    let is_text = |name: &str| wanted.contains(&name) && !BESIDE_TEXT.contains(&name);
    for field in schema.fields().iter().filter(|field| is_text(field.name())) {
        let got = field.data_type();
        if !matches!(got, DataType::Null | DataType::Utf8 | DataType::List(_) | DataType::Struct(_))
        {
            return Err(ExchangeError::Column {
                path: path.to_path_buf(),
                column: field.name().clone(),
                got: got.to_string(),
            });
        }
    }
    Ok(())
}

impl Iterator for Table {
    type Item = Result<Record, ExchangeError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.fill() {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(Err(error)),
        }
        let (batch, row) = (self.batch.as_ref()?, self.next);
        self.next += 1;
        self.given += 1;
        let place = Place::Row(self.given);
        let named = || batch.schema_ref().fields().iter().zip(batch.columns());
        // Of the columns beside the text, only whether they have content is kept.
        let is_beside = |name: &str| BESIDE_TEXT.contains(&name);
        let texts = named().filter(|(field, _)| !is_beside(field.name()));
        let size = texts.map(|(_, column)| bytes(column.as_ref(), row));
        if size.fold(0, usize::saturating_add) > MAX_ROW_BYTES {
            return Some(Err(ExchangeError::TooLong { path: self.path.clone(), place }));
        }
        let read = |name: &str, column: &dyn Array| {
            if is_beside(name) { cell_has_content(column, row).into() } else { value(column, row) }
        };
        let fields: Map<String, Value> = named()
            .map(|(field, column)| (field.name().clone(), read(field.name(), column.as_ref())))
            .collect();
        Some(Ok(Record { place, fields, unread: Vec::new() }))
    }
}

/// Converts one value. Values of other types become null.
fn value(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8View => array.as_string_view().value(row).into(),
        DataType::List(_) => elements(array.as_list::<i32>().value(row).as_ref()),
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns().iter();
            let named = fields.iter().zip(columns);
            Value::Object(
                named.map(|(field, column)| (field.name().clone(), value(column, row))).collect(),
            )
        }
        _ => Value::Null,
    }
}

fn elements(list: &dyn Array) -> Value {
    (0..list.len()).map(|index| value(list, index)).collect()
}

/// Returns the bytes that [`value`] would allocate. A row can refer to one text many times without using memory for it.
fn bytes(array: &dyn Array, row: usize) -> usize {
    if array.is_null(row) {
        return 0;
    }
    match array.data_type() {
        DataType::Utf8View => array.as_string_view().value(row).len(),
        DataType::List(_) => {
            let list = array.as_list::<i32>().value(row);
            let entries = (0..list.len()).map(|index| ENTRY_BYTES + bytes(list.as_ref(), index));
            entries.fold(0, usize::saturating_add)
        }
        DataType::Struct(_) => {
            let columns = array.as_struct().columns().iter();
            columns.map(|column| bytes(column.as_ref(), row)).fold(0, usize::saturating_add)
        }
        _ => 0,
    }
}
