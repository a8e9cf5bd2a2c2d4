//! Noun phrases, recognized by a conservative rule: a determiner before and a border after, or the subject of "is".

use std::ops::Range;

use super::clauses::is_instruction;
use crate::{lexicon::STOP_WORDS, text};

/// Words that a noun phrase follows.
const DETERMINERS: &[&str] =
    &["a", "an", "the", "your", "my", "our", "their", "his", "its", "this", "these", "some"];

/// Verbs of a closed class that follow a complete subject.
const FINITE: &[&str] = &[
    "is", "are", "was", "were", "has", "have", "had", "can", "could", "will", "would", "should",
    "may", "might", "must",
];

/// Other verbs that follow a complete subject and are hardly ever nouns.
const VERBS: &[&str] = &[
    "teaches",
    "provides",
    "requires",
    "includes",
    "helps",
    "makes",
    "gives",
    "keeps",
    "allows",
    "became",
    "made",
    "gave",
    "took",
    "began",
    "contains",
    "consists",
    "involves",
    "describes",
    "explains",
    "discusses",
    "highlights",
    "serves",
    "remains",
    "improves",
    "reduces",
    "strengthens",
    "brings",
    "becomes",
    "does",
    "did",
    "goes",
    "gets",
    "seems",
    "depends",
    "relies",
    "leads",
];

/// Prepositions that follow a noun, or that a noun phrase completes.
const PREPOSITIONS: &[&str] = &[
    "in", "on", "at", "of", "with", "for", "from", "by", "into", "through", "during", "near",
    "under", "over", "between",
];

/// Words that no noun phrase contains.
const BREAKS: &[&str] = &[
    "and", "or", "but", "so", "if", "when", "while", "where", "which", "who", "that", "than",
    "because", "since", "unless", "until", "before", "after", "as", "to", "it", "they", "you",
    "he", "she", "we", "i", "me", "them", "us", "him", "not", "no", "be", "been", "do", "does",
    "did", "there", "here", "what", "how", "why", "also", "only", "just", "often", "usually",
    "never", "always", "now", "then", "need", "needs", "make", "makes", "help", "helps", "keep",
    "keeps", "let", "lets", "said", "says", "think", "believe", "know", "ensure", "remember",
    "note", "sure", "all", "both", "each", "every", "one", "many", "most", "more", "several",
    "about", "without", "called", "named",
];

/// Words that are no label on their own.
const VAGUE: &[&str] = &[
    "way",
    "ways",
    "thing",
    "things",
    "lot",
    "lots",
    "same",
    "other",
    "others",
    "rest",
    "following",
    "first",
    "second",
    "third",
    "last",
    "next",
    "best",
    "end",
    "kind",
    "type",
    "part",
    "time",
    "times",
    "something",
    "everything",
    "anything",
    "nothing",
    "someone",
    "everyone",
    "people",
    "following",
    "result",
    "fact",
    "example",
    "case",
    "point",
    "number",
    "variety",
    "answer",
    "one",
    "ones",
    "pair",
    "piece",
    "cup",
    "bit",
    "group",
    "set",
    "range",
    "series",
    "lack",
    "sense",
    "use",
    "idea",
];

/// Openings of a sentence before its subject.
const ORDER: &[&str] = &[
    "first",
    "second",
    "third",
    "next",
    "then",
    "finally",
    "also",
    "however",
    "additionally",
    "furthermore",
    "moreover",
    "lastly",
    "overall",
    "therefore",
    "firstly",
    "secondly",
    "thirdly",
    "instead",
    "meanwhile",
    "similarly",
];

const MOST_WORDS: usize = 4;

/// The nouns of a sentence without their determiners, the subject first. Each is a range of the sentence.
pub(crate) fn terms(sentence: &str) -> Vec<Range<usize>> {
    let words: Vec<(usize, &str, String)> =
        text::bare_words(sentence).map(|(at, word)| (at, word, text::key(word))).collect();
    let mut found: Vec<Range<usize>> = subject(sentence, &words).into_iter().collect();
    for (at, (_, _, key)) in words.iter().enumerate() {
        let Some((first, ..)) = words.get(at + 1) else { break };
        if !DETERMINERS.contains(&key.as_str()) {
            continue;
        }
        let Some(last) = last_of(sentence, &words, at + 1) else { continue };
        let range = *first..words[last].0 + words[last].1.len();
        if good(sentence, &words[at + 1..=last]) && !found.contains(&range) {
            found.push(range);
        }
    }
    found
}

fn is_verb(word: &str) -> bool {
    FINITE.contains(&word) || VERBS.contains(&word)
}

/// The noun that a sentence starts with, after its determiner and an opening such as "Finally,".
pub(crate) fn lead(sentence: &str) -> Option<Range<usize>> {
    let first = terms(sentence).into_iter().next()?;
    let known = |key: String| DETERMINERS.contains(&key.as_str()) || ORDER.contains(&key.as_str());
    text::keys(&sentence[..first.start]).all(known).then_some(first)
}

type Word<'a> = (usize, &'a str, String);

