//! Words, keywords and placeholders.

use unicode_segmentation::UnicodeSegmentation as _;

use super::super::search::Needle;
use crate::{lines, text};

/// The number of words. A run between spaces counts once, except in scripts without spaces, where each word counts.
pub(super) fn count(text: &str) -> usize {
    text::words(text)
        .map(
            |token| {
                if token.contains(is_unspaced) { token.unicode_words().count().max(1) } else { 1 }
            },
        )
        .sum()
}

/// Chinese characters and Japanese syllables.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// The number of occurrences of a keyword as whole words, ignoring case.
pub(crate) fn occurrences(text: &str, keyword: &str) -> usize {
    let keyword = text::fold(keyword.trim());
    let (text, needle) = (text::fold(text), Needle::new(&keyword));
    let starts_word = keyword.starts_with(char::is_alphanumeric);
    let ends_word = keyword.ends_with(char::is_alphanumeric);
    let mut free = 0;
    needle
        .places(&text)
        .filter(|&start| {
            let end = needle.end(start);
            let apart = !(starts_word && text[..start].ends_with(char::is_alphanumeric)
                || ends_word && text[end..].starts_with(char::is_alphanumeric));
            let counts = apart && start >= free;
            if counts {
                free = end;
            }
            counts
        })
        .count()
}

/// The number of `[…]` that contain a letter and are not links, references or check boxes.
pub(super) fn placeholders(text: &str) -> usize {
    lines::brackets(text, |inner, after| {
        let inner = inner.trim();
        let named = inner.contains(char::is_alphabetic) && !inner.eq_ignore_ascii_case("x");
        let linked = after.starts_with(['(', '[']) || inner.starts_with('^');
        named && !linked
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_as_people_do() {
        for (text, words) in
            [("I don't pay 3.14 — ok?", 5), ("你好 tea", 3), ("हिन्दी भाषा", 2), ("...", 0)]
        {
            assert_eq!(count(text), words, "{text}");
        }
    }

    #[test]
    fn keywords_are_whole_words() {
        assert_eq!(occurrences("Art, party, _art_ (art)", "art"), 3);
        assert_eq!(occurrences("C++ and C", "c++"), 1);
        assert_eq!(occurrences("a a a", "a a"), 1);
        assert_eq!(occurrences("a", " "), 0);
    }

    #[test]
    fn placeholders_name_something() {
        assert_eq!(placeholders("[name] [] [1] [x] [a](b) [^note] [[date]] [a\nb]"), 2);
    }
}
