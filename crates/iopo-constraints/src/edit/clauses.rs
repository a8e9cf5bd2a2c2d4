//! Sentences split at their clauses, and joined to longer ones.

use super::{
    capitalize, drop_sentences,
    prose::{self, first_word, is_running, uncapitalized},
};
use crate::text;

/// First words of a clause that can stand alone after ", and".
const PRONOUNS: &[&str] = &["it", "they", "you", "we", "i", "he", "she"];

/// First words of a noun phrase.
const DETERMINERS: &[&str] =
    &["the", "a", "an", "this", "these", "that", "those", "their", "your", "our", "its"];

/// Verbs that show that a clause is complete.
const VERBS: &[&str] = &[
    "is", "are", "was", "were", "has", "have", "had", "can", "could", "will", "would", "should",
    "may", "might", "must", "does", "do", "makes", "make", "helps", "gives", "keeps", "needs",
];

/// Verbs after "this".
const SINGULAR: &[&str] = &[
    "is", "was", "has", "can", "could", "will", "would", "should", "may", "might", "must", "does",
    "makes", "helps", "gives", "keeps", "allows", "means", "leads", "adds", "reduces", "improves",
];

/// Verbs that start instructions and are hardly ever nouns or adjectives.
const IMPERATIVES: &[&str] = &[
    "add", "ask", "avoid", "bake", "boil", "bring", "buy", "choose", "dig", "eat", "enjoy", "fill",
    "find", "follow", "give", "go", "keep", "learn", "let", "make", "pour", "prepare", "put",
    "read", "remove", "rinse", "serve", "stir", "take", "try", "wear", "write",
];

/// Verbs that start instructions only before an object, since they are nouns or adjectives too.
const HOMOGRAPHS: &[&str] = &[
    "call", "check", "clean", "cook", "cool", "cover", "cut", "drain", "drink", "heat", "hide",
    "look", "lower", "mix", "open", "place", "plan", "plant", "play", "set", "share", "start",
    "stay", "stick", "talk", "turn", "use", "vote", "wait", "walk", "wash", "watch", "water",
    "warm",
];

/// Words after a verb that make it an instruction, so that "water" is no noun.
const OBJECTS: &[&str] = &[
    "a", "an", "the", "your", "it", "them", "any", "all", "each", "every", "this", "these", "some",
    "yourself", "sure", "up", "out",
];

/// Whether a text starts with an instruction such as "Fill the pot".
pub(crate) fn is_instruction(text: &str) -> bool {
    let mut words = text::keys(text);
    let Some(first) = words.next().filter(|_| text.starts_with(char::is_alphabetic)) else {
        return false;
    };
    let next = words.next().unwrap_or_default();
    (IMPERATIVES.contains(&first.as_str()) && !VERBS.contains(&next.as_str()) && next != "of")
        || (HOMOGRAPHS.contains(&first.as_str()) && OBJECTS.contains(&next.as_str()))
}

/// Splits "Fill a pot and set a timer." before the second instruction.
fn split_instructions(sentence: &str) -> Option<(String, String)> {
    if !is_instruction(&prose::without_order(sentence)) {
        return None;
    }
    let joints = sentence.match_indices(" and ").map(|(at, _)| at);
    let at = joints.into_iter().find(|at| is_instruction(&sentence[at + 5..]))?;
    let (before, rest) = (sentence[..at].trim_end_matches(','), &sentence[at + 5..]);
    let long = |text: &str| text::word_count(text) >= 3;
    let good = long(before) && long(rest) && !before.contains(", ");
    good.then(|| (format!("{before}."), capitalize(rest)))
}

/// Splits a sentence into two at a clause. `None` if there is no clause that can stand alone.
pub(crate) fn split(sentence: &str) -> Option<(String, String)> {
    let borders = sentence.match_indices([';', ',']).map(|(at, _)| at);
    let clause = borders.into_iter().find_map(|at| split_at(sentence, at));
    clause.or_else(|| split_instructions(sentence)).or_else(|| split_reason(sentence))
}

