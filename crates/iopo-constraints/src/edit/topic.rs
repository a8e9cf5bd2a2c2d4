//! The topic of a sentence: a short phrase of its own words, for headings and keys.

use super::capitalize;
use crate::{lexicon::STOP_WORDS, lines, text};

/// Words before a noun phrase.
const LEADS: &[&str] = &[
    "a",
    "an",
    "the",
    "this",
    "that",
    "these",
    "those",
    "my",
    "your",
    "our",
    "their",
    "its",
    "his",
    "her",
    "some",
    "many",
    "most",
    "every",
    "each",
    "all",
    "both",
    "several",
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
    "here",
    "there",
    "always",
    "never",
    "another",
    "one",
    "firstly",
    "secondly",
    "thirdly",
    "similarly",
    "instead",
    "meanwhile",
];

/// Words that end a phrase.
const BREAKS: &[&str] = &[
    "is", "are", "was", "were", "be", "been", "am", "has", "have", "had", "can", "could", "will",
    "would", "should", "may", "might", "must", "do", "does", "did", "to", "for", "with", "without",
    "in", "on", "at", "by", "from", "into", "through", "about", "before", "after", "during",
    "because", "since", "so", "when", "while", "where", "which", "who", "that", "than", "if",
    "unless", "until", "and", "or", "but", "as", "it", "they", "you", "he", "she", "we", "i",
    "this", "these", "not", "no", "near", "over", "under", "between", "around", "often", "also",
    "need", "needs", "keep", "keeps", "help", "helps", "include", "includes", "provide",
    "provides", "come", "comes", "go", "goes", "give", "gives", "make", "makes", "take", "takes",
    "get", "gets", "let", "lets", "become", "becomes", "feel", "feels", "start", "starts",
    "usually", "why", "what", "how", "there", "here", "now", "only",
];

/// Words with little meaning that are not in the list of stop words.
const VAGUE: &[&str] = &[
    "keeps",
    "helps",
    "help",
    "includes",
    "including",
    "include",
    "provides",
    "provide",
    "feel",
    "become",
    "becomes",
    "start",
    "try",
    "makes",
    "lets",
    "allows",
    "gets",
    "getting",
    "comes",
    "come",
    "goes",
    "lot",
    "lots",
    "tips",
    "ways",
    "ideas",
    "steps",
    "good",
    "great",
    "best",
    "better",
    "easily",
    "ensure",
    "remember",
    "begin",
    "important",
    "follow",
    "need",
    "choose",
    "like",
    "things",
    "something",
    "everything",
    "anything",
    "everyone",
    "today",
    "least",
    "next",
    "also",
    "quite",
    "enough",
    "almost",
    "left",
];

const PRONOUNS: &[&str] = &["it", "they", "you", "we", "i", "he", "she", "who", "which"];

const MOST_WORDS: usize = 5;
const MOST_BYTES: usize = 48;

/// The topic of a sentence: its first words up to a verb or preposition, or else its longest run of content words.
pub(crate) fn topic(sentence: &str) -> Option<String> {
    lead(sentence).or_else(|| run(sentence))
}

/// A different topic for each text. `None` if one has none.
pub(crate) fn topics(texts: &[String]) -> Option<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        let first =
            text::sentences(text).into_iter().next().map_or(text.as_str(), |range| &text[range]);
        let candidates = [lead(first), run(first), run(text), lead(text)].into_iter().flatten();
        let topic = candidates
            .into_iter()
            .find(|topic| !found.iter().any(|known| text::fold(known) == text::fold(topic)))?;
        found.push(topic);
    }
    Some(found)
}

/// The label of a point such as "**Label**: rest" or "Label: rest", and the rest.
pub(crate) fn labeled(point: &str) -> Option<(String, String)> {
    let plain = point.replace("**", "");
    let (label, rest) = plain.split_once(": ")?;
    lines::key_value(&plain)?;
    let good = (1..=MOST_WORDS).contains(&text::word_count(label));
    good.then(|| (label.to_owned(), rest.trim().to_owned()))
}

/// A label and a detail for each point: the label that the point has, or its topic.
pub(crate) fn pairs(points: &[String]) -> Option<Vec<(String, String)>> {
    let found: Option<Vec<(String, String)>> = points.iter().map(|point| labeled(point)).collect();
    let found = found.or_else(|| {
        let plain = points.iter().map(|point| point.replace("**", ""));
        Some(topics(points)?.into_iter().zip(plain).collect())
    })?;
    let distinct = |(at, (label, _)): (usize, &(String, String))| {
        found[..at].iter().all(|(known, _)| known != label)
    };
    found.iter().enumerate().all(distinct).then_some(found)
}

/// The words of the first clause, without the words that precede a noun phrase.
fn lead(sentence: &str) -> Option<String> {
    let mut phrase: Option<(usize, usize)> = None;
    let mut words = 0;
    let mut told = false;
    for (start, word) in text::bare_words(sentence) {
        let key = text::key(word);
        if let Some((first, end)) = phrase {
            // "Dark and quiet room" is one phrase.
            let coupled = words == 1 && key == "and" && !is_border(&sentence[end..start]);
            if !coupled && (is_border(&sentence[end..start]) || BREAKS.contains(&key.as_str())) {
                break;
            }
            if words == MOST_WORDS {
                return None;
            }
            phrase = Some((first, start + word.len()));
        } else {
            if LEADS.contains(&key.as_str()) {
                continue;
            }
            if BREAKS.contains(&key.as_str()) || !word.starts_with(char::is_alphabetic) {
                return None;
            }
            phrase = Some((start, start + word.len()));
        }
        words += 1;
        told |= is_content(&key);
    }
    let (start, end) = phrase?;
    let phrase = trimmed(&sentence[start..end]);
    let alone = text::bare_words(phrase).count() == 1;
    (told && (!alone || phrase.len() >= 4)).then(|| finished(phrase)).flatten()
}

