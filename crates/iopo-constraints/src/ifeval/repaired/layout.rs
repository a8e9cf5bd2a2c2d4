//! Parts of a response and their headings.

use std::collections::BTreeSet;

use crate::{lines, measure::is_angle_title, text};

/// Markdown before the text of a line.
const MARKUP: [char; 5] = ['#', '*', '_', '>', ' '];

/// Markdown around a title.
const AROUND: [char; 4] = ['#', '*', '_', ' '];

/// The number of parts between lines of `***` or `* * *` that are not blank.
pub(super) fn parts(text: &str) -> usize {
    let (mut count, mut filled) = (0, false);
    for line in text.split('\n') {
        if matches!(line.trim(), "***" | "* * *") {
            count += usize::from(std::mem::take(&mut filled));
        } else {
            filled |= !line.trim().is_empty();
        }
    }
    count + usize::from(filled)
}

/// Whether six or more asterisks in a row separate two different responses.
pub(super) fn two_responses(text: &str) -> bool {
    let mut parts: Vec<&str> = Vec::new();
    let (mut rest, mut start) = (text, 0);
    while let Some(at) = rest.find("******") {
        let after = rest[at..].trim_start_matches('*');
        parts.push(&text[start..text.len() - rest.len() + at]);
        start = text.len() - after.len();
        rest = after;
    }
    parts.push(&text[start..]);
    let full: Vec<&str> = parts.into_iter().map(str::trim).filter(|p| !p.is_empty()).collect();
    matches!(full[..], [one, other] if one != other)
}

/// Whether blank lines separate exactly `count` paragraphs and the nth starts with `first_word`.
pub(super) fn nth_paragraph(text: &str, count: usize, nth: usize, first_word: &str) -> bool {
    let paragraphs = text::paragraphs(text);
    let paragraph = paragraphs.get(nth.saturating_sub(1)).map_or("", |range| &text[range.clone()]);
    let first = text::keys(paragraph).next();
    paragraphs.len() == count && first.is_some_and(|word| word == text::key(first_word))
}

/// The number of distinct section numbers in headings.
pub(super) fn sections(text: &str, heading: &str) -> usize {
    let number = |line| lines::labeled(line, heading, false);
    lines::filled(text).filter_map(number).collect::<BTreeSet<_>>().len()
}

/// Whether a line starts with the postscript marker and text follows. Only the letters of the marker matter, not its
/// periods and spaces, so a P.P.S. is not a P.S.
pub(super) fn postscript(text: &str, marker: &str) -> bool {
    let letters: Vec<char> = letters_of(marker).collect();
    lines::all(text).any(|(start, line)| {
        let mark = line.trim_start().trim_start_matches(MARKUP);
        let head = head_of(mark, &letters).filter(|_| !letters.is_empty());
        let rest = |length: usize| &text[start + line.len() - mark.len() + length..];
        head.is_some_and(|length| text::has_text(rest(length)))
    })
}

fn letters_of(marker: &str) -> impl Iterator<Item = char> {
    marker.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase)
}

/// The length of a marker with these letters at the start of a text. Periods may follow each letter.
fn head_of(text: &str, letters: &[char]) -> Option<usize> {
    let mut rest = text;
    for letter in letters {
        let c = rest.trim_start().chars().next()?;
        if !c.to_lowercase().eq(letter.to_lowercase()) {
            return None;
        }
        rest = rest.trim_start()[c.len_utf8()..].trim_start_matches('.');
    }
    // Another letter would make a different marker or a word.
    let continues = rest.starts_with(char::is_alphanumeric);
    (!continues).then_some(text.len() - rest.len())
}

/// Whether a line consists of a title in double angle brackets.
pub(super) fn title(text: &str) -> bool {
    lines::filled(text).any(|line| is_angle_title(line.trim().trim_matches(AROUND)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dividers_are_separate_lines() {
        assert_eq!(parts("***\na *** b\n* * *\n\n***\nc"), 2);
        assert!(two_responses("a *******b") && two_responses("a\n******\n******\nb"));
        assert!(!two_responses("a\n*****\nb") && !two_responses("a ****** a"));
    }

    #[test]
    fn first_words_are_found_within_markup() {
        assert!(nth_paragraph("**One**: a\n\n\n\n“Two” b", 2, 2, "two"));
        assert!(!nth_paragraph("One\n\nTwo\n\nThree", 2, 2, "two"));
    }

    #[test]
    fn repeated_section_numbers_count_once() {
        assert_eq!(
            sections("SECTION 1\na\n**Section 2**\nSee Section 3.\nSection 2", "Section"),
            2
        );
    }

    #[test]
    fn a_postscript_starts_a_line() {
        for (text, ps, pps) in [
            ("a\nP.S. b", true, false),
            ("a\n**P. S.** b", true, false),
            ("a\nPS: b", true, false),
            ("a\nP.P.S b", false, true),
            ("a. P.S. b", false, false),
            ("a\nP.S.", false, false),
            ("a\nPsst b", false, false),
            ("a\nP.S.\nb", true, false),
        ] {
            assert_eq!((postscript(text, "P.S."), postscript(text, "P.P.S")), (ps, pps), "{text}");
        }
    }

    #[test]
    fn a_title_fills_its_line() {
        assert!(title("# <<Tea>>\nIt") && !title("so <<tea>>") && !title("<< >>"));
    }
}
