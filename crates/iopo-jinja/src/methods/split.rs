//! Splits and joins strings.

use crate::args::{Args, flag, given, int_or, required};
use crate::budget;
use crate::error::{Error, Result};
use crate::operators::check_size;
use crate::unicode::{is_line_end, is_space};
use crate::value::{Text, Value, iterate};

/// Calls a method that splits or joins.
pub(super) fn call(own: &Text, name: &str, args: Args) -> Result<Value> {
    match name {
        "splitlines" => splitlines(own, args),
        "partition" | "rpartition" => partition(own, name, args),
        "join" => join(own, args),
        _ => split(own, name, args),
    }
}

/// A list of parts. Its memory is charged to the budget before it is allocated.
fn list(own: &Text, parts: &[&str]) -> Result<Value> {
    budget::charge(parts.len())?;
    Ok(Value::list(parts.iter().map(|part| Value::marked(part, own.safe)).collect()))
}

fn split(own: &Text, name: &str, args: Args) -> Result<Value> {
    let [separator, most] = args.bind(name, ["sep", "maxsplit"])?;
    let most = int_or(most.as_ref(), -1)?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let text = own.as_str();
    let parts: Vec<&str> = match given(separator) {
        None if name == "split" => words(text, most),
        None => last_words(text, most),
        Some(separator) => {
            let separator = separator.text(name)?;
            if separator.is_empty() {
                return Err(Error::value("empty separator"));
            }
            let pieces = most.saturating_add(1);
            if name == "split" {
                text.splitn(pieces, separator).collect()
            } else {
                let mut parts: Vec<&str> = text.rsplitn(pieces, separator).collect();
                parts.reverse();
                parts
            }
        }
    };
    list(own, &parts)
}

/// Splits at whitespace, at most `most` times from the left.
pub(crate) fn words(text: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        if parts.len() == most {
            // The rest keeps the whitespace at its end.
            parts.push(rest);
            break;
        }
        let end = rest.find(is_space).unwrap_or(rest.len());
        parts.push(&rest[..end]);
        rest = rest[end..].trim_start_matches(is_space);
    }
    parts
}

/// Splits at whitespace, at most `most` times from the right.
fn last_words(text: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim_end_matches(is_space);
    while !rest.is_empty() {
        if parts.len() == most {
            parts.push(rest);
            break;
        }
        let space = rest.char_indices().rev().find(|(_, c)| is_space(*c));
        let start = space.map_or(0, |(at, c)| at + c.len_utf8());
        parts.push(&rest[start..]);
        rest = rest[..start].trim_end_matches(is_space);
    }
    parts.reverse();
    parts
}

fn splitlines(own: &Text, args: Args) -> Result<Value> {
    let [keep] = args.bind("splitlines", ["keepends"])?;
    list(own, &lines(own.as_str(), flag(keep.as_ref())))
}

/// Python's `str.splitlines`.
pub(crate) fn lines(text: &str, keep: bool) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some((end, c)) = rest.char_indices().find(|(_, c)| is_line_end(*c)) else {
            lines.push(rest);
            break;
        };
        let after = if rest[end..].starts_with("\r\n") { end + 2 } else { end + c.len_utf8() };
        lines.push(&rest[..if keep { after } else { end }]);
        rest = &rest[after..];
    }
    lines
}

fn partition(own: &Text, name: &str, args: Args) -> Result<Value> {
    let [separator] = args.bind(name, ["sep"])?;
    let separator = required(separator, name, "sep")?;
    let separator = separator.text(name)?;
    if separator.is_empty() {
        return Err(Error::value("empty separator"));
    }
    let text = own.as_str();
    let parts = if name == "partition" {
        text.split_once(separator).map_or([text, "", ""], |(a, b)| [a, separator, b])
    } else {
        text.rsplit_once(separator).map_or(["", "", text], |(a, b)| [a, separator, b])
    };
    Ok(Value::tuple(parts.iter().map(|part| Value::marked(part, own.safe)).collect()))
}

fn join(own: &Text, args: Args) -> Result<Value> {
    let [items] = args.bind("join", ["iterable"])?;
    let items = iterate::items(&required(items, "join", "iterable")?)?;
    let mut out = String::new();
    for (index, item) in items.iter().enumerate() {
        let Value::Str(text) = item else {
            return Err(Error::of_type(format!(
                "sequence item {index}: expected str instance, {} found",
                item.type_name()
            )));
        };
        if index > 0 {
            out.push_str(own.as_str());
        }
        out.push_str(text.as_str());
        check_size(out.len())?;
    }
    Ok(Value::marked(out, own.safe))
}

#[cfg(test)]
mod tests {
    use super::{last_words, lines, words};

    #[test]
    fn whitespace_splits_as_in_python() {
        assert_eq!(words("  a b  c ", usize::MAX), ["a", "b", "c"]);
        assert_eq!(words("  a b  c ", 1), ["a", "b  c "]);
        assert_eq!(last_words("  a b  c ", 1), ["  a b", "c"]);
        assert_eq!(last_words("a b  c", usize::MAX), ["a", "b", "c"]);
        assert_eq!(words(" a ", 0), ["a "]);
        assert_eq!(last_words(" a ", 0), [" a"]);
        assert!(words("\u{2009} \u{1f}", usize::MAX).is_empty());
    }

    #[test]
    fn lines_end_at_all_line_ends() {
        assert_eq!(lines("a\r\nb\rc\u{85}d\u{2028}", false), ["a", "b", "c", "d"]);
        assert_eq!(lines("a\r\nb\n\n", true), ["a\r\n", "b\n", "\n"]);
        assert!(lines("", false).is_empty());
    }
}
