//! Checks of a response as a whole: how it starts, ends and is wrapped.

use super::{lower, strip};

/// Whether the request comes first, letter case aside.
pub(super) fn repeats(text: &str, prompt: &str) -> bool {
    lower(strip(text)).starts_with(&lower(strip(prompt)))
}

/// Whether the phrase comes last, letter case and double quotes after it aside.
pub(super) fn ends(text: &str, phrase: &str) -> bool {
    lower(strip(text).trim_matches('"')).ends_with(&lower(strip(phrase)))
}

/// Whether the first and the last character are double quotes.
pub(super) fn quoted(text: &str) -> bool {
    text.len() > 1 && text.starts_with('"') && text.ends_with('"')
}

/// Whether one of the three answers stands anywhere.
pub(super) fn constrained(text: &str) -> bool {
    ["My answer is yes.", "My answer is no.", "My answer is maybe."]
        .iter()
        .any(|answer| text.contains(answer))
}

/// What is left of a text without a Markdown fence; several of the openings may go.
pub(super) fn unfenced(text: &str) -> &str {
    let openings = ["```json", "```Json", "```JSON", "```"];
    let text = openings
        .iter()
        .fold(strip(text), |text, opening| text.strip_prefix(opening).unwrap_or(text));
    strip(text.strip_suffix("```").unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_after_a_space_hides_the_end() {
        assert!(ends("So it is.\"", "so IT is."));
        assert!(!ends("So it is. \"", "so it is."));
    }

    #[test]
    fn one_quote_quotes_nothing() {
        assert!(quoted("\"\"") && !quoted("\"") && !quoted("“a”"));
    }

    #[test]
    fn fences_go_in_order() {
        assert_eq!(unfenced(" ```json\n{} ```\n"), "{}");
        assert_eq!(unfenced("```json```JSON 1"), "1");
        assert_eq!(unfenced("```JSON```json 1"), "json 1", "the first opening is no longer tried");
    }
}
