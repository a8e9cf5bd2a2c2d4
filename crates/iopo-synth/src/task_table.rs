//! Tasks from a Parquet file.

use std::path::Path;

use arrow_array::{Array, RecordBatch, StringArray};
use arrow_schema::DataType;
use iopo_schema::{SchemaError, foreign_batches};

use crate::{SynthError, Task};

/// Reads the string columns `id`, `task` and, if it exists, `input`.
pub(crate) fn read_table(path: &Path) -> Result<Vec<Task>, SynthError> {
    let bad = |reason: String| SynthError::TaskTable { path: path.to_owned(), reason };
    let mut tasks = Vec::new();
    for batch in foreign_batches(path).map_err(unreadable)? {
        let batch = batch.map_err(unreadable)?;
        let ids = strings(&batch, "id").and_then(required).map_err(&bad)?;
        let texts = strings(&batch, "task").and_then(required).map_err(&bad)?;
        let inputs = match batch.column_by_name("input") {
            Some(column) if *column.data_type() == DataType::Null => None,
            Some(_) => Some(strings(&batch, "input").map_err(&bad)?),
            None => None,
        };
        for row in 0..batch.num_rows() {
            let input = inputs.as_ref().filter(|column| column.is_valid(row));
            tasks.push(Task {
                id: ids.value(row).to_owned(),
                task: texts.value(row).to_owned(),
                input: input.map(|column| column.value(row).to_owned()),
            });
        }
    }
    Ok(tasks)
}

/// Converts an error of the reader into one about a task file.
fn unreadable(error: SchemaError) -> SynthError {
    match error {
        SchemaError::Missing { path, .. } => {
            SynthError::Io { path, source: std::io::ErrorKind::NotFound.into() }
        }
        SchemaError::Io { path, source, .. } => SynthError::Io { path, source },
        SchemaError::NotParquet { path, got } | SchemaError::Corrupt { path, got } => {
            let reason = format!("found {got}");
            SynthError::TaskTable { path, reason }
        }
        other => other.into(),
    }
}

/// Returns a column of strings.
///
/// [`foreign_batches`] returns every text column as [`DataType::Utf8`].
fn strings(batch: &RecordBatch, name: &str) -> Result<StringArray, String> {
    let column = batch.column_by_name(name).ok_or_else(|| format!("found no column `{name}`"))?;
    let got = column.data_type();
    let strings = column.as_any().downcast_ref::<StringArray>();
    strings.cloned().ok_or_else(|| format!("found {got} in column `{name}`"))
}

/// Rejects a column with nulls.
fn required(column: StringArray) -> Result<StringArray, String> {
    match (0..column.len()).find(|row| column.is_null(*row)) {
        Some(row) => Err(format!("found null as `id` or `task` in row {}", row + 1)),
        None => Ok(column),
    }
}
