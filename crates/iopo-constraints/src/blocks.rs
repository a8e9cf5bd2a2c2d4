//! JSON with text around it.

use serde::{Deserialize, Serialize};
use serde_json::{Deserializer, Value};

use crate::{lines, markup, structure, text};

/// What may stand around the JSON of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Around {
    /// One short line in front of the JSON, such as 以下是结果：, and one behind it.
    Line,
    /// Any text, and code blocks in other formats.
    Text,
}

impl Around {
    pub(crate) const ALL: [Self; 2] = [Self::Line, Self::Text];
}

/// The longest line beside the JSON, in characters.
const MOST_LINE_CHARS: usize = 60;

/// The most lines that may start JSON outside of code blocks.
const MOST_STARTS: usize = 3;

/// The JSON object or array of a response that has exactly one, in a code block or on lines of its own.
pub(crate) fn value(response: &str, around: Around) -> Option<Value> {
    if let Some(whole) = structure::whole_json(response) {
        return Some(whole);
    }
    let (before, value, after) = fenced(response).or_else(|| bare(response))?;
    let is_apart = around == Around::Text || (is_short(before) && is_short(after));
    is_apart.then_some(value)
}

/// Whether the JSON of a response has a key at any depth.
pub(crate) fn has_key(response: &str, key: &str, around: Around) -> bool {
    value(response, around).is_some_and(|value| structure::has_key(&value, key))
}

/// The only code block with JSON, and the texts around it.
fn fenced(response: &str) -> Option<(&str, Value, &str)> {
    let mut found = None;
    let mut fences = lines::all(response).filter(|(_, line)| markup::is_fence(line));
    while let Some((open, mark)) = fences.next() {
        let (close, end) = fences.next().map_or((response.len(), 0), |(at, line)| (at, line.len()));
        let label = text::fold(mark.trim().trim_matches('`'));
        if !["", "json"].contains(&label.trim()) {
            continue;
        }
        let body = &response[open + mark.len()..close];
        match parsed(body.trim()) {
            // A second block leaves open which one is meant.
            Some(_) if found.is_some() => return None,
            Some(value) => found = Some((&response[..open], value, &response[close + end..])),
            None if label.trim() == "json" => return None,
            None => {}
        }
    }
    found
}

fn parsed(body: &str) -> Option<Value> {
    if body.starts_with(['{', '[']) { serde_json::from_str(body).ok() } else { None }
}

/// JSON that starts and ends with lines of its own, in a response without code blocks, and the texts around it.
fn bare(response: &str) -> Option<(&str, Value, &str)> {
    if response.lines().any(markup::is_fence) {
        return None;
    }
    let starts = |line: &str| line.trim_start().starts_with(['{', '[']);
    let candidates = lines::all(response).filter(|(_, line)| starts(line)).take(MOST_STARTS);
    for (at, _) in candidates {
        let mut values = Deserializer::from_str(&response[at..]).into_iter::<Value>();
        let Some(Ok(value)) = values.next() else { continue };
        let rest = &response[at + values.byte_offset()..];
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        // [1] in front of a source is no JSON.
        if line.trim().is_empty() {
            let is_only = !after.lines().any(|line| line.trim_start().starts_with('{'));
            return is_only.then_some((&response[..at], value, after));
        }
    }
    None
}

fn is_short(text: &str) -> bool {
    let mut filled = lines::filled(text);
    let first = filled.next().is_none_or(|line| line.trim().chars().count() <= MOST_LINE_CHARS);
    first && filled.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(response: &str) -> [bool; 2] {
        Around::ALL.map(|around| has_key(response, "天数", around))
    }

    #[test]
    fn json_may_have_text_around_it() {
        let block = "```json\n{\"天数\": 5}\n```";
        for text in [
            "{\"天数\": 5}".to_owned(),
            block.to_owned(),
            format!("以下是计算结果：\n\n{block}\n\n注：按自然日计算。"),
            "结果如下：\n{\n  \"天数\": 5\n}".to_owned(),
        ] {
            assert_eq!(keys(&text), [true, true], "{text}");
        }
        for text in [
            format!("先计算日期差。\n3月10日到3月15日。\n因此：\n{block}"),
            format!("代码如下：\n```python\nprint(5)\n```\n结果：\n{block}"),
            format!("{}\n{block}", "说明".repeat(40)),
        ] {
            assert_eq!(keys(&text), [false, true], "{text}");
        }
        for text in [
            "相差的天数为5天。".to_owned(),
            "结果：{\"天数\": 5}，共5天。".to_owned(),
            format!("{block}\n或者\n{block}"),
            "结果：\n```json\n{\"天数\": 5,}\n```".to_owned(),
            "结果：\n```json\n{\"日期\": 5}\n```".to_owned(),
            "```python\n{\"天数\": 5}\n```".to_owned(),
            "[1] 天数. (2020).".to_owned(),
        ] {
            assert_eq!(keys(&text), [false, false], "{text}");
        }
    }
}
