//! Numbers and strings in a template.

use super::Token;

/// Reads a number and returns it with its length. After a dot, only an integer can follow. An integer that is too large has
/// no token.
pub(super) fn number(text: &str, after_dot: bool) -> Option<(Option<Token>, usize)> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if !after_dot && let Some(len) = float_len(text) {
        let value = text[..len].replace('_', "").parse().ok()?;
        return Some((Some(Token::Float(value)), len));
    }
    for (prefix, radix) in [("0b", 2), ("0o", 8), ("0x", 16)] {
        let head = text.get(..2).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
        let len = if head { digits(&text[2..], radix, true) } else { 0 };
        if len > 0 {
            let value = i128::from_str_radix(&text[2..2 + len].replace('_', ""), radix).ok();
            return Some((value.map(Token::Int), 2 + len));
        }
    }
    let len = if text.starts_with('0') {
        // Only zeros follow a leading zero.
        text.find(|c: char| c != '0' && c != '_').unwrap_or(text.len())
    } else {
        digits(text, 10, false)
    };
    let len = text[..len].trim_end_matches('_').len();
    Some((text[..len].replace('_', "").parse().ok().map(Token::Int), len))
}

/// The length of digits with single underscores between them.
fn digits(text: &str, radix: u32, leading: bool) -> usize {
    let mut len = 0;
    let mut underscore = !leading;
    for c in text.chars() {
        if c.is_digit(radix) {
            underscore = false;
        } else if c == '_' && !underscore {
            underscore = true;
        } else {
            break;
        }
        len += 1;
    }
    text[..len].trim_end_matches('_').len()
}

/// The length of a float: digits with a fraction, an exponent or both.
fn float_len(text: &str) -> Option<usize> {
    let whole = digits(text, 10, false);
    let fraction = match text[whole..].strip_prefix('.') {
        Some(after) => match digits(after, 10, false) {
            0 => 0,
            len => len + 1,
        },
        None => 0,
    };
    let after = &text[whole + fraction..];
    let exponent = after.strip_prefix(['e', 'E']).map_or(0, |tail| {
        let sign = usize::from(tail.starts_with(['+', '-']));
        match digits(&tail[sign..], 10, false) {
            0 => 0,
            len => 1 + sign + len,
        }
    });
    (fraction + exponent > 0).then_some(whole + fraction + exponent)
}

/// Whether a character continues a name without being a letter or a digit.
pub(super) fn is_mark(c: char) -> bool {
    // Combining marks of the common scripts, and the joiners of Indic names.
    matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}' | '\u{b7}')
}

/// The length of a quoted string with its quotes.
pub(super) fn quoted(text: &str) -> Option<usize> {
    let quote = text.chars().next()?;
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return Some(at + 1);
        }
    }
    None
}

/// Resolves escapes as Python's codec `unicode-escape` does on the text with other characters than ASCII escaped.
pub(super) fn unescaped(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some(next) = chars.next() else {
            return Err("\\ at end of string".to_owned());
        };
        let simple = match next {
            '\n' => continue,
            '\\' | '\'' | '"' => next,
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '0'..='7' => {
                let mut value = next.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = chars.peek().and_then(|c| c.to_digit(8)) else { break };
                    value = value * 8 + digit;
                    chars.next();
                }
                char::from_u32(value).unwrap_or('\u{fffd}')
            }
            'x' => hex(&mut chars, 2, "\\x")?,
            'u' => hex(&mut chars, 4, "\\u")?,
            'U' => hex(&mut chars, 8, "\\U")?,
            'N' => return Err("\\N{...} in a string, expected \\u with the code point".to_owned()),
            c if c.is_ascii() => {
                out.push('\\');
                c
            }
            // Python escapes the character first, so that the backslash escapes that escape.
            c => {
                let code = c as u32;
                out.push('\\');
                let escape = match code {
                    0..=0xff => format!("x{code:02x}"),
                    0x100..=0xffff => format!("u{code:04x}"),
                    _ => format!("U{code:08x}"),
                };
                out.push_str(&escape);
                continue;
            }
        };
        out.push(simple);
    }
    Ok(out)
}

fn hex(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    digits: usize,
    name: &str,
) -> Result<char, String> {
    let mut value = 0_u32;
    for _ in 0..digits {
        let digit = chars.peek().and_then(|c| c.to_digit(16));
        let Some(digit) = digit else { return Err(format!("truncated {name} escape")) };
        value = value.wrapping_mul(16).wrapping_add(digit);
        chars.next();
    }
    char::from_u32(value).ok_or_else(|| format!("{name}{value:x} is no character"))
}

#[cfg(test)]
mod tests {
    use super::{number, quoted, unescaped};
    use crate::lexer::Token;

    #[test]
    fn numbers_are_read_as_jinja_does() {
        for (text, value, len) in [
            ("12", Token::Int(12), 2),
            ("1_000|", Token::Int(1000), 5),
            ("0x1f", Token::Int(31), 4),
            ("0b101", Token::Int(5), 5),
            ("00", Token::Int(0), 2),
            ("1.5e3)", Token::Float(1500.0), 5),
            ("1e-2", Token::Float(0.01), 4),
            ("1.real", Token::Int(1), 1),
            ("3 ", Token::Int(3), 1),
        ] {
            assert_eq!(number(text, false), Some((Some(value), len)), "{text}");
        }
        assert_eq!(number("1.5", true), Some((Some(Token::Int(1)), 1)));
        assert_eq!(number(&"9".repeat(40), false), Some((None, 40)));
        assert_eq!(number("x1", false), None);
    }

    #[test]
    fn escapes_are_those_of_unicode_escape() {
        for (text, expected) in [
            (r"a\nb", "a\nb"),
            ("a\\\nb", "ab"),
            (r"\x41\u00e9\101", "AéA"),
            (r"\d\w", r"\d\w"),
            (r"\é", r"\xe9"),
            (r#"\"\'\\"#, r#""'\"#),
        ] {
            assert_eq!(unescaped(text).as_deref(), Ok(expected), "{text}");
        }
        assert!(unescaped(r"\x4").is_err());
        assert!(unescaped(r"\ud800").is_err());
        assert_eq!(quoted(r"'a\'b' + 'c'"), Some(6));
        assert_eq!(quoted("'open"), None);
    }
}
