//! String functions of Python 3.11 that differ from those of Rust.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

/// Python's `\s`, for use inside a character class.
pub(crate) const SPACE: &str = r"\s\x1c-\x1f";

/// `str.isspace` of one character.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// `str.strip()`.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Whether `str.strip()` returns an empty string.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(is_space)
}

/// `str.split()`.
pub(crate) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|part| !part.is_empty())
}

/// `str.lower()`.
pub(crate) fn lower(text: &str) -> String {
    text.to_lowercase()
}

/// Maps all letters that `re.IGNORECASE` treats as equal to one of them: simple lower case, and the exceptions in
/// `re/_casefix.py`. The number of characters stays the same.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().map(fold_char).collect() }
}

fn fold_char(c: char) -> char {
    match c {
        _ if c.is_ascii() => c.to_ascii_lowercase(),
        'İ' => 'i',
        _ => {
            let mut lowered = c.to_lowercase();
            match (lowered.next(), lowered.next()) {
                (Some(one), None) => first_of_alike(one),
                _ => c,
            }
        }
    }
}

/// The first of the lower-case letters with the same capital.
fn first_of_alike(c: char) -> char {
    match c {
        'ı' => 'i',
        'ſ' => 's',
        'µ' => 'μ',
        'ς' => 'σ',
        '\u{345}' | '\u{1fbe}' => 'ι',
        'ϐ' => 'β',
        'ϵ' => 'ε',
        'ϑ' => 'θ',
        'ϰ' => 'κ',
        'ϖ' => 'π',
        'ϱ' => 'ρ',
        'ϕ' => 'φ',
        '\u{1fd3}' => '\u{390}',
        '\u{1fe3}' => '\u{3b0}',
        '\u{1c80}' => 'в',
        '\u{1c81}' => 'д',
        '\u{1c82}' => 'о',
        '\u{1c83}' => 'с',
        '\u{1c84}' | '\u{1c85}' => 'т',
        '\u{1c86}' => 'ъ',
        '\u{1c87}' => 'ѣ',
        '\u{1c88}' => '\u{a64b}',
        '\u{1e9b}' => '\u{1e61}',
        '\u{fb06}' => '\u{fb05}',
        _ => c,
    }
}

/// Sorted ranges of characters.
pub(crate) type Ranges = Vec<(char, char)>;

/// Letters and numbers. `char::is_alphanumeric` also accepts vowel signs and circled letters, unlike Python.
static WORD: LazyLock<Ranges> = LazyLock::new(|| ranges(r"[\p{L}\p{N}]"));
static DECIMAL: LazyLock<Ranges> = LazyLock::new(|| ranges(r"\d"));

/// The ranges of a class such as `\p{L}`.
pub(crate) fn ranges(class: &str) -> Ranges {
    match regex_syntax::parse(class).map(regex_syntax::hir::Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(class))) => {
            class.iter().map(|range| (range.start(), range.end())).collect()
        }
        _ => Ranges::new(),
    }
}

/// Whether one of the ranges contains a character.
pub(crate) fn holds(ranges: &Ranges, c: char) -> bool {
    let at = ranges.partition_point(|&(_, end)| end < c);
    ranges.get(at).is_some_and(|&(start, _)| start <= c)
}

/// `\w` of one character: `str.isalnum` or the underscore.
pub(crate) fn is_word(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { holds(&WORD, c) }
}

/// `\d` of one character.
pub(crate) fn is_decimal(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { holds(&DECIMAL, c) }
}

/// The value of a decimal digit. Digits of a script come in tens, so ranges start with a zero.
pub(crate) fn decimal_digit(c: char) -> Option<u32> {
    let at = DECIMAL.partition_point(|&(_, end)| end < c);
    let &(start, _) = DECIMAL.get(at).filter(|&&(start, _)| start <= c)?;
    Some((u32::from(c) - u32::from(start)) % 10)
}

/// The number of runs of `\w`.
pub(crate) fn word_runs(text: &str) -> usize {
    let mut inside = false;
    text.chars()
        .filter(|&c| {
            let before = std::mem::replace(&mut inside, is_word(c));
            inside && !before
        })
        .count()
}

/// Whether a letter is in title case, such as `ǅ`, and thus neither upper nor lower case.
fn is_title(c: char) -> bool {
    matches!(
        c,
        '\u{1c5}' | '\u{1c8}' | '\u{1cb}' | '\u{1f2}' | '\u{1f88}'..='\u{1f8f}'
            | '\u{1f98}'..='\u{1f9f}' | '\u{1fa8}'..='\u{1faf}' | '\u{1fbc}' | '\u{1fcc}'
            | '\u{1ffc}'
    )
}

/// `str.isupper()`: at least one cased character, all of them upper-case.
pub(crate) fn is_upper(text: &str) -> bool {
    let mut any = false;
    for c in text.chars() {
        if c.is_lowercase() || is_title(c) {
            return false;
        }
        any |= c.is_uppercase();
    }
    any
}

/// `str.islower()`.
pub(crate) fn is_lower(text: &str) -> bool {
    let mut any = false;
    for c in text.chars() {
        if is_title(c) || c.is_uppercase() {
            return false;
        }
        any |= c.is_lowercase();
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_spaces_but_the_zero_width_space_is_not() {
        assert_eq!(strip("\u{1c}\u{85} a\u{200b}\u{1f}\n"), "a\u{200b}");
        assert_eq!(split("a\u{1d}b \u{3000}c").collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn words_break_at_apostrophes_points_and_combining_marks() {
        for (text, runs) in [
            ("don't", 2),
            ("3.14", 2),
            ("日本語", 1),
            ("snake_case", 1),
            ("हिन्दी", 3),
            ("½ ² Ⅷ", 3),
            ("Ⓐ ‿", 0),
            ("", 0),
        ] {
            assert_eq!(word_runs(text), runs, "{text}");
        }
    }

    #[test]
    fn titlecase_letters_have_neither_case() {
        assert!(is_upper("A1 Ǆ") && !is_upper("A ǅ") && !is_upper("1 茶"));
        assert!(is_lower("a1 ǆ") && !is_lower("a ǅ") && !is_lower(""));
    }
}
