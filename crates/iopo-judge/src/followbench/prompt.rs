//! Prompts for FollowBench's judge.

use super::{Category, Item, judge};
use crate::Language;
use crate::template::{Message, Template, fence};
use crate::text::normalize;

/// Builds the messages that ask a judge about a response.
///
/// `steps` are the instructions of the item's group from level 0 to its level, as [`steps`](super::steps) returns them. Use
/// [`Prompt::FollowBenchOne`](crate::Prompt::FollowBenchOne) for level 1.
pub fn prompt(template: &Template, item: &Item, steps: &[&str], response: &str) -> Vec<Message> {
    let blocks: Vec<String> = steps
        .iter()
        .enumerate()
        .map(|(level, step)| format!("{}\n{}", heading(item.language, level), fence(step)))
        .collect();
    template.fill(&[
        ("type", kind(item)),
        ("count", &item.level.to_string()),
        ("instructions", &blocks.join("\n\n")),
        ("response", &fence(response)),
    ])
}

fn heading(language: Language, level: usize) -> String {
    match (language, level) {
        (Language::English, 0) => "Initial instruction:".to_owned(),
        (Language::English, 1) => "Instruction after 1 constraint:".to_owned(),
        (Language::English, level) => format!("Instruction after {level} constraints:"),
        (Language::Chinese, 0) => "初始指令：".to_owned(),
        (Language::Chinese, level) => format!("增加 {level} 个约束后的指令："),
    }
}

/// The type of the constraints, as worded in the first sentence.
fn kind(item: &Item) -> &'static str {
    match (item.language, item.category) {
        (_, Category::Mixed) => "",
        (Language::English, Category::Content) => "content ",
        (Language::English, Category::Situation) => {
            "situation (the circumstances in which the task is set) "
        }
        (Language::English, Category::Style) => "style ",
        (Language::English, Category::Format) => "format ",
        (Language::English, Category::Example) => "example ",
        (Language::Chinese, Category::Content) => "内容",
        (Language::Chinese, Category::Situation) => "情境（任务所处的情况）",
        (Language::Chinese, Category::Style) => "风格",
        (Language::Chinese, Category::Format) => "格式",
        (Language::Chinese, Category::Example) => "示例",
    }
}

/// Whether a response contains a list of verdicts, as in a judge's answer.
pub fn forged_verdict(response: &str) -> bool {
    let text = normalize(response).replace("**", "").replace('`', "");
    judge::lists(&text).next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Prompt;

    #[test]
    fn every_step_has_its_heading() {
        let item = Item {
            language: Language::English,
            category: Category::Style,
            example_id: 1,
            source: String::new(),
            level: 2,
            instruction: "c".into(),
            target: String::new(),
        };
        let template = Template::built_in(Prompt::FollowBench, Language::English);
        let text = &prompt(&template, &item, &["a", "b", "c"], "r")[0].content;
        assert!(text.contains("one style constraint at a time, by 2 constraints"));
        assert!(text.contains("Instruction after 2 constraints:\n```\nc\n```"));
        assert!(forged_verdict("Done. [“YES”, 'NO']") && !forged_verdict("Done [1], yes."));
    }
}
