//! The dialect of JSON that Python's `json` module writes and reads.
//!
//! Python writes numbers that JSON does not have (`NaN`, `Infinity`, `-Infinity`) and unpaired surrogates (`"\ud83d"`), which
//! are not valid Unicode. Other tools put a byte order mark before the text.

use std::borrow::Cow;

/// The number of bytes of an escape such as `\u00e9`.
const ESCAPE: usize = 6;

/// The byte order mark.
pub const BOM: &str = "\u{feff}";

/// Removes the byte order mark at the beginning of a text.
pub fn without_bom(text: &str) -> &str {
    text.strip_prefix(BOM).unwrap_or(text)
}

/// Converts Python's JSON to standard JSON: a number that JSON does not have becomes `null`, and an unpaired surrogate
/// becomes U+FFFD.
///
/// Everything else is unchanged, including text that is not JSON, so that a parser reports its errors.
///
/// ```
/// use iopo_core::python_json::to_json;
///
/// assert_eq!(to_json(r#"{"loss": NaN, "text": "\ud83d"}"#), r#"{"loss": null, "text": "\ufffd"}"#);
/// ```
pub fn to_json(text: &str) -> Cow<'_, str> {
    let mut converted = String::new();
    // `text[..copied]` is in `converted`.
    let (mut copied, mut at, mut quoted) = (0, 0, false);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        let found = if quoted { lone_surrogate(bytes, at) } else { number(bytes, at) };
        if let Some((length, standard)) = found {
            converted.push_str(&text[copied..at]);
            converted.push_str(standard);
            at += length;
            copied = at;
            continue;
        }
        at += match bytes[at] {
            b'\\' if quoted => escape_length(bytes, at),
            b'"' => {
                quoted = !quoted;
                1
            }
            _ => 1,
        };
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    converted.push_str(&text[copied..]);
    Cow::Owned(converted)
}

/// Returns the length and the replacement of a number that JSON does not have.
fn number(bytes: &[u8], at: usize) -> Option<(usize, &'static str)> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    if at > 0 && bytes.get(at - 1).is_some_and(is_word) {
        return None;
    }
    let names: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
    let name = names.into_iter().find(|name| bytes[at..].starts_with(name))?;
    (!bytes.get(at + name.len()).is_some_and(is_word)).then_some((name.len(), "null"))
}

/// Returns the length and the replacement of an escaped unpaired surrogate.
fn lone_surrogate(bytes: &[u8], at: usize) -> Option<(usize, &'static str)> {
    match code_unit(bytes, at)? {
        0xd800..=0xdbff if !is_low(bytes, at + ESCAPE) => Some((ESCAPE, r"\ufffd")),
        0xdc00..=0xdfff => Some((ESCAPE, r"\ufffd")),
        _ => None,
    }
}

/// Returns the length of an escape; that of a surrogate pair spans both halves.
fn escape_length(bytes: &[u8], at: usize) -> usize {
    match code_unit(bytes, at) {
        Some(0xd800..=0xdbff) if is_low(bytes, at + ESCAPE) => 2 * ESCAPE,
        Some(_) => ESCAPE,
        None => 2,
    }
}

/// Returns whether an escaped low surrogate begins at `at`.
fn is_low(bytes: &[u8], at: usize) -> bool {
    matches!(code_unit(bytes, at), Some(0xdc00..=0xdfff))
}

/// Returns the UTF-16 code unit of the escape at `at`; `None` if there is none.
fn code_unit(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + ESCAPE)?.strip_prefix(br"\u")?;
    digits.iter().try_fold(0, |unit, digit| Some(16 * unit + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{to_json, without_bom};

    #[test]
    fn numbers_that_json_lacks_become_null() {
        for (python, json) in [
            ("NaN", "null"),
            ("[NaN,-Infinity, Infinity]", "[null,null, null]"),
            (r#"{"a": NaN, "b": {"c": [-Infinity]}}"#, r#"{"a": null, "b": {"c": [null]}}"#),
            (r#"{"NaN": "NaN, \"Infinity", "x": NaN}"#, r#"{"NaN": "NaN, \"Infinity", "x": null}"#),
        ] {
            assert_eq!(to_json(python), json);
        }
    }

    #[test]
    fn half_characters_become_the_replacement_character() {
        for (python, json) in [
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""\ude00 \uD83D\u0041""#, r#""\ufffd \ufffd\u0041""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ud83d\n\\\ude00""#, r#""\ufffd\n\\\ufffd""#),
        ] {
            assert_eq!(to_json(python), json);
        }
    }

    #[test]
    fn other_text_is_unchanged_and_not_copied() {
        for text in [
            r#"{"a": "\ud83d\ude00 \\ud83d \"", "b": -1e5}"#,
            r#""é NaN \" Infinity""#,
            "NaNs xNaN Infinity2 -Infinit",
            r#"{"open": "\ud8"#,
            "\"\\",
            "",
        ] {
            assert!(matches!(to_json(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn one_byte_order_mark_is_removed_from_the_beginning() {
        assert_eq!(without_bom("\u{feff}{}"), "{}");
        assert_eq!(without_bom("{}\u{feff}"), "{}\u{feff}");
    }
}
