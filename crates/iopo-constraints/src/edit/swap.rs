//! Words in place of others with the same meaning.

use super::{
    capitalize,
    person::find_word,
    prose::{close_with, is_english},
    synonyms::{ENDINGS, EXCLUDES, INCLUDES, LONGER, SHORTER, pairs},
};
use crate::text;

/// Words before an adjective that a degree such as "very" cannot follow.
const DEGREES: &[&str] = &[
    "very",
    "really",
    "more",
    "most",
    "less",
    "least",
    "so",
    "as",
    "too",
    "how",
    "not",
    "quite",
    "extremely",
];

/// A text that includes a word, in place of words of the same meaning or in a sentence at the end.
pub(crate) fn included(response: &str, word: &str) -> Option<String> {
    let (_, ways) = INCLUDES.iter().find(|(known, _)| *known == word)?;
    if !is_english(response) {
        return None;
    }
    let replaced = pairs(ways).find_map(|(from, to)| {
        let at = find_word(response, from)?;
        let before = text::keys(&response[..at]).last().unwrap_or_default();
        let graded = to.ends_with(from) && DEGREES.contains(&before.as_str());
        if graded || (from == "can" && response[at + 3..].starts_with("not")) {
            return None;
        }
        if word == "however" && from == "but" {
            return turned(response, at);
        }
        Some(swapped(response, at, from.len(), to))
    });
    let (_, ending) = ENDINGS.iter().find(|(known, _)| *known == word)?;
    replaced.or_else(|| close_with(response, ending))
}

/// ", but" as "; however," and "But" as "However,".
fn turned(response: &str, at: usize) -> Option<String> {
    let (before, rest) = (&response[..at], &response[at + 3..]);
    let rest = rest.strip_prefix(' ')?;
    if response[at..].starts_with('B') {
        return Some(format!("{before}However, {rest}"));
    }
    let before = before.strip_suffix(", ")?;
    let clause = rest.split(' ').next().is_some_and(|word| {
        ["it", "they", "you", "we", "the", "this", "there", "I", "he", "she"].contains(&word)
    });
    clause.then(|| format!("{before}; however, {rest}"))
}

/// A text without a word that can be left out or replaced.
pub(crate) fn excluded(response: &str, word: &str) -> Option<String> {
    let (from, to) = pairs(EXCLUDES).find(|(known, _)| *known == word)?;
    if !is_english(response) {
        return None;
    }
    let mut edited = response.to_owned();
    for _ in 0..20 {
        let Some(at) = find_word(&edited, from) else { return Some(edited) };
        let before = text::keys(&edited[..at]).last().unwrap_or_default();
        let rest = &edited[at + from.len()..];
        let fixed = ["how", "so", "too", "as", "at", "the", "a", "an", "not", "at"]
            .contains(&before.as_str());
        let sure = (word == "make" && rest.starts_with(" sure"))
            || (word == "because" && rest.starts_with(" of"));
        let adverb = word == "first" && before != "the";
        if (fixed && ["many", "people", "because", "make"].contains(&word)) || sure || adverb {
            return None;
        }
        edited = if to.is_empty() {
            removed(&edited, at, from.len())?
        } else {
            swapped(&edited, at, from.len(), to)
        };
    }
    None
}

/// A text without words of more than `most` letters, as far as shorter words are known.
pub(crate) fn shorter(response: &str, most: usize) -> Option<String> {
    mapped(response, |word| {
        let (_, short) = pairs(SHORTER).find(|(long, _)| *long == word)?;
        let long = |word: &str| text::letters(word) > most;
        (long(word) && !text::bare_words(short).any(|(_, word)| long(word))).then_some(short)
    })
}

/// A text with up to `missing` words of at least `least` letters in place of shorter ones.
pub(crate) fn longer(response: &str, least: usize, missing: usize) -> Option<String> {
    let mut left = missing;
    mapped(response, |word| {
        let (_, long) = pairs(LONGER).find(|(short, _)| *short == word)?;
        let good = left > 0
            && text::letters(word) < least
            && text::bare_words(long).any(|(_, word)| text::letters(word) >= least);
        left -= usize::from(good);
        good.then_some(long)
    })
}

