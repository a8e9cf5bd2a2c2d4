//! Responses of a file: one JSON object per line with `response` and `prompt` or `key`, a file of samples that lm-eval wrote,
//! a file of predictions or reviews that evalscope wrote, a JSON array, or the predictions of another evaluation.

mod forms;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_core::python_json::{to_json, without_bom};
use iopo_core::text::counted;
use iopo_llm::{Progress, split_reasoning};
use iopo_schema::{PredictionRow, ResponseEnd};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::{EvalError, TestPrompt};

/// The lines of a response file.
#[derive(Debug, Default)]
pub struct ResponseFile {
    name: String,
    /// What one response is in the file: `line`, `element` or `row`.
    unit: &'static str,
    lines: Vec<ResponseLine>,
    /// Number of rows without a response: failed requests of evalscope.
    failed: usize,
}

#[derive(Debug)]
struct ResponseLine {
    /// Number of the line, element or row, from 1.
    number: usize,
    reference: PromptReference,
    response: String,
    /// The response with its reasoning, if that was removed.
    raw: Option<String>,
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
    /// Absent, null or the text.
    #[serde(default, deserialize_with = "present")]
    response: Option<Value>,
    /// The prompt's object in a sample of lm-eval, with `key` and `prompt`.
    doc: Option<Value>,
    /// The responses of a sample, raw and as filtered by lm-eval.
    resps: Option<Value>,
    filtered_resps: Option<Value>,
    /// The turns and the output of a prediction of evalscope; the output is null if the request failed.
    messages: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    model_output: Option<Value>,
    /// The score of a review of evalscope, with the response and the prompt's object.
    sample_score: Option<Value>,
}

/// The response that is null in a file: a blank text, which follows no instruction.
const NULL: &str = "";

/// Reads a field that is present, if only as null.
fn present<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(field).map(Some)
}

impl Fields {
    /// Returns the reference to the prompt and the response; no response for a request of evalscope that failed.
    fn read(self) -> Result<(PromptReference, Option<String>), String> {
        let Self { key, prompt, response, doc, .. } = self;
        let mut reference = PromptReference {
            prompt,
            key: key.and_then(|key| text_of(key).transpose()).transpose()?,
        };
        let review = self.sample_score.as_ref();
        let in_review = |path: &str| review.and_then(|review| review.pointer(path));
        if reference.prompt.is_none() && reference.key.is_none() {
            let doc = doc.as_ref().or_else(|| in_review("/sample_metadata"));
            let in_doc = |name: &str| doc.and_then(|doc| doc.get(name)).cloned();
            reference = PromptReference {
                prompt: in_doc("prompt").and_then(|prompt| Some(prompt.as_str()?.to_owned())),
                key: in_doc("key").and_then(|key| text_of(key).transpose()).transpose()?,
            };
            reference.prompt = reference.prompt.or_else(|| asked(self.messages.as_ref()?));
        }
        if reference.prompt.is_none() && reference.key.is_none() {
            return Err("found neither `prompt` nor `key`".to_owned());
        }
        let is_null = response.as_ref().is_some_and(Value::is_null);
        let response = if let Some(response) = response.filter(|value| !value.is_null()) {
            let Value::String(text) = response else {
                return Err(format!("`response`: found {response}, expected text or null"));
            };
            text
        } else if let Some(output) = &self.model_output {
            match output.pointer("/choices/0/message/content") {
                // The request failed, or its answer is all reasoning.
                None | Some(Value::Null) => return Ok((reference, None)),
                Some(Value::Array(parts)) if !parts.is_empty() => match text_of_parts(parts) {
                    Some(text) => text,
                    None => return Ok((reference, None)),
                },
                Some(found) => content(found).ok_or("found no text in `model_output`")?,
            }
        } else if let Some(text) = in_review("/score/prediction") {
            if text.is_null() {
                return Ok((reference, None));
            }
            text.as_str().ok_or("found no text in `sample_score`")?.to_owned()
        } else if is_null && self.filtered_resps.is_none() && self.resps.is_none() {
            NULL.to_owned()
        } else {
            sampled(self.filtered_resps.as_ref(), self.resps.as_ref())?
        };
        Ok((reference, Some(response)))
    }
}

