//! Running English text: sentences that can be moved, joined and introduced.

use std::ops::Range;

use super::{capitalize, is_clear_prose, is_prose, join_lines};
use crate::{
    lexicon::{STARTERS, STOP_WORDS},
    lines,
    measure::is_capital_word,
    text,
};

/// The longest text that is taken apart, in bytes. Answers are far shorter.
const MOST_BYTES: usize = 8_000;

/// Whether a text is English and short enough to be taken apart.
pub(crate) fn is_english(text: &str) -> bool {
    text.len() <= MOST_BYTES && has_english_words(text)
}

/// Whether nearly all letters are Latin and enough words are English function words, unless the text is too short to
/// tell.
pub(crate) fn has_english_words(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let (latin, other): (Vec<char>, Vec<char>) = letters.partition(char::is_ascii);
    if latin.is_empty() || other.len() * 10 > latin.len() {
        return false;
    }
    // Function words make up a third to a half of English, but few of them occur in other languages.
    let keys: Vec<String> = text::keys(text).collect();
    let common = keys.iter().filter(|key| STOP_WORDS.contains(&key.as_str())).count();
    match keys.len() {
        0..8 => true,
        8..12 => common > 0,
        many => common * 6 >= many,
    }
}

/// Whether a text consists of English sentences only, with each paragraph on one line. Letters and poems do not.
pub(crate) fn is_running(text: &str) -> bool {
    let single = || {
        let whole = |range: Range<usize>| !text[range].contains('\n');
        text::paragraphs(text).into_iter().all(whole)
    };
    is_english(text) && is_clear_prose(text) && single()
}

/// The sentences of a text, each on one line.
pub(crate) fn sentences(text: &str) -> Vec<String> {
    text::sentences(text).into_iter().map(|range| join_lines(&text[range])).collect()
}

/// Edits each sentence. Everything between the sentences stays. A sentence stays if `edit` returns `None`.
pub(crate) fn map_sentences(text: &str, mut edit: impl FnMut(&str) -> Option<String>) -> String {
    let mut edited = String::with_capacity(text.len());
    let mut at = 0;
    for range in text::sentences(text) {
        if let Some(new) = edit(&text[range.clone()]) {
            edited.push_str(&text[at..range.start]);
            edited.push_str(&new);
            at = range.end;
        }
    }
    edited.push_str(&text[at..]);
    edited
}

/// The first word of a text that starts with one.
pub(crate) fn first_word(text: &str) -> Option<&str> {
    let first = text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’').next();
    first.filter(|word| !word.is_empty())
}

/// A sentence without the capital of its first letter, for use after other words. `None` if the first word may be a
/// name. `context` is the text around the sentence.
pub(crate) fn uncapitalized(sentence: &str, context: &str) -> Option<String> {
    let first = first_word(sentence)?;
    let personal = first.starts_with('I') && (first.len() == 1 || first.contains(['\'', '’']));
    if personal || is_capital_word(first) || !first.starts_with(char::is_uppercase) {
        return Some(sentence.to_owned());
    }
    let folded = text::fold(first);
    let common = STOP_WORDS.contains(&folded.as_str())
        || STARTERS.contains(&folded.as_str())
        || text::bare_words(context).any(|(_, word)| word == folded);
    common.then(|| format!("{folded}{}", &sentence[first.len()..]))
}

/// Inserts a phrase that ends with a comma before a text. `None` if the first word may be a name, or if the text does
/// not start with a sentence.
pub(crate) fn open_with(response: &str, phrase: &str) -> Option<String> {
    let body = response.trim_start();
    let line = body.lines().next()?;
    if lines::is_apart(line) || body.starts_with(['{', '[']) || !is_english(body) {
        return None;
    }
    // A second opening, as in "In short, however," would not read well.
    if first_word(body).is_some_and(|first| body[first.len()..].starts_with(',')) {
        return None;
    }
    let body = uncapitalized(body, body)?;
    Some(format!("{phrase} {body}"))
}

/// Whether a sentence states something about a subject, so that "I think that" can precede it.
pub(crate) fn is_statement(sentence: &str) -> bool {
    let subject =
        first_word(sentence).is_some_and(|first| SUBJECTS.contains(&text::fold(first).as_str()));
    subject && sentence.trim_end().ends_with(['.', '!'])
}

/// First words of statements.
const SUBJECTS: &[&str] = &[
    "a", "an", "the", "this", "that", "these", "those", "it", "they", "there", "he", "she", "we",
    "you", "people", "many", "most", "some", "every", "our", "your", "their",
];

