//! Reads the writer's and the judge's answers.

use iopo_constraints::Dimension;
use iopo_judge::Language;
use serde_json::{Map, Value};

use super::dimension::{named, nearest};
use super::text::without_number;

/// Number of opening braces at which an object is looked for.
const MAX_STARTS: usize = 64;

/// What is wrong with the form of an answer, in a few words for the next attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The answer has no JSON object with this key.
    NoObject(&'static str),
    /// A field is missing or has another type.
    Field(&'static str),
    /// The name of a dimension is unknown.
    Dimension(String),
    /// The scores of a rating cannot be used.
    Scores(iopo_judge::Unjudged),
}

impl Fault {
    /// Describes the fault.
    pub(crate) fn text(&self, language: Language) -> String {
        match (self, language) {
            (Self::NoObject(key), Language::English) => {
                format!("found no JSON object with \"{key}\"")
            }
            (Self::NoObject(key), Language::Chinese) => {
                format!("没有找到含 \"{key}\" 的 JSON 对象")
            }
            (Self::Field(key), Language::English) => {
                format!("\"{key}\" is missing or has another type")
            }
            (Self::Field(key), Language::Chinese) => format!("\"{key}\" 缺失或类型不对"),
            (Self::Dimension(name), Language::English) => format!("unknown dimension \"{name}\""),
            (Self::Dimension(name), Language::Chinese) => format!("未知的维度 \"{name}\""),
            (Self::Scores(reason), Language::English) => reason.to_string(),
            (Self::Scores(reason), Language::Chinese) => format!("打分无法读取（{reason}）"),
        }
    }
}

/// A constraint with its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Labeled {
    pub(crate) text: String,
    /// `None` if the label is unknown and resembles no dimension.
    pub(crate) dimension: Option<Dimension>,
    /// A kind with parameters that the writer proposes as the check.
    pub(crate) check: Option<ProposedCheck>,
}

/// A kind with parameters as JSON. Nothing about it is known to be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProposedCheck {
    pub(crate) kind: String,
    pub(crate) params: String,
}

/// Reads a proposed check. Another form than the one that was asked for is no check, because the text alone is enough.
fn proposed(object: &Map<String, Value>) -> Option<ProposedCheck> {
    let check = object.get("check")?.as_object()?;
    let params = match check.get("params") {
        // Schemas that servers enforce allow no object with free keys.
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(params)) => Value::Object(params.clone()).to_string(),
        None | Some(Value::Null) => "{}".to_owned(),
        Some(_) => return None,
    };
    let kind = check.get("kind")?.as_str()?.trim().to_owned();
    Some(ProposedCheck { kind, params })
}

/// The parts of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) poor: bool,
    pub(crate) task: String,
    pub(crate) constraints: Vec<Labeled>,
    pub(crate) input: Option<String>,
}

/// Removes reasoning before the answer.
pub(crate) fn answer_text(text: &str) -> &str {
    let text = text.trim();
    match text.strip_prefix("<think>") {
        Some(rest) => rest.split_once("</think>").map_or("", |(_, answer)| answer).trim(),
        None => text,
    }
}

/// Removes a code fence around an instruction. A response keeps its fences, because they are a part of the answer, and JSON is
/// found inside of them.
pub(crate) fn unfenced(text: &str) -> &str {
    let inner = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    match inner.and_then(|inner| inner.split_once('\n')) {
        Some((word, body)) if word.chars().all(char::is_alphanumeric) && !body.contains("```") => {
            body.trim()
        }
        Some(_) | None => text,
    }
}

/// Finds the last JSON object with a key that is not inside another one.
pub(crate) fn object(text: &str, key: &'static str) -> Result<Map<String, Value>, Fault> {
    let (mut found, mut rest) = (None, text);
    for _ in 0..MAX_STARTS {
        let Some(start) = rest.find('{') else { break };
        let mut values = serde_json::Deserializer::from_str(&rest[start..]).into_iter::<Value>();
        match values.next() {
            Some(Ok(Value::Object(value))) => {
                rest = &rest[start + values.byte_offset()..];
                if value.contains_key(key) {
                    found = Some(value);
                }
            }
            Some(_) | None => rest = &rest[start + 1..],
        }
    }
    found.ok_or(Fault::NoObject(key))
}

/// Reads a boolean, also as a word.
fn boolean(object: &Map<String, Value>, key: &'static str) -> Result<bool, Fault> {
    match object.get(key) {
        Some(Value::Bool(value)) => Ok(*value),
        Some(Value::String(text)) => match text.trim().to_lowercase().as_str() {
            "true" | "yes" | "是" => Ok(true),
            "false" | "no" | "否" => Ok(false),
            _ => Err(Fault::Field(key)),
        },
        Some(_) | None => Err(Fault::Field(key)),
    }
}

pub(crate) fn string<'a>(
    object: &'a Map<String, Value>,
    key: &'static str,
) -> Result<&'a str, Fault> {
    object.get(key).and_then(Value::as_str).map(str::trim).ok_or(Fault::Field(key))
}

/// Whether a text stands for an absent part.
fn is_absent(text: &str) -> bool {
    let text = text.trim_matches(|c: char| c.is_whitespace() || "\"'“”‘’`".contains(c));
    text.is_empty() || text.eq_ignore_ascii_case("null") || text == "无"
}

