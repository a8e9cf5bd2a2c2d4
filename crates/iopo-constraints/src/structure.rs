//! Structured parts of a response: JSON, columns of tables, decimal numbers.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    families::Element,
    han,
    lines::{self, Marker},
    text,
};

/// The most keys or columns that back-translation names.
const MOST_NAMES: usize = 8;

/// The response without a code fence around the whole.
pub(crate) fn unfenced(response: &str) -> &str {
    let body = response.trim();
    body.strip_prefix("```json")
        .or_else(|| body.strip_prefix("```"))
        .and_then(|rest| rest.strip_suffix("```"))
        .unwrap_or(body)
        .trim()
}

/// The response as a JSON value, if it is nothing else and starts with this character.
fn json(response: &str, start: char) -> Option<Value> {
    let body = unfenced(response);
    if !body.starts_with(start) {
        return None;
    }
    serde_json::from_str(body).ok()
}

/// The JSON object or array that the response is.
pub(crate) fn whole_json(response: &str) -> Option<Value> {
    json(response, '{').or_else(|| json(response, '['))
}

/// Whether the response is a JSON object or array.
pub(crate) fn is_json(response: &str) -> bool {
    whole_json(response).is_some()
}

/// Whether the response is a JSON array.
pub(crate) fn is_json_array(response: &str) -> bool {
    json(response, '[').is_some()
}

/// Whether the response is JSON that has a key at any depth.
pub(crate) fn has_json_key(response: &str, key: &str) -> bool {
    whole_json(response).is_some_and(|value| has_key(&value, key))
}

