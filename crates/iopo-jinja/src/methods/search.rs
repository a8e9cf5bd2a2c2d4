//! Finds parts of strings. Positions count characters.

use crate::args::{Args, given, int_or, required};
use crate::error::{Error, Result};
use crate::operators::check_size;
use crate::value::iterate::position;
use crate::value::{Text, Value};

/// Calls a search method.
pub(super) fn call(own: &Text, name: &str, args: Args) -> Result<Value> {
    match name {
        "count" => count(own.as_str(), args),
        "startswith" | "endswith" => affix(own.as_str(), name, args),
        "replace" => replace(own, args),
        _ => find(own.as_str(), name, args),
    }
}

/// The part of a text between two character positions, and the first position. `None` if the start is behind the end.
fn part<'t>(
    text: &'t str,
    start: Option<&Value>,
    end: Option<&Value>,
) -> Result<Option<(&'t str, usize)>> {
    let len = text.chars().count();
    let start = position(start, len, 0)?;
    let end = position(end, len, len)?.min(len);
    if start > end {
        return Ok(None);
    }
    let byte = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    Ok(Some((&text[byte(start)..byte(end)], start)))
}

fn find(text: &str, name: &str, args: Args) -> Result<Value> {
    let [sub, start, end] = args.bind(name, ["sub", "start", "end"])?;
    let sub = required(sub, name, "sub")?;
    let sub = sub.text(name)?;
    let found = part(text, start.as_ref(), end.as_ref())?.and_then(|(part, start)| {
        let byte = if name.starts_with('r') { part.rfind(sub) } else { part.find(sub) };
        byte.map(|byte| start + part[..byte].chars().count())
    });
    match found {
        Some(at) => Ok(Value::Int(at as i128)),
        None if name.ends_with("find") => Ok(Value::Int(-1)),
        None => Err(Error::value("substring not found")),
    }
}

fn count(text: &str, args: Args) -> Result<Value> {
    let [sub, start, end] = args.bind("count", ["sub", "start", "end"])?;
    let sub = required(sub, "count", "sub")?;
    let sub = sub.text("count")?;
    let count = part(text, start.as_ref(), end.as_ref())?.map_or(0, |(part, _)| {
        if sub.is_empty() { part.chars().count() + 1 } else { part.matches(sub).count() }
    });
    Ok(Value::Int(count as i128))
}

fn affix(text: &str, name: &str, args: Args) -> Result<Value> {
    let [affix, start, end] = args.bind(name, ["prefix", "start", "end"])?;
    let affix = required(affix, name, "prefix")?;
    let affixes = match &affix {
        Value::Tuple(items) => items.to_vec(),
        _ => vec![affix],
    };
    let part = part(text, start.as_ref(), end.as_ref())?;
    for affix in &affixes {
        let affix = affix.text(name)?;
        let holds = part.is_some_and(|(part, _)| {
            if name == "startswith" { part.starts_with(affix) } else { part.ends_with(affix) }
        });
        if holds {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn replace(own: &Text, args: Args) -> Result<Value> {
    let [old, new, count] = args.bind("replace", ["old", "new", "count"])?;
    let (old, new) = (required(old, "replace", "old")?, required(new, "replace", "new")?);
    let count = int_or(given(count).as_ref(), -1)?;
    let text = replaced(own.as_str(), old.text("replace")?, new.text("replace")?, count)?;
    Ok(Value::marked(text, own.safe))
}

/// Replaces up to `count` occurrences; all of them if it is negative.
pub(crate) fn replaced(text: &str, old: &str, new: &str, count: i128) -> Result<String> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let found = if old.is_empty() { text.chars().count() + 1 } else { text.matches(old).count() };
    check_size(text.len().saturating_add(found.min(most).saturating_mul(new.len())))?;
    if count < 0 { Ok(text.replace(old, new)) } else { Ok(text.replacen(old, new, most)) }
}
