//! Recorded answers of a judge, and responses of a model.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::data::records;
use crate::error::{DataError, Place};
use crate::{Mode, Unjudged};

/// Answers of a judge, by item and question. A question that was asked again has several answers, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<(String, i64), Vec<String>>);

#[derive(Deserialize)]
struct AnswerRow {
    key: Value,
    #[serde(default)]
    index: i64,
    answer: String,
}

impl Answers {
    /// Parses one JSON object per line with `key`, `answer` and, for `ComplexBench`, `index`, the id of the question.
    ///
    /// # Errors
    /// Returns an error if a line is malformed.
    pub fn parse(text: &str) -> Result<Self, DataError> {
        let mut answers = Self::default();
        for (place, row) in records::<AnswerRow>("judge answer", text)? {
            answers.add(&key("judge answer", place, &row.key)?, row.index, row.answer);
        }
        Ok(answers)
    }

    /// Adds an answer to a question.
    pub fn add(&mut self, key: &str, index: i64, answer: String) {
        self.0.entry((key.to_owned(), index)).or_default().push(answer);
    }

    /// The answers to a question.
    pub fn to(&self, key: &str, index: i64) -> &[String] {
        self.0.get(&(key.to_owned(), index)).map_or(&[], Vec::as_slice)
    }

    /// The items and questions that have answers.
    pub fn questions(&self) -> impl Iterator<Item = (&str, i64)> {
        self.0.keys().map(|(key, index)| (key.as_str(), *index))
    }

    /// Reads the verdict on a question. `repaired` takes the first answer with a verdict; `paper` reads one answer only.
    pub(crate) fn first<T>(
        &self,
        mode: Mode,
        (key, index): (&str, i64),
        read: impl Fn(&str) -> Result<T, Unjudged>,
    ) -> Result<T, Unjudged> {
        let answers = self.to(key, index);
        let attempts = match mode {
            Mode::Paper => answers.get(..1).unwrap_or_default(),
            Mode::Repaired => answers,
        };
        let mut reason = Unjudged::NoAnswer;
        for answer in attempts {
            match read(answer) {
                Ok(verdict) => return Ok(verdict),
                Err(error) => reason = error,
            }
        }
        Err(reason)
    }
}

/// Responses of the evaluated model, by item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Responses(BTreeMap<String, String>);

#[derive(Deserialize)]
struct ResponseRow {
    key: Value,
    response: String,
}

impl Responses {
    /// Parses one JSON object per line with `key` and `response`.
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

    /// The response to an item.
    pub fn to(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

fn key(benchmark: &'static str, place: Place, key: &Value) -> Result<String, DataError> {
    match key {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        other => {
            let reason = format!("`key`: found {other}, expected text or a number");
            Err(DataError::Item { benchmark, place, reason })
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
        assert_eq!(read(Mode::Repaired), Ok(5));
        assert_eq!(read(Mode::Paper), Err(Unjudged::Score));
        let none = answers.first(Mode::Repaired, ("2", 0), |_| Ok(()));
        assert_eq!(none, Err(Unjudged::NoAnswer));
    }

    #[test]
    fn problems_name_the_line() {
        let error = Answers::parse("{\"key\": [], \"answer\": \"\"}").expect_err("a list as key");
        assert_eq!(
            error.to_string(),
            "line 1 is not an item of judge answer: `key`: found [], expected text or a number"
        );
        let twice = "{\"key\": 1, \"response\": \"\"}\n{\"key\": 1, \"response\": \"\"}";
        assert!(matches!(Responses::parse(twice), Err(DataError::Duplicate { .. })));
    }
}
