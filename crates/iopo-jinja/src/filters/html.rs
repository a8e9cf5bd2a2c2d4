//! HTML: escapes, tags and attributes.

use crate::args::{Args, flag};
use crate::error::{Error, Result};
use crate::methods::words;
use crate::operators::check_size;
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
    let text = without_marks(&without_comments(text));
    unescaped(&words(&text, usize::MAX).join(" "))
}

/// Removes comments up to the first one without an end. Removing a comment can form the start of another.
fn without_comments(text: &str) -> String {
    const OPEN: &str = "<!--";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        // The start of a comment, whose first characters can already be in the output.
        let joined = (1..OPEN.len())
            .rev()
            .find(|len| out.ends_with(&OPEN[..*len]) && rest.starts_with(&OPEN[*len..]));
        let after = if let Some(len) = joined {
            &rest[OPEN.len() - len..]
        } else {
            let Some(at) = rest.find(OPEN) else { break };
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            &rest[OPEN.len()..]
        };
        // The end can share hyphens with the start.
        let end = if after.starts_with('>') {
            Some(1)
        } else if after.starts_with("->") {
            Some(2)
        } else {
            after.find("-->").map(|at| at + 3)
        };
        let Some(end) = end else { break };
        out.truncate(out.len() - joined.unwrap_or(0));
        rest = &after[end..];
    }
    out + rest
}

/// Removes tags up to the first one without an end.
fn without_marks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        let Some((_, after)) = tag.split_once('>') else { break };
        out.push_str(before);
        rest = after;
    }
    out + rest
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
    let (mut items, mut size) = (Vec::new(), 0);
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
        let item = format!("{key}=\"{}\"", escaped(&repr::to_text(value)));
        size += item.len();
        check_size(size)?;
        items.push(item);
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
        assert_eq!(without_tags("a<!-->b<!--->c<!-- --->d"), "abcd");
        assert_eq!(without_tags("<!<!-- x -->-- y -->z<!<!---- open"), "z<!<!---- open");
        assert_eq!(unescaped("&amp;&#39;&#x41;&nope;&copy &eacute;"), "&'A&nope;© é");
    }
}
