//! Words, sentences and paragraphs of plain text.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::{lexicon::ABBREVIATIONS, lines};

/// Converts to lower case character by character, independent of context, unlike `str::to_lowercase`.
pub(crate) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Whether a text contains a letter or digit.
pub(crate) fn has_text(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// The words as people count them: runs between spaces or dashes that contain a letter or digit. "don't" and
/// "well-known" are one word each.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || c == '—').filter(|token| has_text(token))
}

/// The number of words.
pub(crate) fn word_count(text: &str) -> usize {
    words(text).count()
}

/// The words as Unicode defines them, with their positions. Parts of compounds are separate words.
pub(crate) fn bare_words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.unicode_word_indices()
}

/// The bare words in lower case, without possessive "'s" and with straight apostrophes.
pub(crate) fn keys(text: &str) -> impl Iterator<Item = String> {
    bare_words(text).map(|(_, word)| key(word))
}

/// The form in which [`keys`] returns a word.
pub(crate) fn key(word: &str) -> String {
    let folded = fold(word).replace('’', "'");
    let trimmed = folded.trim_matches('_');
    trimmed.strip_suffix("'s").unwrap_or(trimmed).to_owned()
}

/// The number of occurrences of a word in lower case.
pub(crate) fn occurrences(text: &str, word: &str) -> usize {
    keys(text).filter(|key| key == word).count()
}

/// The number of letters of a word.
pub(crate) fn letters(word: &str) -> usize {
    word.chars().filter(|c| c.is_alphabetic()).count()
}

/// Whether a text starts with a phrase, ignoring case, and the last word of the phrase ends there.
pub(crate) fn opens_with(text: &str, phrase: &str) -> bool {
    let mut have = text.trim_start().chars().flat_map(char::to_lowercase);
    let mut last = None;
    for wanted in phrase.chars().flat_map(char::to_lowercase) {
        if have.next() != Some(wanted) {
            return false;
        }
        last = Some(wanted);
    }
    !last.is_some_and(char::is_alphanumeric) || !have.next().is_some_and(char::is_alphanumeric)
}

/// Whether a text ends with a phrase, ignoring case, and the first word of the phrase starts there. A Chinese phrase without
/// an end mark may have 。 or ！ behind it, and closing quotation marks.
pub(crate) fn closes_with(text: &str, phrase: &str) -> bool {
    let phrase = fold(phrase);
    let mut folded = fold(text.trim_end());
    if phrase.ends_with(crate::han::is_han) {
        folded.truncate(without_end_mark(&folded).len());
    }
    folded.strip_suffix(&phrase).is_some_and(|before| {
        !phrase.starts_with(char::is_alphanumeric) || !before.ends_with(char::is_alphanumeric)
    })
}

/// A Chinese text without its end mark, and without closing quotation marks beside it.
pub(crate) fn without_end_mark(text: &str) -> &str {
    const QUOTES: [char; 6] = ['”', '’', '」', '』', '"', '*'];
    let bare = text.trim_end_matches(QUOTES);
    let bare = bare.strip_suffix(['。', '！', '!']).unwrap_or(bare);
    bare.trim_end_matches(QUOTES)
}

/// The paragraphs, separated by blank lines.
pub(crate) fn paragraphs(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut open = false;
    for (start, line) in lines::all(text) {
        let filled = !line.trim().is_empty();
        if filled {
            let end = start + line.trim_end().len();
            match found.last_mut() {
                Some(last) if open => last.end = end,
                _ => found.push(start..end),
            }
        }
        open = filled;
    }
    found
}

/// The sentences. A `.`, `?`, `!` or `…` before a space ends a sentence, except after abbreviations and initials, and
/// so does the end of a paragraph, list item or heading. A sentence contains at least one word.
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for block in blocks(text) {
        split_block(text, block, &mut found);
    }
    found
}

/// Running text between blank lines. Each list item, heading and table row is a separate block.
fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut open = false;
    for (start, line) in lines::all(text) {
        let apart = lines::is_apart(line);
        if line.trim().is_empty() {
            open = false;
            continue;
        }
        let end = start + line.trim_end().len();
        match found.last_mut() {
            Some(last) if open && !apart => last.end = end,
            _ => found.push(start..end),
        }
        open = !apart;
    }
    found
}

