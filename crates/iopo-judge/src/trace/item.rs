//! Items of TRACE.

use serde::Deserialize;

use crate::data::{Checks, records};
use crate::error::DataError;

const NAME: &str = "TRACE";

/// The labels of constraints in the published file. A label outside the list counts as `other`.
pub const DIMENSIONS: [&str; 26] = [
    "主题约束",
    "排除约束",
    "包含约束",
    "价值观约束",
    "隐私约束",
    "数值约束",
    "角色扮演约束",
    "受众目标约束",
    "先验条件约束",
    "自然语言流程背景信息约束",
    "markdown流程背景信息约束",
    "表格背景信息约束",
    "文本背景信息约束",
    "语气风格约束",
    "情感情绪约束",
    "语言特征约束",
    "多语言约束",
    "输出格式约束",
    "文本样式约束",
    "语法结构约束",
    "引用和参考约束",
    "编号和列表约束",
    "层次化结构约束",
    "模版约束",
    "正例约束",
    "负例约束",
];

/// An item: a task with constraints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Unique id.
    pub id: String,
    /// Role and content of the messages for the model. Send them unchanged.
    pub messages: Vec<(String, String)>,
    /// The task.
    pub task: String,
    /// The constraints, in order.
    pub constraints: Vec<String>,
    /// The input that the task works on, if any.
    pub input: Option<String>,
    /// One label per constraint.
    pub dimensions: Vec<String>,
}

impl Item {
    /// The label of a constraint in tables.
    pub fn dimension(&self, index: usize) -> &str {
        match self.dimensions.get(index) {
            Some(label) if DIMENSIONS.contains(&label.as_str()) => label,
            Some(_) | None => "other",
        }
    }
}

#[derive(Deserialize)]
struct Row {
    id: Id,
    messages: Vec<RowMessage>,
    description: String,
    constraints_splits: Vec<String>,
    constraints_num: usize,
    input: Option<String>,
    levels2: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(i64),
}

#[derive(Deserialize)]
struct RowMessage {
    role: String,
    content: String,
}

/// Parses the published file.
///
/// # Errors
/// Returns an error if a line is malformed, an id occurs twice, or the numbers of constraints and labels differ.
pub fn parse(text: &str) -> Result<Vec<Item>, DataError> {
    let mut checks = Checks::new(NAME);
    let mut items = Vec::new();
    for (place, row) in records::<Row>(NAME, text)? {
        let id = match row.id {
            Id::Text(text) => text,
            Id::Number(number) => number.to_string(),
        };
        checks.key(place, &id)?;
        let count = row.constraints_splits.len();
        checks.parts(place, "constraints", count)?;
        if row.constraints_num != count || row.levels2.len() != count {
            let reason = format!(
                "found {count} constraints, {} labels and `constraints_num` {}, expected equal numbers",
                row.levels2.len(),
                row.constraints_num
            );
            return Err(checks.bad(place, reason));
        }
        if !row.messages.iter().any(|message| message.role == "user") {
            return Err(checks.bad(place, "found no message of role `user`"));
        }
        let messages = row.messages.into_iter();
        items.push(Item {
            id,
            messages: messages.map(|message| (message.role, message.content)).collect(),
            task: row.description,
            constraints: row.constraints_splits,
            input: row.input.filter(|input| !input.is_empty() && input != "NULL"),
            dimensions: row.levels2,
        });
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"id": "7", "messages": [{"role": "user", "content": "T\n1. c\n"}], "description": "T", "constraints_splits": ["1. c"], "constraints_num": 1, "input": "NULL", "levels2": ["·"]}"#;

    #[test]
    fn a_line_becomes_an_item() {
        let items = parse(LINE).expect("an item");
        assert_eq!((items[0].id.as_str(), &items[0].input), ("7", &None));
        assert_eq!(items[0].dimension(0), "other");
    }

    #[test]
    fn errors_name_the_line() {
        let twice = format!("{LINE}\n{LINE}");
        assert_eq!(
            parse(&twice).expect_err("a repeated id").to_string(),
            "line 2 repeats the key `7`"
        );
        for (from, to) in [
            ("\"constraints_num\": 1", "\"constraints_num\": 2"),
            ("[\"1. c\"]", "[]"),
            ("user", "x"),
        ] {
            let error = parse(&format!("\n{}", LINE.replace(from, to))).expect_err("a bad line");
            assert!(error.to_string().starts_with("line 2 is not an item of TRACE: "), "{error}");
        }
        let error = parse("{}").expect_err("no fields").to_string();
        assert!(error.starts_with("line 1 is not TRACE data: missing field"), "{error}");
    }
}
