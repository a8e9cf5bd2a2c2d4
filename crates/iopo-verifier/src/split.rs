//! Finds the parts of a JSON text without building values, so that a small text cannot fill the memory.

use std::ops::Range;

/// A value in a text, with its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) range: Range<usize>,
    /// Levels of nesting, 0 for a value that is not nested.
    pub(crate) levels: usize,
    /// At least the number of values within it, itself included.
    pub(crate) values: usize,
}

/// A place in a text that is known to be JSON. On other texts it finds wrong parts, but it ends and never panics.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    /// Returns the first byte of the next value.
    pub(crate) fn first(&mut self) -> Option<u8> {
        self.skip_gaps();
        self.byte()
    }

    /// Enters an object or a list. Returns whether it has parts.
    pub(crate) fn enter(&mut self) -> bool {
        self.skip_gaps();
        self.at += 1;
        !matches!(self.first(), None | Some(b'}' | b']'))
    }

    /// Goes to the next part. Returns false at the end.
    pub(crate) fn next_part(&mut self) -> bool {
        let more = self.first() == Some(b',');
        self.at += 1;
        more
    }

    /// Reads a key with its colon. The key is a JSON string.
    pub(crate) fn key(&mut self) -> &'a str {
        let key = self.value().range;
        self.skip_gaps();
        self.at += 1;
        self.text.get(key).unwrap_or_default()
    }

    /// Reads a value.
    pub(crate) fn value(&mut self) -> Span {
        self.skip_gaps();
        let start = self.at;
        let (mut depth, mut levels, mut values) = (0_usize, 0, 1);
        while let Some(byte) = self.byte() {
            match byte {
                b'"' => self.skip_string(),
                b'{' | b'[' => {
                    depth += 1;
                    levels = levels.max(depth);
                    values += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    let Some(outer) = depth.checked_sub(1) else { break };
                    depth = outer;
                    self.at += 1;
                }
                b',' if depth == 0 => break,
                b',' => {
                    values += 1;
                    self.at += 1;
                }
                _ if depth > 0 => self.at += 1,
                _ => {
                    self.skip_scalar();
                    break;
                }
            }
            if depth == 0 {
                break;
            }
        }
        Span { range: start..self.at.min(self.text.len()), levels, values }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_gaps(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
    }

    fn skip_string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.byte() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                return;
            }
        }
    }

    fn skip_scalar(&mut self) {
        while !matches!(
            self.byte(),
            None | Some(b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\n' | b'\r')
        ) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<(&str, usize, usize)> {
        let mut scanner = Scanner::new(text, 0);
        let (mut found, mut more) = (Vec::new(), scanner.enter());
        while more {
            let Span { range, levels, values } = scanner.value();
            found.push((text.get(range).unwrap_or_default(), levels, values));
            more = scanner.next_part();
        }
        found
    }

    #[test]
    fn the_parts_of_a_list_are_found_with_their_sizes() {
        let found = parts(r#" [ 1,"a, ]\"", {"x": [1, 2], "y]": {}} ,[[]],true ,-1e5, null ] "#);
        let expected = [
            ("1", 0, 1),
            (r#""a, ]\"""#, 0, 1),
            (r#"{"x": [1, 2], "y]": {}}"#, 2, 6),
            ("[[]]", 2, 3),
            ("true", 0, 1),
            ("-1e5", 0, 1),
            ("null", 0, 1),
        ];
        assert_eq!(found, expected);
        assert_eq!(parts("[ ]"), []);
    }

    #[test]
    fn the_parts_of_an_object_are_found() {
        let text = r#"{"a\"b" : 1, "c":{"d":[]}}"#;
        let mut scanner = Scanner::new(text, 0);
        assert!(scanner.enter());
        assert_eq!(scanner.key(), r#""a\"b""#);
        assert_eq!(&text[scanner.value().range], "1");
        assert!(scanner.next_part());
        assert_eq!(scanner.key(), r#""c""#);
        assert_eq!(&text[scanner.value().range], r#"{"d":[]}"#);
        assert!(!scanner.next_part());
    }

    #[test]
    fn other_texts_end_without_a_panic() {
        for text in ["", "[", "[1", "[\"", "[\"\\", "{\"a", "{\"a\"", "[1}]", "]", "[,,", "é[é,\"é"]
        {
            let _ = parts(text);
            let mut scanner = Scanner::new(text, 0);
            let mut more = scanner.enter();
            let mut steps = 0;
            while more && steps < 100 {
                scanner.key();
                scanner.value();
                more = scanner.next_part();
                steps += 1;
            }
            assert!(steps < 100, "{text}");
        }
    }

    #[test]
    fn deep_nesting_needs_no_stack() {
        let text = format!("[{}{}]", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(parts(&text)[0].1, 1_000_000);
    }
}
