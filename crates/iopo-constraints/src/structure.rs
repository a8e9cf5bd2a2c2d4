//! Structured parts of a response: JSON, columns of tables, decimal numbers.

use serde_json::Value;

use crate::{han, lines, text};

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

/// Whether the response is a JSON array.
pub(crate) fn is_json_array(response: &str) -> bool {
    json(response, '[').is_some()
}

/// Whether the response is a JSON object that has a key at any depth.
pub(crate) fn has_json_key(response: &str, key: &str) -> bool {
    fn has(value: &Value, key: &str) -> bool {
        match value {
            Value::Object(map) => {
                map.contains_key(key) || map.values().any(|value| has(value, key))
            }
            Value::Array(values) => values.iter().any(|value| has(value, key)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }
    json(response, '{').is_some_and(|value| has(&value, key))
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

/// The number of cells of header rows that contain a name in lower case.
pub(crate) fn column(response: &str, name: &str) -> usize {
    headers(response)
        .flat_map(|head| head.split('|'))
        .filter(|cell| text::fold(cell).contains(name))
        .count()
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
    lines::filled(response).filter(|line| heads(line, name)).count()
}

fn heads(line: &str, name: &str) -> bool {
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
    (is_marked && bare.starts_with(name))
        || (is_numbered && after(numbered).is_some_and(|rest| follows(&rest)))
        || (is_marked && is_numbered && numbered.starts_with(name))
        || after(&bare).is_some_and(colon)
}

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
        assert!(
            !has_json_key("[{\"a\": 1}]", "a") && is_json_array("[1, 2]") && !is_json_array("{}")
        );
        let table = "| Name | Price (EUR) |\n|---|---|\n| tea | 3 |";
        assert_eq!((column(table, "price"), column(table, "tea")), (1, 0));
        let report = "# 引言\n内容\n**方法**：内容\n三、结果\n讨论：内容\n结论很好";
        let parts = ["引言", "方法", "结果", "讨论", "结论"].map(|name| named_parts(report, name));
        assert_eq!(parts, [1, 1, 1, 1, 0]);
        assert_eq!(headings(report), ["引言"]);
        assert_eq!(columns(table), ["Name", "Price (EUR)"]);
        assert_eq!((decimals("3.14 or 2.5", 2), decimals("v1.2.3, 3.", 1)), (1, 0));
    }
}
