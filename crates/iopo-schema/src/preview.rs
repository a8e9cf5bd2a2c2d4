//! The first rows of a file as JSON, for people.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::{
    ContaminationRow, Header, InputPreferenceRow, InstructionRow, MetricRow, PredictionRow,
    PreferenceRow, Record, ReferenceRow, ResponseLogpsRow, ResponseRow, SchemaError, ScoreRow,
    SummaryRow, header, stream,
};

fn first<R: Record + Serialize>(path: &Path, count: usize) -> Result<Vec<Value>, SchemaError> {
    let mut values = Vec::new();
    let mut batches = stream::<R>(path)?;
    while values.len() < count {
        let Some(rows) = batches.next() else { break };
        for row in rows?.iter().take(count - values.len()) {
            // A struct of plain fields always serializes.
            values.push(serde_json::to_value(row).unwrap_or(Value::Null));
        }
    }
    Ok(values)
}

/// Returns the header and the first `count` rows, as JSON, of a file of any schema. A float that is not finite becomes
/// null.
///
/// # Errors
/// Returns the error of [`header`] or [`stream`], or [`SchemaError::OtherSchema`] if this release does not know the
/// schema.
pub fn preview(path: &Path, count: usize) -> Result<(Header, Vec<Value>), SchemaError> {
    let header = header(path)?;
    let rows = match header.name.as_str() {
        InstructionRow::NAME => first::<InstructionRow>,
        ResponseRow::NAME => first::<ResponseRow>,
        PreferenceRow::NAME => first::<PreferenceRow>,
        InputPreferenceRow::NAME => first::<InputPreferenceRow>,
        ContaminationRow::NAME => first::<ContaminationRow>,
        ReferenceRow::NAME => first::<ReferenceRow>,
        ResponseLogpsRow::NAME => first::<ResponseLogpsRow>,
        MetricRow::NAME => first::<MetricRow>,
        PredictionRow::NAME => first::<PredictionRow>,
        ScoreRow::NAME => first::<ScoreRow>,
        SummaryRow::NAME => first::<SummaryRow>,
        _ => {
            return Err(SchemaError::OtherSchema {
                path: path.to_path_buf(),
                expected: "a schema of this release".to_owned(),
                got: header.name,
            });
        }
    };
    let rows = rows(path, count)?;
    Ok((header, rows))
}
