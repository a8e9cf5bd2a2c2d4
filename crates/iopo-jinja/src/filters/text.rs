//! Filters on text.

use std::fmt::Write as _;

use crate::args::{Args, flag, given, int_or, required};
use crate::error::{Error, Result};
use crate::format::percent;
use crate::methods::{capitalized, justified, lines, replaced, stripped};
use crate::operators::{apply as operate, check_size};
use crate::unicode::{is_space, is_word};
use crate::value::{Dict, Text, Value, iterate, repr};

pub(super) fn apply(name: &str, value: &Value, args: Args) -> Result<Value> {
    let own = repr::to_text(value);
    let text = own.as_str();
    let marked = |text: &str| Ok(Value::marked(text, own.safe));
    match name {
        "upper" => args.none(name).and_then(|()| marked(&text.to_uppercase())),
        "lower" => args.none(name).and_then(|()| marked(&text.to_lowercase())),
        "capitalize" => args.none(name).and_then(|()| marked(&capitalized(text))),
        "title" => args.none(name).map(|()| Value::str(titled(text))),
        "trim" => {
            let [chars] = args.bind(name, ["chars"])?;
            let chars = given(chars);
            let chars = chars.as_ref().map(|chars| chars.text(name)).transpose()?;
            marked(stripped(text, chars, true, true))
        }
        "center" => {
            let [width] = args.bind(name, ["width"])?;
            marked(&justified(text, int_or(width.as_ref(), 80)?, ' ', "center")?)
        }
        "replace" => {
            let [old, new, count] = args.bind(name, ["old", "new", "count"])?;
            let (old, new) = (required(old, name, "old")?, required(new, name, "new")?);
            let count = int_or(given(count).as_ref(), -1)?;
            Ok(Value::str(replaced(text, &repr::to_str(&old), &repr::to_str(&new), count)?))
        }
        "format" => format(&own, args),
        "wordcount" => {
            args.none(name)?;
            Ok(Value::Int(word_count(text) as i128))
        }
        "truncate" => truncate(value, args),
        "indent" => indent(value, args),
        _ => {
            args.none(name)?;
            url_encoded(value).map(Value::str)
        }
    }
}

/// Title case by Jinja's words, which start after spaces, hyphens and opening brackets.
fn titled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    let flush = |word: &mut String, out: &mut String| {
        let mut chars = word.chars();
        if let Some(first) = chars.next() {
            out.extend(first.to_uppercase());
            out.push_str(&chars.as_str().to_lowercase());
        }
        word.clear();
    };
    for c in text.chars() {
        if is_space(c) || matches!(c, '-' | '(' | '{' | '[' | '<') {
            flush(&mut word, &mut out);
            out.push(c);
        } else {
            word.push(c);
        }
    }
    flush(&mut word, &mut out);
    out
}

fn word_count(text: &str) -> usize {
    let mut inside = false;
    let mut count = 0;
    for c in text.chars() {
        let word = is_word(c);
        count += usize::from(word && !inside);
        inside = word;
    }
    count
}

fn format(own: &Text, args: Args) -> Result<Value> {
    if !args.positional.is_empty() && !args.named.is_empty() {
        return Err(Error::value("can't handle positional and keyword arguments at the same time"));
    }
    let values = if args.named.is_empty() {
        Value::tuple(args.positional)
    } else {
        let mut named = Dict::default();
        for (name, value) in args.named {
            named.insert(Value::str(&*name), value);
        }
        Value::dict(named)
    };
    percent::format(own, &values)
}

fn truncate(value: &Value, args: Args) -> Result<Value> {
    let [length, killwords, end, leeway] =
        args.bind("truncate", ["length", "killwords", "end", "leeway"])?;
    let length = int_or(length.as_ref(), 255)?;
    let leeway = int_or(given(leeway).as_ref(), 5)?;
    let end = end.map_or_else(|| "...".to_owned(), |end| repr::to_str(&end));
    let own = match value {
        Value::Str(own) => own,
        Value::Undefined(_) => return Ok(value.clone()),
        // Python returns what is short enough, of any type with a length.
        _ if value.len().is_some_and(|len| len as i128 <= length.saturating_add(leeway)) => {
            return Ok(value.clone());
        }
        _ => return Err(Error::of_type(format!("truncate: found '{}'", value.type_name()))),
    };
    let cut = length.saturating_sub(end.chars().count() as i128);
    if cut < 0 || leeway < 0 {
        return Err(Error::value(format!(
            "truncate: found length {length} and leeway {leeway}, expected a length of at least {} and a leeway of at least 0",
            end.chars().count()
        )));
    }
    let chars: Vec<char> = own.text.chars().collect();
    if chars.len() as i128 <= length.saturating_add(leeway) {
        return Ok(value.clone());
    }
    let kept: String = chars.iter().take(cut as usize).collect();
    let kept = if flag(killwords.as_ref()) {
        kept.as_str()
    } else {
        kept.rsplit_once(' ').map_or(kept.as_str(), |(words, _)| words)
    };
    Ok(Value::marked(format!("{kept}{end}"), own.safe))
}

fn indent(value: &Value, args: Args) -> Result<Value> {
    let [width, first, blank] = args.bind("indent", ["width", "first", "blank"])?;
    let indention = match &width {
        Some(Value::Str(text)) => text.text.to_string(),
        width => {
            let width = int_or(width.as_ref(), 4)?.max(0);
            check_size(usize::try_from(width).unwrap_or(usize::MAX))?;
            " ".repeat(width as usize)
        }
    };
    // Python adds a line end to the value, which fails for other types.
    let text = operate(crate::ast::Operator::Add, value, &Value::str("\n"))?;
    let Value::Str(own) = &text else { return Err(Error::of_type("indent: expected a str")) };
    let lines = lines(own.as_str(), false);
    check_size(own.text.len().saturating_add(lines.len().saturating_mul(indention.len())))?;
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        if (index > 0 && (flag(blank.as_ref()) || !line.is_empty()))
            || (index == 0 && flag(first.as_ref()))
        {
            out.push_str(&indention);
        }
        out.push_str(line);
    }
    Ok(Value::marked(out, own.safe))
}

fn url_encoded(value: &Value) -> Result<String> {
    match value {
        Value::Str(text) => Ok(quoted(text.as_str(), "/")),
        _ if !iterate::iterable(value) => Ok(quoted(&repr::to_str(value), "/")),
        _ => {
            let pairs = match value {
                Value::Dict(dict) => dict
                    .iter()
                    .map(|(key, value)| Value::tuple(vec![key.clone(), value.clone()]))
                    .collect(),
                _ => iterate::items(value)?,
            };
            let (mut parts, mut size) = (Vec::new(), 0);
            for pair in pairs {
                let Ok([key, value]) = <[Value; 2]>::try_from(iterate::items(&pair)?) else {
                    return Err(Error::value("urlencode: expected pairs"));
                };
                let of = |value: &Value| quoted(&repr::to_str(value), "").replace("%20", "+");
                let part = format!("{}={}", of(&key), of(&value));
                size += part.len();
                check_size(size)?;
                parts.push(part);
            }
            Ok(parts.join("&"))
        }
    }
}

/// Python's `urllib.parse.quote`.
fn quoted(text: &str, safe: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "_.-~".contains(c) || safe.contains(c) {
            out.push(c);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
