//! Responses that are not JSON lines: a JSON array, or predictions of another run.

use std::path::Path;

use iopo_core::python_json::{to_json, without_bom};
use iopo_schema::PredictionRow;

use super::{Fields, PromptReference, ResponseFile, ResponseLine};
use crate::EvalError;

impl ResponseFile {
    /// Parses a JSON array of objects; `name` names it in errors. An object without `key` may have `idx`, as in the files of
    /// CFBench's program.
    ///
    /// # Errors
    /// Returns an error if the text is no array of objects, or an object has no response or names no prompt.
    pub(super) fn parse_array(text: &str, name: &str) -> Result<Self, EvalError> {
        let mut file = Self::empty(name, "line");
        let all: Vec<serde_json::Value> = serde_json::from_str(&to_json(without_bom(text)))
            .map_err(|error| file.bad(error.line(), error.to_string()))?;
        file.unit = "element";
        for (number, value) in all.into_iter().enumerate().map(|(at, value)| (at + 1, value)) {
            let idx = value.get("idx").cloned();
            let mut fields: Fields = serde_json::from_value(value)
                .map_err(|error| file.bad(number, error.to_string()))?;
            fields.key = fields.key.or(idx);
            let read = fields.read().map_err(|reason| file.bad(number, reason));
            file.push(number, read?);
        }
        Ok(file)
    }

    /// Takes the responses of predictions to a benchmark. A failed request has no response.
    ///
    /// # Errors
    /// Returns an error if a row belongs to another benchmark.
    pub(super) fn of_predictions(
        path: &Path,
        rows: Vec<PredictionRow>,
        benchmark: &str,
    ) -> Result<Self, EvalError> {
        if let Some(row) = rows.iter().find(|row| row.benchmark != benchmark) {
            return Err(EvalError::OtherBenchmark {
                path: path.to_owned(),
                found: row.benchmark.clone(),
                expected: benchmark.to_owned(),
            });
        }
        let rows = rows.into_iter().enumerate().filter(|(_, row)| row.error.is_none());
        let lines = rows.map(|(at, row)| ResponseLine {
            number: at + 1,
            reference: PromptReference { prompt: Some(row.prompt), key: Some(row.key) },
            response: row.response,
            raw: None,
        });
        let file = Self::empty(&path.display().to_string(), "row");
        Ok(Self { lines: lines.collect(), ..file })
    }
}
