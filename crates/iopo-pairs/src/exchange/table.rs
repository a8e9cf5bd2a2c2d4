//! Rows of a foreign Parquet file, as JSON objects.

use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use iopo_schema::{Batches, foreign_batches};
use serde_json::{Map, Value};

use super::records::Record;
use super::{ExchangeError, MAX_ROW_BYTES, Place};

/// Reads a batch at a time.
pub(super) struct Table {
    path: PathBuf,
    wanted: &'static [&'static str],
    batches: Batches,
    batch: Option<RecordBatch>,
    /// The next row of the batch.
    next: usize,
    /// Rows given so far.
    given: u64,
}

impl Table {
    pub(super) fn open(
        path: &Path,
        wanted: &'static [&'static str],
    ) -> Result<Self, ExchangeError> {
        let batches = foreign_batches(path).map_err(ExchangeError::foreign)?;
        Ok(Self { path: path.to_path_buf(), wanted, batches, batch: None, next: 0, given: 0 })
    }

    /// Makes sure that the batch holds the next row; `false` at the end.
    fn fill(&mut self) -> Result<bool, ExchangeError> {
        while self.batch.as_ref().is_none_or(|batch| self.next >= batch.num_rows()) {
            let Some(batch) = self.batches.next() else { return Ok(false) };
            let batch = batch.map_err(ExchangeError::foreign)?;
            self.check(&batch)?;
            (self.batch, self.next) = (Some(batch), 0);
        }
        Ok(true)
    }

    /// Refuses a column that matters and cannot hold what it should.
    fn check(&self, batch: &RecordBatch) -> Result<(), ExchangeError> {
        for name in self.wanted {
            let Some(column) = batch.column_by_name(name) else { continue };
            let got = column.data_type();
            if !matches!(
                got,
                DataType::Null
                    | DataType::Utf8
                    | DataType::LargeUtf8
                    | DataType::Utf8View
                    | DataType::List(_)
                    | DataType::LargeList(_)
                    | DataType::Struct(_)
            ) {
                return Err(ExchangeError::Column {
                    path: self.path.clone(),
                    column: (*name).to_owned(),
                    got: got.to_string(),
                });
            }
        }
        Ok(())
    }
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
        let mut fields = Map::new();
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let name = field.name();
            let matters = self.wanted.contains(&name.as_str());
            fields.insert(
                name.clone(),
                if matters { value(column.as_ref(), row) } else { Value::Null },
            );
        }
        self.next += 1;
        self.given += 1;
        let place = Place::Row(self.given);
        if fields.values().map(bytes).sum::<usize>() > MAX_ROW_BYTES {
            return Some(Err(ExchangeError::TooLong { path: self.path.clone(), place }));
        }
        Some(Ok(Record { place, fields }))
    }
}

/// One value; types that no format here knows are null.
fn value(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).into(),
        DataType::Utf8View => array.as_string_view().value(row).into(),
        DataType::List(_) => elements(array.as_list::<i32>().value(row).as_ref()),
        DataType::LargeList(_) => elements(array.as_list::<i64>().value(row).as_ref()),
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

/// Bytes of the texts in a value.
fn bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(bytes).sum(),
        Value::Object(fields) => fields.values().map(bytes).sum(),
        _ => 0,
    }
}
