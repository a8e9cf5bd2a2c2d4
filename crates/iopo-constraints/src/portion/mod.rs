//! Parts of a response, their sizes and their number: paragraphs, list entries, the title, verses, parts with names.

mod entry;
mod mark;
mod section;
mod stanza;
mod title;

use serde::{Deserialize, Serialize};

use entry::{behind_label, entries, labeled, rows};
use mark::{depth, is_heading, is_rule, mark, steps};
use section::sections;
use stanza::stanzas;
use title::title;

use crate::{
    citation, han,
    lines::{self, outside_code},
    markup, points,
    references::references,
    structure, text,
};

/// A part of a response that is counted or measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A paragraph of prose. Paragraphs stand between blank lines, or on lines of their own if no line is blank.
    /// Headings, list items, tables and code are no paragraphs, unless the response has nothing else.
    Paragraph,
    /// An entry of the list that the response consists of: a numbered item with all that belongs to it. Without numbered
    /// items it is a section below a heading, else a bullet, else a row of a table, else a paragraph.
    Entry,
    /// A step: a line with a number (`1.`, 步骤1, 第一步, `Step 1`) of a sequence that counts up from 1. Sequences with the
    /// same mark, such as those of several stages, count together.
    Step,
    /// The title: the text behind 标题： or `Title:`, else the first line if it is a heading, in bold, in 《》 or alone.
    Title,
    /// A stanza: verses between blank lines. A title is no stanza.
    Stanza,
    /// A line of a stanza.
    Verse,
    /// A row of a table, without the header.
    Row,
    /// An entry of the list of references: a line below 参考文献 or References, or a line that starts with `[1]`.
    Reference,
    /// A source that the response cites: an entry of the list of references, or another author with a year, or number.
    Source,
    /// A question: a sentence that ends with a question mark.
    Question,
    /// A filled line of a fenced code block.
    CodeLine,
    /// A block of code, or the whole response if it has none. Blocks of data and output are none, and those without a language
    /// only if no block has one.
    CodeBlock,
    /// A point with a number: an item of a numbered list, or a heading or bold line with a number, outside of lists of
    /// references.
    Point,
    /// A section: the text below one of the main headings. A heading that is alone on its level is the title, and the list of
    /// references is no section.
    Section,
}

/// What the size of a part counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// Characters as Chinese readers count them (字).
    Characters,
    /// Words between spaces.
    Words,
    /// Sentences.
    Sentences,
    /// Filled lines.
    Lines,
}

impl Size {
    fn of(self, part: &str) -> usize {
        match self {
            Self::Characters => han::characters(part),
            Self::Words => text::word_count(part),
            Self::Sentences => han::sentences(part),
            Self::Lines => lines::filled(part).count(),
        }
    }
}

/// The parts of a response that a limit holds for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Parts {
    /// All parts of this sort.
    All(Unit),
    /// In each entry, the part with this label in lower case (简介：…, or a column of a table). An entry without it counts
    /// as a whole, without its heading.
    Labeled(String),
    /// The parts below headings or behind labels with this name in lower case.
    Named(String),
}

/// A count of parts, or the size of one of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Portion {
    Count(Unit),
    /// The size of the smallest part, 0 if there is none.
    Smallest(Parts, Size),
    /// The size of the largest part.
    Largest(Parts, Size),
}

impl Portion {
    /// The count. If the response is a block marked as Markdown, the text inside is counted. Except for units of code, a short
    /// line in front of the block and one behind it are left out.
    pub(crate) fn count(&self, response: &str) -> usize {
        let response = match self {
            Self::Count(Unit::CodeLine | Unit::CodeBlock)
            | Self::Smallest(Parts::All(Unit::CodeLine | Unit::CodeBlock), _)
            | Self::Largest(Parts::All(Unit::CodeLine | Unit::CodeBlock), _) => {
                lines::unwrapped(response)
            }
            _ => opened(response),
        };
        match self {
            Self::Count(unit) => units(*unit, response).len(),
            Self::Smallest(parts, size) => sizes(parts, *size, response).min().unwrap_or(0),
            Self::Largest(parts, size) => sizes(parts, *size, response).max().unwrap_or(0),
        }
    }
}

impl Unit {
    /// The plural.
    pub(crate) fn nouns(self) -> &'static str {
        match self {
            Self::Paragraph => "paragraphs",
            Self::Entry => "list entries",
            Self::Step => "steps",
            Self::Title => "titles",
            Self::Stanza => "stanzas",
            Self::Verse => "verses",
            Self::Row => "table rows",
            Self::Reference => "references",
            Self::Source => "cited sources",
            Self::Question => "questions",
            Self::CodeLine => "lines of code",
            Self::CodeBlock => "code blocks",
            Self::Point => "numbered points",
            Self::Section => "sections",
        }
    }
}