/// Adds a sentence at the end: after the last sentence, or as a paragraph after a list. `None` if the last sentence is
/// not finished, as in a letter.
pub(crate) fn close_with(response: &str, sentence: &str) -> Option<String> {
    let body = response.trim_end();
    let last = lines::filled(body).next_back()?;
    if !is_english(body) || body.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let ended = last.trim_end().ends_with(['.', '!', '?', '"', '”', ')']);
    if lines::is_apart(last) {
        let listed = lines::item(last).is_some() || lines::is_row(last);
        return listed.then(|| format!("{body}\n\n{sentence}"));
    }
    let gap = if is_prose(body) && !ends_a_list(body) { " " } else { "\n\n" };
    ended.then(|| format!("{body}{gap}{sentence}"))
}

/// Whether the last paragraph contains list items.
fn ends_a_list(body: &str) -> bool {
    let last = text::paragraphs(body).into_iter().next_back();
    last.is_some_and(|range| lines::filled(&body[range]).any(lines::is_apart))
}

/// One of several phrases. The choice depends on the length of the response, for variety without randomness.
pub(crate) fn varied<'a>(phrases: &[&'a str], response: &str) -> &'a str {
    let words = text::word_count(response);
    phrases.get(words % phrases.len().max(1)).copied().unwrap_or_default()
}

/// A sentence without an opening such as "First," or "Then", which only makes sense in running text.
pub(crate) fn without_order(sentence: &str) -> String {
    const ORDER: &[&str] = &[
        "first",
        "firstly",
        "second",
        "secondly",
        "third",
        "thirdly",
        "then",
        "next",
        "finally",
        "lastly",
        "afterwards",
    ];
    let word = first_word(sentence).filter(|word| ORDER.contains(&text::fold(word).as_str()));
    let rest = word.and_then(|word| sentence[word.len()..].strip_prefix(", "));
    rest.map_or_else(|| sentence.to_owned(), capitalize)
}

/// Splits `parts` into `n` groups of neighbors with about the same number of words. `None` if there are too few.
pub(crate) fn grouped(parts: &[String], n: usize, gap: &str) -> Option<Vec<String>> {
    if n == 0 || parts.len() < n {
        return None;
    }
    let words: Vec<usize> = parts.iter().map(|part| text::word_count(part)).collect();
    let total: usize = words.iter().sum();
    let mut groups: Vec<Vec<&str>> = vec![Vec::new()];
    let mut before = 0;
    for (index, part) in parts.iter().enumerate() {
        let (made, left) = (groups.len(), parts.len() - index);
        let started = groups.last().is_some_and(|group| !group.is_empty());
        // A part starts the next group when its middle lies behind the border, or when every part left must.
        let behind = (2 * before + words[index]) * n >= 2 * made * total;
        if started && made < n && (behind || left <= n - made) {
            groups.push(Vec::new());
        }
        if let Some(group) = groups.last_mut() {
            group.push(part);
        }
        before += words[index];
    }
    (groups.len() == n).then(|| groups.into_iter().map(|group| group.join(gap)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_languages_are_recognized() {
        assert!(is_english("Tea is warm.") && is_english("- tea\n- milk"));
        assert!(is_english("The café in Zürich serves tea and milk to all of its guests."));
        for other in ["茶很好喝。", "Чай горячий.", "I like 茶，很多人都喜欢喝茶。", "3", ""]
        {
            assert!(!is_english(other), "{other}");
        }
        let french = "Le thé est une boisson chaude que beaucoup de gens boivent chaque matin.";
        let german = "Tee ist ein warmes Getränk, das viele Menschen jeden Morgen trinken.";
        assert!(!is_english(french) && !is_english(german));
    }

    #[test]
    fn names_keep_their_capital() {
        let text = "Paris is large. The city is old. Walks help.";
        assert_eq!(uncapitalized("Paris is large.", text), None);
        assert_eq!(uncapitalized("The city.", text).as_deref(), Some("the city."));
        assert_eq!(uncapitalized("Walks help.", text).as_deref(), None);
        assert_eq!(uncapitalized("Walks help.", "many walks").as_deref(), Some("walks help."));
        assert_eq!(uncapitalized("I'm here.", "").as_deref(), Some("I'm here."));
        assert_eq!(uncapitalized("NASA flew.", "").as_deref(), Some("NASA flew."));
    }

    #[test]
    fn groups_are_even_and_complete() {
        let parts: Vec<String> = ["a b c", "d", "e", "f g"].map(str::to_owned).into();
        let text = |n| grouped(&parts, n, " ").map(|groups| groups.join("|"));
        assert_eq!(text(1).as_deref(), Some("a b c d e f g"));
        assert_eq!(text(2).as_deref(), Some("a b c|d e f g"));
        assert_eq!(text(4).as_deref(), Some("a b c|d|e|f g"));
        assert_eq!((text(5), text(0)), (None, None));
        for count in 1..12_usize {
            let parts: Vec<String> = (0..count).map(|at| "x ".repeat(1 + at * at % 7)).collect();
            for n in 1..=count {
                let groups = grouped(&parts, n, "").expect("enough parts");
                assert_eq!((groups.len(), groups.concat()), (n, parts.concat()));
                assert!(groups.iter().all(|group| !group.is_empty()));
            }
        }
    }
}
