//! The sections of a response: the text below its main headings.

use crate::{lines, references, text};

use super::mark::{depth, is_heading, is_rule};

/// The texts below the headings of the highest level that occurs more than once, with all that stands below lower headings.
///
/// A heading that is alone on its level is the title. Headings themselves are no text, and the table of contents and the list of
/// references are no sections. Without headings, a line with a Chinese ordinal such as 第一章 starts a section.
pub(super) fn sections(response: &str) -> Vec<String> {
    let heads: Vec<usize> = lines::outside_code(response).filter_map(level).collect();
    let twice = |level: &&usize| heads.iter().filter(|other| other == level).count() > 1;
    let Some(&main) = heads.iter().filter(twice).min() else { return Vec::new() };
    let mut found: Vec<String> = Vec::new();
    let mut open = false;
    for line in lines::outside_code(response) {
        match level(line) {
            Some(level) if level == main => {
                let is_contents = line.trim().trim_matches(['#', '*', ' ', ':', '：']) == "目录";
                open = !is_contents && !references::names_references(line.trim());
                if open {
                    found.push(String::new());
                }
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

/// The level of a heading; 9 for bold lines, 10 for lines such as 第一章 茶.
fn level(line: &str) -> Option<usize> {
    let trimmed = line.trim();
    if is_heading(trimmed) {
        return Some(depth(trimmed));
    }
    let rest = trimmed
        .strip_prefix('第')?
        .trim_start_matches(|c: char| c.is_ascii_digit() || super::mark::NUMERALS.contains(&c));
    let ends = ["章", "部分", "节"];
    let is_short = trimmed.chars().nth(MOST_CHARS).is_none();
    (is_short && ends.iter().any(|end| rest.starts_with(end))).then_some(10)
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
}
