//! Words and sentences as readers see them: first and last words, initials, words in brackets.
//!
//! A word is a run between spaces or dashes, without the marks around it. Case and possessive "'s" are ignored. Every
//! function takes time linear in the length of the text.

use crate::{han, lines, text};

/// The sentences, without the marker of a list item before them. Chinese sentences need no space between them.
pub(crate) fn sentences(text: &str) -> Vec<&str> {
    let chinese = han::has(text);
    let mut found = Vec::new();
    for range in text::sentences(text) {
        let sentence = &text[range];
        if chinese {
            found.extend(han::split(sentence).into_iter().map(|piece| &sentence[piece]));
        } else {
            found.push(sentence);
        }
    }
    found.into_iter().map(|sentence| &sentence[lines::marker_len(sentence)..]).collect()
}

/// The words in the form in which they are compared.
pub(crate) fn words(sentence: &str) -> impl Iterator<Item = String> {
    text::words(sentence).map(key)
}

/// The compared form of a word: from its first to its last letter or digit, in lower case.
fn key(token: &str) -> String {
    let mut bare = text::bare_words(token);
    let Some((start, first)) = bare.next() else { return text::key(token) };
    let (at, last) = bare.last().unwrap_or((start, first));
    text::key(&token[start..at + last.len()])
}

/// Whether a sentence starts with a word in lower case. Chinese has no spaces, so a Chinese word may go on.
fn starts_with(sentence: &str, word: &str) -> bool {
    if han::has(word) {
        let start = sentence.trim_start_matches(|c: char| !c.is_alphanumeric());
        return text::fold(start).starts_with(word);
    }
    words(sentence).next().is_some_and(|first| first == word)
}

/// Whether a sentence ends with a word in lower case.
fn ends_with(sentence: &str, word: &str) -> bool {
    if han::has(word) {
        let end = sentence.trim_end_matches(|c: char| !c.is_alphanumeric());
        return text::fold(end).ends_with(word);
    }
    words(sentence).last().is_some_and(|last| last == word)
}

/// Whether the first word of a text is `word`.
pub(crate) fn opens_with_word(text: &str, word: &str) -> bool {
    sentences(text).first().is_some_and(|sentence| starts_with(sentence, word))
}

/// Whether the last word of a text is `word`.
pub(crate) fn closes_with_word(text: &str, word: &str) -> bool {
    sentences(text).last().is_some_and(|sentence| ends_with(sentence, word))
}

/// Whether every sentence starts with `word`, and there is one.
pub(crate) fn all_start_with(text: &str, word: &str) -> bool {
    let sentences = sentences(text);
    !sentences.is_empty() && sentences.iter().all(|sentence| starts_with(sentence, word))
}

/// Whether every sentence ends with `word`, and there is one.
pub(crate) fn all_end_with(text: &str, word: &str) -> bool {
    let sentences = sentences(text);
    !sentences.is_empty() && sentences.iter().all(|sentence| ends_with(sentence, word))
}

/// Whether a text of at least two words ends with the word that it starts with.
pub(crate) fn has_same_ends(text: &str) -> bool {
    let sentences = sentences(text);
    let [first, ..] = sentences[..] else { return false };
    let last = sentences[sentences.len() - 1];
    let several = sentences.len() > 1 || text::words(first).nth(1).is_some();
    several && words(first).next() == words(last).last()
}

/// Whether the word at a position of a sentence, both counted from 1, is `word`.
pub(crate) fn has_word_at(text: &str, word: &str, sentence: usize, position: usize) -> bool {
    let (Some(sentence), Some(position)) = (sentence.checked_sub(1), position.checked_sub(1))
    else {
        return false;
    };
    let sentences = sentences(text);
    let found = sentences.get(sentence).and_then(|sentence| text::words(sentence).nth(position));
    found.is_some_and(|token| key(token) == word)
}

/// The number of words in lower case: those with a small letter and without a capital.
pub(crate) fn lowercase_words(text: &str) -> usize {
    let plain = |word: &&str| {
        let capital =
            |c: char| c.is_alphabetic() && text::fold(c.encode_utf8(&mut [0; 4])) != c.to_string();
        word.contains(char::is_lowercase) && !word.contains(capital)
    };
    text::words(text).filter(plain).count()
}

/// The number of words that start with the letter of the English alphabet after the one that the word before starts with.
pub(crate) fn initial_steps(text: &str) -> usize {
    let mut steps = 0;
    let mut before = None;
    for word in text::words(text) {
        let first = word.chars().find(|c| c.is_alphanumeric());
        let initial = first.and_then(|c| c.to_lowercase().next()).filter(char::is_ascii_lowercase);
        if let (Some(one), Some(next)) = (before, initial) {
            steps += usize::from(u32::from(next) == u32::from(one) + 1);
        }
        before = initial;
    }
    steps
}

/// Whether every word stands in square brackets of its own, and there is one. Other marks may stand outside.
pub(crate) fn is_bracketed(text: &str) -> bool {
    let (mut inside, mut filled, mut found) = (false, false, false);
    let mut before = ' ';
    for c in text.chars() {
        let empty = before == '[';
        before = c;
        match c {
            '[' if inside => return false,
            '[' => (inside, filled) = (true, false),
            // A sign such as [&] is no word, and may stand in brackets too.
            ']' if inside && !empty => {
                found |= filled;
                inside = false;
            }
            ']' => return false,
            c if c.is_alphanumeric() && !inside => return false,
            c if c.is_alphanumeric() => filled = true,
            c if c.is_whitespace() && inside => return false,
            _ => {}
        }
    }
    found && !inside
}

