//! Answers that came in a file: a JSON object a line with `response` and `prompt` or `key`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_schema::{PredictionRow, Provenance};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::score::PRODUCER;
use crate::{EvalError, Prompt};

/// How an answer of unknown end is marked.
const FINISH: &str = "given";

/// The lines of a file of answers.
#[derive(Debug, Default)]
pub struct Given {
    name: String,
    lines: Vec<Answer>,
}

#[derive(Debug)]
struct Answer {
    /// Counted from 1.
    line: usize,
    asked: Asked,
    response: String,
}

/// How a line names its prompt: by its text, or else by its key; both must fit where both are given.
#[derive(Debug)]
struct Asked {
    prompt: Option<String>,
    key: Option<String>,
}

#[derive(Deserialize)]
struct Line {
    key: Option<Value>,
    prompt: Option<String>,
    response: String,
}

/// Which answer belongs to which prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// The answers by the keys of their prompts.
    answers: BTreeMap<String, String>,
    /// Lines that answer none of the prompts, counted from 1.
    pub strange: Vec<usize>,
}

impl Given {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, or a line is no object with `response` and `prompt` or `key`.
    pub fn read(path: &Path) -> Result<Self, EvalError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| EvalError::File { path: path.to_owned(), source })?;
        Self::parse(&text, &path.display().to_string())
    }

    fn parse(text: &str, name: &str) -> Result<Self, EvalError> {
        let mut given = Self { name: name.to_owned(), lines: Vec::new() };
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        for (number, line) in lines.map(|(at, line)| (at + 1, line)) {
            let bad = |reason: String| given.bad(number, reason);
            let Line { key, prompt, response } =
                serde_json::from_str(line).map_err(|error| bad(error.to_string()))?;
            let key = match key {
                Some(Value::String(key)) => Some(key),
                Some(Value::Number(key)) => Some(key.to_string()),
                Some(Value::Null) | None => None,
                Some(other) => {
                    return Err(bad(format!(
                        "expected `key` to be text or a number, found {other}"
                    )));
                }
            };
            if prompt.is_none() && key.is_none() {
                return Err(bad("found neither `prompt` nor `key`".to_owned()));
            }
            given.lines.push(Answer { line: number, asked: Asked { prompt, key }, response });
        }
        Ok(given)
    }

    fn bad(&self, line: usize, reason: String) -> EvalError {
        EvalError::Response { path: self.name.clone(), line, reason }
    }

    /// Finds each line's prompt among `prompts`.
    ///
    /// # Errors
    /// When a line's text and key name two prompts, or two lines answer one prompt differently.
    pub fn matched(&self, prompts: &[Prompt]) -> Result<Matched, EvalError> {
        let mut by_text: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for prompt in prompts {
            by_text.entry(&prompt.prompt).or_default().push(&prompt.key);
        }
        let keys: BTreeSet<&str> = prompts.iter().map(|prompt| prompt.key.as_str()).collect();
        let mut matched = Matched { answers: BTreeMap::new(), strange: Vec::new() };
        for Answer { line, asked, response } in &self.lines {
            let keyed = asked.key.as_deref().filter(|key| keys.contains(key));
            let named: &[&str] = match (&asked.prompt, &keyed) {
                (Some(text), _) => by_text.get(text.as_str()).map_or(&[], Vec::as_slice),
                (None, Some(key)) => std::slice::from_ref(key),
                (None, None) => &[],
            };
            if let (Some(key), Some(first)) = (keyed, named.first())
                && !named.contains(&key)
            {
                let reason = format!("its text is that of prompt `{first}`, its key is `{key}`");
                return Err(self.bad(*line, reason));
            }
            if named.is_empty() {
                matched.strange.push(*line);
            }
            // One text that two prompts share is answered for both, unless the key says which.
            for key in keyed.as_ref().map_or(named, std::slice::from_ref) {
                if named.is_empty() {
                    break;
                }
                match matched.answers.insert((*key).to_owned(), response.clone()) {
                    Some(known) if known != *response => {
                        let reason = format!("another line answers prompt `{key}` differently");
                        return Err(self.bad(*line, reason));
                    }
                    _ => {}
                }
            }
        }
        Ok(matched)
    }
}

