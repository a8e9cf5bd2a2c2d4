//! Classification of lines: list items, headings, table rows, steps.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::text::has_text;

/// The marker of a list item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Marker {
    /// `-`.
    Dash,
    /// `*`.
    Star,
    /// `•`.
    Dot,
    /// `1.`.
    NumberDot,
    /// `1)`.
    NumberParen,
}

impl Marker {
    pub(crate) const ALL: [Self; 5] =
        [Self::Dash, Self::Star, Self::Dot, Self::NumberDot, Self::NumberParen];

    pub(crate) fn is_bullet(self) -> bool {
        match self {
            Self::Dash | Self::Star | Self::Dot => true,
            Self::NumberDot | Self::NumberParen => false,
        }
    }

    /// The marker of the item with this number.
    pub(crate) fn write(self, number: usize) -> String {
        match self {
            Self::Dash => "-".to_owned(),
            Self::Star => "*".to_owned(),
            Self::Dot => "•".to_owned(),
            Self::NumberDot => format!("{number}."),
            Self::NumberParen => format!("{number})"),
        }
    }
}

/// All lines with their start positions.
pub(crate) fn all(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let at = start;
        start += line.len();
        (at, line.strip_suffix('\n').unwrap_or(line))
    })
}

/// The lines that are not blank.
pub(crate) fn filled(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split('\n').filter(|line| !line.trim().is_empty())
}

/// The lines outside fenced code blocks.
pub(crate) fn outside_code(text: &str) -> impl Iterator<Item = &str> {
    let mut open = false;
    text.split('\n').filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        open ^= fence;
        !open && !fence
    })
}

/// The text inside of a code block marked as Markdown that is the whole text, else the text.
///
/// Blocks inside of it need the name of a language, or fewer backticks.
pub(crate) fn unwrapped(text: &str) -> &str {
    inside(text.trim()).unwrap_or(text)
}

fn inside(text: &str) -> Option<&str> {
    let (first, rest) = text.split_once('\n')?;
    let name = first.trim_start_matches('`').trim();
    let fence = &first[..first.len() - first.trim_start_matches('`').len()];
    let is_markdown = ["markdown", "md"].iter().any(|known| name.eq_ignore_ascii_case(known));
    if fence.len() < 3 || !is_markdown {
        return None;
    }
    let (body, last) = rest.rsplit_once('\n')?;
    let mut open = false;
    for line in body.split('\n').map(str::trim) {
        let Some(name) = line.strip_prefix(fence) else { continue };
        // A fence without a name, outside of a block, ends the outer block.
        if name.is_empty() && !open {
            return None;
        }
        open = !name.is_empty();
    }
    (last.trim() == fence && !open).then_some(body)
}

