//! Responses and answers of a judge that files have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_judge::{Answers, Responses};
use iopo_llm::Progress;
use iopo_schema::PredictionRow;

use super::JudgedConfig;
use super::ask::without_reasoning;
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

/// The questions to a judge, by item.
pub(super) type Questions = BTreeMap<String, BTreeSet<i64>>;

/// Reads a file with the answers of a judge. An answer to no question is an error, or with `partial` a note.
pub(super) fn read_answers(
    config: &JudgedConfig,
    path: &Path,
    asked: &Questions,
    progress: &dyn Progress,
) -> Result<Answers, EvalError> {
    let mut answers = parse(path, Answers::parse)?.map(|text| without_reasoning(text).to_owned());
    let without: Vec<String> = answers.without_index().map(str::to_owned).collect();
    for key in without {
        let Some(questions) = asked.get(&key) else { continue };
        if questions.len() > 1 {
            let (path, questions) = (path.to_owned(), questions.len());
            return Err(EvalError::AnswerWithoutIndex { path, key, questions });
        }
        for &only in questions {
            answers.rename(&key, 0, only);
        }
    }
    let is_asked = |key: &str, index: i64| asked.get(key).is_some_and(|own| own.contains(&index));
    let unmatched: Vec<(&str, i64)> =
        answers.questions().filter(|(key, index)| !is_asked(key, *index)).collect();
    let Some(&(key, index)) = unmatched.first() else { return Ok(answers) };
    let (key, questions) = (key.to_owned(), unmatched.len());
    if !config.partial {
        return Err(EvalError::UnmatchedAnswers { path: path.to_owned(), questions, key, index });
    }
    progress.note(&format!(
        "skipped the answers to {questions} unknown questions (first: key `{key}`, index {index})"
    ));
    answers.retain(is_asked);
    Ok(answers)
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