/// The longest run of content words, the first of equal ones.
fn run(sentence: &str) -> Option<String> {
    let mut best: (usize, usize, usize) = (0, 0, 0);
    let mut open: (usize, usize, usize) = (0, 0, 0);
    let mut after_pronoun = false;
    for (start, word) in text::bare_words(sentence) {
        let (words, first, end) = open;
        let key = text::key(word);
        // A verb follows a pronoun, and most words in -ed and -ly are no nouns.
        let verbal = after_pronoun || key.ends_with("ed") || key.ends_with("ly");
        after_pronoun = PRONOUNS.contains(&key.as_str());
        if verbal || !is_content(&key) {
            open = (0, 0, 0);
            continue;
        }
        open = if words == 0 || words == 3 || is_border(&sentence[end..start]) {
            (1, start, start + word.len())
        } else {
            (words + 1, first, start + word.len())
        };
        if open.0 > best.0 {
            best = open;
        }
    }
    let (words, start, end) = best;
    (words > 0).then(|| finished(&sentence[start..end])).flatten()
}

fn is_content(key: &str) -> bool {
    key.len() >= 3
        && key.starts_with(char::is_alphabetic)
        && !STOP_WORDS.contains(&key)
        && !VAGUE.contains(&key)
        && !BREAKS.contains(&key)
        && !LEADS.contains(&key)
}

/// Whether the text between two words ends a phrase.
fn is_border(gap: &str) -> bool {
    !matches!(gap, " " | "-" | "'" | "’")
}

/// A phrase without function words at its end.
fn trimmed(phrase: &str) -> &str {
    let mut rest = phrase;
    while let Some((before, last)) = rest.rsplit_once(' ')
        && (STOP_WORDS.contains(&text::key(last).as_str())
            || VAGUE.contains(&text::key(last).as_str()))
    {
        rest = before;
    }
    rest
}

fn finished(phrase: &str) -> Option<String> {
    let good = phrase.len() <= MOST_BYTES
        && phrase.chars().all(|c| c.is_alphanumeric() || " -'’".contains(c));
    good.then(|| capitalize(&phrase.replace('’', "'")))
}

/// A word of a text as a noun phrase such as "the garden" or "children". `None` unless the text uses it as a noun.
pub(crate) fn noun_phrase(text: &str, word: &str) -> Option<String> {
    const DETERMINERS: &[&str] = &[
        "a", "an", "the", "this", "that", "every", "each", "your", "my", "our", "their", "his",
        "her", "its",
    ];
    let words: Vec<(usize, &str)> = text::bare_words(text).collect();
    words.iter().enumerate().find_map(|(at, (start, found))| {
        if text::key(found) != word {
            return None;
        }
        let end = start + found.len();
        let ends = words.get(at + 1).is_none_or(|(next, follower)| {
            is_border(&text[end..*next]) || BREAKS.contains(&text::key(follower).as_str())
        });
        let mut before = words[..at].iter().rev().take(2).map(|(_, word)| text::key(word));
        let determined = before.any(|key| DETERMINERS.contains(&key.as_str()));
        let name = found.starts_with(char::is_uppercase) && super::surface(text, word) != word;
        match () {
            () if !ends || name => None,
            () if determined => Some(format!("the {word}")),
            () if word.ends_with('s') || word.ends_with("ing") => Some(word.to_owned()),
            () => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_phrases_of_the_sentence() {
        for (sentence, expected) in [
            (
                "Regular exercise improves your mood because it is fun.",
                "Regular exercise improves your mood",
            ),
            ("The market square of Oldbrook was a car park.", "Market square of Oldbrook"),
            ("Finally, the vegetables can be used in the kitchen.", "Vegetables"),
            ("It keeps you awake during long meetings.", "Long meetings"),
            ("Warm the pot before you add the leaves.", "Warm the pot"),
            ("Here are some tips for staying healthy:", "Staying healthy"),
        ] {
            assert_eq!(topic(sentence).as_deref(), Some(expected), "{sentence}");
        }
        for none in ["", "It is so.", "42.", "茶很好喝。"] {
            assert_eq!(topic(none).filter(|topic| topic.is_ascii()), None, "{none}");
        }
    }

    #[test]
    fn labels_are_kept_and_topics_are_distinct() {
        let points = ["**Tea**: a warm drink".to_owned(), "**Milk**: a cold one".to_owned()];
        let pairs_of = |points: &[String]| pairs(points);
        assert_eq!(
            pairs_of(&points).expect("labels")[1],
            ("Milk".to_owned(), "a cold one".to_owned())
        );
        let twice = ["**Tea**: hot".to_owned(), "**Tea**: cold".to_owned()];
        assert_eq!(pairs_of(&twice), None);
        let same = ["Tea is hot.".to_owned(), "Tea is a hot drink from far away.".to_owned()];
        let found = topics(&same).expect("a second topic");
        assert_ne!(found[0], found[1]);
    }

    #[test]
    fn nouns_are_recognized_by_the_words_around_them() {
        let text = "A small garden teaches children how food grows. It is good for the heart. They like walking.";
        for (word, expected) in [
            ("heart", Some("the heart")),
            ("children", None),
            ("walking", Some("walking")),
            ("small", None),
            ("rice", None),
        ] {
            assert_eq!(noun_phrase(text, word).as_deref(), expected, "{word}");
        }
    }
}
