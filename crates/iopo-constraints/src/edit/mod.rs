//! Edits that keep a text natural.

pub(crate) mod aside;
pub(crate) mod clauses;
mod context;
pub(crate) mod nouns;
pub(crate) mod numbers;
pub(crate) mod outline;
pub(crate) mod person;
pub(crate) mod prose;
pub(crate) mod swap;
mod synonyms;
pub(crate) mod topic;

use std::{collections::BTreeMap, ops::Range};

use crate::{lexicon::STOP_WORDS, lines, text};

/// Keeps the first sentences for as long as `fits` holds.
pub(crate) fn keep_sentences(
    response: &str,
    mut fits: impl FnMut(usize, &str) -> bool,
) -> Option<String> {
    let mut end = None;
    for (index, range) in text::sentences(response).into_iter().enumerate() {
        if !fits(index + 1, &response[range.clone()]) {
            break;
        }
        end = Some(range.end);
    }
    let kept = response[..end?].trim_end();
    // A text that ends with a colon or a heading announces what is missing.
    let last = lines::filled(kept).next_back()?;
    let open = kept.ends_with(':') || lines::heading(last).is_some();
    (!open).then(|| kept.to_owned())
}

/// Drops the sentences that satisfy `bad`. `None` if there are none or more than a third, or if the rest refers to
/// them.
pub(crate) fn drop_sentences(response: &str, bad: impl Fn(&str) -> bool) -> Option<String> {
    let sentences = text::sentences(response);
    let dropped: Vec<&Range<usize>> =
        sentences.iter().filter(|range| bad(&response[(*range).clone()])).collect();
    if dropped.is_empty() || dropped.len() * 3 > sentences.len() {
        return None;
    }
    // A sentence that refers to a dropped one would be left without its reference.
    let refers = sentences.windows(2).any(|pair| {
        let next = &response[pair[1].clone()];
        bad(&response[pair[0].clone()])
            && !bad(next)
            && text::keys(next).next().is_some_and(|first| REFERENCES.contains(&first.as_str()))
    });
    if refers {
        return None;
    }
    let mut edited = String::with_capacity(response.len());
    let mut at = 0;
    for range in dropped {
        edited.push_str(&response[at..range.start]);
        at = range.end;
        // The spaces after the sentence go with it, but a line break stays.
        let rest = &response[at..];
        at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }
    edited.push_str(&response[at..]);
    let tidy: Vec<&str> = edited.split('\n').map(str::trim_end).collect();
    let tidy = tidy.join("\n").trim().to_owned();
    // A text that ends with a colon or a heading announces what is missing.
    let open = tidy.ends_with(':')
        || lines::filled(&tidy).next_back().is_none_or(|last| lines::heading(last).is_some());
    (!open).then_some(tidy)
}

/// First words of sentences that refer to the sentence before.
const REFERENCES: &[&str] = &[
    "it",
    "they",
    "this",
    "these",
    "those",
    "that",
    "he",
    "she",
    "but",
    "so",
    "and",
    "however",
    "also",
    "therefore",
    "such",
    "otherwise",
    "instead",
];

/// Keeps the lines that satisfy `keep`.
pub(crate) fn keep_lines(response: &str, mut keep: impl FnMut(&str) -> bool) -> String {
    let kept: Vec<&str> = response.split('\n').filter(|line| keep(line)).collect();
    kept.join("\n").trim_end().to_owned()
}

/// Edits each line.
pub(crate) fn map_lines(response: &str, edit: impl FnMut(&str) -> String) -> String {
    let edited: Vec<String> = response.split('\n').map(edit).collect();
    edited.join("\n")
}

/// Whether a text is prose without list items, headings, tables and dividers.
pub(crate) fn is_prose(response: &str) -> bool {
    !lines::filled(response).any(lines::is_apart) && !response.trim_start().starts_with(['{', '['])
}

/// Whether a text is prose in which every sentence ends with a punctuation mark, so that its count is unambiguous.
pub(crate) fn is_clear_prose(response: &str) -> bool {
    is_prose(response)
        && text::sentences(response).into_iter().all(|range| {
            let ending = response[range].trim_end_matches(['"', '\'', '”', '’', ')', '*']);
            ending.ends_with(['.', '!', '?', '…'])
        })
}

/// Joins all lines to one paragraph on one line.
pub(crate) fn join_lines(response: &str) -> String {
    let parts: Vec<&str> = lines::filled(response).map(str::trim).collect();
    parts.join(" ")
}

/// Capitalizes the first letter.
pub(crate) fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Replaces words. A word stays if `edit` returns `None`.
pub(crate) fn replace_words(
    response: &str,
    mut edit: impl FnMut(&str) -> Option<String>,
) -> String {
    let mut edited = String::with_capacity(response.len());
    let mut at = 0;
    for (start, word) in text::bare_words(response) {
        if let Some(new) = edit(word) {
            edited.push_str(&response[at..start]);
            edited.push_str(&new);
            at = start + word.len();
        }
    }
    edited.push_str(&response[at..]);
    edited
}

/// The content words in lower case with their frequencies, most frequent first, then by position.
pub(crate) fn content_words(response: &str) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (place, key) in text::keys(response).enumerate() {
        let good = (4..=14).contains(&key.len())
            && key.bytes().all(|b| b.is_ascii_lowercase())
            && !STOP_WORDS.contains(&key.as_str());
        if good {
            counts.entry(key).or_insert((0, place)).0 += 1;
        }
    }
    let mut ranked: Vec<(String, (usize, usize))> = counts.into_iter().collect();
    ranked.sort_by_key(|(_, (count, place))| (usize::MAX - count, *place));
    ranked.into_iter().map(|(word, (count, _))| (word, count)).collect()
}

/// The first `count` content words of at least five letters, for emphasis.
pub(crate) fn telling_words(response: &str, count: usize) -> Vec<String> {
    let words = content_words(response).into_iter().map(|(word, _)| word);
    words.filter(|word| word.len() >= 5).take(count).collect()
}

/// A word as the text writes it: capitalized if it never occurs without a capital.
pub(crate) fn surface(response: &str, key: &str) -> String {
    let mut name = None;
    for (_, word) in text::bare_words(response) {
        if text::key(word) != key {
            continue;
        }
        let mut chars = word.chars();
        let titled = chars.next().is_some_and(char::is_uppercase)
            && chars.all(|c| !c.is_alphabetic() || c.is_lowercase());
        if !titled {
            return key.to_owned();
        }
        name.get_or_insert_with(|| capitalize(key));
    }
    name.unwrap_or_else(|| key.to_owned())
}