/// Returns the text of the last turn of the user.
fn asked(messages: &Value) -> Option<String> {
    let turns = messages.as_array()?.iter().rev();
    let turn =
        turns.into_iter().find(|turn| turn.get("role").is_some_and(|role| role == "user"))?;
    content(turn.get("content")?)
}

/// Returns the text of a turn: a string, or the texts of its parts. Parts of other types, such as reasoning, are left out.
fn content(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => text_of_parts(parts),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

/// Returns the texts of the parts of a turn, if there are any.
fn text_of_parts(parts: &[Value]) -> Option<String> {
    let texts: Vec<&str> = parts
        .iter()
        .filter(|part| part.get("type").is_some_and(|kind| kind == "text"))
        .filter_map(|part| part.get("text")?.as_str())
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
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
            Value::Null => Some(NULL),
            Value::Array(list) => match list.as_slice() {
                [one] => only(one),
                _ => None,
            },
            Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
        }
    }
    let [filtered, all] = [filtered, all].map(|one| one.filter(|value| !value.is_null()));
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
    /// Responses whose reasoning was removed, with it, by prompt key.
    raw: BTreeMap<String, String>,
    /// Numbers of the lines that answer no prompt, from 1.
    pub unmatched: Vec<usize>,
}

impl ResponseFile {
    /// Reads a file with responses to a benchmark: JSON, or a Parquet file of predictions, which ends in `.parquet`.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, a line has no response or names no prompt, or predictions are those of another
    /// benchmark.
    pub fn read(path: &Path, benchmark: &str) -> Result<Self, EvalError> {
        if path.extension().is_some_and(|extension| extension == "parquet") {
            return Self::of_predictions(path, iopo_schema::read(path)?, benchmark);
        }
        let text = iopo_core::files::read_to_string(path)
            .map_err(|source| EvalError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Parses the text of a file, JSON lines or an array; `name` names it in errors.
    ///
    /// A byte order mark and the extensions of Python's JSON are accepted.
    ///
    /// # Errors
    /// Returns an error if a line has no response or names no prompt.
    pub fn parse(text: &str, name: &str) -> Result<Self, EvalError> {
        if without_bom(text).trim_start().starts_with('[') {
            return Self::parse_array(text, name);
        }
        let mut file = Self::empty(name, "line");
        let lines =
            without_bom(text).lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        for (number, line) in lines.map(|(at, line)| (at + 1, line)) {
            let bad = |reason: String| file.bad(number, reason);
            let fields: Fields =
                serde_json::from_str(&to_json(line)).map_err(|error| bad(error.to_string()))?;
            let read = fields.read().map_err(bad)?;
            file.push(number, read);
        }
        Ok(file)
    }

    fn empty(name: &str, unit: &'static str) -> Self {
        Self { name: name.to_owned(), unit, lines: Vec::new(), failed: 0 }
    }

    /// Adds a row. Its prompt stays unanswered if there is no response.
    fn push(&mut self, number: usize, (reference, response): (PromptReference, Option<String>)) {
        match response {
            Some(response) => {
                self.lines.push(ResponseLine { number, reference, response, raw: None });
            }
            None => self.failed += 1,
        }
    }

    fn bad(&self, line: usize, reason: String) -> EvalError {
        EvalError::Response { path: self.name.clone(), unit: self.unit, line, reason }
    }

    fn conflict(&self, line: usize, reason: String) -> EvalError {
        EvalError::ResponseConflict { path: self.name.clone(), unit: self.unit, line, reason }
    }

    /// Reads the file at `path` as [`Self::read`] does. With `strip_reasoning`, it keeps only the part of each response after the
    /// reasoning, and notes how many responses had any.
    pub(crate) fn open(
        path: &Path,
        benchmark: &str,
        strip_reasoning: bool,
        progress: &dyn Progress,
    ) -> Result<Self, EvalError> {
        let mut file = Self::read(path, benchmark)?;
        if file.failed > 0 {
            let failed = counted(file.failed, file.unit);
            progress.note(&format!("found {failed} without a response, as after a failed request"));
        }
        if strip_reasoning {
            let stripped = counted(file.strip_reasoning(), "response");
            progress.note(&format!("removed the reasoning from {stripped}"));
        }
        Ok(file)
    }

    /// Removes reasoning in `<think>` tags from the beginning of each response, and returns the number of responses that had any.
    /// Reasoning that never ends leaves a blank response.
    pub fn strip_reasoning(&mut self) -> usize {
        let mut stripped = 0;
        for line in &mut self.lines {
            let (_, answer) = split_reasoning(&line.response);
            if answer.len() < line.response.len() {
                let answer = answer.to_owned();
                line.raw = Some(std::mem::replace(&mut line.response, answer));
                stripped += 1;
            }
        }
        stripped
    }

    /// Matches the lines of the file at `path` with prompts. A line without a prompt is an error, or with `partial` a note.
    pub(crate) fn all_matched(
        &self,
        path: &Path,
        prompts: &[TestPrompt],
        partial: bool,
        progress: &dyn Progress,
    ) -> Result<MatchedResponses, EvalError> {
        let matched = self.matched(prompts)?;
        let Some(first) = matched.unmatched.first() else { return Ok(matched) };
        let (path, lines, first) = (path.to_owned(), matched.unmatched.len(), *first);
        if !partial {
            return Err(EvalError::UnmatchedResponses { path, unit: self.unit, lines, first });
        }
        progress.note(&format!("skipped {} to no prompt", counted(lines, "response")));
        Ok(matched)
    }

    /// Matches each line with its prompt.
    ///
    /// A text that two prompts share answers both, unless the key selects one of them. White space around a text matters only
    /// if a prompt has the same, because copies of a benchmark differ in it.
    ///
    /// # Errors
    /// Returns an error if the text and the key of a line name different prompts, or two lines answer a prompt
    /// differently.
    pub fn matched(&self, prompts: &[TestPrompt]) -> Result<MatchedResponses, EvalError> {
        let mut by_text: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut by_trimmed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for prompt in prompts {
            by_text.entry(&prompt.prompt).or_default().push(&prompt.key);
            by_trimmed.entry(prompt.prompt.trim()).or_default().push(&prompt.key);
        }
        let keys: BTreeSet<&str> = prompts.iter().map(|prompt| prompt.key.as_str()).collect();
        let mut matched = MatchedResponses {
            responses: BTreeMap::new(),
            raw: BTreeMap::new(),
            unmatched: Vec::new(),
        };
        for ResponseLine { number, reference, response, raw } in &self.lines {
            let keyed = reference.key.as_deref().filter(|key| keys.contains(key));
            let named: &[&str] = match (&reference.prompt, &keyed) {
                (Some(text), _) => by_text
                    .get(text.as_str())
                    .or_else(|| by_trimmed.get(text.trim()))
                    .map_or(&[], Vec::as_slice),
                (None, Some(key)) => std::slice::from_ref(key),
                (None, None) => &[],
            };
            if let (Some(key), Some(first)) = (keyed, named.first())
                && !named.contains(&key)
            {
                let reason = format!("its text is that of prompt `{first}`, its key is `{key}`");
                return Err(self.conflict(*number, reason));
            }
            if named.is_empty() {
                matched.unmatched.push(*number);
                continue;
            }
            for key in keyed.as_ref().map_or(named, std::slice::from_ref) {
                if let Some(raw) = raw {
                    matched.raw.insert((*key).to_owned(), raw.clone());
                }
                match matched.responses.insert((*key).to_owned(), response.clone()) {
                    Some(known) if known != *response => {
                        let reason =
                            format!("another {} answers prompt `{key}` differently", self.unit);
                        return Err(self.conflict(*number, reason));
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

    /// Gives a blank response, which follows no instruction, to the prompts without one, and returns their number.
    pub fn fail_missing(&mut self, prompts: &[TestPrompt]) -> usize {
        let mut missing = 0;
        for prompt in prompts {
            self.responses.entry(prompt.key.clone()).or_insert_with(|| {
                missing += 1;
                NULL.to_owned()
            });
        }
        missing
    }

    /// Returns the response to a prompt as the file has it, if its reasoning was removed.
    pub(super) fn raw(&self, key: &str) -> Option<&str> {
        self.raw.get(key).map(String::as_str)
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
                    {\"prompt\": \"a b\", \"key\": 1, \"response\": \"C\"}\n{\"key\": 9, \"response\": \"D\"}";
        let mut prompts = three();
        let matched =
            ResponseFile::parse(text, "x").expect("lines").matched(&prompts).expect("matched");
        let found: Vec<_> =
            prompts.iter().map(|p| matched.responses.get(&p.key).map(String::as_str)).collect();
        assert_eq!(found, [Some("A"), Some("B"), None]);
        assert_eq!(matched.unmatched, [4, 5]);
        assert_eq!((matched.keep_answered(&mut prompts), prompts.len()), (1, 2));
    }

    #[test]
    fn white_space_around_a_prompt_does_not_matter_unless_two_prompts_differ_in_it() {
        let prompts = [prompt("1", "a"), prompt("2", "b "), prompt("3", "b")];
        let text = "{\"prompt\": \" a\\n\", \"response\": \"A\"}\n{\"prompt\": \"b \", \"response\": \"B\"}\n\
                    {\"prompt\": \"b\", \"response\": \"C\"}";
        let matched = ResponseFile::parse(text, "x").and_then(|file| file.matched(&prompts));
        let matched = matched.expect("matched");
        let found: Vec<_> =
            prompts.iter().map(|one| matched.responses[&one.key].as_str()).collect();
        assert_eq!(found, ["A", "B", "C"]);
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
    fn reasoning_is_part_of_a_response_unless_it_is_stripped() {
        let responses = ["<think>B?</think>\nA", "C", "<think>never ends"];
        let line = |(at, text): (usize, &&str)| {
            format!("{{\"key\": {}, \"response\": {text:?}}}\n", at + 1)
        };
        let text: String = responses.iter().enumerate().map(line).collect();
        assert_eq!(matched(&text), responses.map(|text| Some(text.to_owned())));
        let mut file = ResponseFile::parse(&text, "x").expect("lines");
        assert_eq!(file.strip_reasoning(), 2);
        let found = file.matched(&three()).expect("matched");
        assert_eq!(
            ["1", "2", "3"].map(|key| found.raw(key)),
            [Some(responses[0]), None, Some(responses[2])]
        );
        assert_eq!(found.responses.into_values().collect::<Vec<_>>(), ["A", "C", ""]);
    }

    #[test]
    fn predictions_and_reviews_of_evalscope_are_responses() {
        let prediction = |prompt: &str, content: &str| {
            format!(
                "{{\"index\": 7, \"model\": \"m\", \"model_output\": {{\"choices\": [{{\"message\": {{\"role\": \"assistant\", \
                 \"content\": {content}}}}}]}}, \"messages\": [{{\"role\": \"system\", \"content\": \"s\"}}, {{\"role\": \
                 \"user\", \"content\": \"{prompt}\"}}, {{\"role\": \"assistant\", \"content\": \"x\"}}]}}\n"
            )
        };
        let parts =
            r#"[{"type": "reasoning", "reasoning": "b is"}, {"type": "text", "text": "B"}]"#;
        let review = r#"{"index": 2, "input": "**User**: c", "sample_score": {"score": {"prediction": "C"},
            "sample_metadata": {"key": 3, "prompt": "c"}}}"#;
        let text = prediction("a", "\"A\"") + &prediction("b", parts) + &review.replace('\n', " ");
        assert_eq!(matched(&text), ["A", "B", "C"].map(|text| Some(text.to_owned())));
        for (line, part) in [
            (prediction("a", "7"), "no text in `model_output`"),
            (review.replace("\"C\"", "1").replace('\n', " "), "no text in `sample_score`"),
            (
                review.replace("sample_metadata", "other").replace('\n', " "),
                "neither `prompt` nor `key`",
            ),
        ] {
            let error = ResponseFile::parse(&line, "x").expect_err("refused").to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn failed_requests_of_evalscope_leave_their_prompts_unanswered() {
        let row = |prompt: &str, output: &str| {
            format!(
                "{{\"model_output\": {output}, \"messages\": [{{\"role\": \"user\", \"content\": \"{prompt}\"}}]}}\n"
            )
        };
        let content = |content: &str| {
            format!("{{\"choices\": [{{\"message\": {{\"content\": {content}}}}}]}}")
        };
        let answered = row("a", &content("\"A\"")) + &row("b", &content("\"\""));
        let reasoning = content(r#"[{"type": "reasoning", "reasoning": "c is"}]"#);
        for failed in ["null", "{\"choices\": []}", "{}", &content("null"), &reasoning] {
            let text = answered.clone() + &row("c", failed);
            let expected = [Some("A".to_owned()), Some(String::new()), None];
            assert_eq!(matched(&text), expected, "{failed}");
            assert_eq!(ResponseFile::parse(&text, "x").expect("rows").failed, 1, "{failed}");
        }
        let error = ResponseFile::parse("{\"model_output\": null}", "x").expect_err("no prompt");
        assert!(error.to_string().contains("neither `prompt` nor `key`"), "{error}");
    }

    #[test]
    fn a_byte_order_mark_and_the_json_of_python_are_read() {
        let text = "\u{feff}{\"key\": 1, \"response\": \"A\", \"logprob\": NaN}\n\
                    {\"key\": 2, \"response\": \"half \\ud83d\", \"range\": [-Infinity, 1e999]}\n\
                    {\"key\": 3, \"response\": \"NaN\"}";
        let expected = ["A", "half \u{fffd}", "NaN"].map(|text| Some(text.to_owned()));
        assert_eq!(matched(text), expected);
        let error = ResponseFile::parse("{\"key\": 1, \"logprob\": NaN}", "x");
        assert!(error.expect_err("refused").to_string().contains("no `response`"));
    }

    #[test]
    fn null_is_a_blank_response_and_missing_ones_can_fail() {
        let text = "{\"key\": 1, \"response\": null}\n{\"key\": 2, \"response\": NaN}\n\
                    {\"doc\": {\"key\": 3}, \"resps\": [[null]], \"filtered_resps\": [null]}";
        assert_eq!(matched(text), [(); 3].map(|()| Some(String::new())));
        // Another field with the response is read instead.
        let text = "{\"key\": 1, \"response\": null, \"resps\": [[\"A\"]]}";
        assert_eq!(matched(text), [Some("A".to_owned()), None, None]);
        let mut found = ResponseFile::parse(text, "x")
            .and_then(|file| file.matched(&three()))
            .expect("matched");
        assert!(found.predictions(&three()).is_err());
        assert_eq!(found.fail_missing(&three()), 2);
        let rows = found.predictions(&three()).expect("predictions");
        assert_eq!(rows.iter().map(|row| row.response.as_str()).collect::<Vec<_>>(), ["A", "", ""]);
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
