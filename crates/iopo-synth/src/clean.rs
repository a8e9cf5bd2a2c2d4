//! Cleaning and degeneration checks: from a raw completion to a usable response, or the reason to drop it.

use crate::SynthConfig;
use crate::text::{repetition, words};

/// Why a sampled answer is not used; the name stands in the stats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drop {
    /// The model could not be asked.
    Refused,
    /// There is no text, or less than the least number of words.
    Empty,
    /// The token limit cut it too early to trim it back to a full sentence.
    Cut,
    /// It degenerates into repetition.
    Looping,
    /// Another answer to the same task has the same words.
    Duplicate,
    /// It shares an n-gram with another task that does not come from both instructions.
    SharedNgram,
    /// No constraint that may be used holds in it.
    NoConstraint,
    /// All instructions drawn for it were written already.
    SameInstruction,
}

impl Drop {
    /// The name in the stats.
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
    /// Whether the rest after the last full sentence was cut off.
    pub trimmed: bool,
}

/// Trims an answer; `cut` says that the token limit ended it.
pub fn clean(raw: &str, cut: bool, config: &SynthConfig) -> Result<Cleaned, Drop> {
    let text = raw.replace("\r\n", "\n").replace('\u{fffd}', "");
    let text = text.trim();
    let (text, trimmed) = if cut && !config.keep_cut {
        (last_full_sentence(text, config.min_cut_share).ok_or(Drop::Cut)?, true)
    } else {
        (text, false)
    };
    if words(text).len() < config.min_words.max(1) {
        return Err(Drop::Empty);
    }
    if repetition(text) > config.max_repetition {
        return Err(Drop::Looping);
    }
    Ok(Cleaned { text: text.to_owned(), trimmed })
}

/// The text up to its last full sentence, if at least `share` of it remains.
fn last_full_sentence(text: &str, share: f64) -> Option<&str> {
    let mut end = None;
    let mut characters = text.char_indices().peekable();
    let mut closed = false;
    while let Some((at, c)) = characters.next() {
        let enders = matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？');
        let closers = matches!(c, '"' | '\'' | ')' | ']' | '*' | '_' | '”' | '’' | '`');
        // "1." at the start of a line numbers an item; it ends no sentence.
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
    fn a_cut_answer_goes_back_to_its_last_full_sentence_or_away() {
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
    fn the_number_of_a_list_item_and_a_decimal_point_end_no_sentence() {
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
