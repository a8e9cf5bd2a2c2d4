//! Checks of the whole response: its start, its end and its wrapping.

use super::{lower, strip};

/// Whether the response starts with the request, ignoring case.
pub(super) fn repeats(text: &str, prompt: &str) -> bool {
    lower(strip(text)).starts_with(&lower(strip(prompt)))
}

/// Whether the response ends with the phrase, ignoring case and double quotes around the response.
pub(super) fn ends(text: &str, phrase: &str) -> bool {
    lower(strip(text).trim_matches('"')).ends_with(&lower(strip(phrase)))
}

/// Whether the first and the last character are double quotes.
pub(super) fn quoted(text: &str) -> bool {
    text.len() > 1 && text.starts_with('"') && text.ends_with('"')
}

/// Whether one of the three answers occurs anywhere.
pub(super) fn constrained(text: &str) -> bool {
    ["My answer is yes.", "My answer is no.", "My answer is maybe."]
        .iter()
        .any(|answer| text.contains(answer))
}

/// The text without a Markdown fence. Several opening fences may be removed, as in the published code.
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
    fn a_quote_after_a_space_hides_the_phrase() {
        assert!(ends("So it is.\"", "so IT is."));
        assert!(!ends("So it is. \"", "so it is."));
    }

    #[test]
    fn a_single_quote_does_not_quote() {
        assert!(quoted("\"\"") && !quoted("\"") && !quoted("“a”"));
    }

    #[test]
    fn fences_are_removed_in_order() {
        assert_eq!(unfenced(" ```json\n{} ```\n"), "{}");
        assert_eq!(unfenced("```json```JSON 1"), "1");
        assert_eq!(unfenced("```JSON```json 1"), "json 1", "the first opening is no longer tried");
    }
}
