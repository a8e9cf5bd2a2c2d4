//! Checks of the whole response: its start, its end and its wrapping.

use crate::text;

/// Characters around a phrase that are not part of it.
const WRAPPING: [char; 10] = ['"', '“', '”', '\'', '‘', '’', '*', '_', '>', '#'];

fn is_wrapping(c: char) -> bool {
    c.is_whitespace() || WRAPPING.contains(&c)
}

/// Whether the response starts with the request, ignoring case and spacing, and an answer follows.
pub(super) fn repeats_and_answers(text: &str, prompt: &str) -> bool {
    let mut have = words(text.trim_start_matches(is_wrapping));
    let prompt: Vec<&str> = prompt.trim_matches(is_wrapping).split_whitespace().collect();
    let Some((last, others)) = prompt.split_last() else { return false };
    let same =
        |wanted: &&str| have.next().is_some_and(|word| text::fold(word) == text::fold(wanted));
    if !others.iter().all(same) {
        return false;
    }
    // A closing quotation mark may follow the last word.
    let closes = have.next().is_some_and(|word| {
        text::fold(word.trim_matches(is_wrapping)) == text::fold(last.trim_matches(is_wrapping))
    });
    closes && have.any(text::has_text)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

/// Whether exactly one of the three answers occurs.
pub(super) fn one_answer(text: &str) -> bool {
    let text = text::fold(text);
    let answers = ["my answer is yes.", "my answer is no.", "my answer is maybe."];
    answers.iter().filter(|answer| text.contains(**answer)).count() == 1
}

/// Whether the response ends with the phrase, ignoring case and characters around it.
pub(super) fn ends(text: &str, phrase: &str) -> bool {
    let phrase = phrase.trim_matches(is_wrapping);
    !phrase.is_empty() && text::closes_with(text.trim_end_matches(is_wrapping), phrase)
}

/// Whether a pair of straight or curly double quotation marks surrounds the whole text.
pub(super) fn quoted(text: &str) -> bool {
    let text = text.trim();
    [('"', '"'), ('“', '”'), ('„', '“'), ('«', '»')].iter().any(|(open, close)| {
        let inner = text.strip_prefix(*open).and_then(|rest| rest.strip_suffix(*close));
        inner.is_some_and(text::has_text)
    })
}

/// The text without a Markdown fence and the name of its language.
pub(super) fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let Some(inner) = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```")) else {
        return text;
    };
    let named = inner.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("json"));
    if named { &inner[4..] } else { inner }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repetition_needs_an_answer() {
        assert!(repeats_and_answers("**Write  a\npoem.** Roses", "Write a poem."));
        assert!(repeats_and_answers("\"Write a poem.\"\n\nRoses", "Write a poem."));
        assert!(!repeats_and_answers("Write a poem.", "Write a poem."));
        assert!(!repeats_and_answers("Write a poems. Roses", "Write a poem."));
    }

    #[test]
    fn ends_and_quotes_are_found_within_markup() {
        assert!(ends("So it is. \"\n", "so it is.") && ends("**So it is.**", "So it is."));
        assert!(!ends("also", "so") && !ends("a", "\""));
        assert!(quoted("“a”") && quoted("\"a\"") && !quoted("\"\"") && !quoted("\"a”"));
    }

    #[test]
    fn one_fence_is_removed() {
        assert_eq!(unfenced("```jSoN\n{}\n```").trim(), "{}");
        assert_eq!(unfenced("```\n{}```").trim(), "{}");
        assert_eq!(unfenced("```{}"), "```{}");
    }
}
