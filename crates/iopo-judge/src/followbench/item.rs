//! Items of FollowBench.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::Language;
use crate::data::{Checks, records};
use crate::error::{DataError, Place};

const NAME: &str = "FollowBench";

/// The type of the constraints of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// The content of the answer.
    Content,
    /// The circumstances that the instruction describes.
    Situation,
    /// The style of the answer.
    Style,
    /// The format of the answer.
    Format,
    /// Examples that the answer follows.
    Example,
    /// Constraints of several types.
    Mixed,
}

impl Category {
    /// The name in the data.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Situation => "situation",
            Self::Style => "style",
            Self::Format => "format",
            Self::Example => "example",
            Self::Mixed => "mixed",
        }
    }
}

/// A rule that decides an item without a judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// The answer is the target.
    Equal,
    /// Every line of the answer is a line of the target.
    Lines,
    /// The answer is an element of the target, which is a list.
    Element,
    /// The last option in parentheses is the target.
    Letter,
    /// The last date is the target.
    Date,
    /// The last amount of money is the target.
    Money,
    /// The target occurs in the answer.
    Contains,
    /// The conditions of the source `cnn_dailymail`.
    CnnDailymail,
    /// The conditions of the source `xsum`.
    Xsum,
    /// The conditions of the source `samsum`.
    Samsum,
    /// The conditions of the source `gigaword`.
    Gigaword,
    /// The conditions of the source `arxiv`.
    Arxiv,
    /// The conditions of group 22 of the format file.
    Format22,
    /// The conditions of group 30 of the English format file.
    Format30,
    /// The answer fits the template of the target.
    Example,
}

/// An item: an instruction at one level of its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The language of the file.
    pub language: Language,
    /// The type.
    pub category: Category,
    /// The group.
    pub example_id: u64,
    /// The source of the instruction.
    pub source: String,
    /// The number of constraints, from 0 to 5. Level 0 is shown to the judge and gets no answer.
    pub level: usize,
    /// The instruction for the model.
    pub instruction: String,
    /// The reference that rules compare answers with.
    pub target: String,
}

impl Item {
    /// Unique key: language, type, group and level.
    pub fn key(&self) -> String {
        format!("{}/{}", self.group(), self.level)
    }

    /// Language, type and group, the unit of resampling.
    pub fn group(&self) -> String {
        format!("{}/{}/{}", self.language.id(), self.category.id(), self.example_id)
    }

    /// The rule that decides the item, or `None` if a judge does.
    pub fn rule(&self) -> Option<Rule> {
        match self.category {
            Category::Example => return Some(Rule::Example),
            Category::Format => {
                return match (self.language, self.example_id) {
                    (_, 22) => Some(Rule::Format22),
                    (Language::English, 30) => Some(Rule::Format30),
                    (Language::English | Language::Chinese, _) => None,
                };
            }
            Category::Content | Category::Situation | Category::Style | Category::Mixed => {}
        }
        Some(match self.source.as_str() {
            "E2E" | "text_editing" => Rule::Equal,
            "WIKIEVENTS" => Rule::Lines,
            "CONLL2003" => Rule::Element,
            "BBH_logical" => Rule::Letter,
            "BBH_time" => Rule::Date,
            "gsm_8k" => Rule::Money,
            "self_made_space" => Rule::Contains,
            "cnn_dailymail" => Rule::CnnDailymail,
            "xsum" => Rule::Xsum,
            "samsum" => Rule::Samsum,
            "gigaword" => Rule::Gigaword,
            "arxiv" => Rule::Arxiv,
            _ => return None,
        })
    }
}

#[derive(Deserialize)]
struct Row {
    example_id: u64,
    category: Category,
    #[serde(default)]
    source: Option<String>,
    level: usize,
    instruction: String,
    #[serde(default)]
    target: Value,
}

/// Parses one published file.
///
/// # Errors
/// Returns an error if the file is malformed, an item occurs twice, or a group lacks a level.
pub fn parse(language: Language, text: &str) -> Result<Vec<Item>, DataError> {
    let mut checks = Checks::new(NAME);
    let mut items = Vec::new();
    let mut groups: BTreeMap<String, (Place, [bool; 6])> = BTreeMap::new();
    for (place, row) in records::<Row>(NAME, text)? {
        if row.level > 5 {
            let reason = format!("found level {}, expected 0 to 5", row.level);
            return Err(checks.bad(place, reason));
        }
        let item = Item {
            language,
            category: row.category,
            example_id: row.example_id,
            source: row.source.unwrap_or_default(),
            level: row.level,
            instruction: row.instruction,
            target: match row.target {
                Value::String(text) => text,
                Value::Null => String::new(),
                other => other.to_string(),
            },
        };
        checks.key(place, &item.key())?;
        groups.entry(item.group()).or_insert((place, [false; 6])).1[item.level] = true;
        items.push(item);
    }
    for (group, (place, levels)) in groups {
        let first = usize::from(group.contains("/example/"));
        if let Some(level) = (first..=5).find(|&level| !levels[level]) {
            return Err(checks.bad(place, format!("group `{group}` lacks level {level}")));
        }
    }
    Ok(items)
}

/// The instructions of an item's group from level 0 to the item's level.
pub fn steps<'a>(items: &'a [Item], item: &Item) -> Vec<&'a str> {
    let mut steps: Vec<&Item> = items
        .iter()
        .filter(|other| {
            other.language == item.language
                && other.category == item.category
                && other.example_id == item.example_id
                && other.level <= item.level
        })
        .collect();
    steps.sort_by_key(|other| other.level);
    steps.into_iter().map(|other| other.instruction.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(level: usize) -> String {
        format!(
            r#"{{"example_id": 4, "category": "style", "source": "own", "level": {level}, "instruction": "I{level}", "target": ""}}"#
        )
    }

    #[test]
    fn groups_are_complete() {
        let rows: Vec<String> = (0..=5).map(row).collect();
        let items = parse(Language::English, &format!("[{}]", rows.join(","))).expect("items");
        assert_eq!(items[3].key(), "en/style/4/3");
        assert_eq!(steps(&items, &items[2]), ["I0", "I1", "I2"]);
        assert_eq!(items[3].rule(), None);
        let error =
            parse(Language::Chinese, &format!("[{}]", rows[..5].join(","))).expect_err("a gap");
        assert_eq!(
            error.to_string(),
            "element 1 is not an item of FollowBench: group `zh/style/4` lacks level 5"
        );
        assert!(parse(Language::English, &row(6)).is_err());
    }
}
