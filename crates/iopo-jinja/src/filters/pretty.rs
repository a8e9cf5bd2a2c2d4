//! The filter `pprint`: Python's `pprint.pformat`.

use crate::budget;
use crate::unicode::is_space;
use crate::value::{Dict, Value, compare, repr};

/// Widest line.
const WIDTH: usize = 80;
/// Deepest nesting that is broken into lines.
const MAX_DEPTH: usize = 32;

/// Formats a value, with sorted keys, in lines of at most 80 characters where possible.
pub(super) fn print(value: &Value) -> String {
    let mut out = String::new();
    format(&mut out, value, 0, 0, 0);
    out
}

/// `repr` with sorted keys.
fn plain(value: &Value, depth: usize) -> String {
    if depth > MAX_DEPTH || !budget::spend(1) {
        return repr::repr(value);
    }
    let all = |items: &[Value]| {
        items.iter().map(|item| plain(item, depth + 1)).collect::<Vec<_>>().join(", ")
    };
    match value {
        Value::Dict(dict) => {
            let items = sorted(dict).into_iter().map(|(key, value)| {
                format!("{}: {}", plain(&key, depth + 1), plain(value, depth + 1))
            });
            format!("{{{}}}", items.collect::<Vec<_>>().join(", "))
        }
        Value::List(items) => format!("[{}]", all(items)),
        Value::Tuple(items) if items.len() == 1 => format!("({},)", all(items)),
        Value::Tuple(items) => format!("({})", all(items)),
        _ => repr::repr(value),
    }
}

fn sorted(dict: &Dict) -> Vec<(Value, &Value)> {
    let items: Vec<_> = dict.iter().map(|(key, value)| (key.clone(), value)).collect();
    compare::sorted(items.clone(), false).unwrap_or_else(|_| {
        // Keys that do not compare are sorted by their type.
        let mut items = items;
        items.sort_by_cached_key(|(key, _)| (key.type_name(), repr::repr(key)));
        items
    })
}

fn format(out: &mut String, value: &Value, indent: usize, allowance: usize, depth: usize) {
    let text = plain(value, depth);
    let room = WIDTH.saturating_sub(indent + allowance);
    if text.chars().count() <= room || depth > MAX_DEPTH {
        out.push_str(&text);
        return;
    }
    match value {
        Value::Dict(dict) => {
            out.push('{');
            let items = sorted(dict);
            let last = items.len().saturating_sub(1);
            for (index, (key, value)) in items.into_iter().enumerate() {
                let key = plain(&key, depth + 1);
                out.push_str(&key);
                out.push_str(": ");
                let own = indent + 1 + key.chars().count() + 2;
                let after = if index == last { allowance + 1 } else { 1 };
                format(out, value, own, after, depth + 1);
                if index < last {
                    separate(out, indent + 1);
                }
            }
            out.push('}');
        }
        Value::List(items) => {
            out.push('[');
            sequence(out, items, indent, allowance + 1, depth);
            out.push(']');
        }
        Value::Tuple(items) => {
            out.push('(');
            let end = if items.len() == 1 { ",)" } else { ")" };
            sequence(out, items, indent, allowance + end.len(), depth);
            out.push_str(end);
        }
        Value::Str(own) => string(out, own.as_str(), (indent, allowance), depth),
        _ => out.push_str(&text),
    }
}

fn separate(out: &mut String, indent: usize) {
    out.push_str(",\n");
    out.push_str(&" ".repeat(indent));
}

fn sequence(out: &mut String, items: &[Value], indent: usize, allowance: usize, depth: usize) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            separate(out, indent + 1);
        }
        let after = if index + 1 == items.len() { allowance } else { 1 };
        format(out, item, indent + 1, after, depth + 1);
    }
}

/// Breaks a string into literals on several lines.
fn string(out: &mut String, text: &str, (indent, allowance): (usize, usize), depth: usize) {
    let quoted = |text: &str| {
        let mut out = String::new();
        repr::quote(&mut out, text);
        out
    };
    let top = depth == 0;
    let (indent, allowance) = if top { (indent + 1, allowance + 1) } else { (indent, allowance) };
    let lines = crate::methods::lines(text, true);
    let mut chunks: Vec<String> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let last_line = index + 1 == lines.len();
        let whole = quoted(line);
        let room = |last: bool| WIDTH.saturating_sub(indent + if last { allowance } else { 0 });
        if whole.chars().count() <= room(last_line) {
            chunks.push(whole);
            continue;
        }
        let mut current = String::new();
        let parts = parts(line);
        for (at, part) in parts.iter().enumerate() {
            let candidate = format!("{current}{part}");
            let last = at + 1 == parts.len() && last_line;
            if quoted(&candidate).chars().count() > room(last) {
                if !current.is_empty() {
                    chunks.push(quoted(&current));
                }
                (*part).clone_into(&mut current);
            } else {
                current = candidate;
            }
        }
        if !current.is_empty() {
            chunks.push(quoted(&current));
        }
    }
    if let [only] = chunks.as_slice() {
        out.push_str(only);
        return;
    }
    if top {
        out.push('(');
    }
    out.push_str(&chunks.join(&format!("\n{}", " ".repeat(indent))));
    if top {
        out.push(')');
    }
}

/// Words with the whitespace after them.
fn parts(line: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let word = rest.find(is_space).unwrap_or(rest.len());
        let after = &rest[word..];
        let end = word + after.find(|c: char| !is_space(c)).unwrap_or(after.len());
        parts.push(&rest[..end]);
        rest = &rest[end..];
    }
    parts
}
