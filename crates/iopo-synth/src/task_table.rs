//! Tasks from a Parquet file.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StringViewArray};
use arrow_schema::{DataType, Schema};
use iopo_schema::{Foreign, Place, SchemaError};

use crate::task::TaskFields;
use crate::{SynthError, Task};

/// Reads the string column `task` and, if they exist, `id`, `input` and `language`, in bounded memory per batch.
pub(crate) fn read_table(path: &Path) -> Result<Vec<(Place, Task)>, SynthError> {
    let bad = |reason: String| SynthError::TaskTable { path: path.to_owned(), reason };
    let file = Foreign::open(path).map_err(unreadable)?;
    if !has_strings(file.schema(), "task").map_err(bad)? {
        return Err(bad("found no column `task`".to_owned()));
    }
    let has_ids = has_strings(file.schema(), "id").map_err(bad)?;
    has_strings(file.schema(), "input").map_err(bad)?;
    has_strings(file.schema(), "language").map_err(bad)?;
    let mut tasks = Vec::new();
    for batch in file.texts(&["id", "task", "input", "language"]).map_err(unreadable)? {
        let batch = batch.map_err(unreadable)?;
        for row in 0..batch.num_rows() {
            let place = Place::Row(tasks.len() as u64 + 1);
            let required = |name: &str| {
                text(&batch, name, row)
                    .ok_or_else(|| bad(format!("found null in column `{name}` in {place}")))
            };
            let id = if has_ids { Some(required("id")?) } else { None };
            let (task, input) = (required("task")?, text(&batch, "input", row));
            let language = text(&batch, "language", row);
            tasks.push((place, Task::new(TaskFields { id, task, input, language })));
        }
    }
    Ok(tasks)
}

/// Converts an error of the reader into one about a task file.
fn unreadable(error: SchemaError) -> SynthError {
    match error {
        SchemaError::NoFile { path } => {
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

/// Whether a column exists and can hold strings. A column of another type is an error.
fn has_strings(schema: &Schema, name: &str) -> Result<bool, String> {
    match schema.field_with_name(name).map(arrow_schema::Field::data_type) {
        Err(_) => Ok(false),
        Ok(DataType::Utf8 | DataType::Null) => Ok(true),
        Ok(got) => Err(format!("found {got} in column `{name}`")),
    }
}

/// Returns the text of a row; `None` for null and for a column that does not exist or has only nulls.
fn text(batch: &RecordBatch, name: &str, row: usize) -> Option<String> {
    let column: &StringViewArray = batch.column_by_name(name)?.as_string_view_opt()?;
    column.is_valid(row).then(|| column.value(row).to_owned())
}
