//! Recorded answers of a judge, and responses of a model.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data::records;
use crate::error::{DataError, Place};
use crate::{Mode, Unjudged};

const NAME: &str = "judge answer";

/// The result of asking a judge once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The text of the answer.
    Answer(String),
    /// Why there is no answer, such as the class of a failed request.
    Failure(String),
}

/// Answers of a judge, by item and question. A question that was asked again has several attempts, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    judge: Option<String>,
    by_question: BTreeMap<(String, i64), Vec<Attempt>>,
    /// Keys of a file's answers that name no question, which count as answers to question 0.
    without_index: BTreeSet<String>,
}

#[derive(Deserialize)]
struct AnswerRow {
    #[serde(alias = "idx")]
    key: Value,
    #[serde(default)]
    index: Option<i64>,
    #[serde(default, alias = "judge_response")]
    answer: Option<String>,
    #[serde(default)]
    failure: Option<String>,
    #[serde(default)]
    judge: Option<String>,
}

#[derive(Serialize)]
struct AnswerLine<'a> {
    key: &'a str,
    index: i64,
    judge: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a str>,
}

impl Answers {
    /// Parses one JSON object per line, or a JSON array of objects.
    ///
    /// An object has `key`, `answer` or `failure` and, for `ComplexBench`, `index`, the id of the question. `judge` names the
    /// judge and is the same in all objects. The files that CFBench's program writes can be read as they are: their `idx` is
    /// the key, and `judge_response` the answer.
    ///
    /// # Errors
    /// Returns an error if an object is malformed, or names another judge than the one before.
    pub fn parse(text: &str) -> Result<Self, DataError> {
        let mut answers = Self::default();
        for (place, row) in records::<AnswerRow>(NAME, text)? {
            let bad = |reason: String| DataError::Row { what: NAME, place, reason };
            let key = key(NAME, place, &row.key)?;
            match (&answers.judge, row.judge) {
                (Some(known), Some(other)) if *known != other => {
                    return Err(bad(format!("found the judge `{other}`, expected `{known}`")));
                }
                (None, Some(judge)) => answers.judge = Some(judge),
                (_, _) => {}
            }
            let attempt = match (row.answer, row.failure) {
                (Some(answer), None) => Attempt::Answer(answer),
                (None, Some(failure)) => Attempt::Failure(failure),
                (Some(_), Some(_)) | (None, None) => {
                    return Err(bad("expected either `answer` or `failure`".to_owned()));
                }
            };
            if row.index.is_none() {
                answers.without_index.insert(key.clone());
            }
            answers.push(&key, row.index.unwrap_or(0), attempt);
        }
        Ok(answers)
    }

    /// Formats the answers as [`parse`](Self::parse) reads them, sorted by key and index.
    pub fn to_lines(&self, judge: &str) -> String {
        let mut text = String::new();
        for ((key, index), attempts) in &self.by_question {
            for attempt in attempts {
                let (answer, failure) = match attempt {
                    Attempt::Answer(answer) => (Some(answer.as_str()), None),
                    Attempt::Failure(failure) => (None, Some(failure.as_str())),
                };
                let line = AnswerLine { key, index: *index, judge, answer, failure };
                // Strings and a number always serialize.
                text.push_str(&serde_json::to_string(&line).unwrap_or_default());
                text.push('\n');
            }
        }
        text
    }

    /// Changes the text of every answer, for instance to drop reasoning before it.
    #[must_use]
    pub fn map(mut self, change: impl Fn(&str) -> String) -> Self {
        for attempt in self.by_question.values_mut().flatten() {
            if let Attempt::Answer(text) = attempt {
                *text = change(text);
            }
        }
        self
    }

    /// The judge that the file names.
    pub fn judge(&self) -> Option<&str> {
        self.judge.as_deref()
    }

    /// Adds an answer to a question.
    pub fn add(&mut self, key: &str, index: i64, answer: String) {
        self.push(key, index, Attempt::Answer(answer));
    }

    /// Adds an attempt to ask a question.
    pub fn push(&mut self, key: &str, index: i64, attempt: Attempt) {
        self.by_question.entry((key.to_owned(), index)).or_default().push(attempt);
    }

    /// The attempts to ask a question, in order.
    pub fn to(&self, key: &str, index: i64) -> &[Attempt] {
        self.by_question.get(&(key.to_owned(), index)).map_or(&[], Vec::as_slice)
    }

    /// The keys of a file's answers without an index, which count as answers to question 0.
    pub fn without_index(&self) -> impl Iterator<Item = &str> {
        self.without_index.iter().map(String::as_str)
    }

    /// Moves the answers to a question of an item to another index.
    pub fn rename(&mut self, key: &str, from: i64, to: i64) {
        if let Some(attempts) = self.by_question.remove(&(key.to_owned(), from)) {
            self.by_question.entry((key.to_owned(), to)).or_default().extend(attempts);
        }
    }

    /// Keeps the answers to some questions, which `keeps` names by key and index.
    pub fn retain(&mut self, keeps: impl Fn(&str, i64) -> bool) {
        self.by_question.retain(|(key, index), _| keeps(key, *index));
    }

    /// The items and questions that were asked.
    pub fn questions(&self) -> impl Iterator<Item = (&str, i64)> {
        self.by_question.keys().map(|(key, index)| (key.as_str(), *index))
    }

