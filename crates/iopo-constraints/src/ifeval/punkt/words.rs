//! The rough tokens that Punkt splits sentences with.

use super::super::python::{is_decimal, is_space, is_word, lower};

/// Marks that may end a sentence.
pub(super) fn is_end_mark(c: char) -> bool {
    matches!(c, '.' | '?' | '!')
}

/// Marks that end a word. A sentence may end right before them.
pub(super) fn is_non_word(c: char) -> bool {
    matches!(c, ')' | '"' | ';' | '}' | ']' | '*' | ':' | '@' | '\'' | '(' | '{' | '[' | '?' | '!')
}

/// Marks that are separate tokens at the start of a word.
fn is_no_start(c: char) -> bool {
    matches!(
        c,
        '(' | '"'
            | '`'
            | '{'
            | '['
            | ':'
            | ';'
            | '&'
            | '#'
            | '*'
            | '@'
            | ')'
            | '}'
            | ']'
            | '-'
            | ','
    )
}

/// The length of a dash, an ellipsis or a spaced ellipsis at the start of a text, 0 if there is none.
fn long_mark(text: &str) -> usize {
    let run = |mark: char| text.len() - text.trim_start_matches(mark).len();
    match text.chars().next() {
        Some('-') if run('-') > 1 => run('-'),
        Some('.') if run('.') > 1 => run('.'),
        Some('.') => spaced_ellipsis(text),
        _ => 0,
    }
}

/// The length of `. . .` or longer.
fn spaced_ellipsis(text: &str) -> usize {
    let (mut end, mut points) = (0, 0);
    let mut chars = text.char_indices();
    while let Some((at, '.')) = chars.next() {
        (end, points) = (at + 1, points + 1);
        if !chars.next().is_some_and(|(_, c)| is_space(c)) {
            break;
        }
    }
    if points > 2 { end } else { 0 }
}

/// Whether `rest` starts with a long mark. It reads no more than necessary.
fn starts_long_mark(rest: &str) -> bool {
    if rest.starts_with("--") || rest.starts_with("..") {
        return true;
    }
    let mut chars = rest.chars();
    [false, true, false, true, false]
        .iter()
        .all(|&space| chars.next().is_some_and(|c| if space { is_space(c) } else { c == '.' }))
}

/// Whether a word ends before `rest`.
fn ends_before(rest: &str) -> bool {
    let Some(c) = rest.chars().next() else { return true };
    let hard = |rest: &str| {
        rest.chars().next().is_none_or(|c| is_space(c) || is_non_word(c)) || starts_long_mark(rest)
    };
    hard(rest) || (c == ',' && hard(&rest[1..]))
}

/// The words of one line.
pub(super) fn words(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = line[at..].chars().next() {
        let rest = &line[at..];
        let mut length = c.len_utf8();
        if is_space(c) {
            at += length;
            continue;
        }
        let mark = long_mark(rest);
        if mark > 0 {
            length = mark;
        } else if !is_no_start(c) {
            while !ends_before(&rest[length..]) {
                length += rest[length..].chars().next().map_or(1, char::len_utf8);
            }
        }
        found.push(&rest[..length]);
        at += length;
    }
    found
}

/// A word with its classification.
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// The word in lower case, `##number##` for numbers.
    kind: String,
    pub(super) breaks: bool,
    pub(super) abbreviation: bool,
    pub(super) ellipsis: bool,
}

impl<'a> Token<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let kind = if is_number(text) { "##number##".to_owned() } else { lower(text) };
        Self { text, kind, breaks: false, abbreviation: false, ellipsis: false }
    }

    pub(super) fn is_period_final(&self) -> bool {
        self.text.ends_with('.')
    }

    /// The kind without a final period.
    pub(super) fn stem(&self) -> &str {
        match self.kind.strip_suffix('.') {
            Some(stem) if !stem.is_empty() => stem,
            _ => &self.kind,
        }
    }

    /// The kind, without the final period if it ends a sentence.
    pub(super) fn bare(&self) -> &str {
        if self.breaks { self.stem() } else { &self.kind }
    }

    /// One letter and a period.
    pub(super) fn is_initial(&self) -> bool {
        let mut chars = self.text.chars();
        chars.next().is_some_and(|c| is_word(c) && !is_decimal(c)) && chars.as_str() == "."
    }

    pub(super) fn starts_upper(&self) -> bool {
        self.text.starts_with(char::is_uppercase)
    }

    pub(super) fn starts_lower(&self) -> bool {
        self.text.starts_with(char::is_lowercase)
    }
}

/// Whether a word is a number, possibly with points, commas and dashes: `3`, `-1,000.`, `.5`, `1990-91`.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let text = text.strip_prefix(['.', ',']).unwrap_or(text);
    text.starts_with(is_decimal) && text.chars().all(|c| is_decimal(c) || ",.-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_marks() {
        assert_eq!(
            words("Wait... (what?) it's a, b,c --no- . . . x"),
            [
                "Wait", "...", "(", "what", "?", ")", "it", "'s", "a", ",", "b,c", "--", "no-",
                ". . .", "x"
            ]
        );
    }

    #[test]
    fn numbers_share_one_kind() {
        for text in ["3", "3.", "-1,000.5", ".5", "1990-91."] {
            assert_eq!(Token::new(text).stem(), "##number##", "{text}");
        }
        assert_eq!(Token::new("3rd.").stem(), "3rd");
        assert_eq!(Token::new("-").stem(), "-");
    }
}
