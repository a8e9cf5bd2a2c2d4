//! Items of CFBench.

use serde::Deserialize;

use crate::data::{Checks, records};
use crate::error::DataError;

const NAME: &str = "CFBench";

/// The difficulty of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// The easy half.
    Easy,
    /// The hard half.
    Hard,
}

/// The priority of a criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Priority {
    /// A primary demand (主需).
    #[serde(rename = "主需")]
    Primary,
    /// A secondary demand (次需).
    #[serde(rename = "次需")]
    Secondary,
}

/// A point that the judge marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// The text, which may begin or end with white space.
    pub text: String,
    /// The priority.
    pub priority: Priority,
    /// The type. Empty for some criteria.
    pub kind: String,
    /// The subtype.
    pub subkind: String,
}

impl Criterion {
    /// A criterion without a type.
    pub fn new(text: impl Into<String>, priority: Priority) -> Self {
        Self { text: text.into(), priority, kind: String::new(), subkind: String::new() }
    }
}

/// An item: an instruction with criteria.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Unique index.
    pub index: u64,
    /// The instruction for the model.
    pub prompt: String,
    /// The reference answer. Empty for most items.
    pub reference: String,
    /// The difficulty.
    pub split: Split,
    /// The criteria, in order.
    pub criteria: Vec<Criterion>,
}

#[derive(Deserialize)]
struct Row {
    idx: u64,
    prompt: String,
    #[serde(default)]
    gold: Option<String>,
    split: Split,
    criteria: Vec<(String, Priority, String, String)>,
}

/// Parses the published file, a JSON array.
///
/// # Errors
/// Returns an error if the file is malformed, an index occurs twice, or an item has no criteria.
pub fn parse(text: &str) -> Result<Vec<Item>, DataError> {
    let mut checks = Checks::new(NAME);
    let mut items = Vec::new();
    for (place, row) in records::<Row>(NAME, text)? {
        checks.key(place, &row.idx.to_string())?;
        checks.parts(place, "criteria", row.criteria.len())?;
        let criteria = row.criteria.into_iter();
        items.push(Item {
            index: row.idx,
            prompt: row.prompt,
            reference: row.gold.unwrap_or_default(),
            split: row.split,
            criteria: criteria
                .map(|(text, priority, kind, subkind)| Criterion { text, priority, kind, subkind })
                .collect(),
        });
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_read_and_problems_are_placed() {
        let item = r#"{"idx": 3, "prompt": "p", "gold": "", "doamin": "教育", "split": "hard",
            "criteria": [["感谢信", "主需", "内容约束", "x"], ["短", "次需", "", ""]]}"#;
        let items = parse(&format!("[{item}]")).expect("an item");
        assert_eq!(items[0].criteria[1].priority, Priority::Secondary);
        let twice = parse(&format!("[{item},\n{item}]")).expect_err("a repeated index");
        assert_eq!(twice.to_string(), "element 2 repeats the key `3`");
        let bad = parse(&format!("[{item},\n{}]", item.replace("次需", "要求")));
        let error = bad.expect_err("an unknown priority").to_string();
        assert!(error.starts_with("line 4 is not CFBench data: unknown variant"), "{error}");
        assert!(parse("[{\"idx\":1,\"prompt\":\"\",\"split\":\"easy\",\"criteria\":[]}]").is_err());
    }
}
