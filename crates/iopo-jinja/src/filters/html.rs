//! HTML: escapes, tags and attributes.

use crate::args::{Args, flag};
use crate::error::{Error, Result};
use crate::methods::words;
use crate::unicode::entity;
use crate::value::{Text, Value, repr};

pub(super) fn apply(name: &str, value: &Value, args: Args) -> Result<Value> {
    match name {
        "xmlattr" => {
            let [autospace] = args.bind(name, ["autospace"])?;
            attributes(value, autospace.is_none_or(|own| flag(Some(&own)))).map(Value::str)
        }
        "safe" => {
            args.none(name)?;
            Ok(Value::marked(repr::to_str(value), true))
        }
        "striptags" => {
            args.none(name)?;
            Ok(Value::marked(without_tags(&repr::to_str(value)), true))
        }
        "forceescape" => {
            args.none(name)?;
            let text = Text { text: repr::to_str(value).into(), safe: false };
            Ok(Value::marked(escaped(&text), true))
        }
        _ => {
            args.none(name)?;
            Ok(Value::marked(escaped(&repr::to_text(value)), true))
        }
    }
}

/// Escapes a text, unless it is safe.
pub(crate) fn escaped(text: &Text) -> String {
    if text.safe {
        return text.text.to_string();
    }
    let mut out = String::with_capacity(text.text.len());
    for c in text.text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    out
}

/// Removes comments and tags, joins whitespace, and resolves entities.
pub(crate) fn without_tags(text: &str) -> String {
    let text = without(&without(text, "<!--", "-->"), "<", ">");
    unescaped(&words(&text, usize::MAX).join(" "))
}

/// Removes what is between two marks, until one is missing.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut out = text.to_owned();
    let mut from = 0;
    while let Some(start) = out[from..].find(open).map(|at| from + at) {
        let Some(end) = out[start..].find(close).map(|at| start + at) else { break };
        out.replace_range(start..end + close.len(), "");
        // Removing a part can join a new mark.
        from = start.saturating_sub(open.len());
        while !out.is_char_boundary(from) {
            from -= 1;
        }
    }
    out
}

/// Resolves entities, as Python's `html.unescape` does with those of HTML 4.
pub(crate) fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some((c, len)) = reference(after) {
            out.push_str(&c);
            rest = &after[len..];
        } else {
            out.push('&');
            rest = after;
        }
    }
    out + rest
}

/// Reads an entity after `&`: its text and its length.
fn reference(text: &str) -> Option<(String, usize)> {
    let with_end = |len: usize| len + usize::from(text[len..].starts_with(';'));
    if let Some(number) = text.strip_prefix('#') {
        let (digits, radix) = match number.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16),
            None => (number, 10),
        };
        let len = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
        let code = u32::from_str_radix(&digits[..len], radix);
        if len == 0 {
            return None;
        }
        let c = code.ok().filter(|code| *code != 0).and_then(char::from_u32);
        let end = text.len() - digits.len() + len;
        return Some((c.unwrap_or('\u{fffd}').to_string(), with_end(end)));
    }
    let len = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    let name = &text[..len];
    if name == "apos" && text[len..].starts_with(';') {
        return Some(("'".to_owned(), len + 1));
    }
    let c = entity(name)?;
    // Only the oldest entities resolve without a semicolon.
    let old = (c as u32) < 0x100;
    (old || text[len..].starts_with(';')).then(|| (c.to_string(), with_end(len)))
}

fn attributes(value: &Value, autospace: bool) -> Result<String> {
    let Value::Dict(dict) = value else {
        if let Value::Undefined(missing) = value {
            return Err(missing.error());
        }
        let of = value.type_name();
        return Err(Error::of_type(format!("'{of}' object has no attribute 'items'")));
    };
    let mut items = Vec::new();
    for (key, value) in dict.iter() {
        if matches!(value, Value::None | Value::Undefined(_)) {
            continue;
        }
        let key = key.text("xmlattr")?;
        if key.contains(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '=' | '\u{b}'))
        {
            return Err(Error::value(format!("invalid character in attribute name: {key:?}")));
        }
        let key = escaped(&Text { text: key.into(), safe: false });
        items.push(format!("{key}=\"{}\"", escaped(&repr::to_text(value))));
    }
    let text = items.join(" ");
    Ok(if autospace && !text.is_empty() { format!(" {text}") } else { text })
}

#[cfg(test)]
mod tests {
    use super::{unescaped, without_tags};

    #[test]
    fn tags_and_comments_are_removed() {
        assert_eq!(without_tags("<b>x</b>  y"), "x y");
        assert_eq!(without_tags("a <!-- <b> --> &lt;c&gt; <open"), "a <c> <open");
        assert_eq!(unescaped("&amp;&#39;&#x41;&nope;&copy &eacute;"), "&'A&nope;© é");
    }
}