impl Size {
    /// The plural.
    pub(crate) fn nouns(self) -> &'static str {
        match self {
            Self::Characters => "Chinese characters",
            Self::Words => "words",
            Self::Sentences => "sentences",
            Self::Lines => "lines",
        }
    }
}

impl Parts {
    fn noun(&self) -> String {
        match self {
            Self::All(unit) => unit.nouns().to_owned(),
            Self::Labeled(label) => format!("list entries with “{label}”"),
            Self::Named(name) => format!("parts “{name}”"),
        }
    }
}

impl Portion {
    /// The name of the count, for a reader.
    pub(crate) fn noun(&self) -> String {
        let of = |which: &str, parts: &Parts, size: Size| {
            format!("{} in the {which} of the {}", size.nouns(), parts.noun())
        };
        match self {
            Self::Count(unit) => unit.nouns().to_owned(),
            Self::Smallest(parts, size) => of("smallest", parts, *size),
            Self::Largest(parts, size) => of("largest", parts, *size),
        }
    }
}

/// The longest line around a block with the text, in characters.
const MOST_LINE_CHARS: usize = 60;

/// The text inside of a code block marked as Markdown. At most one short line may stand in front of the block, such as
/// 以下是文章：, and one behind it. Other responses stay as they are.
fn opened(response: &str) -> &str {
    let is_short = |text: &str| {
        let mut around = lines::filled(text).filter(|line| !is_rule(line));
        let first = around.next().is_none_or(|line| line.chars().nth(MOST_LINE_CHARS).is_none());
        first && around.next().is_none()
    };
    let mut fences = lines::all(response).filter(|(_, line)| line.trim_start().starts_with("```"));
    let (Some((start, _)), Some((end, last))) = (fences.next(), fences.last()) else {
        return response;
    };
    let end = end + last.len();
    let block = &response[start..end];
    let text = lines::unwrapped(block);
    let is_whole = is_short(&response[..start]) && is_short(&response[end..]);
    if is_whole && text.len() < block.len() { text } else { response }
}

fn sizes(parts: &Parts, size: Size, response: &str) -> impl Iterator<Item = usize> {
    let found = match parts {
        Parts::All(unit) => units(*unit, response),
        Parts::Labeled(label) => labeled(response, label),
        Parts::Named(name) => named(response, name),
    };
    found.into_iter().map(move |part| size.of(&part))
}

fn units(unit: Unit, response: &str) -> Vec<String> {
    match unit {
        Unit::Paragraph => paragraphs(response),
        Unit::Entry => entries(response).into_iter().map(|entry| entry.whole()).collect(),
        Unit::Step => steps(response),
        Unit::Title => title(response).into_iter().collect(),
        Unit::Stanza => stanzas(response),
        Unit::Verse => stanzas(response)
            .iter()
            .flat_map(|stanza| lines::filled(stanza))
            .map(str::to_owned)
            .collect(),
        Unit::Row => rows(response).iter().map(|(_, row)| (*row).to_owned()).collect(),
        Unit::Question => {
            let marks = outside_code(response).flat_map(|line| line.split_inclusive(['?', '？']));
            let ends = |piece: &&str| piece.ends_with(['?', '？']) && text::has_text(piece);
            marks.filter(ends).map(str::to_owned).collect()
        }
        Unit::CodeLine => mark::code(response),
        Unit::CodeBlock => {
            markup::programs(response).iter().map(|block| block.join("\n")).collect()
        }
        Unit::Section => sections(response),
        Unit::Point => points::numbered(response).into_iter().map(str::to_owned).collect(),
        Unit::Source => citation::sources(response),
        Unit::Reference => references(response).into_iter().map(str::to_owned).collect(),
    }
}

fn paragraphs(response: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut items = Vec::new();
    let apart = !response.trim().contains("\n\n");
    let mut open = false;
    for line in outside_code(response) {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            open = false;
        } else if mark(trimmed).is_some() || lines::item(trimmed).is_some() {
            items.push(trimmed.to_owned());
            open = false;
        } else if is_heading(trimmed)
            || lines::is_row(trimmed)
            || is_rule(trimmed)
            || trimmed.ends_with([':', '：'])
        {
            // 排查结果如下：leads to a list.
            open = false;
        } else {
            match found.last_mut() {
                Some(last) if open && !apart => {
                    last.push('\n');
                    last.push_str(trimmed);
                }
                _ => found.push(trimmed.to_owned()),
            }
            open = true;
        }
    }
    if found.is_empty() { items } else { found }
}

