//! Grammatical person and contractions.

use super::{
    capitalize, is_clear_prose, join_lines,
    outline::is_letter,
    prose::{close_with, first_word, is_english, is_statement, open_with, uncapitalized, varied},
    replace_words,
};
use crate::{lexicon::EXPANSIONS, text};

/// Puts a statement into the first person, or adds a sentence in it.
pub(crate) fn with_first_person(response: &str) -> Option<String> {
    const VIEWS: &[&str] = &["In my view,", "In my opinion,", "I think that", "I would say that"];
    const CLOSINGS: &[&str] =
        &["I hope this helps.", "I hope that is useful.", "I hope this answers your question."];
    let body = response.trim();
    let first = text::sentences(body).into_iter().next().map(|range| &body[range]);
    let stated =
        first.is_some_and(is_statement).then(|| open_with(body, varied(VIEWS, body))).flatten();
    stated.or_else(|| close_with(body, varied(CLOSINGS, body)))
}

/// Removes phrases such as "I think that" and "In my view,".
pub(crate) fn without_views(response: &str) -> String {
    const VIEWS: &[&str] = &[
        "i think that ",
        "i think ",
        "i believe that ",
        "i believe ",
        "i would say that ",
        "in my view, ",
        "in my opinion, ",
        "in our view, ",
        "as we know, ",
        "as we all know, ",
    ];
    super::prose::map_sentences(response, |sentence| {
        let lower = sentence.to_ascii_lowercase();
        let view = VIEWS.iter().find(|view| lower.starts_with(**view))?;
        Some(capitalize(&sentence[view.len()..]))
    })
}

/// Addresses the reader of a statement, or adds a sentence that does.
pub(crate) fn with_second_person(response: &str) -> Option<String> {
    const OPENERS: &[&str] = &["As you may know,", "As you can imagine,"];
    const CLOSINGS: &[&str] = &[
        "Feel free to ask if you have any questions.",
        "Just ask if you would like more details.",
    ];
    let body = response.trim();
    let general = ["People can ", "One can "].into_iter().find_map(|long| {
        let starts = text::sentences(body).into_iter().map(|range| range.start);
        let at = starts.into_iter().find(|at| body[*at..].starts_with(long))?;
        Some(format!("{}You can {}", &body[..at], &body[at + long.len()..]))
    });
    if general.is_some() {
        return general;
    }
    let first = text::sentences(body).into_iter().next().map(|range| &body[range]);
    let stated =
        first.is_some_and(is_statement).then(|| open_with(body, varied(OPENERS, body))).flatten();
    stated.or_else(|| close_with(body, varied(CLOSINGS, body)))
}

/// The first position of words in a text, ignoring ASCII case.
pub(crate) fn find_word(text: &str, words: &str) -> Option<usize> {
    occurrences(text, words).into_iter().next()
}

/// The positions of words in a text, ignoring ASCII case.
pub(crate) fn occurrences(text: &str, words: &str) -> Vec<usize> {
    let lower = text.to_ascii_lowercase();
    let words = words.to_ascii_lowercase();
    let places = lower.match_indices(&words).map(|(at, _)| at).filter(|&at| {
        !lower[..at].ends_with(|c: char| c.is_alphanumeric() || "'’-".contains(c))
            && !lower[at + words.len()..]
                .starts_with(|c: char| c.is_alphanumeric() || "'’-".contains(c))
    });
    places.collect()
}

/// Speaks about "people" instead of to "you". `None` for letters and for "thank you" and the like.
pub(crate) fn without_second_person(response: &str) -> Option<String> {
    const VERBS: &[&str] = &[
        "are", "can", "could", "will", "would", "should", "may", "might", "must", "do", "don't",
        "have", "want", "need", "like", "use", "feel", "know", "get", "see", "plan", "own", "peel",
        "go", "eat", "live", "work", "think", "choose", "notice", "start", "make", "take", "buy",
        "find", "also", "never", "always", "often", "cannot", "can't", "did", "were", "had", "put",
        "add", "try", "learn", "read",
    ];
    if !is_english(response)
        || is_letter(response)
        || find_word(response, "thank you").is_some()
        || find_word(response, "yours").is_some()
    {
        return None;
    }
    let edited = super::prose::map_sentences(response, |sentence| {
        let words: Vec<String> = text::keys(sentence).collect();
        let mut named = false;
        let mut at = 0;
        Some(replace_words(sentence, |word| {
            let key = text::fold(word).replace('’', "'");
            let next = words.get(at + 1).map_or("", String::as_str);
            at += 1;
            let subject = VERBS.contains(&next);
            let new = match key.as_str() {
                "you" if !named => "people",
                "you" if subject => "they",
                "you" => "them",
                "you're" if named => "they are",
                "you're" => "people are",
                "you'll" if named => "they will",
                "you'll" => "people will",
                "you've" if named => "they have",
                "you've" => "people have",
                "your" if named => "their",
                "your" => "the",
                "yourself" | "yourselves" if named => "themselves",
                _ => return None,
            };
            named |= key != "your";
            let capital = word.starts_with(char::is_uppercase);
            Some(if capital { capitalize(new) } else { new.to_owned() })
        }))
    });
    Some(edited)
}

