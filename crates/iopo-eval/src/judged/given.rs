//! Responses and answers of a judge that files have.

use std::path::Path;

use iopo_judge::Responses;
use iopo_llm::Progress;
use iopo_schema::PredictionRow;

use super::JudgedConfig;
use super::items::JudgedPrompt;
use crate::benchmarks::responses::ResponseFile;
use crate::{EvalError, TestPrompt};

/// Reads and parses a file.
pub(super) fn parse<T>(
    path: &Path,
    parse: fn(&str) -> Result<T, iopo_judge::DataError>,
) -> Result<T, EvalError> {
    let text = iopo_core::files::read_to_string(path)
        .map_err(|source| EvalError::Read { path: path.to_owned(), source })?;
    parse(&text).map_err(|source| EvalError::JudgedData { path: path.to_owned(), source })
}

/// Reads predictions. A failed request has no response.
pub(super) fn predictions(path: &Path) -> Result<(Responses, Vec<PredictionRow>), EvalError> {
    let rows = iopo_schema::read::<PredictionRow>(path)?;
    let mut responses = Responses::default();
    for row in rows.iter().filter(|row| row.error.is_none()) {
        responses.add(&row.key, row.response.clone());
    }
    Ok((responses, rows))
}

/// Reads a file of responses. A response to no prompt is an error, or with `partial` a note.
pub(super) fn read_responses(
    config: &JudgedConfig,
    path: &Path,
    prompts: &[JudgedPrompt],
    progress: &dyn Progress,
) -> Result<Responses, EvalError> {
    let tests: Vec<TestPrompt> = prompts.iter().map(|prompt| prompt.test.clone()).collect();
    let benchmark = tests.first().map_or("", |test| test.benchmark.as_str());
    let file = ResponseFile::open(path, benchmark, config.strip_reasoning, progress)?;
    let matched = file.all_matched(path, &tests, config.partial, progress)?;
    let mut answered = tests;
    matched.keep_answered(&mut answered);
    let mut responses = Responses::default();
    for row in matched.predictions(&answered)? {
        responses.add(&row.key, row.response);
    }
    Ok(responses)
}
