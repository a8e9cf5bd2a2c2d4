//! The sections of a response: the text below its main headings.

use crate::{lines, references, text};

use super::mark::{NUMERALS, depth, is_heading, is_rule};

/// The texts below the headings of the highest level that occurs more than once, with all that stands below lower headings.
///
/// A heading that is alone on its level is the title. Headings themselves are no text, and the table of contents and the list of
/// references are no sections. Without headings, a line with a Chinese ordinal such as 第一章 starts a section.
pub(super) fn sections(response: &str) -> Vec<String> {
    let mut counts = [0_usize; CHAPTER + 1];
    for level in lines::outside_code(response).filter(|line| !is_list(line)).filter_map(level) {
        counts[level] += 1;
    }
    let Some(main) = counts.iter().position(|count| *count > 1) else { return Vec::new() };
    let mut found: Vec<String> = Vec::new();
    let mut open = false;
    for line in lines::outside_code(response) {
        match level(line) {
            Some(_) if is_list(line) => open = false,
            Some(level) if level == main => {
                open = true;
                found.push(String::new());
            }
            Some(level) => open &= level > main,
            None if is_rule(line) => {}
            None => {
                if let Some(last) = found.last_mut().filter(|_| open) {
                    last.push_str(line);
                    last.push('\n');
                }
            }
        }
    }
    found.retain(|section| text::has_text(section));
    found
}

/// Whether a heading names the table of contents or the list of references.
fn is_list(line: &str) -> bool {
    let line = line.trim();
    let name = text::fold(line.trim_matches(['#', '*', ' ', ':', '：']));
    ["目录", "目 录", "目錄", "contents", "table of contents"].contains(&name.as_str())
        || references::names_references(line)
}

/// The level of lines such as 第一章 茶.
const CHAPTER: usize = 10;

/// The level of a heading: at most 6 in Markdown, 9 for bold lines, 10 for lines such as 第一章 茶.
fn level(line: &str) -> Option<usize> {
    let trimmed = line.trim();
    if is_heading(trimmed) {
        return Some(depth(trimmed));
    }
    let rest = trimmed.strip_prefix('第')?;
    let name = rest.trim_start_matches(|c: char| c.is_ascii_digit() || NUMERALS.contains(&c));
    let title = ["章", "部分", "节"].iter().find_map(|end| name.strip_prefix(end))?;
    // 第一节是音乐课。 is a sentence.
    let is_apart =
        title.is_empty() || title.starts_with(|c: char| c.is_whitespace() || ":：、".contains(c));
    let is_short = trimmed.chars().nth(MOST_CHARS).is_none();
    let is_heading = name.len() < rest.len() && is_apart && is_short && !trimmed.contains('。');
    is_heading.then_some(CHAPTER)
}

/// The most characters of a line that starts a section.
const MOST_CHARS: usize = 30;

#[cfg(test)]
mod tests {
    use super::sections;

    #[test]
    fn sections_stand_below_the_main_headings() {
        let report = "# 茶\n\n前言。\n\n## 目录\n- 绿茶\n\n## 绿茶\n很香。\n### 龙井\n很好。\n\n## 红茶\n很浓。\n\n## 参考文献\n陆羽. (760). 茶经.";
        assert_eq!(sections(report), ["很香。\n很好。\n\n", "很浓。\n\n"]);
        assert_eq!(sections("**绿茶**\n很香。\n\n**红茶**\n很浓。").len(), 2);
        assert_eq!(sections("第一章 绿茶\n很香。\n第二章：红茶\n很浓。").len(), 2);
        // Text is no heading, and a single heading is the title.
        assert!(sections("绿茶很香。\n\n红茶很浓。").is_empty());
        assert!(sections("# 茶\n很香。").is_empty());
        // Headings without text make no section.
        assert_eq!(sections("## 绿茶\n\n## 红茶\n很浓。"), ["很浓。\n"]);
    }

    #[test]
    fn contents_and_references_do_not_choose_the_main_level() {
        let two = ["很香。\n", "很浓。\n"];
        let body = "## 绿茶\n很香。\n## 红茶\n很浓。";
        assert_eq!(sections(&format!("# 题\n{body}\n# 参考文献\n陆羽. (760). 茶经.")), two);
        assert_eq!(sections(&format!("# 题\n# 目录\n- 绿茶\n{body}")), two);
        let three = sections(&format!("# 茶\n# 目录\n- 绿茶\n{body}\n## 白茶\n很淡。"));
        assert_eq!(three, ["很香。\n", "很浓。\n", "很淡。\n"]);
        assert_eq!(sections(&format!("# Tea\n# Contents\n- a\n{body}\n# References\n[1] A.")), two);
        assert_eq!(sections(&format!("{body}\n### 参考文献\n陆羽. (760). 茶经.")), two);
        // The negative control: other headings on the level of the title are sections.
        assert_eq!(sections(&format!("# 题\n{body}\n# 结论\n好。")).len(), 2);
        assert_eq!(sections(&format!("# 题\n{body}\n# 结论\n好。"))[1], "好。\n");
    }

    #[test]
    fn a_sentence_about_a_lesson_starts_no_section() {
        for text in [
            "第一节是音乐课。\n很好。\n第二节是数学课。\n很难。",
            "第一节 是音乐课。\n很好。\n第二节 是数学课。\n很难。",
            "第章 绿茶\n很香。\n第节 红茶\n很浓。",
            "第一部分人来了\n很好。\n第二部分人走了\n很难。",
        ] {
            assert!(sections(text).is_empty(), "{text}");
        }
        for text in [
            "第一节\n很香。\n第二节\n很浓。",
            "第一部分、绿茶\n很香。\n第二部分、红茶\n很浓。",
            "第1章: 绿茶\n很香。\n第12章　红茶\n很浓。",
        ] {
            assert_eq!(sections(text).len(), 2, "{text}");
        }
    }
}
