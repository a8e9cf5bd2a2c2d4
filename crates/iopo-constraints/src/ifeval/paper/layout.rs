//! Parts of a response: paragraphs, sections, bullet points, two answers.

use regex::Regex;

use super::{
    super::{
        python::{SPACE, is_blank, is_decimal, is_space, split},
        search::Needle,
    },
    lower, strip,
};

/// The paragraphs between `***`, each with one space around it; `None` where one within is blank.
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

/// The text between dividers; never empty.
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

/// Whether there are so many paragraphs between empty lines, the nth with this first word.
pub(super) fn nth_paragraph(text: &str, count: usize, nth: usize, first_word: &str) -> bool {
    let full = text.split("\n\n").filter(|part| !is_blank(part)).count();
    // The nth is looked for among all of them, blank ones too.
    let paragraph = text.split("\n\n").nth(nth.saturating_sub(1)).map_or("", strip);
    full == count && nth <= full && !paragraph.is_empty() && lower(word(paragraph)) == *first_word
}

/// The first word: quotes before it and all from the first mark on are cut off.
fn word(paragraph: &str) -> &str {
    let token = split(paragraph).next().unwrap_or_default();
    let token = token.trim_start_matches('\'').trim_start_matches('"');
    token.find(['.', ',', '?', '!', '\'', '"']).map_or(token, |end| &token[..end])
}

/// Whether six asterisks divide two different answers.
pub(super) fn two_responses(text: &str) -> bool {
    let parts: Vec<&str> = text.split("******").collect();
    let last = parts.len() - 1;
    if parts.iter().enumerate().any(|(at, part)| at > 0 && at < last && is_blank(part)) {
        return false;
    }
    let full: Vec<&str> = parts.into_iter().map(strip).filter(|part| !part.is_empty()).collect();
    matches!(full[..], [one, other] if one != other)
}

/// How often a heading with a number after it stands in a text.
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

/// The same for a heading that is an expression.
pub(super) fn section_expression(heading: &str) -> Result<Box<Regex>, &'static str> {
    Regex::new(&format!("[{SPACE}]?{heading}[{SPACE}]?\\d+[{SPACE}]?"))
        .map(Box::new)
        .map_err(|_| "expected a regular expression")
}

/// How many bullet points there are: those with an asterisk, and those with a hyphen.
pub(super) fn bullets(text: &str) -> usize {
    let star = points(text, |rest| {
        let c = rest.strip_prefix('*')?.chars().next().filter(|c| *c != '*')?;
        Some(1 + c.len_utf8())
    });
    star + points(text, |rest| rest.starts_with('-').then_some(1))
}

/// How many lines start with what `mark` takes, empty lines before them included in the line; the
/// rest of the line where the mark ends belongs to it.
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
    fn dividers_are_three_asterisks_wherever_they_stand() {
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
    fn the_nth_paragraph_is_counted_with_blank_ones() {
        assert!(nth_paragraph("One.\n\n\n\nTwo", 2, 1, "one"));
        assert!(!nth_paragraph("One.\n\n\n\nTwo", 2, 2, "two"));
        assert!(nth_paragraph("''\"One's\n\ntwo", 2, 1, "one"));
        assert!(!nth_paragraph("**One\n\ntwo", 2, 1, "one"));
    }

    #[test]
    fn two_answers_differ() {
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
    fn bullets_are_what_the_published_patterns_take() {
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