    /// Reads the verdict on a question. `repaired` takes the first answer with a verdict; `paper` reads the first attempt only.
    pub(crate) fn first<T>(
        &self,
        mode: Mode,
        (key, index): (&str, i64),
        read: impl Fn(&str) -> Result<T, Unjudged>,
    ) -> Reading<T> {
        let attempts = self.to(key, index);
        let attempts = match mode {
            Mode::Paper => attempts.get(..1).unwrap_or_default(),
            Mode::Repaired => attempts,
        };
        let mut reading = Reading { result: Err(Unjudged::NoAnswer), attempt: None };
        for (at, attempt) in attempts.iter().enumerate() {
            let result = match attempt {
                Attempt::Answer(answer) => read(answer),
                Attempt::Failure(_) => Err(Unjudged::NoAnswer),
            };
            reading = Reading { result, attempt: Some(at) };
            if reading.result.is_ok() {
                break;
            }
        }
        reading
    }
}

/// A verdict, and the attempt that gave it; without a verdict, the last attempt.
pub(crate) struct Reading<T> {
    pub(crate) result: Result<T, Unjudged>,
    pub(crate) attempt: Option<usize>,
}

/// Responses of the evaluated model, by item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Responses(BTreeMap<String, String>);

#[derive(Deserialize)]
struct ResponseRow {
    #[serde(alias = "idx")]
    key: Value,
    response: String,
}

impl Responses {
    /// Parses one JSON object per line, or a JSON array of objects, with `key` and `response`. The files of CFBench's program
    /// can be read as they are.
    ///
    /// # Errors
    /// Returns an error if a line is malformed, or a key occurs twice.
    pub fn parse(text: &str) -> Result<Self, DataError> {
        let mut responses = Self::default();
        for (place, row) in records::<ResponseRow>("response", text)? {
            let key = key("response", place, &row.key)?;
            if responses.0.insert(key.clone(), row.response).is_some() {
                return Err(DataError::Duplicate { place, key });
            }
        }
        Ok(responses)
    }

    /// Adds the response to an item, in place of an earlier one.
    pub fn add(&mut self, key: &str, response: String) {
        self.0.insert(key.to_owned(), response);
    }

    /// The response to an item.
    pub fn to(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

fn key(what: &'static str, place: Place, key: &Value) -> Result<String, DataError> {
    match key {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        other => {
            let reason = format!("`key`: found {other}, expected text or a number");
            Err(DataError::Row { what, place, reason })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_readable_attempt_counts_when_repaired() {
        let file = "{\"key\": 1, \"answer\": \"?\"}\n{\"key\": \"1\", \"answer\": \"5\"}";
        let answers = Answers::parse(file).expect("answers");
        let read = |mode| {
            answers.first(mode, ("1", 0), |text| text.parse::<i64>().map_err(|_| Unjudged::Score))
        };
        let repaired = read(Mode::Repaired);
        assert_eq!((repaired.result, repaired.attempt), (Ok(5), Some(1)));
        assert_eq!(read(Mode::Paper).result, Err(Unjudged::Score));
        let none = answers.first(Mode::Repaired, ("2", 0), |_| Ok(()));
        assert_eq!((none.result, none.attempt), (Err(Unjudged::NoAnswer), None));
    }

    #[test]
    fn answers_and_failures_survive_writing_and_reading() {
        let mut answers = Answers::default();
        answers.push("a", 3, Attempt::Failure("too_long".to_owned()));
        answers.add("a", 3, "line\n\"two\"".to_owned());
        answers.add("b", 0, "是".to_owned());
        let text = answers.to_lines("j");
        let first = r#"{"key":"a","index":3,"judge":"j","failure":"too_long"}"#;
        assert_eq!(text.lines().next(), Some(first));
        let read = Answers::parse(&text).expect("answers");
        assert_eq!((read.judge(), read.to("a", 3)), (Some("j"), answers.to("a", 3)));
        assert_eq!(read.questions().count(), 2);
        let read = read.first(Mode::Repaired, ("a", 3), |text| Ok(text.len()));
        assert_eq!((read.result, read.attempt), (Ok(10), Some(1)));
    }

    #[test]
    fn files_of_cfbench_are_read_as_they_are() {
        let file = r#"[{"idx": 4, "prompt": "p", "response": "r", "judge_response": "是\t1", "judge_score": ["1"]}]"#;
        let answers = Answers::parse(file).expect("answers");
        assert_eq!(answers.to("4", 0), [Attempt::Answer("是\t1".to_owned())]);
        assert_eq!(Responses::parse(file).expect("responses").to("4"), Some("r"));
    }

    #[test]
    fn answers_without_an_index_are_known_and_answers_can_be_dropped() {
        let file = "{\"key\": 1, \"answer\": \"a\"}\n{\"key\": 2, \"index\": 0, \"answer\": \"b\"}";
        let mut answers = Answers::parse(file).expect("answers");
        assert_eq!(answers.without_index().collect::<Vec<_>>(), ["1"]);
        answers.retain(|key, index| (key, index) == ("2", 0));
        assert_eq!(answers.questions().collect::<Vec<_>>(), [("2", 0)]);
    }

    #[test]
    fn problems_name_the_line() {
        let refused = |text: &str| Answers::parse(text).expect_err(text).to_string();
        assert_eq!(
            refused("{\"key\": [], \"answer\": \"\"}"),
            "invalid judge answer in line 1: `key`: found [], expected text or a number"
        );
        let judges = "{\"key\": 1, \"answer\": \"\", \"judge\": \"a\"}\n{\"key\": 2, \"answer\": \"\", \"judge\": \"b\"}";
        assert!(refused(judges).ends_with("found the judge `b`, expected `a`"));
        assert!(refused("{\"key\": 1}").ends_with("expected either `answer` or `failure`"));
        let twice = "{\"key\": 1, \"response\": \"\"}\n{\"key\": 1, \"response\": \"\"}";
        assert!(matches!(Responses::parse(twice), Err(DataError::Duplicate { .. })));
    }
}