/// A line without HTML tags and comments: `<h2 align="center">Tea</h2>` is a heading with two marks.
pub(crate) fn without_tags(line: &str) -> Cow<'_, str> {
    const TAGS: [&str; 19] = [
        "h1", "h2", "h3", "h4", "h5", "h6", "p", "b", "strong", "i", "em", "u", "center", "div",
        "span", "font", "br", "mark", "section",
    ];
    if !line.contains('<') {
        return Cow::Borrowed(line);
    }
    let mut plain = String::new();
    let mut rest = line;
    // False once no `>` follows. Otherwise each of many open tags would search the rest of the line.
    let mut closes = true;
    while let Some(at) = rest.find('<') {
        plain.push_str(&rest[..at]);
        let tag = &rest[at..];
        if let Some(comment) = tag.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let name = tag[1..].trim_start_matches('/');
        let name = &name[..name.bytes().take_while(u8::is_ascii_alphanumeric).count()];
        let known = closes && TAGS.iter().any(|known| known.eq_ignore_ascii_case(name));
        let close = if known { tag.find('>') } else { None };
        closes &= !known || close.is_some();
        let Some(close) = close else {
            plain.push('<');
            rest = &tag[1..];
            continue;
        };
        let level = name.strip_prefix(['h', 'H']).and_then(|level| level.parse().ok());
        if let Some(level) = level.filter(|_| !tag.starts_with("</") && plain.trim().is_empty()) {
            plain.push_str(&"#".repeat(level));
            plain.push(' ');
        }
        rest = &tag[close + 1..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// The marker and the text of a list item. A line without text is not an item.
pub(crate) fn item(line: &str) -> Option<(Marker, &str)> {
    let line = line.trim();
    let first = line.chars().next()?;
    let (mark, rest) = match first {
        '-' => (Marker::Dash, &line[1..]),
        '*' => (Marker::Star, &line[1..]),
        '•' => (Marker::Dot, &line[first.len_utf8()..]),
        '0'..='9' => {
            let digits = line.bytes().take(4).take_while(u8::is_ascii_digit).count();
            let mark = match line.as_bytes().get(digits) {
                Some(b'.') if digits <= 3 => Marker::NumberDot,
                Some(b')') if digits <= 3 => Marker::NumberParen,
                _ => return None,
            };
            (mark, &line[digits + 1..])
        }
        _ => return None,
    };
    let body = rest.trim_start();
    (body.len() < rest.len() && has_text(body)).then_some((mark, body))
}

/// The number of bytes before the text of a list item, 0 for other lines.
pub(crate) fn marker_len(line: &str) -> usize {
    let first = line.split('\n').next().unwrap_or(line);
    match item(first) {
        // `body` ends where the trimmed line ends.
        Some((_, body)) => first.trim_end().len() - body.len(),
        None => 0,
    }
}

/// The text of a Markdown heading.
pub(crate) fn heading(line: &str) -> Option<&str> {
    let line = line.trim();
    let rest = line.trim_start_matches('#');
    let level = line.len() - rest.len();
    let body = rest.trim_start();
    ((1..=6).contains(&level) && body.len() < rest.len() && has_text(body)).then_some(body)
}

/// Whether a line is in bold as a whole, beside a colon at its end.
pub(crate) fn is_bold(line: &str) -> bool {
    let inner = line.trim().trim_end_matches([':', '：']).strip_prefix("**");
    let inner = inner.and_then(|rest| rest.strip_suffix("**"));
    inner.is_some_and(|inner| has_text(inner) && !inner.contains("**"))
}

/// Whether a line is a row of a Markdown table.
pub(crate) fn is_row(line: &str) -> bool {
    let line = line.trim();
    line.len() > 2 && line.starts_with('|') && line.ends_with('|')
}

/// Whether a line is the row of dashes below the header of a Markdown table.
pub(crate) fn is_rule(line: &str) -> bool {
    let line = line.trim();
    is_row(line) && line.contains('-') && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

/// Whether a line is a separate sentence regardless of punctuation.
pub(crate) fn is_apart(line: &str) -> bool {
    item(line).is_some() || heading(line).is_some() || is_row(line) || is_divider(line)
}

/// Whether a line consists of three asterisks.
pub(crate) fn is_divider(line: &str) -> bool {
    line.trim() == "***"
}

/// The number of a line such as "Step 2: …", ignoring case. `label` is in lower case.
pub(crate) fn labeled(line: &str, label: &str, needs_colon: bool) -> Option<usize> {
    let line = line.trim().trim_start_matches(['#', '*', ' ']);
    let head = line.get(..label.len())?;
    if !head.eq_ignore_ascii_case(label) {
        return None;
    }
    let rest = line[label.len()..].strip_prefix(' ')?;
    let digits = rest.bytes().take(4).take_while(u8::is_ascii_digit).count();
    let number = rest.get(..digits)?.parse().ok()?;
    let next = rest[digits..].trim_start_matches('*').chars().next();
    let ends =
        if needs_colon { next == Some(':') } else { next.is_none_or(|c| !c.is_alphanumeric()) };
    ends.then_some(number)
}

/// The part of a line before ": ", if both sides contain text and the line starts with a letter.
pub(crate) fn key_value(line: &str) -> Option<&str> {
    let line = line.trim();
    let (key, value) = line.split_once(": ")?;
    let plain = key.chars().all(|c| c.is_alphanumeric() || " -'/&".contains(c));
    let good = plain && key.starts_with(char::is_alphabetic) && key.len() <= 60 && has_text(value);
    good.then_some(key)
}

/// The number of phrases in bold (`**like this**`), each on one line.
pub(crate) fn bold(text: &str) -> usize {
    let mut found = 0;
    for line in text.split('\n') {
        let mut rest = line;
        while let Some((_, after)) = rest.split_once("**") {
            let Some((inner, behind)) = after.split_once("**") else { break };
            found += usize::from(has_text(inner));
            rest = behind;
        }
    }
    found
}

/// The number of placeholders (`[like this]`): brackets on one line around at most 60 bytes with a letter.
pub(crate) fn placeholders(text: &str) -> usize {
    let named = |inner: &str, _: &str| inner.len() <= 60 && inner.chars().any(char::is_alphabetic);
    brackets(text, named)
}

/// The number of innermost `[…]` within a line that satisfy `counts`, which gets the text inside and the text after.
pub(crate) fn brackets(text: &str, counts: impl Fn(&str, &str) -> bool) -> usize {
    let mut found = 0;
    let mut open: Option<usize> = None;
    for (at, c) in text.char_indices() {
        match c {
            '[' => open = Some(at + 1),
            '\n' => open = None,
            ']' => {
                let inner = open.take().map_or("", |start| &text[start..at]);
                found += usize::from(counts(inner, &text[at + 1..]));
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_markdown_block_around_the_whole_is_opened() {
        assert_eq!(unwrapped("```markdown\n# Tea\n\n- a\n```\n"), "# Tea\n\n- a");
        assert_eq!(
            unwrapped("```md\n# Tea\n```python\na\n```\nb\n```"),
            "# Tea\n```python\na\n```\nb"
        );
        assert_eq!(unwrapped("````markdown\n# Tea\n```\na\n```\n````"), "# Tea\n```\na\n```");
        for text in [
            "# Tea",
            "Here:\n```markdown\n# Tea\n```",
            "```markdown\n# Tea\n```\nThat is it.",
            "```markdown\n# Tea\n```\nand\n```python\na\n```",
            "```python\n# Tea\n```",
            "```markdown",
        ] {
            assert_eq!(unwrapped(text), text);
        }
    }

    #[test]
    fn tags_are_no_text() {
        assert_eq!(without_tags("<h2 align=\"center\">Tea</h2>"), "## Tea");
        assert_eq!(without_tags("<p><b>Tea</b>: a<br/></p><!-- end -->"), "Tea: a");
        assert_eq!(without_tags("a < b, List<String> <!-- x"), "a < b, List<String> ");
        for open in ["<<", "<b", "<b <"] {
            // Minutes if the end of every tag were searched for in the rest of the line.
            let open = open.repeat(2_000_000);
            assert_eq!(without_tags(&open), open);
        }
    }

    #[test]
    fn lines_are_classified() {
        assert_eq!(item("  - tea"), Some((Marker::Dash, "tea")));
        assert_eq!(item("12) tea "), Some((Marker::NumberParen, "tea")));
        for none in ["**bold** text", "-5", "---", "* * *", "- ", "3.14 is", "2024. x", "", "1."] {
            assert_eq!(item(none), None, "{none}");
        }
        assert_eq!(marker_len("  1. tea "), 5);
        assert_eq!(heading("## Tea"), Some("Tea"));
        assert_eq!((heading("#tea"), heading("# #"), heading("####### x")), (None, None, None));
        assert_eq!(labeled("**Step 2:** go", "step", true), Some(2));
        assert_eq!(labeled("Section 3", "section", false), Some(3));
        assert_eq!(labeled("stéphane", "step", true), None);
        assert_eq!(key_value("Name: tea"), Some("Name"));
        assert_eq!(key_value("- Name: tea"), None);
        assert_eq!(bold("**a** b **c** ** ** **d"), 2);
        assert_eq!(placeholders("Dear [Name], [1] [] [your city]"), 2);
        assert!(is_rule("|---|:-:|") && is_row("| a | b |") && !is_row("||"));
    }
}
