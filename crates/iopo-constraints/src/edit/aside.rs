//! Parentheses and quotation marks around words that a text has already.

use super::{
    nouns,
    prose::{first_word, is_english},
};
use crate::{lines, text};

/// Openings of phrases that add a detail.
const DETAILS: &[&str] = &[
    "such as ",
    "including ",
    "for example ",
    "for example, ",
    "for instance ",
    "for instance, ",
    "especially ",
    "particularly ",
    "which ",
    "ideally ",
    "preferably ",
    "usually ",
];

/// First words of a short end of a sentence that may stand in parentheses.
const TAILS: &[&str] =
    &["with", "without", "depending", "even", "not", "along", "like", "if", "as"];

/// Prepositions before the end of a sentence that can be left out.
const PREPOSITIONS: &[&str] = &["during", "before", "after", "without"];

/// Puts a remark of a text into parentheses: a phrase after a comma, or else a short sentence or the end of one.
pub(crate) fn in_parentheses(response: &str) -> Option<String> {
    if !is_english(response) || response.trim_start().starts_with(['{', '[', '|']) {
        return None;
    }
    let sentences = text::sentences(response);
    let within = |find: fn(&str) -> Option<(usize, usize, usize)>| {
        sentences.iter().find_map(|range| {
            let sentence = &response[range.clone()];
            let (start, inner, end) = find(sentence)?;
            Some(format!(
                "{}{} ({}){}{}",
                &response[..range.start],
                &sentence[..start],
                &sentence[inner..end],
                &sentence[end..],
                &response[range.end..]
            ))
        })
    };
    within(detail).or_else(|| within(tail)).or_else(|| whole(response)).or_else(|| within(ending))
}

/// The comma before a detail such as "such as …", the start of the detail and its end.
fn detail(sentence: &str) -> Option<(usize, usize, usize)> {
    DETAILS.iter().find_map(|opening| {
        let at = sentence
            .match_indices(", ")
            .map(|(at, _)| at)
            .find(|at| sentence[at + 2..].starts_with(opening))?;
        let body = &sentence[at + 2 + opening.len()..];
        let stop = body.trim_end_matches(['.', '!', '?']).len();
        // A comma ends the detail, unless it belongs to an enumeration.
        let comma = body.find(',').filter(|end| {
            let (inner, rest) = (&body[..*end], &body[*end..]);
            inner.contains(" and ")
                || inner.contains(" or ")
                || !(rest.contains(" and ") || rest.contains(" or "))
        });
        let end = comma.unwrap_or(stop);
        // The comma after a detail goes with the one before it, so a detail in the middle is left alone.
        let good = comma.is_none() && (1..=14).contains(&text::word_count(&body[..end]));
        let range = (at, at + 2, at + 2 + opening.len() + end);
        (good && !sentence[range.1..range.2].contains(['(', ')', '"', '\n', '*'])).then_some(range)
    })
}

/// The last comma of a sentence before a short end, such as ", making it easy".
fn tail(sentence: &str) -> Option<(usize, usize, usize)> {
    let at = sentence.rfind(", ")?;
    let stop = sentence.trim_end_matches(['.', '!']).len();
    let rest = sentence.get(at + 2..stop)?;
    let first = rest.split(' ').next()?;
    let good = (2..=8).contains(&text::word_count(rest))
        && (TAILS.contains(&first) || (first.len() > 4 && first.ends_with("ing")))
        && stop < sentence.len()
        && sentence[..at].matches(',').count() < 2
        && !rest.contains(['(', ')', '"', '\n', '*']);
    good.then_some((at, at + 2, stop))
}

/// The last preposition of a sentence before two to five words.
fn ending(sentence: &str) -> Option<(usize, usize, usize)> {
    let stop = sentence.trim_end_matches(['.', '!']).len();
    let body = &sentence[..stop];
    let mut starts = body.match_indices(' ').map(|(at, _)| at).filter(|at| {
        let word = body[at + 1..].split(' ').next().unwrap_or_default();
        PREPOSITIONS.contains(&word)
    });
    let at = starts.next_back()?;
    let rest = &body[at + 1..];
    let good = (3..=6).contains(&text::word_count(rest))
        && text::word_count(&body[..at]) >= 3
        && !rest.contains(['(', ')', '"', '\n', '*', ',', ':']);
    good.then_some((at, at + 1, stop))
}

/// First words of sentences that belong to the one before.
const LINKS: &[&str] = &[
    "however",
    "but",
    "finally",
    "then",
    "next",
    "so",
    "therefore",
    "first",
    "second",
    "and",
    "thus",
    "because",
];

/// The shortest sentence after the first one of a paragraph, in parentheses.
fn whole(response: &str) -> Option<String> {
    let sentences = text::sentences(response);
    let remarks = sentences.windows(2).filter_map(|pair| {
        let (before, range) = (&pair[0], &pair[1]);
        let sentence = &response[range.clone()];
        let inside = &response[before.end..range.start] == " ";
        let odd =
            first_word(sentence).is_some_and(|word| LINKS.contains(&text::fold(word).as_str()));
        let plain =
            !odd && sentence.ends_with('.') && !sentence.contains(['(', ')', '"', '“', '\n', '*']);
        (inside && plain && text::word_count(sentence) <= 14).then_some(range)
    });
    let range =
        remarks.min_by_key(|range| (text::word_count(&response[(*range).clone()]), range.start))?;
    let (start, end) = (range.start, range.end);
    Some(format!("{}({}){}", &response[..start], &response[start..end], &response[end..]))
}