/// Whether JSON has a key at any depth.
pub(crate) fn has_key(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(map) => {
            map.contains_key(key) || map.values().any(|value| has_key(value, key))
        }
        Value::Array(values) => values.iter().any(|value| has_key(value, key)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The top keys of a response that is a JSON object.
pub(crate) fn json_keys(response: &str) -> Vec<String> {
    let Some(Value::Object(map)) = json(response, '{') else { return Vec::new() };
    let mut keys: Vec<String> = map.into_iter().map(|(key, _)| key).collect();
    keys.sort();
    keys.truncate(MOST_NAMES);
    keys
}

/// The header rows of the Markdown tables.
fn headers(response: &str) -> impl Iterator<Item = &str> {
    let mut before = "";
    lines::filled(response).filter_map(move |line| {
        let head = before;
        before = line;
        let good = lines::is_row(head) && !lines::is_rule(head) && text::has_text(head);
        (good && lines::is_rule(line)).then_some(head)
    })
}

/// The number of cells of header rows that contain a name in lower case, and of rows that start with it: a table can have
/// its names in the first column.
pub(crate) fn column(response: &str, name: &str) -> usize {
    let heads = headers(response)
        .flat_map(|head| head.split('|'))
        .filter(|cell| text::fold(cell).contains(name))
        .count();
    heads + first_cells(response).filter(|cell| text::fold(cell) == name).count()
}

/// The first cells of the rows below the headers of Markdown tables, without bold type and parentheses behind.
fn first_cells(response: &str) -> impl Iterator<Item = &str> {
    let (mut in_table, mut before) = (false, "");
    let rows = lines::filled(response).filter(move |line| {
        let head = lines::is_row(before) && text::has_text(before);
        in_table = lines::is_row(line) && (in_table || (lines::is_rule(line) && head));
        before = line;
        in_table && !lines::is_rule(line)
    });
    rows.filter_map(|row| {
        let cell = row.trim().trim_start_matches('|').split('|').next()?;
        let cell = cell.trim().trim_matches('*');
        Some(cell.split(['（', '(']).next()?.trim().trim_matches('*'))
    })
}

/// The names of the columns of the first table.
pub(crate) fn columns(response: &str) -> Vec<String> {
    let head = headers(response).next().unwrap_or_default();
    let cells = head.split('|').map(str::trim).filter(|cell| text::has_text(cell));
    cells.take(MOST_NAMES).map(str::to_owned).collect()
}

/// The texts of the first Markdown headings.
pub(crate) fn headings(response: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for heading in lines::filled(response).filter_map(lines::heading) {
        if found.len() < MOST_NAMES && !found.iter().any(|known| known == heading) {
            found.push(heading.to_owned());
        }
    }
    found
}

/// The number of lines that head a part with a name in lower case: headings, bold or numbered lines, and lines with a
/// colon behind the name.
pub(crate) fn named_parts(response: &str, name: &str) -> usize {
    let response = lines::unwrapped(response);
    lines::filled(response).filter(|line| heads(line, name)).count()
}

pub(crate) fn heads(line: &str, name: &str) -> bool {
    let line = lines::without_tags(line);
    let line = closed_up(&line);
    let name = &*closed_up(name);
    let line = line.trim();
    let is_mark = |c: char| "#*【[（(".contains(c) || c.is_whitespace();
    let marked = line.trim_start_matches(is_mark);
    let number = |c: char| c.is_ascii_digit() || "一二三四五六七八九十ivx".contains(c);
    let bare = text::fold(marked);
    let numbered =
        bare.trim_start_matches(number).trim_start_matches(['.', '、', '）', ')', ' ', '*']);
    let is_numbered = numbered.len() < bare.len() && !numbered.starts_with(['"', ',', ']', '}']);
    let is_marked = marked.len() < line.len() && line.starts_with(['#', '*', '【']);
    let follows = |rest: &str| rest.is_empty() || rest.starts_with([':', '：', '*', '】']);
    let after = |text: &str| text.strip_prefix(name).map(str::to_owned);
    let colon = |rest: String| rest.starts_with([':', '：']) || (rest.is_empty() && han::has(name));
    // A heading as a whole, or the words in bold.
    let head =
        if line.starts_with('#') { Some(bare.as_str()) } else { bare.split(['*', '】']).next() };
    (is_marked && head.is_some_and(|head| head.contains(name)))
        || (is_numbered && after(numbered).is_some_and(|rest| follows(&rest)))
        || after(&bare).is_some_and(colon)
}

/// A text without spaces between ideographs and other characters: 了解 Tea 的内容 and 了解Tea的内容 are the same.
fn closed_up(text: &str) -> Cow<'_, str> {
    if !text.contains(' ') || !han::has(text) {
        return Cow::Borrowed(text);
    }
    let mut closed = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let beside = |c: char| han::is_han(c) || "，。：；！？、（）“”《》".contains(c);
        let before = closed.chars().next_back();
        let is_between = before.is_some_and(char::is_alphanumeric) || before.is_some_and(beside);
        let after = chars.peek().copied();
        let joins = before.is_some_and(beside) || after.is_some_and(beside);
        // The space behind the mark of a heading stays.
        if !(c == ' ' && is_between && joins) {
            closed.push(c);
        }
    }
    Cow::Owned(closed)
}

/// The number of kinds of lines that head parts: Markdown headings by level, lines in bold, 第一章, 一、 （一） and 1.1.
///
/// Lines in code blocks do not count.
pub(crate) fn heading_levels(response: &str) -> usize {
    levels(response, u32::MAX)
}

/// The last kind of a heading with marks of Markdown: a bold line with a number.
const LAST_MARKDOWN_LEVEL: u32 = 8;

/// The number of kinds of lines that head parts, up to a kind.
fn levels(response: &str, last: u32) -> usize {
    let response = lines::unwrapped(response);
    let mut seen = 0_u32;
    let mut in_code = false;
    for line in lines::filled(response).map(str::trim) {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if !in_code && let Some(level) = heading_level(line).filter(|level| *level <= last) {
            seen |= 1 << level;
        }
    }
    seen.count_ones() as usize
}