fn split_block(text: &str, block: Range<usize>, found: &mut Vec<Range<usize>>) {
    let body = &text[block.clone()];
    let mut push = |range: Range<usize>| {
        let lead = body[range.clone()].len() - body[range.clone()].trim_start().len();
        if has_text(&body[range.clone()]) {
            found.push(block.start + range.start + lead..block.start + range.end);
        }
    };
    let mut start = 0;
    let marker = lines::marker_len(body);
    let mut token = marker;
    let mut chars = body[marker..].char_indices().map(|(at, c)| (at + marker, c)).peekable();
    while let Some((at, c)) = chars.next() {
        if c.is_whitespace() {
            token = at + c.len_utf8();
            continue;
        }
        if !is_terminator(c) {
            continue;
        }
        let word = &body[token..at];
        let mut end = at + c.len_utf8();
        let (mut quoted, mut dots) = (false, usize::from(c == '.'));
        while let Some(&(next, follower)) = chars.peek() {
            if !(is_terminator(follower) || is_closer(follower)) {
                break;
            }
            quoted |= is_closer(follower);
            dots += usize::from(follower == '.');
            end = next + follower.len_utf8();
            chars.next();
        }
        let wide = "。！？".contains(c);
        let spaced = chars.peek().is_none_or(|&(_, next)| next.is_whitespace());
        if !(wide || spaced) {
            continue;
        }
        let rest = body[end..].trim_start().chars().next();
        let continues = rest.is_some_and(char::is_lowercase);
        let ellipsis = c == '…' || dots > 1;
        let short = c == '.' && dots == 1 && rest.is_some() && is_abbreviation(word);
        if short || (continues && (ellipsis || (quoted && c != '.'))) {
            continue;
        }
        push(start..end);
        start = end;
        token = end;
    }
    push(start..body.len());
}

fn is_terminator(c: char) -> bool {
    matches!(c, '.' | '?' | '!' | '…' | '。' | '！' | '？')
}

fn is_closer(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | ')' | ']' | '*' | '_' | '»')
}

fn is_abbreviation(word: &str) -> bool {
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    let mut chars = word.chars();
    let initial =
        matches!((chars.next(), chars.next()), (Some(c), None) if c.is_uppercase() && c != 'I');
    initial || (word.len() <= 8 && ABBREVIATIONS.contains(&fold(word).as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn sentences_end_where_a_reader_expects() {
        assert_eq!(
            said("Hi there. It is 3.14 today! Ok?"),
            ["Hi there.", "It is 3.14 today!", "Ok?"]
        );
        assert_eq!(
            said("Dr. Lee met J. Smith, e.g. at noon."),
            ["Dr. Lee met J. Smith, e.g. at noon."]
        );
        assert_eq!(said("\"Really?\" he asked. \"Yes.\""), ["\"Really?\" he asked.", "\"Yes.\""]);
        assert_eq!(said("Wait... what? Fine."), ["Wait... what?", "Fine."]);
        assert_eq!(said("1. Boil water.\n2. Add tea"), ["1. Boil water.", "2. Add tea"]);
        assert_eq!(said("one line\nwrapped here.\n\nnext"), ["one line\nwrapped here.", "next"]);
        assert_eq!(said("你好。再见！"), ["你好。", "再见！"]);
        assert_eq!(said("... ---"), [""; 0]);
    }

    #[test]
    fn words_and_paragraphs_are_counted_as_people_do() {
        assert_eq!(word_count("Don't stop — it's well-known, OK? 3.14 !"), 6);
        assert_eq!(paragraphs("a\nb\n\n \nc\r\n\r\nd").len(), 3);
        assert_eq!(occurrences("Tea, TEA's tea-time steam", "tea"), 3);
        assert!(opens_with("  As a chef, I", "as a chef,") && !opens_with("Heresy", "Here"));
        assert!(
            closes_with("再会。谢谢大家！", "谢谢大家") && !closes_with("谢谢大家？", "谢谢大家")
        );
        for end in ["谢谢大家！”", "谢谢大家”。", "**谢谢大家！**", "谢谢大家」"]
        {
            assert!(closes_with(&format!("最后：“{end}"), "谢谢大家"), "{end}");
        }
        assert!(
            !closes_with("“谢谢大家！”再会。", "谢谢大家") && !closes_with("thanks”", "thanks")
        );
        assert!(!closes_with("谢谢大家。", "谢谢大家！") && !closes_with("Thanks!", "thanks"));
        assert!(closes_with("It is the end. ", "the end.") && !closes_with("friend", "end"));
    }
}
