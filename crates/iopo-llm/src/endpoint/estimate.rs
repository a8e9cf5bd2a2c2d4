//! Estimates token counts before the server reports them.

use crate::Message;

/// Approximate number of tokens that a chat template adds to a message.
const PER_MESSAGE: f64 = 4.0;
/// Tokens per character of Chinese, Japanese and Korean text, and of other text.
const WIDE: f64 = 0.7;
const NARROW: f64 = 0.25;

/// Estimates the prompt tokens of a chat: a quarter per letter, 0.7 per Chinese, Japanese or Korean character.
pub fn estimated_tokens(messages: &[Message]) -> u64 {
    let of = |letter: char| if is_wide(letter) { WIDE } else { NARROW };
    let tokens: f64 = messages
        .iter()
        .map(|message| PER_MESSAGE + message.content.chars().map(of).sum::<f64>())
        .sum();
    tokens.ceil() as u64
}

/// Whether a character is Chinese, Japanese or Korean.
fn is_wide(letter: char) -> bool {
    matches!(letter, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::estimated_tokens;
    use crate::Message;

    #[test]
    fn chinese_has_more_tokens_per_character() {
        assert_eq!(estimated_tokens(&[Message::user("a".repeat(40))]), 14);
        assert_eq!(estimated_tokens(&[Message::user("字".repeat(40))]), 32);
        assert_eq!(estimated_tokens(&[]), 0);
    }
}