/// Puts a noun of a text, with the adjectives before it, into double quotation marks.
pub(crate) fn quoted(response: &str) -> Option<String> {
    if !is_english(response) || response.trim_start().starts_with(['{', '[', '|']) {
        return None;
    }
    text::sentences(response).into_iter().find_map(|sentence| {
        let whole = &response[sentence.clone()];
        if lines::filled(whole).any(|line| lines::heading(line).is_some())
            || whole.contains(['"', '“', '`', '*', '|'])
        {
            return None;
        }
        let term = nouns::terms(whole).into_iter().find(|term| {
            // A name stays without marks.
            let words = &whole[term.clone()];
            let name = words.contains(char::is_uppercase);
            !name && words.len() >= 4 && text::word_count(words) <= 3
        })?;
        let (first, end) = (sentence.start + term.start, sentence.start + term.end);
        Some(format!("{}\"{}\"{}", &response[..first], &response[first..end], &response[end..]))
    })
}

/// Removes the commas. In an English enumeration, "and" or "or" takes their place.
pub(crate) fn without_commas(response: &str) -> String {
    if !is_english(response) {
        return response.replace(',', "");
    }
    let mut edited = String::with_capacity(response.len());
    let mut at = 0;
    for (comma, _) in response.match_indices(',') {
        if comma < at {
            continue;
        }
        edited.push_str(&response[at..comma]);
        at = comma + 1;
        let rest = &response[at..];
        let start = response[..comma].rfind(['.', '!', '?', '\n']).map_or(0, |at| at + 1);
        let sentence = response[start..comma].trim_start();
        let first = first_word(sentence).map(text::fold).unwrap_or_default();
        let opens = !sentence.contains(',') && OPENINGS.contains(&first.as_str());
        if let Some(joiner) = enumerates(rest, opens) {
            edited.push_str(joiner);
        }
    }
    edited.push_str(&response[at..]);
    edited
}

/// First words of a sentence whose first comma ends an opening phrase or clause.
const OPENINGS: &[&str] = &[
    "when",
    "if",
    "while",
    "because",
    "although",
    "since",
    "as",
    "once",
    "after",
    "before",
    "during",
    "in",
    "for",
    "to",
    "by",
    "with",
    "from",
    "on",
    "at",
    "first",
    "second",
    "third",
    "then",
    "next",
    "finally",
    "however",
    "overall",
    "also",
    "additionally",
    "sure",
    "so",
];

/// First words after a comma that does not separate two items.
const CONTINUATIONS: &[&str] = &[
    "and",
    "or",
    "but",
    "so",
    "which",
    "who",
    "it",
    "you",
    "they",
    "we",
    "he",
    "she",
    "I",
    "such",
    "not",
    "like",
    "including",
    "especially",
    "just",
    "making",
    "while",
    "where",
    "when",
    "because",
    "even",
    "the",
];

/// The word that joins the items of an enumeration, if a comma before `rest` separates two of them.
fn enumerates(rest: &str, opens: bool) -> Option<&'static str> {
    let rest = rest.strip_prefix(' ').filter(|_| !opens)?;
    let stop = rest.find(['.', '!', '?', ';', ':', '\n']).unwrap_or(rest.len());
    let mut words = rest[..stop].split(' ').take(5).peekable();
    if words.peek().is_some_and(|word| CONTINUATIONS.contains(word)) {
        return None;
    }
    for word in words.by_ref() {
        match word {
            "and" => return Some(" and"),
            "or" => return Some(" or"),
            _ => {}
        }
        if let Some(item) = word.strip_suffix(',') {
            let after = rest[..stop].split_once(&format!("{item}, "))?.1;
            return match after.split(' ').take(5).find(|word| matches!(*word, "and" | "or"))? {
                "or" => Some(" or"),
                _ => Some(" and"),
            };
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_of_the_text_go_into_parentheses() {
        for (before, after) in [
            (
                "Eat fruit, such as apples, pears and plums.",
                "Eat fruit (such as apples, pears and plums).",
            ),
            (
                "The lid is wide, making it easy to clean.",
                "The lid is wide (making it easy to clean).",
            ),
            ("Tea is a warm drink. Many like it.", "Tea is a warm drink. (Many like it.)"),
            (
                "- Boil the fresh water before the guests arrive.",
                "- Boil the fresh water (before the guests arrive).",
            ),
        ] {
            assert_eq!(in_parentheses(before).as_deref(), Some(after));
        }
        for none in [
            "Tea is hot.",
            "The teacher puts a focus on the first actions.",
            "茶很好喝。真的很好。",
            "{\"a\": 1}",
        ] {
            assert_eq!(in_parentheses(none), None, "{none}");
        }
    }

    #[test]
    fn a_telling_phrase_is_quoted() {
        assert_eq!(
            quoted("The green coffee is rare.").as_deref(),
            Some("The \"green coffee\" is rare.")
        );
        for none in ["It is so.", "I think about how much I love it.", "Paris is large."] {
            assert_eq!(quoted(none), None, "{none}");
        }
        assert_eq!(quoted("绿茶很好喝。"), None);
    }

    #[test]
    fn enumerations_stay_readable_without_commas() {
        for (before, after) in [
            ("Tea, milk and 1,000 cups.", "Tea and milk and 1000 cups."),
            ("Buy tea, milk, and jam, but no rice.", "Buy tea and milk and jam but no rice."),
            ("First, boil water.", "First boil water."),
            ("Tea, milk or jam.", "Tea or milk or jam."),
        ] {
            assert_eq!(without_commas(before), after);
        }
    }
}
