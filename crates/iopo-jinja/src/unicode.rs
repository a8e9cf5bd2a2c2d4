//! Character classes and case mappings of Python's `str`.

#[expect(
    clippy::unreadable_literal,
    clippy::doc_markdown,
    reason = "the tables are generated and have code points as Unicode writes them"
)]
#[rustfmt::skip]
mod tables;

use tables::{ALPHABETIC, DIGIT, ENTITIES, FOLDS, NUMERIC, TITLE, TITLES, UNPRINTABLE, ZEROS};

/// Whether `str.isspace` holds. Strips, splits and `\s` use the same characters.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c,
        '\t'..='\r' | '\u{1c}'..='\u{20}' | '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}'
        | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

/// Whether `str.splitlines` splits at the character.
pub(crate) fn is_line_end(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn within(table: &[(u32, u32)], c: char) -> bool {
    let code = c as u32;
    let after = table.partition_point(|(first, _)| *first <= code);
    after > 0 && code <= table[after - 1].1
}

pub(crate) fn is_alpha(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphabetic() } else { within(ALPHABETIC, c) }
}

pub(crate) fn is_numeric(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { within(NUMERIC, c) }
}

pub(crate) fn is_digit(c: char) -> bool {
    within(DIGIT, c)
}

/// The value of a decimal digit of any script.
pub(crate) fn decimal(c: char) -> Option<u32> {
    let code = c as u32;
    let after = ZEROS.partition_point(|zero| *zero <= code);
    let value = code - ZEROS.get(after.checked_sub(1)?)?;
    (value < 10).then_some(value)
}

/// Whether `str.isalnum` holds, which `\w` uses beside the underscore.
pub(crate) fn is_alnum(c: char) -> bool {
    is_alpha(c) || is_numeric(c)
}

pub(crate) fn is_word(c: char) -> bool {
    c == '_' || is_alnum(c)
}

pub(crate) fn is_printable(c: char) -> bool {
    if c.is_ascii() { matches!(c, ' '..='~') } else { !within(UNPRINTABLE, c) }
}

pub(crate) fn is_title(c: char) -> bool {
    !c.is_ascii() && within(TITLE, c)
}

/// Whether a character has a case.
pub(crate) fn is_cased(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase() || is_title(c)
}

fn mapped(table: &'static [(u32, &'static str)], c: char) -> Option<&'static str> {
    let at = table.binary_search_by_key(&(c as u32), |(code, _)| *code).ok()?;
    Some(table[at].1)
}

/// Appends the title case of a character.
pub(crate) fn push_title(out: &mut String, c: char) {
    match mapped(TITLES, c) {
        Some(text) => out.push_str(text),
        None => out.extend(c.to_uppercase()),
    }
}

/// `str.casefold`.
pub(crate) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match mapped(FOLDS, c) {
            Some(text) => out.push_str(text),
            None => out.extend(c.to_lowercase()),
        }
    }
    out
}

/// The character of an HTML entity.
pub(crate) fn entity(name: &str) -> Option<char> {
    let at = ENTITIES.binary_search_by_key(&name, |(own, _)| *own).ok()?;
    char::from_u32(ENTITIES[at].1)
}

#[cfg(test)]
mod tests {
    use super::{decimal, entity, folded, is_alpha, is_printable, is_space, push_title};

    #[test]
    fn classes_are_those_of_python() {
        assert!(is_space('\u{1f}') && is_space('\u{2009}') && !is_space('\u{200b}'));
        assert!(is_alpha('é') && is_alpha('字') && !is_alpha('\u{345}') && !is_alpha('1'));
        assert!(is_printable('é') && !is_printable('\u{ad}') && !is_printable('\u{2028}'));
        assert_eq!((decimal('٣'), decimal('²'), decimal('9')), (Some(3), None, Some(9)));
        assert_eq!((entity("amp"), entity("nope")), (Some('&'), None));
    }

    #[test]
    fn case_mappings_are_those_of_python() {
        let mut title = String::new();
        push_title(&mut title, 'ǆ');
        push_title(&mut title, 'ß');
        push_title(&mut title, 'a');
        assert_eq!((title.as_str(), folded("Straße").as_str()), ("ǅSsA", "strasse"));
    }
}
