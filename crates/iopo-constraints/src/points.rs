//! Numbered points: items of numbered lists, and headings and bold lines with numbers.

use crate::{han, lines, references, text};

/// The longest point with a number such as 1.1, in characters.
const MOST_OUTLINE_CHARS: usize = 40;

/// The lines with numbers in front: `1. …`, 一、…, `### 1. …`, `**1. …**` and `1.1 …`. Lists of references do not count.
pub(crate) fn numbered(response: &str) -> Vec<&str> {
    let mut in_references = false;
    let mut found = Vec::new();
    for line in lines::filled(response).map(str::trim) {
        let is_bold = line.starts_with("**") && line.trim_end_matches([':', '：']).ends_with("**");
        if references::names_references(line) {
            in_references = true;
        } else if lines::heading(line).is_some() || is_bold {
            in_references = false;
        }
        if !in_references && is_numbered(line) {
            found.push(line);
        }
    }
    found
}

fn is_numbered(line: &str) -> bool {
    let bare = line.trim_start_matches(['#', '*', '_', '>', ' ']);
    let has_number = lines::item(bare).is_some_and(|(mark, _)| !mark.is_bullet());
    has_number || han::is_list_item(bare) || has_arabic_number(bare)
}

/// Whether a line starts with a number and a mark without a space, or with a number such as 1.1.
fn has_arabic_number(line: &str) -> bool {
    let digits = |text: &str| text.bytes().take(3).take_while(u8::is_ascii_digit).count();
    let first = digits(line);
    if !(1..=2).contains(&first) {
        return false;
    }
    let Some(rest) = line[first..].strip_prefix(['.', ')', '）', '．', ':', '：']) else {
        return false;
    };
    let second = digits(rest);
    if second == 0 {
        return rest.starts_with(han::is_han) || rest.starts_with(['*', '“', '《', '【']);
    }
    let is_short = line.chars().nth(MOST_OUTLINE_CHARS).is_none() && !line.ends_with(['。', '；']);
    let outlined = rest[second..].starts_with(' ') && text::has_text(&rest[second..]);
    line[first..].starts_with('.') && second <= 2 && is_short && outlined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_headings_and_bold_lines_are_points() {
        for text in [
            "1. 注册账号\n2. 搜索商品",
            "### 1. 低血压\n- 原因：失血\n### 2. 贫血\n- 原因：缺铁",
            "**1. 低血压**\n补液。\n**2. 贫血**\n输血。",
            "## 一、气候变化\n内容\n## 二、海平面上升\n内容",
            "1.注册账号\n2.搜索商品",
            "1.1 时光的印记\n1.2 音乐与回忆",
            "1、买茶\n2、买奶",
        ] {
            assert_eq!(numbered(text).len(), 2, "{text}");
        }
        for text in [
            "## 低血压\n- 原因：失血\n## 贫血\n- 原因：缺铁",
            "抑郁症很常见。\n\n## 参考文献\n1. WHO. (2021). 报告.\n2. Lu. (2020). 茶.",
            "3.5 元一杯茶。\n2024年，茶价上涨。",
            "3.14\n第一，喝茶。",
        ] {
            assert!(numbered(text).is_empty(), "{text}");
        }
        let after = "**参考文献：**\n1. WHO. (2021). 报告.\n\n## 1. 附录\n内容";
        assert_eq!(numbered(after), ["## 1. 附录"]);
    }
}
