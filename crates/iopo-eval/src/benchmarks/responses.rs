//! Responses from another program: one JSON object per line with `response` and `prompt` or `key`, or a file of samples that
//! lm-eval wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_core::python_json::{to_json, without_bom};
use iopo_schema::{PredictionRow, ResponseEnd};
use serde::Deserialize;
use serde_json::Value;

use crate::{EvalError, TestPrompt};

/// The lines of a response file.
#[derive(Debug, Default)]
pub struct ResponseFile {
    name: String,
    lines: Vec<ResponseLine>,
}

#[derive(Debug)]
struct ResponseLine {
    /// Line number, from 1.
    number: usize,
    reference: PromptReference,
    response: String,
}

/// How a line names its prompt: by text or by key. If it has both, they must agree.
#[derive(Debug)]
struct PromptReference {
    prompt: Option<String>,
    key: Option<String>,
}

#[derive(Deserialize)]
struct Fields {
    key: Option<Value>,
    prompt: Option<String>,
    response: Option<String>,
    /// The prompt's object in a sample of lm-eval, with `key` and `prompt`.
    doc: Option<Value>,
    /// The responses of a sample, raw and as filtered by lm-eval.
    resps: Option<Value>,
    filtered_resps: Option<Value>,
}

impl Fields {
    /// Returns the reference to the prompt and the response.
    fn read(self) -> Result<(PromptReference, String), String> {
        let Self { key, prompt, response, doc, resps, filtered_resps } = self;
        let mut reference = PromptReference {
            prompt,
            key: key.and_then(|key| text_of(key).transpose()).transpose()?,
        };
        let response = if let Some(response) = response {
            response
        } else {
            let in_doc = |name: &str| doc.as_ref().and_then(|doc| doc.get(name)).cloned();
            if reference.prompt.is_none() && reference.key.is_none() {
                reference = PromptReference {
                    prompt: in_doc("prompt").and_then(|prompt| Some(prompt.as_str()?.to_owned())),
                    key: in_doc("key").and_then(|key| text_of(key).transpose()).transpose()?,
                };
            }
            sampled(filtered_resps.as_ref(), resps.as_ref())?
        };
        if reference.prompt.is_none() && reference.key.is_none() {
            return Err("found neither `prompt` nor `key`".to_owned());
        }
        Ok((reference, response))
    }
}

/// Returns a key as text; `None` if it is null.
fn text_of(key: Value) -> Result<Option<String>, String> {
    match key {
        Value::String(key) => Ok(Some(key)),
        Value::Number(key) => Ok(Some(key.to_string())),
        Value::Null => Ok(None),
        other => Err(format!("`key`: found {other}, expected text or a number")),
    }
}

/// Returns the single response of a sample: the filtered one, which lm-eval scores.
fn sampled(filtered: Option<&Value>, all: Option<&Value>) -> Result<String, String> {
    fn only(value: &Value) -> Option<&str> {
        match value {
            Value::String(text) => Some(text),
            Value::Array(list) => match list.as_slice() {
                [one] => only(one),
                _ => None,
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
        }
    }
    if filtered.is_none() && all.is_none() {
        return Err("found no `response`".to_owned());
    }
    let found = [filtered, all].into_iter().flatten().find_map(only);
    found
        .map(str::to_owned)
        .ok_or_else(|| "found several or no texts in `resps`, expected one".to_owned())
}

/// Responses by the prompts that they answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchedResponses {
    /// Responses by prompt key.
    responses: BTreeMap<String, String>,
    /// Numbers of the lines that answer no prompt, from 1.
    pub unmatched: Vec<usize>,
}