/// Reads the parts of an instruction. In the last attempt, an unknown dimension becomes the nearest one.
pub(crate) fn parts(text: &str, last: bool) -> Result<Parts, Fault> {
    let object = object(text, "quality")?;
    let poor = match string(&object, "quality")?.to_lowercase().as_str() {
        "good" => false,
        "poor" => true,
        _ => return Err(Fault::Field("quality")),
    };
    let empty = Parts { poor, task: String::new(), constraints: Vec::new(), input: None };
    if poor {
        return Ok(empty);
    }
    let task = string(&object, "task")?;
    let constraints = match object.get("constraints") {
        Some(Value::Array(list)) => {
            let one = |value: &Value| {
                let object = value.as_object().ok_or(Fault::Field("constraints"))?;
                labeled(object, "text", last)
            };
            list.iter().map(one).collect::<Result<Vec<_>, _>>()?
        }
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) if is_absent(text) => Vec::new(),
        Some(_) => return Err(Fault::Field("constraints")),
    };
    let input = match object.get("input") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.trim().to_owned()).filter(|text| !is_absent(text)),
        Some(_) => return Err(Fault::Field("input")),
    };
    let task = if is_absent(task) { String::new() } else { task.to_owned() };
    Ok(Parts { task, constraints, input, ..empty })
}

/// Reads a constraint with its dimension.
pub(crate) fn labeled(
    object: &Map<String, Value>,
    key: &'static str,
    last: bool,
) -> Result<Labeled, Fault> {
    let text = without_number(string(object, key)?).to_owned();
    if text.is_empty() {
        return Err(Fault::Field(key));
    }
    let name = string(object, "dimension")?;
    let check = proposed(object);
    match named(name) {
        Some(dimension) => Ok(Labeled { text, dimension: Some(dimension), check }),
        None if last => Ok(Labeled { text, dimension: nearest(name), check }),
        None => Err(Fault::Dimension(name.chars().take(40).collect())),
    }
}

/// Reads a new constraint.
pub(crate) fn constraint(text: &str, last: bool) -> Result<Labeled, Fault> {
    labeled(&object(text, "constraint")?, "constraint", last)
}

/// Reads one decision of a judge.
pub(crate) fn decision(text: &str, key: &'static str) -> Result<bool, Fault> {
    boolean(&object(text, key)?, key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_found_among_other_text() {
        assert_eq!(decision("So {x}: {\"complete\": \"是\"} done", "complete"), Ok(true));
        assert_eq!(decision("{\"complete\": 1}", "complete"), Err(Fault::Field("complete")));
        assert_eq!(decision("complete: true", "complete"), Err(Fault::NoObject("complete")));
        assert_eq!(decision(&"{".repeat(100_000), "complete"), Err(Fault::NoObject("complete")));
        let inside = r#"{"explanation": "{\"complete\": true}", "complete": false}"#;
        assert_eq!(decision(inside, "complete"), Ok(false));
    }

    #[test]
    fn absent_parts_are_recognized() {
        for input in ["null", "\"NULL\"", "\"'null'\"", "\"\"", "\" “NULL” \""] {
            let text = format!(
                r#"{{"quality":"good","task":"T","constraints":[{{"text":"1. a","dimension":"theme"}}],"input":{input}}}"#
            );
            let found = parts(&text, false).expect("parts");
            assert_eq!((found.input, found.constraints[0].text.as_str()), (None, "a"), "{input}");
        }
    }

    #[test]
    fn a_proposed_check_is_read_and_another_form_is_none() {
        let read = |check: &str| {
            let text = format!(
                r#"{{"constraint": "Be brief.", "dimension": "numerical", "check": {check}}}"#
            );
            constraint(&text, false).expect("a constraint").check
        };
        let expected =
            ProposedCheck { kind: "max_words".to_owned(), params: r#"{"n":40}"#.to_owned() };
        for form in [
            r#"{"kind": "max_words", "params": {"n": 40}}"#,
            r#"{"kind": " max_words ", "params": "{\"n\":40}"}"#,
        ] {
            assert_eq!(read(form), Some(expected.clone()), "{form}");
        }
        assert_eq!(read(r#"{"kind": "table"}"#).map(|check| check.params), Some("{}".to_owned()));
        for form in ["null", "7", "{}", r#"{"kind": 7}"#, r#"{"kind": "table", "params": [1]}"#] {
            assert_eq!(read(form), None, "{form}");
        }
    }

    #[test]
    fn an_unknown_dimension_is_asked_again_then_mapped() {
        let text = r#"{"constraint": "Be kind.", "dimension": "tone and styles"}"#;
        assert!(matches!(constraint(text, false), Err(Fault::Dimension(_))));
        let found = constraint(text, true).expect("the nearest");
        assert_eq!(found.dimension, Some(Dimension::ToneAndStyle));
    }

    #[test]
    fn reasoning_is_removed_and_fences_only_around_an_instruction() {
        let text = answer_text("<think>{\"score\": 10}</think>\n```text\nHi\n```");
        assert_eq!((text, unfenced(text)), ("```text\nHi\n```", "Hi"));
        assert_eq!(answer_text("<think>never ends"), "");
        let two = "```a\nx\n```\nand\n```b\ny\n```";
        assert_eq!((answer_text(two), unfenced(two)), (two, two));
        let fenced = "```json\n{\"complete\": true}\n```";
        assert_eq!(decision(answer_text(fenced), "complete"), Ok(true));
    }
}