/// Replaces words, from the last to the first so that articles before them can change.
fn mapped(response: &str, mut new: impl FnMut(&str) -> Option<&'static str>) -> Option<String> {
    if !is_english(response) {
        return None;
    }
    let words: Vec<(usize, &str)> = text::bare_words(response).collect();
    let mut found: Vec<(usize, usize, &str)> = Vec::new();
    for (index, (start, word)) in words.iter().enumerate() {
        let hyphen =
            response[..*start].ends_with('-') || response[start + word.len()..].starts_with('-');
        let graded = index > 0 && DEGREES.contains(&text::key(words[index - 1].1).as_str());
        if hyphen || graded {
            continue;
        }
        if let Some(to) = new(&text::fold(word)) {
            found.push((*start, word.len(), to));
        }
    }
    let mut edited = response.to_owned();
    for (start, length, to) in found.into_iter().rev() {
        edited = swapped(&edited, start, length, to);
    }
    Some(edited)
}

/// Replaces `length` bytes, keeps a capital and adapts the article before them.
pub(crate) fn swapped(text: &str, at: usize, length: usize, to: &str) -> String {
    let (before, rest) = (&text[..at], &text[at + length..]);
    let to =
        if text[at..].starts_with(char::is_uppercase) { capitalize(to) } else { to.to_owned() };
    let vowel = to.starts_with(['a', 'e', 'i', 'o', 'u']);
    let article = [" a ", " an ", "A ", "An "].into_iter().find(|article| {
        let start = before.strip_suffix(*article);
        start.is_some_and(|start| {
            article.starts_with(' ') || start.is_empty() || start.ends_with([' ', '\n'])
        })
    });
    let Some(article) = article else { return format!("{before}{to}{rest}") };
    let stem = article.trim_end().trim_end_matches('n');
    let start = &before[..before.len() - article.len()];
    format!("{start}{stem}{} {to}{rest}", if vowel { "n" } else { "" })
}

/// Removes a word with the space after it and the comma after an opening word.
fn removed(text: &str, at: usize, length: usize) -> Option<String> {
    let (before, rest) = (&text[..at], &text[at + length..]);
    let capital = text[at..].starts_with(char::is_uppercase);
    let rest = rest.strip_prefix(", ").filter(|_| capital).or_else(|| rest.strip_prefix(' '))?;
    let rest = if capital { capitalize(rest) } else { rest.to_owned() };
    let vowel = rest.starts_with(['a', 'e', 'i', 'o', 'u']);
    let before = match (before.strip_suffix(" a "), before.strip_suffix(" an ")) {
        (Some(start), _) if vowel => format!("{start} an "),
        (_, Some(start)) if !vowel => format!("{start} a "),
        _ => before.to_owned(),
    };
    Some(format!("{before}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_replaced_with_their_articles() {
        for (word, before, after) in [
            ("important", "Sleep is an essential habit.", "Sleep is an important habit."),
            ("great", "It is an excellent idea.", "It is a great idea."),
            ("very", "It is an easy task.", "It is a very easy task."),
            ("however", "Tea is hot, but it is good.", "Tea is hot; however, it is good."),
            ("also", "It can burn.", "It can also burn."),
        ] {
            assert_eq!(included(before, word).as_deref(), Some(after));
        }
        assert_eq!(
            included("It is more important.", "very").as_deref(),
            Some("It is more important. Thank you very much for your question.")
        );
        assert_eq!(included("Tea is hot.", "garden"), None);
        assert_eq!(included("这是一个重要的想法。", "very"), None);
        assert_eq!(
            excluded("It is a very easy task.", "very").as_deref(),
            Some("It is an easy task.")
        );
        assert_eq!(excluded("Make sure it is hot.", "make"), None);
        assert_eq!(shorter("It is an important day.", 8).as_deref(), Some("It is a vital day."));
        assert_eq!(longer("It is a big day.", 10, 1).as_deref(), Some("It is a considerable day."));
    }
}
