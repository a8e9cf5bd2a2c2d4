//! Elements within a response: placeholders, a postscript, highlights, a title.

use super::{super::python::is_space, lower, strip};

/// The number of `[…]` within a line, including empty ones.
pub(super) fn placeholders(text: &str) -> usize {
    text.split('\n').map(in_line).sum()
}

fn in_line(mut line: &str) -> usize {
    let mut count = 0;
    while let Some(open) = line.find('[') {
        let Some(close) = line[open..].find(']') else { break };
        line = &line[open + close + 1..];
        count += 1;
    }
    count
}

/// Whether the parts of a postscript marker occur anywhere, with at most one space between two parts.
pub(super) fn postscript(text: &str, parts: &[&str]) -> bool {
    let text = lower(text);
    let follows = |start: usize| {
        let mut rest = &text[start..];
        parts.iter().enumerate().all(|(at, part)| {
            let near = if at == 0 { rest } else { rest.strip_prefix(is_space).unwrap_or(rest) };
            let found = near.strip_prefix(part);
            rest = found.unwrap_or(rest);
            found.is_some()
        })
    };
    text.match_indices("p.").any(|(start, _)| follows(start))
}

/// The number of passages between single asterisks plus that between double asterisks.
pub(super) fn highlights(text: &str) -> usize {
    between(text, "*") + between(text, "**")
}

/// The number of passages between two marks that are not blank and contain no line break or asterisk.
fn between(text: &str, mark: &str) -> usize {
    let mut count = 0;
    let mut rest = text;
    while let Some(open) = rest.find(mark) {
        let inner = &rest[open + mark.len()..];
        let end = inner.find(['*', '\n']).unwrap_or(inner.len());
        let (passage, after) = inner.split_at(end);
        rest = match after.strip_prefix(mark) {
            Some(after) => {
                count += usize::from(!strip(passage).is_empty());
                after
            }
            // The next mark may start with the second asterisk of this one.
            None => &rest[open + 1..],
        };
    }
    count
}

/// Whether a line contains `<<…>>` with text in it.
pub(super) fn title(text: &str) -> bool {
    text.split('\n').any(|line| {
        let Some(open) = line.find("<<") else { return false };
        let Some(close) = line.rfind(">>") else { return false };
        let inner = line[open..].trim_start_matches('<');
        let start = line.len() - inner.len();
        close > open + 2
            && start < close
            && !strip(line[start..close].trim_end_matches('>')).is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_may_be_empty_but_stay_within_a_line() {
        assert_eq!(placeholders("[] [ ] [a](b) [[x]] [y\n]"), 4);
        assert_eq!(placeholders("]["), 0);
    }

    #[test]
    fn a_postscript_may_be_anywhere() {
        let ps = |text| postscript(text, &["p.", "s."]);
        assert!(ps("so p. s. yes") && ps("P.P.S. yes") && !ps("P.S yes") && !ps("p.  s."));
        let pps = |text| postscript(text, &["p.", "p.", "s"]);
        assert!(pps("x p. p.\ns") && !pps("P.S."));
    }

    #[test]
    fn highlights_are_counted_in_two_passes() {
        for (text, count) in [
            ("*a*", 1),
            ("**a**", 1),
            ("***a***", 2),
            ("* a * b", 1),
            ("* a\n* b", 0),
            ("** ** *x*", 1),
        ] {
            assert_eq!(highlights(text), count, "{text}");
        }
    }

    #[test]
    fn a_title_contains_text() {
        assert!(title("x <<a>>") && title("<<a>> <<b>>") && title("1 << 2 >> 3"));
        assert!(!title("<<>>") && !title("<< >>") && !title("<<a\n>>") && !title("<<<>>>"));
        assert!(!title(">> <<") && !title("<<a>"));
    }
}