impl ResponseFile {
    /// Reads a file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or a line has no response or names no prompt.
    pub fn read(path: &Path) -> Result<Self, EvalError> {
        let text = iopo_core::files::read_to_string(path)
            .map_err(|source| EvalError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Parses the text of a file; `name` names it in errors.
    ///
    /// A byte order mark and the extensions of Python's JSON are accepted.
    ///
    /// # Errors
    /// Returns an error if a line has no response or names no prompt.
    pub fn parse(text: &str, name: &str) -> Result<Self, EvalError> {
        let mut file = Self { name: name.to_owned(), lines: Vec::new() };
        let lines =
            without_bom(text).lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        for (number, line) in lines.map(|(at, line)| (at + 1, line)) {
            let bad = |reason: String| file.bad(number, reason);
            let fields: Fields =
                serde_json::from_str(&to_json(line)).map_err(|error| bad(error.to_string()))?;
            let (reference, response) = fields.read().map_err(bad)?;
            file.lines.push(ResponseLine { number, reference, response });
        }
        Ok(file)
    }

    fn bad(&self, line: usize, reason: String) -> EvalError {
        EvalError::Response { path: self.name.clone(), line, reason }
    }

    /// Matches each line with its prompt.
    ///
    /// A text that two prompts share answers both, unless the key selects one of them.
    ///
    /// # Errors
    /// Returns an error if the text and the key of a line name different prompts, or two lines answer a prompt
    /// differently.
    pub fn matched(&self, prompts: &[TestPrompt]) -> Result<MatchedResponses, EvalError> {
        let mut by_text: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for prompt in prompts {
            by_text.entry(&prompt.prompt).or_default().push(&prompt.key);
        }
        let keys: BTreeSet<&str> = prompts.iter().map(|prompt| prompt.key.as_str()).collect();
        let mut matched = MatchedResponses { responses: BTreeMap::new(), unmatched: Vec::new() };
        for ResponseLine { number, reference, response } in &self.lines {
            let keyed = reference.key.as_deref().filter(|key| keys.contains(key));
            let named: &[&str] = match (&reference.prompt, &keyed) {
                (Some(text), _) => by_text.get(text.as_str()).map_or(&[], Vec::as_slice),
                (None, Some(key)) => std::slice::from_ref(key),
                (None, None) => &[],
            };
            if let (Some(key), Some(first)) = (keyed, named.first())
                && !named.contains(&key)
            {
                let reason = format!("its text is that of prompt `{first}`, its key is `{key}`");
                return Err(self.bad(*number, reason));
            }
            if named.is_empty() {
                matched.unmatched.push(*number);
                continue;
            }
            for key in keyed.as_ref().map_or(named, std::slice::from_ref) {
                match matched.responses.insert((*key).to_owned(), response.clone()) {
                    Some(known) if known != *response => {
                        let reason = format!("another line answers prompt `{key}` differently");
                        return Err(self.bad(*number, reason));
                    }
                    _ => {}
                }
            }
        }
        Ok(matched)
    }
}

impl MatchedResponses {
    /// Removes the prompts without a response and returns their number.
    pub fn keep_answered(&self, prompts: &mut Vec<TestPrompt>) -> usize {
        let before = prompts.len();
        prompts.retain(|prompt| self.responses.contains_key(&prompt.key));
        before - prompts.len()
    }

    /// Returns the predictions, in the order of the prompts.
    ///
    /// # Errors
    /// Returns an error if a prompt has no response.
    pub fn predictions(&self, prompts: &[TestPrompt]) -> Result<Vec<PredictionRow>, EvalError> {
        let unanswered = |prompt: &&TestPrompt| !self.responses.contains_key(&prompt.key);
        if let Some(first) = prompts.iter().find(unanswered) {
            let missing = prompts.iter().filter(unanswered).count();
            let key = first.key.clone();
            return Err(EvalError::Unanswered { missing, prompts: prompts.len(), key });
        }
        let rows = prompts.iter().filter_map(|prompt| {
            self.responses
                .get(&prompt.key)
                .map(|response| prompt.prediction(response.clone(), ResponseEnd::Given))
        });
        Ok(rows.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::ResponseFile;
    use crate::TestPrompt;

    fn prompt(key: &str, prompt: &str) -> TestPrompt {
        TestPrompt {
            benchmark: "ifeval".to_owned(),
            key: key.to_owned(),
            task_id: String::new(),
            prompt: prompt.to_owned(),
            constraints: Vec::new(),
        }
    }

    fn three() -> Vec<TestPrompt> {
        vec![prompt("1", "a"), prompt("2", "b"), prompt("3", "c")]
    }

    #[test]
    fn responses_match_by_text_or_by_key_and_unmatched_lines_are_listed() {
        let text = "{\"prompt\": \"a\", \"response\": \"A\"}\n\n{\"key\": 2, \"response\": \"B\"}\n\
                    {\"prompt\": \"a \", \"key\": 1, \"response\": \"C\"}\n{\"key\": 9, \"response\": \"D\"}";
        let mut prompts = three();
        let matched =
            ResponseFile::parse(text, "x").expect("lines").matched(&prompts).expect("matched");
        let found: Vec<_> =
            prompts.iter().map(|p| matched.responses.get(&p.key).map(String::as_str)).collect();
        assert_eq!(found, [Some("A"), Some("B"), None]);
        assert_eq!(matched.unmatched, [4, 5]);
        assert_eq!((matched.keep_answered(&mut prompts), prompts.len()), (1, 2));
    }

    /// Returns the response to each of the three prompts.
    fn matched(text: &str) -> Vec<Option<String>> {
        let matched = ResponseFile::parse(text, "x").and_then(|file| file.matched(&three()));
        let matched = matched.expect("matched");
        three().iter().map(|prompt| matched.responses.get(&prompt.key).cloned()).collect()
    }

    #[test]
    fn samples_of_lm_eval_are_responses() {
        let sample = |key: usize, prompt: &str, rest: &str| {
            format!(
                "{{\"doc_id\": 7, \"doc\": {{\"key\": {key}, \"prompt\": \"{prompt}\"}}, \"target\": 0, {rest}}}\n"
            )
        };
        let text = sample(1, "a", r#""resps": [["A"]], "filtered_resps": ["A"], "acc": NaN"#)
            + &sample(2, "b", r#""resps": [["<think> B"]], "filtered_resps": ["B"]"#)
            + &sample(3, "c", r#""resps": [["C"]]"#);
        assert_eq!(matched(&text), ["A", "B", "C"].map(|text| Some(text.to_owned())));
        for (rest, part) in [
            (r#""resps": [["A", "B"]]"#, "several or no texts"),
            (r#""resps": []"#, "several or no texts"),
            (r#""target_text": "A""#, "no `response`"),
        ] {
            let error = ResponseFile::parse(&sample(1, "a", rest), "x").expect_err("refused");
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn a_byte_order_mark_and_the_json_of_python_are_read() {
        let text = "\u{feff}{\"key\": 1, \"response\": \"A\", \"logprob\": NaN}\n\
                    {\"key\": 2, \"response\": \"half \\ud83d\", \"range\": [-Infinity, 1e999]}\n\
                    {\"key\": 3, \"response\": \"NaN\"}";
        let expected = ["A", "half \u{fffd}", "NaN"].map(|text| Some(text.to_owned()));
        assert_eq!(matched(text), expected);
        let error = ResponseFile::parse("{\"key\": 1, \"response\": NaN}", "x");
        assert!(error.expect_err("refused").to_string().contains("no `response`"));
    }

    #[test]
    fn invalid_lines_are_errors_with_their_number() {
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
            let found = ResponseFile::parse(text, "x").and_then(|file| file.matched(&three()));
            let error = found.expect_err("refused").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