impl Matched {
    /// Takes prompts without an answer out, and says how many those were.
    pub fn keep_answered(&self, prompts: &mut Vec<Prompt>) -> usize {
        let before = prompts.len();
        prompts.retain(|prompt| self.answers.contains_key(&prompt.key));
        before - prompts.len()
    }

    /// Writes the answers to `out`, in the order of the prompts.
    ///
    /// # Errors
    /// When a prompt has no answer, or the file cannot be written.
    pub fn write(&self, prompts: &[Prompt], out: &Path) -> Result<(), EvalError> {
        let mut rows = Vec::with_capacity(prompts.len());
        for prompt in prompts {
            let Some(response) = self.answers.get(&prompt.key) else {
                let unanswered = |prompt: &&Prompt| !self.answers.contains_key(&prompt.key);
                let missing = prompts.iter().filter(unanswered).count();
                let key = prompt.key.clone();
                return Err(EvalError::Unanswered { missing, prompts: prompts.len(), key });
            };
            rows.push(PredictionRow {
                benchmark: prompt.benchmark.clone(),
                key: prompt.key.clone(),
                task_id: prompt.task_id.clone(),
                prompt: prompt.prompt.clone(),
                constraints: prompt.constraints.clone(),
                response: response.clone(),
                finish_reason: FINISH.to_owned(),
                prompt_tokens: 0,
                completion_tokens: 0,
            });
        }
        let provenance = Provenance::new(PRODUCER, json!({ "answers": FINISH }));
        Ok(iopo_schema::write(out, &rows, &provenance)?)
    }
}

#[cfg(test)]
mod tests {
    use super::Given;
    use crate::Prompt;

    fn prompt(key: &str, prompt: &str) -> Prompt {
        Prompt {
            benchmark: super::super::BENCHMARK.to_owned(),
            key: key.to_owned(),
            task_id: String::new(),
            prompt: prompt.to_owned(),
            constraints: Vec::new(),
        }
    }

    fn three() -> Vec<Prompt> {
        vec![prompt("1", "a"), prompt("2", "b"), prompt("3", "c")]
    }

    #[test]
    fn answers_are_found_by_text_or_by_key_and_strange_lines_are_counted() {
        let text = "{\"prompt\": \"a\", \"response\": \"A\"}\n\n{\"key\": 2, \"response\": \"B\"}\n\
                    {\"prompt\": \"a \", \"key\": 1, \"response\": \"C\"}\n{\"key\": 9, \"response\": \"D\"}";
        let mut prompts = three();
        let matched = Given::parse(text, "x").expect("lines").matched(&prompts).expect("answers");
        let found: Vec<_> =
            prompts.iter().map(|p| matched.answers.get(&p.key).map(String::as_str)).collect();
        assert_eq!(found, [Some("A"), Some("B"), None]);
        assert_eq!(matched.strange, [4, 5]);
        assert_eq!((matched.keep_answered(&mut prompts), prompts.len()), (1, 2));
    }

    #[test]
    fn doubtful_lines_are_errors_with_their_number() {
        for (text, part) in [
            ("{}", "line 1"),
            ("{\"response\": \"a\"}", "neither `prompt` nor `key`"),
            ("{\"key\": [1], \"response\": \"a\"}", "text or a number"),
            ("{\"key\": 1, \"response\": \"a\"}\n{\"key\": 1, \"response\": \"b\"}", "line 2"),
            (
                "{\"prompt\": \"a\", \"response\": \"a\"}\n{\"key\": 1, \"response\": \"b\"}",
                "line 2",
            ),
            ("{\"prompt\": \"a\", \"key\": 2, \"response\": \"a\"}", "its key is `2`"),
        ] {
            let found = Given::parse(text, "x").and_then(|given| given.matched(&three()));
            let error = found.expect_err("refused").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