/// The index of the last word of the phrase that starts at `first`, after a determiner.
fn last_of(sentence: &str, words: &[Word<'_>], first: usize) -> Option<usize> {
    let before = first.checked_sub(2).map(|at| words[at].2.as_str());
    let completes = before.is_some_and(|word| PREPOSITIONS.contains(&word));
    for at in first..(first + MOST_WORDS).min(words.len()) {
        let (start, word, key) = &words[at];
        if BREAKS.contains(&key.as_str()) || is_verb(key) {
            return None;
        }
        let end = start + word.len();
        let next = words.get(at + 1);
        let gap = next.map_or(&sentence[end..], |(next, ..)| &sentence[end..*next]);
        let follower = next.map_or("", |(.., key)| key.as_str());
        let alone = at == first;
        match () {
            // A possessive belongs to the next word.
            () if word.ends_with("'s") || word.ends_with("’s") => {}
            () if gap.starts_with(['-', '\'', '’', '/', '(']) => return None,
            () if gap != " " => return (completes || alone).then_some(at),
            () if is_verb(follower) => return Some(at),
            () if PREPOSITIONS.contains(&follower) => {
                return (alone && !word.ends_with("ed")).then_some(at);
            }
            () if alone
                && matches!(follower, "because" | "when" | "while" | "if" | "which" | "who") =>
            {
                return Some(at);
            }
            () => {}
        }
    }
    None
}

/// The subject at the start of a sentence: words before "is", "can" and the like.
fn subject(sentence: &str, words: &[Word<'_>]) -> Option<Range<usize>> {
    let mut first = 0;
    if ORDER.contains(&words.first()?.2.as_str()) {
        let (start, word, _) = &words[0];
        first = usize::from(sentence[start + word.len()..].starts_with(", "));
    }
    let (start, _, key) = words.get(first)?;
    let determined = DETERMINERS.contains(&key.as_str());
    if is_instruction(&sentence[*start..]) {
        return None;
    }
    first += usize::from(determined);
    let mut last = first;
    for at in first..(first + MOST_WORDS + 1).min(words.len()) {
        let (start, word, key) = &words[at];
        let joined = key == "of" && at > first;
        if is_verb(key) {
            let range = words[first].0..words[last].0 + words[last].1.len();
            return (at > first && good(sentence, &words[first..=last])).then_some(range);
        }
        let inner = DETERMINERS.contains(&key.as_str()) || PREPOSITIONS.contains(&key.as_str());
        let gap = words.get(at + 1).map_or("", |(next, ..)| &sentence[start + word.len()..*next]);
        if BREAKS.contains(&key.as_str()) || (inner && !joined) || gap != " " {
            return None;
        }
        last = at;
    }
    None
}

/// Whether the words of a phrase name something.
fn good(sentence: &str, words: &[Word<'_>]) -> bool {
    let [.., (start, last, key)] = words else { return false };
    let content = |key: &str| key.len() >= 3 && !STOP_WORDS.contains(&key) && !VAGUE.contains(&key);
    let phrase = &sentence[words[0].0..start + last.len()];
    content(key)
        && last.chars().all(|c| c.is_alphabetic() || c == '-')
        && !(key.ends_with("ly") && key != "family")
        && phrase.len() <= 40
        && phrase.chars().all(|c| c.is_alphanumeric() || " -'’".contains(c))
}

/// A word of a text as a noun phrase such as "the garden" or "children". `None` unless the text uses it as a noun.
pub(crate) fn noun_phrase(text: &str, word: &str) -> Option<String> {
    text::sentences(text).into_iter().find_map(|sentence| {
        let sentence = &text[sentence];
        terms(sentence).into_iter().find_map(|range| {
            let term = &sentence[range.clone()];
            let last = text::bare_words(term).last()?.1;
            let name = last.starts_with(char::is_uppercase) && super::surface(text, word) != word;
            if text::key(last) != word || last != term || name {
                return None;
            }
            let before = text::keys(&sentence[..range.start]).last().unwrap_or_default();
            let determined = DETERMINERS.contains(&before.as_str());
            let plural = word.ends_with('s') && !word.ends_with("ss");
            (determined || plural)
                .then(|| if determined { format!("the {word}") } else { word.to_owned() })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sentence: &str) -> Vec<&str> {
        terms(sentence).into_iter().map(|range| &sentence[range]).collect()
    }

    #[test]
    fn terms_have_a_determiner_or_a_verb_after_them() {
        for (sentence, expected) in [
            ("The market square of Oldbrook was a car park.", "market square of Oldbrook"),
            ("Finally, the vegetables can be used in the kitchen.", "vegetables"),
            ("Regular exercise is good.", "Regular exercise"),
            ("It rains during the long meeting.", "long meeting"),
            ("The greenhouse in town is old.", "greenhouse"),
            ("The argument relies on nothing.", "argument"),
        ] {
            assert_eq!(found(sentence).first().copied(), Some(expected), "{sentence}");
        }
        let late = "In short, it rains during the meeting.";
        assert_eq!((found(late), lead(late)), (vec!["meeting"], None));
        for none in [
            "Tea wakes you up.",
            "Stop and wait.",
            "There is a lot of water.",
            "They're both fine.",
            "Make sure water is hot.",
            "The process called fermentation is old.",
            "The dough rises quickly.",
            "",
        ] {
            assert_eq!(found(none), Vec::<&str>::new(), "{none}");
        }
    }

    #[test]
    fn nouns_are_recognized_by_the_words_around_them() {
        let text = "A small garden teaches children. It is good for the heart. Finally, apples are red. The water boils.";
        for (word, expected) in [
            ("heart", Some("the heart")),
            ("apples", Some("apples")),
            ("children", None),
            ("small", None),
            ("boils", None),
        ] {
            assert_eq!(noun_phrase(text, word).as_deref(), expected, "{word}");
        }
    }
}