fn named(response: &str, name: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    // The depth of the heading whose part is open; 0 behind a label with text, which ends at a blank line.
    let mut open: Option<usize> = None;
    for line in outside_code(response) {
        let line = lines::without_tags(line);
        let trimmed = line.trim();
        if trimmed.is_empty() {
            open = open.filter(|depth| *depth > 0);
            continue;
        }
        if structure::heads(trimmed, name) {
            let text = behind_label(trimmed, name).unwrap_or_default();
            found.push(text.to_owned());
            open = Some(if text.is_empty() { depth(trimmed) } else { 0 });
            continue;
        }
        let ends = (is_heading(trimmed) && open.is_some_and(|open| depth(trimmed) <= open))
            || is_rule(trimmed)
            || open.is_some_and(|open| open == 9 && trimmed.starts_with('【'));
        open = open.filter(|_| !ends);
        if let Some(last) = found.last_mut().filter(|_| open.is_some() && !is_heading(trimmed)) {
            last.push('\n');
            last.push_str(trimmed);
        }
    }
    // 【摘要结束】 marks the end of a part.
    let has_text = |part: &String| text::has_text(part);
    if found.iter().any(has_text) {
        found.retain(has_text);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes_of(unit: Unit, size: Size, response: &str) -> Vec<usize> {
        sizes(&Parts::All(unit), size, response).collect()
    }

    #[test]
    fn paragraphs_are_prose() {
        let text = "# 茶\n\n茶很好。\n喝茶。\n\n**绿茶**\n\n绿茶香。\n\n- 买茶";
        assert_eq!(sizes_of(Unit::Paragraph, Size::Characters, text), [5, 3]);
        assert_eq!(units(Unit::Paragraph, "茶很好。\n喝茶。").len(), 2);
        assert_eq!(units(Unit::Paragraph, "- 买茶\n- 买奶").len(), 2);
    }

    #[test]
    fn entries_are_items_sections_rows_or_paragraphs() {
        let entries = |text: &str| sizes_of(Unit::Entry, Size::Characters, text);
        assert_eq!(entries("步骤如下：\n1. 烧水\n   - 很热\n2. 泡茶\n\n总之很好。"), [4, 2]);
        assert_eq!(entries("# 茶\n\n## 绿茶\n很香。\n\n## 红茶\n很浓很甜。"), [4, 6]);
        assert_eq!(entries("- 烧水\n- 泡茶好"), [2, 3]);
        assert_eq!(entries("| 茶 | 描述 |\n|---|---|\n| 绿茶 | 很香 |"), [4]);
        assert_eq!(entries("茶很好。\n\n水也好。"), [3, 3]);
    }

    #[test]
    fn labels_select_a_part_of_an_entry() {
        let found = |text: &str| labeled(text, "简介");
        assert_eq!(
            found("1. 《茶经》\n- 作者：陆羽\n- 简介：讲茶。\n2. 《茶录》\n简介：也讲茶。"),
            ["讲茶。", "也讲茶。"]
        );
        assert_eq!(found("| 书 | 简介 |\n|---|---|\n| 茶经 | 讲茶 |"), ["讲茶"]);
        assert_eq!(found("1. **茶经**：讲茶。\n2. 茶录：也讲。"), ["讲茶。", "也讲。"]);
        assert_eq!(found("### 1. 茶经\n讲茶。\n### 2. 茶录\n也讲。"), ["\n讲茶。", "\n也讲。"]);
    }

    #[test]
    fn named_parts_end_at_the_next_heading() {
        let report =
            "# 报告\n\n## 摘要\n讲茶。\n### 背景\n很久。\n## 引言\n茶。\n\n结论：好。\n\n完。";
        assert_eq!(named(report, "摘要"), ["\n讲茶。\n很久。"]);
        assert_eq!(named(report, "结论"), ["好。"]);
        assert!(named(report, "方法").is_empty());
        assert_eq!(named("【摘要开始】\n讲茶。\n【摘要结束】", "摘要"), ["\n讲茶。"]);
    }

    #[test]
    fn a_block_around_the_whole_is_opened() {
        let wrapped = "```markdown\n# 茶\n\n好。\n```";
        let largest = Portion::Largest(Parts::All(Unit::Title), Size::Characters);
        assert_eq!((largest.count(wrapped), largest.count("# 好茶\n好。")), (1, 2));
    }

    #[test]
    fn a_line_around_a_block_with_the_text_is_no_part() {
        let block =
            "```markdown\n# 喝茶\n\n## 绿茶\n很香。\n```python\na = 1\n```\n\n## 红茶\n很浓。\n```";
        let (sections, title) = (
            Portion::Count(Unit::Section),
            Portion::Largest(Parts::All(Unit::Title), Size::Characters),
        );
        for text in [
            block.to_owned(),
            format!("以下是文章：\n\n{block}"),
            format!("以下是文章：\n---\n{block}\n\n希望对您有帮助！"),
        ] {
            assert_eq!((sections.count(&text), title.count(&text)), (2, 2), "{text}");
        }
        // The negative control: a block that is a part of the text stays closed.
        for text in [
            format!("# 例\n\n## 一\n下面是例子：\n{block}"),
            format!("{}\n{block}", "说明".repeat(40)),
            format!("例一：\n{block}\n例二：\n{block}"),
            format!("以下是文章：\n{}", block.replace("markdown", "text")),
        ] {
            assert_eq!(sections.count(&text), 0, "{text}");
        }
        let readme = "说明如下：\n```markdown\n# 茶\n```";
        assert_eq!(Portion::Count(Unit::CodeLine).count(readme), 1);
    }

    #[test]
    fn comments_and_tags_are_no_text_of_a_part() {
        let part = Parts::Named("个人信息".to_owned());
        let count = |text: &str| Portion::Largest(part.clone(), Size::Characters).count(text);
        let resume = "## 个人信息\n<!-- 个人信息开始 -->\n张三，男。\n<!-- 个人信息结束 -->\n\n## 教育背景\n清华大学。";
        assert_eq!(count(resume), 3);
        assert_eq!(count(&format!("```markdown\n{resume}\n```")), 3);
        let html = "<h2>个人信息</h2>\n<p>张三，男。</p>\n<h2>教育背景</h2>\n<p>清华大学。</p>";
        assert_eq!(count(html), 3);
        assert_eq!(count("<p><strong>个人信息：</strong>张三，男，汉族。</p>"), 5);
    }

    #[test]
    fn verses_stand_in_stanzas() {
        let poem = "# 秋\n\n风起\n叶落\n\n水寒\n人归";
        assert_eq!((units(Unit::Stanza, poem).len(), units(Unit::Verse, poem).len()), (2, 4));
        assert_eq!(units(Unit::Verse, "秋\n\n风起\n叶落").len(), 2);
        assert_eq!(sizes_of(Unit::Stanza, Size::Lines, poem), [2, 2]);
    }

    #[test]
    fn steps_count_up_from_one() {
        let steps = |text: &str| units(Unit::Step, text).len();
        assert_eq!(steps("1. 烧水\n   1. 加水\n   2. 点火\n   3. 等\n2. 泡茶"), 3);
        assert_eq!(steps("**步骤1：烧水**\n好。\n**步骤2：泡茶**\n好。"), 2);
        assert_eq!(steps("第一步，烧水。\n第二步，泡茶。\n第四步，喝。"), 2);
        assert_eq!(steps("Step 1: boil\nStep 2: pour\nStep 3: drink"), 3);
        assert_eq!(steps("- 烧水\n- 泡茶"), 0);
        let stages = "## 准备\n1. 买茶\n2. 烧水\n## 泡茶\n1. 倒水\n2. 等\n3. 喝";
        assert_eq!(steps(stages), 5);
    }

    #[test]
    fn questions_end_with_a_mark_and_code_has_a_fence() {
        let form =
            "1. 你喝茶吗？\n   1) 是\n   2) 否\n   3) 有时\n2. 喝什么茶？为什么？\n3. 谢谢。";
        assert_eq!(units(Unit::Question, form).len(), 3);
        assert_eq!(units(Unit::CodeLine, "茶很好。\n水也好。").len(), 0);
        assert_eq!(units(Unit::CodeLine, "代码：\n```\na = 1\n\nb = 2\n```\n完").len(), 2);
    }

    #[test]
    fn rows_and_references_are_counted() {
        let table = "| 茶 | 价 |\n|---|---|\n| 绿 | 3 |\n| 红 | 4 |\n\n完";
        assert_eq!(units(Unit::Row, table).len(), 2);
        let essay = "茶[1]很好。\n\n## 参考文献\n1. 陆羽. 茶经\n2. 蔡襄. 茶录\n\n## 附录\n无";
        assert_eq!(units(Unit::Reference, essay).len(), 2);
        assert_eq!(units(Unit::Reference, "茶好[1]。\n[1] 陆羽. 茶经\n[2](x)").len(), 1);
    }
}
