//! Answers that came in a file: a JSON object a line with `response` and `prompt` or `key`.

use std::collections::BTreeMap;
use std::path::Path;

use iopo_schema::{PredictionRow, Provenance};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::score::PRODUCER;
use crate::{EvalError, Prompt};

/// How an answer of unknown end is marked.
const FINISH: &str = "given";

/// Answers by the text of their prompt, or by its key.
#[derive(Debug, Default)]
pub struct Given {
    by_prompt: BTreeMap<String, String>,
    by_key: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Line {
    key: Option<Value>,
    prompt: Option<String>,
    response: String,
}

impl Given {
    /// Reads the file; two different answers to one prompt are an error.
    pub fn read(path: &Path) -> Result<Self, EvalError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| EvalError::File { path: path.to_owned(), source })?;
        Self::parse(&text, &path.display().to_string())
    }

    fn parse(text: &str, name: &str) -> Result<Self, EvalError> {
        let mut given = Self::default();
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        for (number, line) in lines.map(|(at, line)| (at + 1, line)) {
            let bad = |reason: String| EvalError::Response {
                path: name.to_owned(),
                line: number,
                reason,
            };
            let line: Line = serde_json::from_str(line).map_err(|error| bad(error.to_string()))?;
            let key = match line.key {
                Some(Value::String(key)) => Some(key),
                Some(Value::Number(key)) => Some(key.to_string()),
                _ => None,
            };
            let (map, name) = match (line.prompt, key) {
                (Some(prompt), _) => (&mut given.by_prompt, prompt),
                (None, Some(key)) => (&mut given.by_key, key),
                (None, None) => return Err(bad("found neither `prompt` nor `key`".to_owned())),
            };
            if map.get(&name).is_some_and(|known| *known != line.response) {
                return Err(bad("another line has another answer to this prompt".to_owned()));
            }
            map.insert(name, line.response);
        }
        Ok(given)
    }

    /// The answer to a prompt.
    fn answer_to(&self, prompt: &Prompt) -> Option<&str> {
        let found = self.by_prompt.get(&prompt.prompt).or_else(|| self.by_key.get(&prompt.key));
        found.map(String::as_str)
    }

    /// Takes prompts without an answer out, and says how many those were.
    pub fn keep_answered(&self, prompts: &mut Vec<Prompt>) -> usize {
        let before = prompts.len();
        prompts.retain(|prompt| self.answer_to(prompt).is_some());
        before - prompts.len()
    }

    /// Writes the answers to `out`, in the order of the prompts; a prompt without one is an error.
    pub fn write(&self, prompts: &[Prompt], out: &Path) -> Result<(), EvalError> {
        let mut rows = Vec::with_capacity(prompts.len());
        for prompt in prompts {
            let Some(response) = self.answer_to(prompt) else {
                let missing =
                    prompts.iter().filter(|prompt| self.answer_to(prompt).is_none()).count();
                let key = prompt.key.clone();
                return Err(EvalError::Unanswered { missing, prompts: prompts.len(), key });
            };
            rows.push(PredictionRow {
                benchmark: prompt.benchmark.clone(),
                key: prompt.key.clone(),
                seed_id: prompt.seed_id.clone(),
                prompt: prompt.prompt.clone(),
                constraints: prompt.constraints.clone(),
                response: response.to_owned(),
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
            seed_id: String::new(),
            prompt: prompt.to_owned(),
            constraints: Vec::new(),
        }
    }

    #[test]
    fn answers_are_found_by_text_or_by_key() {
        let text = "{\"prompt\": \"a\", \"response\": \"A\"}\n\n{\"key\": 2, \"response\": \"B\"}";
        let given = Given::parse(text, "x").expect("two answers");
        let mut prompts = vec![prompt("1", "a"), prompt("2", "b"), prompt("3", "c")];
        let found: Vec<_> = prompts.iter().map(|prompt| given.answer_to(prompt)).collect();
        assert_eq!(found, [Some("A"), Some("B"), None]);
        assert_eq!((given.keep_answered(&mut prompts), prompts.len()), (1, 2));
    }

    #[test]
    fn doubtful_lines_are_errors_with_their_number() {
        for (text, part) in [
            ("{}", "line 1"),
            ("{\"response\": \"a\"}", "neither `prompt` nor `key`"),
            ("{\"key\": 1, \"response\": \"a\"}\n{\"key\": 1, \"response\": \"b\"}", "line 2"),
        ] {
            let error = Given::parse(text, "x").expect_err("refused").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
