//! Recognizes JSON, as Python reads it or as the standard defines it. It builds no values and does not recurse.

/// The definition of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `json.loads` of Python 3.11: accepts `NaN` and infinities, and whole numbers up to 4,300 digits.
    Python,
    /// RFC 8259, with an object or an array at the top level.
    Standard,
}

/// The maximum number of digits of a whole number in Python.
const MOST_DIGITS: usize = 4300;

/// Whether a text is one JSON value, ignoring surrounding space.
pub(super) fn is_json(text: &str, dialect: Dialect) -> bool {
    let text = text.trim_matches(is_gap);
    let nested = text.starts_with(['{', '[']);
    (nested || dialect == Dialect::Python) && Reader { rest: text, dialect }.document().is_some()
}

fn is_gap(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

struct Reader<'a> {
    rest: &'a str,
    dialect: Dialect,
}

impl Reader<'_> {
    /// Reads one value and the end of the text. The stack holds the open brackets: `{` as true, `[` as false.
    fn document(mut self) -> Option<()> {
        let mut open: Vec<bool> = Vec::new();
        loop {
            // A value starts here.
            self.skip();
            if self.take("{") {
                self.skip();
                if !self.take("}") {
                    open.push(true);
                    self.key()?;
                    continue;
                }
            } else if self.take("[") {
                self.skip();
                if !self.take("]") {
                    open.push(false);
                    continue;
                }
            } else {
                self.scalar()?;
            }
            // A value ended here.
            loop {
                self.skip();
                match open.last() {
                    None => return self.rest.is_empty().then_some(()),
                    Some(&object) if self.take(",") => {
                        if object {
                            self.skip();
                            self.key()?;
                        }
                        break;
                    }
                    Some(&object) => {
                        if !self.take(if object { "}" } else { "]" }) {
                            return None;
                        }
                        open.pop();
                    }
                }
            }
        }
    }

    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches(is_gap);
    }

    fn take(&mut self, mark: &str) -> bool {
        let rest = self.rest.strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Reads a key and its colon.
    fn key(&mut self) -> Option<()> {
        self.string()?;
        self.skip();
        self.take(":").then_some(())
    }

    fn scalar(&mut self) -> Option<()> {
        if self.rest.starts_with('"') {
            return self.string();
        }
        if ["null", "true", "false"].iter().any(|word| self.take(word)) {
            return Some(());
        }
        let constants = ["NaN", "Infinity", "-Infinity"];
        if self.dialect == Dialect::Python && constants.iter().any(|word| self.take(word)) {
            return Some(());
        }
        self.number()
    }

    fn digits(&mut self) -> usize {
        let rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let count = self.rest.len() - rest.len();
        self.rest = rest;
        count
    }

    fn number(&mut self) -> Option<()> {
        self.take("-");
        let whole = if self.take("0") { 1 } else { self.digits() };
        let before = self.rest;
        let mut exact = true;
        if self.take(".") {
            exact = false;
            if self.digits() == 0 {
                // A point without digits is not consumed, so that the reader fails on it.
                self.rest = before;
            }
        }
        let before = self.rest;
        if self.take("e") || self.take("E") {
            exact = false;
            let _ = self.take("+") || self.take("-");
            if self.digits() == 0 {
                self.rest = before;
            }
        }
        let short = self.dialect == Dialect::Standard || !exact || whole <= MOST_DIGITS;
        (whole > 0 && short).then_some(())
    }

    fn string(&mut self) -> Option<()> {
        if !self.take("\"") {
            return None;
        }
        loop {
            let at = self.rest.find(|c: char| c == '"' || c == '\\' || c < ' ')?;
            let (mark, rest) = (self.rest.as_bytes()[at], &self.rest[at + 1..]);
            self.rest = rest;
            match mark {
                b'"' => return Some(()),
                b'\\' => {
                    let escape = self.rest.chars().next()?;
                    self.rest = &self.rest[escape.len_utf8()..];
                    match escape {
                        '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' => {}
                        'u' => {
                            let hex = self.rest.get(..4)?;
                            if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                                return None;
                            }
                            self.rest = &self.rest[4..];
                        }
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dialects_agree_on_everyday_texts() {
        for text in
            ["{}", "[]", r#"{"a": [1, -0.5e+3, "x\u00e9\ud83d"], "a": {"b": null}}"#, "[[1]]"]
        {
            assert!(is_json(text, Dialect::Python) && is_json(text, Dialect::Standard), "{text}");
        }
        for text in [
            "",
            "{",
            "[1,]",
            "{'a': 1}",
            "{\"a\" 1}",
            "[01]",
            "[1.]",
            "[.5]",
            "[+1]",
            "[1e]",
            "[1] x",
            "\u{feff}{}",
            "[\"\n\"]",
            r#"["\x"]"#,
            r#"["\u12"]"#,
            "[1}",
            "{1: 2}",
            "[\"é",
            "null null",
        ] {
            assert!(!is_json(text, Dialect::Python) && !is_json(text, Dialect::Standard), "{text}");
        }
    }

    #[test]
    fn python_accepts_more() {
        for text in ["NaN", "[-Infinity]", "3", "\"a\"", "null"] {
            assert!(is_json(text, Dialect::Python) && !is_json(text, Dialect::Standard), "{text}");
        }
        let digits = |count| "[".to_owned() + &"9".repeat(count) + "]";
        assert!(is_json(&digits(4300), Dialect::Python));
        assert!(!is_json(&digits(4301), Dialect::Python));
        assert!(is_json(&digits(4301), Dialect::Standard));
    }

    #[test]
    fn deep_nesting_does_not_overflow() {
        let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
        assert!(is_json(&deep, Dialect::Python));
    }
}
