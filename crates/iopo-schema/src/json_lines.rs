//! Rows of foreign Parquet files as JSON lines.

use std::path::PathBuf;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use serde_json::{Map, Value};

use crate::{Foreign, SchemaError};

impl Foreign {
    /// Reads all rows as JSON lines: an object per row, with every column.
    ///
    /// Texts, numbers, booleans, lists and structs keep their values. A number that is not finite becomes null, and so do
    /// values of other types.
    ///
    /// # Errors
    /// Returns [`SchemaError::Corrupt`] or [`SchemaError::Unbounded`], the latter also for more than `most` bytes of JSON.
    pub fn json_lines(self, most: usize) -> Result<String, SchemaError> {
        let path = self.path().to_owned();
        let names: Vec<String> =
            self.schema().fields().iter().map(|field| field.name().clone()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut lines = Lines { text: String::new(), path, most };
        for batch in self.texts_and(&[], &names)? {
            lines.add(&batch?)?;
        }
        Ok(lines.text)
    }
}

struct Lines {
    text: String,
    path: PathBuf,
    most: usize,
}

impl Lines {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), SchemaError> {
        let fields = batch.schema_ref().fields();
        for row in 0..batch.num_rows() {
            let columns = fields.iter().zip(batch.columns());
            // A row can refer to one text many times without using memory for it.
            let size = columns.clone().map(|(_, column)| bytes(column.as_ref(), row));
            let size = size.fold(self.text.len(), usize::saturating_add);
            if size > self.most {
                let got = format!("more than {} bytes of values", self.most);
                return Err(SchemaError::Unbounded { path: self.path.clone(), got });
            }
            let object: Map<String, Value> = columns
                .map(|(field, column)| (field.name().clone(), value(column.as_ref(), row)))
                .collect();
            self.text.push_str(&Value::Object(object).to_string());
            self.text.push('\n');
        }
        Ok(())
    }
}

/// Bytes that are counted per value, in addition to its text.
const VALUE_BYTES: usize = 8;

/// Returns about as many bytes as [`value`] allocates.
fn bytes(array: &dyn Array, row: usize) -> usize {
    if array.is_null(row) {
        return VALUE_BYTES;
    }
    let own = match array.data_type() {
        DataType::Utf8View => array.as_string_view().value(row).len(),
        DataType::List(_) => {
            let list = array.as_list::<i32>().value(row);
            (0..list.len()).map(|at| bytes(list.as_ref(), at)).fold(0, usize::saturating_add)
        }
        DataType::Struct(_) => {
            let columns = array.as_struct().columns().iter();
            columns.map(|column| bytes(column.as_ref(), row)).fold(0, usize::saturating_add)
        }
        _ => 0,
    };
    own.saturating_add(VALUE_BYTES)
}

/// Converts one value.
fn value(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8View => array.as_string_view().value(row).into(),
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Float32 => f64::from(array.as_primitive::<Float32Type>().value(row)).into(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).into(),
        DataType::List(_) => {
            let list = array.as_list::<i32>().value(row);
            (0..list.len()).map(|at| value(list.as_ref(), at)).collect()
        }
        DataType::Struct(fields) => {
            let named = fields.iter().zip(array.as_struct().columns());
            let named =
                named.map(|(field, column)| (field.name().clone(), value(column.as_ref(), row)));
            Value::Object(named.collect())
        }
        _ => Value::Null,
    }
}