/// Contracts the first words that allow it, or adds a sentence with a contraction.
pub(crate) fn contracted(response: &str) -> Option<String> {
    const CLOSINGS: &[&str] = &[
        "I hope that's helpful.",
        "If you'd like more details, just ask.",
        "I hope that's clear.",
    ];
    // Negations can be contracted anywhere, other pairs only before another word.
    let of = |negation: bool| {
        EXPANSIONS.iter().filter(move |(short, _)| short.ends_with("n't") == negation)
    };
    let shorten = |(short, long): &(&str, &str), follows: bool| {
        let at = find_word(response, &long.to_ascii_lowercase())?;
        let rest = &response[at + long.len()..];
        if follows
            && !rest.strip_prefix(' ').is_some_and(|rest| rest.starts_with(char::is_alphabetic))
        {
            return None;
        }
        let capital = response[at..].starts_with(char::is_uppercase);
        let short = if capital { capitalize(short) } else { (*short).to_owned() };
        Some(format!("{}{short}{rest}", &response[..at]))
    };
    of(true)
        .find_map(|pair| shorten(pair, false))
        .or_else(|| of(false).find_map(|pair| shorten(pair, true)))
        .or_else(|| close_with(response, varied(CLOSINGS, response)))
}

/// A text that starts with "As a …, I would say that", as far as its first sentence is a statement.
pub(crate) fn in_role(opening: &str, response: &str) -> Option<String> {
    const LEADS: &[&str] =
        &["I would say this:", "I would put it this way:", "I can tell you this:"];
    let body = response.trim();
    let first = text::sentences(body).into_iter().next().map(|range| join_lines(&body[range]));
    if is_clear_prose(body) && first.as_deref().is_some_and(is_statement) {
        let rest = uncapitalized(body, body)?;
        return Some(format!("{opening} I would say that {rest}"));
    }
    let english =
        is_english(body) && first_word(body.trim_start_matches(['-', '*', '#', ' '])).is_some();
    (english && !is_letter(body)).then(|| format!("{opening} {}\n\n{body}", varied(LEADS, body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_person_changes_and_the_facts_stay() {
        assert_eq!(
            with_first_person("Boil water.").as_deref(),
            Some("Boil water. I hope this answers your question.")
        );
        assert!(
            with_first_person("The tea is warm.")
                .expect("a statement")
                .ends_with("the tea is warm.")
        );
        assert_eq!(
            without_views("I think that tea is good. In my view, it is warm."),
            "Tea is good. It is warm."
        );
        assert_eq!(
            with_second_person("Tea is hot. People can burn.").as_deref(),
            Some("Tea is hot. You can burn.")
        );
        assert_eq!(
            without_second_person("You can boil your egg if you want.").as_deref(),
            Some("People can boil their egg if they want.")
        );
        assert_eq!(without_second_person("Warm your pot.").as_deref(), Some("Warm the pot."));
        assert_eq!(without_second_person("Thank you for it."), None);
        assert_eq!(without_second_person("Dear Sam,\nI see you."), None);
    }

    #[test]
    fn contractions_need_a_word_after_them() {
        assert_eq!(contracted("It is warm.").as_deref(), Some("It's warm."));
        assert_eq!(contracted("Do not wait.").as_deref(), Some("Don't wait."));
        assert_eq!(
            contracted("Take it as it is.").as_deref(),
            Some("Take it as it is. I hope that's clear.")
        );
        assert_eq!(contracted("茶很好喝。"), None);
    }
}