/// Splits "… because it …" before the reason.
fn split_reason(sentence: &str) -> Option<(String, String)> {
    let at = sentence.find(" because ").filter(|at| !sentence[..*at].contains(','))?;
    let rest = sentence[at..].strip_prefix(" because ")?;
    let alone = first_word(rest).is_some_and(|word| PRONOUNS.contains(&text::fold(word).as_str()));
    (alone && text::word_count(&sentence[..at]) >= 3)
        .then(|| (format!("{}.", &sentence[..at]), format!("This is because {rest}")))
}

fn split_at(sentence: &str, at: usize) -> Option<(String, String)> {
    let (before, after) = (&sentence[..at], sentence[at + 1..].strip_prefix(' ')?);
    if text::word_count(before) < 3 || text::word_count(after) < 3 {
        return None;
    }
    let done = |rest: String| Some((format!("{before}."), capitalize(&rest)));
    let (joiner, rest) = after.split_once(' ')?;
    let opened = first_word(before).map(text::fold);
    let dependent = [
        "if", "when", "while", "because", "although", "since", "as", "once", "after", "before",
        "to", "by",
    ];
    if opened.is_some_and(|word| dependent.contains(&word.as_str())) {
        return None;
    }
    match (sentence[at..].starts_with(';'), joiner) {
        (true, _) if is_clause(after) => done(after.to_owned()),
        (false, "and") if is_clause(rest) => done(rest.to_owned()),
        (false, "but" | "so") if is_clause(rest) => done(after.to_owned()),
        (false, "which")
            if first_word(rest).is_some_and(|word| SINGULAR.contains(&word))
                && !rest.contains(',') =>
        {
            done(format!("this {rest}"))
        }
        _ => None,
    }
}

/// Whether a text can stand alone as a sentence.
fn is_clause(text: &str) -> bool {
    let Some(first) = first_word(text).map(text::fold) else { return false };
    let first = first.split(['\'', '’']).next().unwrap_or_default();
    let verb = || {
        let end = text.find([',', ';']).unwrap_or(text.len());
        text::keys(&text[..end]).any(|key| VERBS.contains(&key.as_str()))
    };
    PRONOUNS.contains(&first) || (DETERMINERS.contains(&first) && verb())
}

/// Splits sentences until there are `n`. `None` if that many clauses cannot stand alone.
pub(crate) fn split_to(sentences: &[String], n: usize) -> Option<Vec<String>> {
    let mut done = Vec::new();
    let mut missing = n.saturating_sub(sentences.len());
    for sentence in sentences {
        let mut rest = sentence.clone();
        while missing > 0
            && let Some((first, second)) = split(&rest)
        {
            done.push(first);
            rest = second;
            missing -= 1;
        }
        done.push(rest);
    }
    (missing == 0).then_some(done)
}

/// Splits sentences in place until a text has `n`.
pub(crate) fn more_sentences(response: &str, n: usize) -> Option<String> {
    if !is_running(response) {
        return None;
    }
    let mut missing = n.checked_sub(text::sentences(response).len())?;
    let edited = prose::map_sentences(response, |sentence| {
        let mut done = String::new();
        let mut rest = sentence.to_owned();
        while missing > 0
            && let Some((first, second)) = split(&rest)
        {
            done.push_str(&first);
            done.push(' ');
            rest = second;
            missing -= 1;
        }
        Some(done + &rest)
    });
    (missing == 0).then_some(edited)
}

/// Splits the sentences of more than `most` words, and drops those that cannot be split.
pub(crate) fn shorter_sentences(response: &str, most: usize) -> Option<String> {
    if !is_running(response) {
        return None;
    }
    let long = |sentence: &str| text::word_count(sentence) > most;
    let edited = prose::map_sentences(response, |sentence| {
        let mut done = Vec::new();
        let mut rest = sentence.to_owned();
        while long(&rest)
            && let Some((first, second)) = split(&rest)
        {
            done.push(first);
            rest = second;
        }
        done.push(rest);
        Some(done.join(" "))
    });
    let left = text::sentences(&edited).into_iter().any(|range| long(&edited[range]));
    if left { drop_sentences(&edited, long) } else { Some(edited) }
}

