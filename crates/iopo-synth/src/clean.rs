//! Cleaning and degeneration checks of sampled answers.

use iopo_core::text::words;

use crate::SynthConfig;
use crate::text::repetition;

/// Why a sampled answer is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drop {
    /// The model rejected the request.
    Refused,
    /// The answer is empty or has fewer words than `min_words`.
    Empty,
    /// The token limit cut the answer, and trimming it to a complete sentence would remove too much.
    Cut,
    /// The answer repeats itself.
    Looping,
    /// Another answer to the same task has the same words.
    Duplicate,
    /// The answer shares an n-gram with another task, and the instructions of the two tasks do not both contain it.
    SharedNgram,
    /// The answer satisfies no constraint of a usable kind.
    NoConstraint,
    /// Every instruction drawn for the answer exists already.
    SameInstruction,
}

impl Drop {
    /// Returns the reason's name in `synth_stats.parquet`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Empty => "empty",
            Self::Cut => "cut",
            Self::Looping => "looping",
            Self::Duplicate => "duplicate",
            Self::SharedNgram => "shared_ngram",
            Self::NoConstraint => "no_constraint",
            Self::SameInstruction => "same_instruction",
        }
    }
}

/// A usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaned {
    /// The text.
    pub text: String,
    /// Whether the text was trimmed to its last complete sentence.
    pub trimmed: bool,
}

/// Cleans an answer. `cut` tells whether the token limit ended it; such an answer is trimmed to its last complete
/// sentence.
///
/// # Errors
/// Returns the reason why the answer must be dropped.
pub fn clean(raw: &str, cut: bool, config: &SynthConfig) -> Result<Cleaned, Drop> {
    let text = raw.replace("\r\n", "\n").replace('\u{fffd}', "");
    let text = text.trim();
    let (text, trimmed) = if cut && !config.keep_cut {
        (last_full_sentence(text, config.min_cut_share).ok_or(Drop::Cut)?, true)
    } else {
        (text, false)
    };
    if words(text).count() < config.min_words.max(1) {
        return Err(Drop::Empty);
    }
    if repetition(text) > config.max_repetition {
        return Err(Drop::Looping);
    }
    Ok(Cleaned { text: text.to_owned(), trimmed })
}

/// Returns the text up to its last complete sentence, if at least `share` of the characters remain.
fn last_full_sentence(text: &str, share: f64) -> Option<&str> {
    let mut end = None;
    let mut characters = text.char_indices().peekable();
    let mut closed = false;
    while let Some((at, c)) = characters.next() {
        let enders = matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？');
        let closers = matches!(c, '"' | '\'' | ')' | ']' | '*' | '_' | '”' | '’' | '`');
        // A "1." at the start of a line numbers a list item and does not end a sentence.
        let line = text[..at].rsplit('\n').next().unwrap_or_default().trim();
        let number = c == '.' && line.chars().all(|c| c.is_ascii_digit());
        closed = (enders && !number) || (closed && closers);
        let next = characters.peek().map(|(_, next)| *next);
        if closed && next.is_none_or(char::is_whitespace) {
            end = Some(at + c.len_utf8());
        }
    }
    let kept = &text[..end?];
    (kept.chars().count() as f64 >= share * text.chars().count() as f64).then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::{Drop, clean};
    use crate::SynthConfig;

    #[test]
    fn a_cut_answer_is_trimmed_to_a_complete_sentence_or_dropped() {
        let config = SynthConfig::default();
        let text = "Boil the water first. Then add \"the leaves.\" And after that you sho";
        let cleaned = clean(text, true, &config).expect("enough remains");
        assert!(cleaned.trimmed);
        assert_eq!(cleaned.text, "Boil the water first. Then add \"the leaves.\"");
        let early = "Boil it. And then, when all of the water has begun to bubble, you may add";
        assert_eq!(clean(early, true, &config), Err(Drop::Cut));
        assert_eq!(clean("no sentence at all here", true, &config), Err(Drop::Cut));
        let kept = SynthConfig { keep_cut: true, ..config };
        assert!(!clean("no sentence at all here", true, &kept).expect("kept").trimmed);
    }

    #[test]
    fn item_numbers_and_decimal_points_do_not_end_a_sentence() {
        let config = SynthConfig::default();
        let text = "Steps to take, in this order.\n1. Fill the kettle with water.\n2. Wa";
        let cleaned = clean(text, true, &config).expect("enough remains");
        assert!(cleaned.text.ends_with("with water."), "{}", cleaned.text);
        let text = "It costs a lot these days. About 3.5 mil";
        let cleaned = clean(text, true, &config).expect("enough remains");
        assert!(cleaned.text.ends_with("these days."), "{}", cleaned.text);
    }

    #[test]
    fn empty_and_looping_answers_are_dropped() {
        let config = SynthConfig::default();
        assert_eq!(clean("  \n ", false, &config), Err(Drop::Empty));
        assert_eq!(clean("Yes.", false, &config), Err(Drop::Empty));
        let loops = "I am a helpful assistant. ".repeat(20);
        assert_eq!(clean(&loops, false, &config), Err(Drop::Looping));
    }
}
