//! The layout of a response: lines, lists, headings, case.

use std::collections::{HashMap, VecDeque};

use super::super::{
    emoji::is_emoji,
    lists::HEADINGS,
    text::{is_letter, sentences, without_marks},
};
use crate::ifeval::{
    python::{is_blank, is_lower, is_space, is_upper, split, strip},
    treebank,
};

/// Whether the number of non-empty lines equals the number of words, after punctuation is removed.
pub(super) fn word_per_line(text: &str) -> bool {
    let text = without_marks(text);
    strip(&text).split('\n').filter(|line| !line.is_empty()).count() == split(&text).count()
}

/// Whether each sentence ends with an emoji, or the next one starts with one.
pub(super) fn emoji(text: &str) -> bool {
    let bare: Vec<String> = sentences(text).map(without_marks).collect();
    let bare: Vec<&str> = bare.iter().map(|sentence| strip(sentence)).collect();
    bare.iter().enumerate().all(|(at, sentence)| {
        if sentence.chars().rev().take(2).any(is_emoji) {
            return true;
        }
        let next = bare.get(at + 1).and_then(|next| next.chars().next());
        !sentence.is_empty() && next.is_some_and(is_emoji)
    })
}

/// Whether each line is indented more than the one before.
pub(super) fn indents_grow(text: &str) -> bool {
    let mut last = None;
    indented_lines(text).into_iter().all(|line| {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let before = last.replace(indent);
        before.is_none_or(|before| indent > before)
    })
}

/// The lines whose indents are compared.
///
/// The published code removes blank lines while it iterates over the lines. It therefore skips the line after a removed
/// one, and removes the first of several equal blank lines.
pub(in super::super) fn indented_lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<Option<&str>> = Vec::new();
    let mut kept: HashMap<&str, VecDeque<usize>> = HashMap::new();
    let mut skipped = false;
    for (at, line) in text.split('\n').enumerate() {
        lines.push(Some(line));
        let visited = !std::mem::take(&mut skipped);
        if !is_blank(line) {
            continue;
        }
        let equal = kept.entry(line).or_default();
        equal.push_back(at);
        if visited && let Some(first) = equal.pop_front() {
            lines[first] = None;
            skipped = true;
        }
    }
    lines.into_iter().flatten().collect()
}

/// Whether something follows every quotation. Only straight quotation marks count.
pub(super) fn quotes_are_explained(text: &str) -> bool {
    let text: String = text.replace("'\"'", "").chars().filter(|c| !is_space(*c)).collect();
    let outer = |c: char| c.is_ascii_digit() || c.is_ascii_punctuation() && c != '"';
    !text.contains("\"\"") && !text.trim_matches(outer).ends_with('"')
}

/// Whether there is a thesis between tags for italics, and something after it.
pub(super) fn thesis(text: &str) -> bool {
    let Some(open) = text.find("<i>").or_else(|| text.find("<em>")) else { return false };
    let text = &text[open..];
    let Some(close) = text.find("</i>").or_else(|| text.find("</em>")) else { return false };
    // The published code uses the lengths of `<i>` and `</i>` for all tags.
    !is_blank(&text[3..close]) && !is_blank(&text[close + 4..])
}

/// Whether there is a hyphen after every asterisk, before the next one.
pub(super) fn sub_bullets(text: &str) -> bool {
    text.split('*').skip(1).all(|part| part.contains('-'))
}

/// Whether at least two sentences come first, and at least two bullets after them.
pub(super) fn sentences_then_bullets(text: &str) -> bool {
    let (mut open, mut count, mut bullets) = (true, 0, 0);
    for line in text.split('\n').map(strip) {
        if line.starts_with('*') {
            open = false;
            if count < 2 {
                return false;
            }
            bullets += 1;
        } else if open {
            let found = sentences(line).len();
            count += found;
            open = found > 0;
        } else {
            return false;
        }
    }
    bullets >= 2
}

/// Whether no token is all in lower case or starts with a small letter before capitals.
pub(super) fn title_case(text: &str) -> bool {
    treebank::iter(text).all(|token| {
        let mut rest = token.chars();
        let Some(first) = rest.next().filter(|c| is_letter(*c)) else { return true };
        let rest = rest.as_str();
        let small = is_lower(first.encode_utf8(&mut [0; 4]));
        !(small && (rest.is_empty() || is_lower(rest) || is_upper(rest)))
    })
}

/// Whether all headings of the template occur.
pub(super) fn has_headings(text: &str) -> bool {
    HEADINGS.iter().all(|heading| text.contains(heading))
}

/// Whether there is no white space.
pub(in super::super) fn no_space(text: &str) -> bool {
    !text.contains(is_space)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_words_are_counted_without_punctuation() {
        assert!(word_per_line("a\n\nb.\n") && word_per_line("a\n-\nb"));
        assert!(!word_per_line("a\n \nb") && !word_per_line("a b"));
    }

    #[test]
    fn an_emoji_ends_a_sentence_or_starts_the_next() {
        assert!(emoji("Tea 😀. Milk. 😀 Hot 😀!") && emoji("x😀y"));
        assert!(!emoji("Tea. Milk 😀.") && !emoji("... ?") && !emoji("Tea 🇩🇪."));
    }

    #[test]
    fn of_two_neighboring_blank_lines_one_is_kept() {
        assert_eq!(indented_lines("a\n\n\n b"), ["a", "", " b"]);
        assert_eq!(
            indented_lines("a\n  c\n \n\n\n   d\n \n\n b"),
            ["a", "  c", "", "   d", "", " b"]
        );
        assert!(indents_grow("a\n\n b\n  c") && !indents_grow("a\n\n\n b") && indents_grow("a"));
    }

    #[test]
    fn quotes_and_theses_are_found_by_their_marks() {
        assert!(quotes_are_explained("\"a\" says b") && quotes_are_explained("“a” “b”"));
        assert!(!quotes_are_explained("b says \"a\".") && !quotes_are_explained("\"a\" \"b\" c"));
        assert!(thesis("<em></em>") && thesis("</i><i>a</i>b") && thesis("<i>a</em>"));
        assert!(!thesis("<i>a</i>") && !thesis("<I>a</I>b") && !thesis("<i> </i>b"));
    }

    #[test]
    fn bullets_are_asterisks() {
        assert!(sub_bullets("no bullets") && sub_bullets("* a\n- b\n* c-d") && !sub_bullets("* a"));
        assert!(sentences_then_bullets("A. B!\n* a\n** b"));
        assert!(
            !sentences_then_bullets("A. B.\n\n* a\n* b\n")
                && sentences_then_bullets("A. B.\n* a\n* b")
        );
    }

    #[test]
    fn minor_words_need_capitals() {
        assert!(title_case("Tea Of iPhone b2 THE 日本") && no_space("a\u{200b}b"));
        assert!(
            !title_case("Tea of")
                && !title_case("Don't")
                && !title_case("aB")
                && !title_case("A b")
        );
    }
}