/// Joins neighboring sentences to one of at least `n` words.
pub(crate) fn longer_sentence(response: &str, n: usize) -> Option<String> {
    if !is_running(response) {
        return None;
    }
    let ranges = text::sentences(response);
    let words: Vec<usize> =
        ranges.iter().map(|range| text::word_count(&response[range.clone()])).collect();
    let most = n.saturating_add(15);
    for length in 2..=3_usize {
        for first in 0..ranges.len().saturating_sub(length - 1) {
            let window = first..first + length;
            let sum: usize = words[window.clone()].iter().sum();
            if !(n..=most).contains(&sum) {
                continue;
            }
            let parts: Vec<&str> =
                ranges[window.clone()].iter().map(|range| &response[range.clone()]).collect();
            let close = ranges[window.clone()]
                .windows(2)
                .all(|pair| &response[pair[0].end..pair[1].start] == " ");
            if let Some(joined) = close.then(|| joined(&parts, response)).flatten() {
                let (start, end) = (ranges[window.start].start, ranges[window.end - 1].end);
                return Some(format!("{}{joined}{}", &response[..start], &response[end..]));
            }
        }
    }
    None
}

/// Joins two or three statements: "A, and b" or "A; b, and c".
pub(crate) fn joined(parts: &[&str], context: &str) -> Option<String> {
    let mut text = (*parts.first()?).to_owned();
    for (at, part) in parts.iter().enumerate().skip(1) {
        let first = text::fold(first_word(part)?);
        let body = text.strip_suffix('.').filter(|body| !body.ends_with('.'))?;
        let rest = uncapitalized(part, context)?;
        let odd = ["however", "and", "also", "then", "next", "finally", "first", "for", "in"];
        if odd.contains(&first.as_str()) || part[first.len()..].starts_with(',') {
            return None;
        }
        let last = at + 1 == parts.len();
        text = match first.as_str() {
            "but" | "so" => format!("{body}, {rest}"),
            _ if last => format!("{body}, and {rest}"),
            _ => format!("{body}; {rest}"),
        };
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_are_split_where_both_sides_stand_alone() {
        let cut =
            |sentence: &str| split(sentence).map(|(first, second)| format!("{first}|{second}"));
        for (sentence, expected) in [
            ("The tea is warm, and it tastes good.", "The tea is warm.|It tastes good."),
            ("The tea is warm; they like it here.", "The tea is warm.|They like it here."),
            ("The tea is warm, but the milk is cold.", "The tea is warm.|But the milk is cold."),
            (
                "Many people drink tea because it is warm.",
                "Many people drink tea.|This is because it is warm.",
            ),
        ] {
            assert_eq!(cut(sentence).as_deref(), Some(expected));
        }
        for whole in [
            "Take bread, butter, and the jam.",
            "Bring some food and drink to the party.",
            "Keep the kitchen and open space tidy.",
            "The pots, which students love, and which are old.",
            "If the tea is warm, and it is good, drink it.",
            "Tea is warm, not cold at all.",
        ] {
            assert_eq!(cut(whole), None, "{whole}");
        }
    }

    #[test]
    fn sentences_are_joined_without_losing_a_word() {
        let text = "Tea is warm. The milk is cold. Paris is far.";
        assert_eq!(
            longer_sentence(text, 7).as_deref(),
            Some("Tea is warm, and the milk is cold. Paris is far.")
        );
        assert_eq!(
            longer_sentence("Tea is warm. Paris is far.", 6),
            None,
            "a name needs its capital"
        );
        assert_eq!(longer_sentence("Is it? The milk is cold.", 6), None);
        assert_eq!(
            more_sentences("The tea is warm, and it is good.", 2).as_deref(),
            Some("The tea is warm. It is good.")
        );
        assert_eq!(
            shorter_sentences("Fill the pot and set a timer. It is fun.", 5).as_deref(),
            Some("Fill the pot. Set a timer. It is fun.")
        );
        assert_eq!(shorter_sentences("The tea that people drink is warm.", 2), None);
        assert_eq!(shorter_sentences("The tea that people drink is warm.", 2), None);
    }
}
