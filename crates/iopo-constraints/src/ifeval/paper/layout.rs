//! Parts of a response: paragraphs, sections, bullet points, two responses.

use regex::Regex;

use super::{
    super::{
        python::{SPACE, is_blank, is_decimal, is_space, split},
        search::Needle,
    },
    lower, strip,
};

/// The number of paragraphs between `***`, `None` if one other than the first and the last is blank.
pub(super) fn paragraphs(text: &str) -> Option<usize> {
    let parts = divided(text);
    let last = parts.len() - 1;
    let mut count = 0;
    for (at, part) in parts.into_iter().enumerate() {
        match is_blank(part) {
            true if at > 0 && at < last => return None,
            blank => count += usize::from(!blank),
        }
    }
    Some(count)
}

/// The texts between dividers, at least one. A divider includes a space on each side.
fn divided(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("***") {
        let before = &rest[..at];
        parts.push(before.strip_suffix(is_space).unwrap_or(before));
        let after = &rest[at + 3..];
        rest = after.strip_prefix(is_space).unwrap_or(after);
    }
    parts.push(rest);
    parts
}

/// Whether empty lines separate exactly `count` paragraphs and the nth starts with `first_word`.
pub(super) fn nth_paragraph(text: &str, count: usize, nth: usize, first_word: &str) -> bool {
    let full = text.split("\n\n").filter(|part| !is_blank(part)).count();
    // The nth paragraph is counted with blank ones, as in the published code.
    let paragraph = text.split("\n\n").nth(nth.saturating_sub(1)).map_or("", strip);
    full == count && nth <= full && !paragraph.is_empty() && lower(word(paragraph)) == *first_word
}

/// The first word, without quotes before it and without everything from the first mark on.
fn word(paragraph: &str) -> &str {
    let token = split(paragraph).next().unwrap_or_default();
    let token = token.trim_start_matches('\'').trim_start_matches('"');
    token.find(['.', ',', '?', '!', '\'', '"']).map_or(token, |end| &token[..end])
}

/// Whether six asterisks separate two different responses.
pub(super) fn two_responses(text: &str) -> bool {
    let parts: Vec<&str> = text.split("******").collect();
    let last = parts.len() - 1;
    if parts.iter().enumerate().any(|(at, part)| at > 0 && at < last && is_blank(part)) {
        return false;
    }
    let full: Vec<&str> = parts.into_iter().map(strip).filter(|part| !part.is_empty()).collect();
    matches!(full[..], [one, other] if one != other)
}

/// The number of headings that are followed by a number.
pub(super) fn sections(text: &str, heading: &str) -> usize {
    let needle = Needle::new(heading);
    let (mut count, mut free) = (0, 0);
    for start in needle.places(text) {
        if start < free {
            continue;
        }
        let after = &text[needle.end(start)..];
        let number = after.strip_prefix(is_space).unwrap_or(after);
        let rest = number.trim_start_matches(is_decimal);
        if rest.len() < number.len() {
            count += 1;
            free = text.len() - rest.strip_prefix(is_space).unwrap_or(rest).len();
        }
    }
    count
}

/// The expression that finds sections whose heading is an expression.
pub(super) fn section_expression(heading: &str) -> Result<Box<Regex>, &'static str> {
    Regex::new(&format!("[{SPACE}]?{heading}[{SPACE}]?\\d+[{SPACE}]?"))
        .map(Box::new)
        .map_err(|_| "expected a regular expression")
}

/// The number of bullet points: those with an asterisk plus those with a hyphen.
pub(super) fn bullets(text: &str) -> usize {
    let star = points(text, |rest| {
        let c = rest.strip_prefix('*')?.chars().next().filter(|c| *c != '*')?;
        Some(1 + c.len_utf8())
    });
    star + points(text, |rest| rest.starts_with('-').then_some(1))
}

/// The number of lines that start with a mark. `mark` returns the length of the mark. Blank lines before a mark and the
/// rest of the line after it belong to the match.
fn points(text: &str, mark: impl Fn(&str) -> Option<usize>) -> usize {
    let mut count = 0;
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(is_space);
        let length = mark(rest);
        count += usize::from(length.is_some());
        let after = &rest[length.unwrap_or(0)..];
        match after.find('\n') {
            Some(end) => rest = &after[end + 1..],
            None => return count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dividers_are_three_asterisks_at_any_position() {
        for (text, count) in [
            ("a\n***\nb", Some(2)),
            ("***\na *** b\n***", Some(2)),
            ("a ****** b", None),
            ("a\n****\nb", Some(2)),
            ("a\n* * *\nb", Some(1)),
            ("a\n***\n \n***\nb", None),
        ] {
            assert_eq!(paragraphs(text), count, "{text}");
        }
    }

    #[test]
    fn blank_paragraphs_count_for_the_nth() {
        assert!(nth_paragraph("One.\n\n\n\nTwo", 2, 1, "one"));
        assert!(!nth_paragraph("One.\n\n\n\nTwo", 2, 2, "two"));
        assert!(nth_paragraph("''\"One's\n\ntwo", 2, 1, "one"));
        assert!(!nth_paragraph("**One\n\ntwo", 2, 1, "one"));
    }

    #[test]
    fn two_responses_differ() {
        assert!(two_responses("a ****** b") && two_responses("******a******b******"));
        assert!(!two_responses("a******a") && !two_responses("a************b"));
        assert!(two_responses("a*******a"));
    }

    #[test]
    fn sections_have_numbers() {
        assert_eq!(sections("Section 1 Section2 Section  3 section 4 Section x", "Section"), 2);
        assert_eq!(
            section_expression("S.").map(|regex| regex.find_iter("S1 2 Sx3").count()),
            Ok(2)
        );
    }

    #[test]
    fn bullets_match_the_published_patterns() {
        for (text, count) in [
            ("* a\n - b\n\n*c", 3),
            ("**bold**", 0),
            ("* * *", 1),
            ("---\n--x\n-5\n+ y\n1. z", 3),
            ("*\nfoo\n*", 1),
            ("*\n* a", 1),
            ("-\n- a", 2),
        ] {
            assert_eq!(bullets(text), count, "{text}");
        }
    }
}