/// 1 if the response has an element of the layout in Markdown: 一、 is no heading and （1） no item.
pub(crate) fn in_markdown(element: Element, response: &str) -> usize {
    let response = lines::unwrapped(response);
    let items = |good: &dyn Fn(Marker) -> bool| {
        lines::filled(response).filter_map(lines::item).filter(|&(mark, _)| good(mark)).count()
    };
    let has = match element {
        Element::Heading => levels(response, LAST_MARKDOWN_LEVEL) > 0,
        Element::Subheading => levels(response, LAST_MARKDOWN_LEVEL) > 1,
        Element::List => items(&|_| true) > 1,
        Element::NumberedList => items(&|mark| !mark.is_bullet()) > 1,
        Element::BulletList => items(&Marker::is_bullet) > 1,
        Element::Table
        | Element::Bold
        | Element::Italic
        | Element::CodeBlock
        | Element::Comment => {
            let bound = element.bound();
            bound.holds(bound.measure.count(response))
        }
    };
    usize::from(has)
}

/// The kind of a line that heads a part, from 1 to 16. Levels 1 to 6 are those of Markdown.
fn heading_level(line: &str) -> Option<u32> {
    if lines::heading(line).is_some() {
        let marks = line.bytes().take_while(|byte| *byte == b'#').count();
        return u32::try_from(marks).ok();
    }
    let is_short = line.chars().nth(MOST_HEADING_CHARS).is_none();
    if !is_short || line.ends_with(['。', '；', '，', '！', '？', ';', ',']) {
        return None;
    }
    let numbered = line.trim_start_matches(|c: char| c.is_ascii_digit() || ". ".contains(c));
    let bold = numbered.trim_end_matches([':', '：']);
    let inner = bold.strip_prefix("**").and_then(|rest| rest.strip_suffix("**"));
    if inner.is_some_and(|inner| text::has_text(inner) && !inner.contains("**")) {
        return Some(if numbered.len() < line.len() { 8 } else { 7 });
    }
    let numeral = |c: char| "一二三四五六七八九十".contains(c);
    if let Some(rest) = line.strip_prefix('第') {
        let unit = rest.trim_start_matches(|c: char| numeral(c) || c.is_ascii_digit());
        let kinds = [('章', 9), ('节', 10), ('部', 11), ('篇', 12)];
        let kind = kinds.iter().find(|(c, _)| unit.len() < rest.len() && unit.starts_with(*c));
        return kind.map(|(_, level)| *level);
    }
    let bare = line.trim_start_matches(numeral);
    if bare.len() < line.len() && bare.starts_with('、') && han::has(&bare['、'.len_utf8()..]) {
        return Some(13);
    }
    if let Some(rest) = line.strip_prefix(['（', '(']) {
        let bare = rest.trim_start_matches(numeral);
        return (bare.len() < rest.len() && bare.starts_with(['）', ')'])).then_some(14);
    }
    let mut parts = line.split(['.', ' ']);
    let numbers = parts.by_ref().take_while(|part| {
        !part.is_empty() && part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit())
    });
    match numbers.count() {
        2 if text::has_text(line.trim_start_matches(|c: char| !c.is_alphabetic())) => Some(15),
        3 if text::has_text(line.trim_start_matches(|c: char| !c.is_alphabetic())) => Some(16),
        _ => None,
    }
}

/// The longest line that counts as a heading without marks, in characters.
const MOST_HEADING_CHARS: usize = 40;

/// The number of lines that consist of a title in lower case, beside marks, a number, and a label such as 标题：.
///
/// Marks of emphasis, HTML tags, a colon at the end, and spaces beside ideographs do not matter.
pub(crate) fn title_lines(response: &str, title: &str) -> usize {
    let plain = |line: &str| {
        let line = lines::without_tags(line);
        let bare: String = line.chars().filter(|c| !matches!(c, '*' | '_')).collect();
        closed_up(bare.trim().trim_end_matches([':', '：'])).into_owned()
    };
    let title = plain(title);
    lines::filled(response).filter(|line| is_title(&text::fold(&plain(line)), &title)).count()
}