/// Whether every two words stand in double angle brackets, as in `<<I am>> <<here now>>`, and there are two. Other marks
/// may stand outside, and a single word that is left at the end may stand alone.
pub(crate) fn is_wrapped_in_pairs(text: &str) -> bool {
    let tokens: Vec<&str> = text.split_whitespace().filter(|token| text::has_text(token)).collect();
    let angle = |c: char| matches!(c, '<' | '>');
    let plain = |token: &str| text::has_text(token) && !token.contains(angle);
    let opened = |token: &str| {
        let token = token.trim_start_matches(|c: char| !c.is_alphanumeric() && !angle(c));
        token.strip_prefix("<<").is_some_and(plain)
    };
    let closed = |token: &str| {
        let token = token.trim_end_matches(|c: char| !c.is_alphanumeric() && !angle(c));
        token.strip_suffix(">>").is_some_and(plain)
    };
    let single = |token: &str| {
        let inner = token.trim_matches(|c: char| !c.is_alphanumeric() && !angle(c));
        let inner = inner.strip_prefix("<<").and_then(|inner| inner.strip_suffix(">>"));
        plain(inner.unwrap_or(token))
    };
    tokens.len() > 1
        && tokens.chunks(2).all(|chunk| match chunk {
            [first, second] => opened(first) && closed(second),
            [last] => single(last),
            _ => false,
        })
}

/// Whether a line separates parts: `***` or `* * *`.
fn is_separator(line: &str) -> bool {
    lines::is_divider(line) || line.trim() == "* * *"
}

/// The number of parts between lines of `***` or `* * *` if each has this number of sentences with this number of words,
/// else 0.
pub(crate) fn even_parts(text: &str, sentences: usize, words: usize) -> usize {
    let even = |part: &str| {
        let found = self::sentences(part);
        found.len() == sentences && found.iter().all(|sentence| text::word_count(sentence) == words)
    };
    let (mut parts, mut start) = (0, 0);
    for (at, line) in lines::all(text) {
        if is_separator(line) {
            if !even(&text[start..at]) {
                return 0;
            }
            parts += 1;
            start = at + line.len();
        }
    }
    if even(&text[start..]) { parts + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_and_last_words_have_no_marks() {
        assert!(opens_with_word("**Tea** is hot.", "tea") && !opens_with_word("Teas", "tea"));
        assert!(opens_with_word("- Tea's cup\n- milk", "tea") && opens_with_word("1. Tea", "tea"));
        assert!(!opens_with_word("Tea-time now", "tea"), "a compound is one word");
        assert!(closes_with_word("I like (tea).\n", "tea") && !closes_with_word("tea. Yes", "tea"));
        assert!(
            closes_with_word("cafe\u{301}", "cafe\u{301}")
                && !closes_with_word("cafe\u{301}", "cafe")
        );
        assert!(opens_with_word("“绿茶很好。", "绿茶") && closes_with_word("我喝绿茶。", "绿茶"));
        assert!(all_start_with("茶好。茶香！", "茶") && !all_start_with("茶好。奶香！", "茶"));
        assert!(all_end_with("Hot tea. Green tea!", "tea") && !all_end_with("...", "tea"));
        assert!(has_same_ends("Tea is tea.") && !has_same_ends("Tea.") && !has_same_ends("1. Tea"));
        assert!(has_word_at("Hot tea. I like green tea.", "green", 2, 3));
        assert!(!has_word_at("Hot tea.", "tea", 0, 2) && !has_word_at("Hot tea.", "tea", 1, 0));
    }

    #[test]
    fn initials_and_case_are_those_of_words() {
        assert_eq!((initial_steps("A big cat"), initial_steps("“Ant” (bee)")), (2, 1));
        assert_eq!(
            (initial_steps("z a"), initial_steps("a - b"), initial_steps("a 1 b")),
            (0, 1, 0)
        );
        assert_eq!(lowercase_words("I don't like NASA or iPhones, café!"), 4);
    }

    #[test]
    fn brackets_hold_one_word_and_pairs_two() {
        for good in ["[Tea] [is], [hot].", "[x][y]", "- [Tea]", "[Tea] [&] [milk]"] {
            assert!(is_bracketed(good), "{good}");
        }
        for bad in [
            "[Tea is] [hot]",
            "[Tea] is",
            "[]",
            "[[a]]",
            "[a",
            "...",
            "[Tea]]",
            "[Tea] []",
            "] [Tea]",
        ] {
            assert!(!is_bracketed(bad), "{bad}");
        }
        for good in ["<<I am>> <<here now>>.", "<<I am>> here", "(<<I am>>, <<here>>)"] {
            assert!(is_wrapped_in_pairs(good), "{good}");
        }
        for bad in ["<<I>> <<am>>", "<<I am>> <<here", "I am", "<<I am here>>", "tea", "<<<I am>>"]
        {
            assert!(!is_wrapped_in_pairs(bad), "{bad}");
        }
    }

    #[test]
    fn parts_are_even_or_count_as_none() {
        let even = "I like tea. You like it.\n***\nIt is hot. Do not wait!";
        assert_eq!(
            (even_parts(even, 2, 3), even_parts(even, 2, 2), even_parts(even, 1, 3)),
            (2, 0, 0)
        );
        assert_eq!(even_parts("Hot tea.\n* * *\nHot milk.\n***", 1, 2), 0, "a blank part");
        assert_eq!(even_parts("Hot tea.\n* * *\nHot milk.", 1, 2), 2);
    }
}
