//! Words in place of others with the same meaning.

use super::{
    capitalize,
    context::Place,
    person::{find_word, occurrences},
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
    // The first sentence is changed last, since an instruction may ask for a word there.
    let first = text::sentences(response).first().map_or(0, |range| range.end);
    let replaced = [false, true].into_iter().find_map(|opening| {
        pairs(ways).find_map(|(from, to)| {
            let bare = from.trim_start_matches('^');
            let mut places = occurrences(response, bare).into_iter();
            let at = places.find(|at| {
                (*at < first) == opening
                    && !(opening && word == "also")
                    && Place::read(response, *at, bare.len()).suits(from, to)
            })?;
            if word == "however" && from == "but" {
                return turned(response, at);
            }
            Some(swapped(response, at, bare.len(), to))
        })
    });
    let ending = || ENDINGS.iter().find(|(known, _)| *known == word);
    replaced.or_else(|| close_with(response, ending()?.1))
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
        if !Place::read(&edited, at, from.len()).suits(from, to) {
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
        let folded = text::fold(word);
        if let Some(to) = new(&folded)
            && Place::read(response, *start, word.len()).suits(&folded, to)
        {
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
            ("also", "Tea is hot. It can burn.", "Tea is hot. It can also burn."),
            ("should", "You have to wait.", "You should wait."),
            ("many", "A lot of cups are here.", "Many cups are here."),
        ] {
            assert_eq!(included(before, word).as_deref(), Some(after));
        }
        assert_eq!(included("Tea is hot.", "garden"), None);
        assert_eq!(included("这是一个重要的想法。", "very"), None);
        assert_eq!(
            excluded("It is a very easy task.", "very").as_deref(),
            Some("It is an easy task.")
        );
        assert_eq!(excluded("Make sure it is hot.", "make"), None);
        assert_eq!(shorter("It is an important day.", 8).as_deref(), Some("It is a vital day."));
        assert_eq!(
            longer("It costs about ten coins.", 10, 1).as_deref(),
            Some("It costs approximately ten coins.")
        );
    }

    #[test]
    fn words_with_another_use_stay() {
        for (word, text) in [
            ("very", "It is more important."),
            ("very", "Take it easy with quite a few."),
            ("many", "A lot of water is needed."),
            ("people", "Everyone has one."),
            ("best", "It is a fine day."),
            ("time", "It rains when it is cold. Wait a moment."),
        ] {
            assert_eq!(included(text, word), None, "{word}");
        }
        for (word, kept) in [
            ("make", "It will create your life easier."),
            ("help", "It can aid you. The first aid is good."),
            ("should", "You will have to wait."),
            ("may", "You will find it in a tin can."),
            ("can", "Flowers bloom in May."),
            ("will", "It's going to the shop."),
        ] {
            let text = included(kept, word).unwrap_or_default();
            assert!(text.is_empty() || text.starts_with(kept), "{word}: {text}");
        }
        for (word, text) in [
            ("may", "Flowers bloom in May."),
            ("can", "Open the can of beans."),
            ("make", "They make tea."),
            ("best", "It is the best."),
            ("help", "It can help you."),
            ("many", "I do not know how many cups."),
            ("very", "Thank you very much for it."),
        ] {
            assert_eq!(excluded(text, word), None, "{word}");
        }
        for kept in ["Think about your budget.", "It was almost fun.", "Remember the exercise."] {
            assert_eq!(longer(kept, 10, 1).as_deref(), Some(kept));
        }
        for kept in
            ["The temperature of an investment.", "Do the exercise. Everything is necessary."]
        {
            assert_eq!(shorter(kept, 7).as_deref(), Some(kept));
        }
    }
}