fn is_title(line: &str, title: &str) -> bool {
    let bare = |line: &str| {
        line.trim_matches(|c: char| c.is_whitespace() || "#*_《》【】“”「」".contains(c)).to_owned()
    };
    let line = bare(line);
    // 标题：茶, 报告标题：茶.
    let labeled = line.split_once(['：', ':']).filter(|(label, _)| {
        let short = label.chars().nth(MOST_LABEL_CHARS).is_none();
        (short && label.ends_with("标题")) || *label == "title"
    });
    let unlabeled = labeled.map(|(_, rest)| rest);
    let line = unlabeled.map_or_else(|| line.clone(), bare);
    let unnumbered =
        line.trim_start_matches(|c: char| c.is_ascii_digit() || "一二三四五六七八九十".contains(c));
    let unnumbered = unnumbered.strip_prefix(['、', '.']).map(bare);
    line == title || unnumbered.is_some_and(|line| line == title)
}

/// The longest label of a title, in characters.
const MOST_LABEL_CHARS: usize = 8;

/// The count of numbers with exactly this many digits after the decimal point.
pub(crate) fn decimals(response: &str, places: usize) -> usize {
    let mut found = 0;
    let mut rest = response;
    while let Some(at) = rest.find('.') {
        let before = rest[..at].chars().next_back().is_some_and(|c| c.is_ascii_digit());
        rest = &rest[at + 1..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        // 1.2.3 is a version.
        let version = rest[digits..]
            .strip_prefix('.')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        found += usize::from(before && digits == places && !version);
        if version {
            rest = rest[digits..].trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_columns_and_decimals_are_found() {
        let object = "```json\n{\"a\": [{\"b\": 1}]}\n```";
        assert!(
            has_json_key(object, "a") && has_json_key(object, "b") && !has_json_key(object, "c")
        );
        assert!(is_json_array("[1, 2]") && !is_json_array("{}"));
        let table = "| Name | Price (EUR) |\n|---|---|\n| tea | 3 |";
        assert_eq!((column(table, "price"), column(table, "3")), (1, 0));
        let turned = "| 项目 | 苹果 | 三星 |\n|---|---|---|\n| **价格（元）** | 5 | 4 |\n| 电池 | 价格 | 好 |";
        let found = ["价格", "电池", "评分", "好"].map(|name| column(turned, name));
        assert_eq!(found, [1, 1, 0, 0]);
        let report = "# 引言\n内容\n**方法**：内容\n三、结果\n讨论：内容\n结论很好";
        let parts = ["引言", "方法", "结果", "讨论", "结论"].map(|name| named_parts(report, name));
        assert_eq!(parts, [1, 1, 1, 1, 0]);
        assert_eq!(headings(report), ["引言"]);
        assert_eq!(columns(table), ["Name", "Price (EUR)"]);
        assert!(is_json("[{\"a\": 1}]") && is_json(object) && !is_json("Here: {}"));
        assert!(has_json_key("[{\"a\": 1}]", "a"));
        assert_eq!((decimals("3.14 or 2.5", 2), decimals("v1.2.3, 3.", 1)), (1, 0));
    }

    #[test]
    fn elements_in_markdown_have_its_marks() {
        let has = |element, text| in_markdown(element, text) == 1;
        for text in ["# Tea\n## Green", "# 茶\n**绿茶**", "**1. 茶**\n### 一、绿茶"] {
            assert!(has(Element::Heading, text) && has(Element::Subheading, text), "{text}");
        }
        for text in ["一、茶\n（一）绿茶", "1.1 Tea\n1.1.1 Green", "```\n# a\n## b\n```"] {
            assert!(!has(Element::Heading, text) && !has(Element::Subheading, text), "{text}");
        }
        assert!(has(Element::List, "- a\n1. b") && has(Element::NumberedList, "1. a\n2) b"));
        assert!(!has(Element::List, "一、茶\n二、咖啡") && !has(Element::BulletList, "1. a\n- b"));
        assert!(has(Element::Table, "| a |\n|---|\n| 1 |") && !has(Element::CodeBlock, "`a`"));
    }

    #[test]
    fn headings_have_levels() {
        assert_eq!(heading_levels("# Tea\nHot.\n## Green\nNice.\n## Black"), 2);
        assert_eq!(heading_levels("一、概述\n茶。\n（一）绿茶\n茶。"), 2);
        assert_eq!(heading_levels("**Tea**\nHot.\n1. **Green**\n1.1 Leaves"), 3);
        assert_eq!(heading_levels("第一章 茶\n第一节 绿茶"), 2);
        for none in ["Tea.", "1. Buy tea.", "```\n# x\n```", "一杯茶", "**Tea** is hot", "3.5 元。"]
        {
            assert_eq!(heading_levels(none), 0, "{none}");
        }
    }

    #[test]
    fn a_title_is_a_line_of_its_own() {
        for line in [
            "# Tea Time",
            "**Tea time**",
            "《Tea Time》",
            "标题：Tea Time",
            "报告标题：Tea time",
            "一、Tea time",
        ] {
            assert_eq!(title_lines(&format!("{line}\nHot."), "tea time"), 1, "{line}");
        }
        for line in [
            "# **Soap Box**：当幽默遇见高效",
            "<h1 align=\"center\">Soap Box：当幽默遇见高效</h1>",
            "**Soap Box：当幽默遇见高效：**",
            "# Soap Box： 当幽默遇见高效",
            "**标题：** *Soap Box：当幽默遇见高效*",
        ] {
            assert_eq!(title_lines(line, "soap box：当幽默遇见高效"), 1, "{line}");
        }
        let title = "了解bellgrove v eldridge [1954] hca 36的内容";
        assert_eq!(title_lines("# 了解 Bellgrove v Eldridge [1954] HCA 36 的内容", title), 1);
        assert_eq!(title_lines("# 了解 BellgrovevEldridge [1954] HCA 36 的内容", title), 0);
        assert_eq!(title_lines("**职业：** 软件工程师", "职业：软件工程师"), 1);
        assert_eq!(title_lines("**职业：** 软件测试员\n人物描述很好", "职业：软件工程师"), 0);
        assert_eq!(title_lines("**人物描述：**\n好", "人物描述"), 1);
        assert_eq!(title_lines("人物描述：他很高。", "人物描述"), 0);
        assert_eq!(title_lines("Tea time is here.\n\"Tea time\"", "tea time"), 0);
    }

    #[test]
    fn headings_that_contain_a_name_head_a_part() {
        let report = "## 一、研究方法\n内容\n**结果与讨论**：内容提到引言\n";
        let parts = ["方法", "讨论", "引言"].map(|name| named_parts(report, name));
        assert_eq!(parts, [1, 1, 0]);
        assert_eq!(named_parts("<h3>一、引言</h3>\n<p>结论不同</p>", "引言"), 1);
        assert_eq!(named_parts("<h3>一、引言</h3>\n<p>结论不同</p>", "结论"), 0);
        assert_eq!(named_parts("## 使用 IP 地址", "使用ip地址"), 1);
        let wrapped = "```markdown\n# 报告\n## 背景\n- a\n- b\n```python\na\n```\n```";
        assert_eq!((named_parts(wrapped, "背景"), heading_levels(wrapped)), (1, 2));
        for element in [Element::Heading, Element::Subheading, Element::List, Element::CodeBlock] {
            assert_eq!(in_markdown(element, wrapped), 1, "{element:?}");
        }
        // The block around the whole is no code.
        assert_eq!(in_markdown(Element::CodeBlock, "```markdown\n# 报告\n```"), 0);
        assert_eq!(heading_levels("```python\n# a\n## b\n```"), 0);
    }
}
