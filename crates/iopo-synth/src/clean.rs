//! Cleaning and degeneration checks of sampled answers.

use iopo_core::text::words;

use crate::SynthConfig;
use crate::text::script_share;

/// Why a sampled answer, or an instruction made for it, is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drop {
    /// The model rejected the request.
    Refused,
    /// The answer has no word.
    Empty,
    /// The letters of the answer belong to another script than that of the language.
    OtherLanguage,
    /// The token limit cut the answer, and trimming it to a complete sentence would remove too much.
    Cut,
    /// The answer repeats itself.
    Looping,
    /// The answer is hardly likelier given its task than given another one.
    OffTask,
    /// Another answer to the same task has the same words.
    Duplicate,
    /// The answer shares an n-gram with another task, and the instructions of the two tasks do not both contain it.
    SharedNgram,
    /// The answer satisfies no constraint of a usable kind.
    NoConstraint,
    /// The instruction exists already.
    SameInstruction,
    /// The response repeats a constraint's sentence.
    Echo,
    /// The response says little although no constraint asks for that.
    Thin,
    /// A failed constraint has no revision that the answer satisfies.
    NoRevision,
    /// A constraint does not hold.
    Unsatisfied,
}

impl Drop {
    /// All reasons.
    pub const ALL: [Self; 14] = [
        Self::Refused,
        Self::Empty,
        Self::OtherLanguage,
        Self::Cut,
        Self::Looping,
        Self::OffTask,
        Self::Duplicate,
        Self::SharedNgram,
        Self::NoConstraint,
        Self::SameInstruction,
        Self::Echo,
        Self::Thin,
        Self::NoRevision,
        Self::Unsatisfied,
    ];

    /// Returns the reason's name in `synth_stats.parquet`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Empty => "empty",
            Self::OtherLanguage => "other_language",
            Self::Cut => "cut",
            Self::Looping => "looping",
            Self::OffTask => "off_task",
            Self::Duplicate => "duplicate",
            Self::SharedNgram => "shared_ngram",
            Self::NoConstraint => "no_constraint",
            Self::SameInstruction => "same_instruction",
            Self::Echo => "echo",
            Self::Thin => "thin",
            Self::NoRevision => "no_revision",
            Self::Unsatisfied => "unsatisfied",
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
    if words(text).next().is_none() {
        return Err(Drop::Empty);
    }
    if script_share(text, &config.language) < config.min_script_share {
        return Err(Drop::OtherLanguage);
    }
    if config.quality.is_loop(text) {
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
        assert_eq!(clean("…", false, &config), Err(Drop::Empty));
        assert!(clean("Yes.", false, &config).is_ok(), "a constraint may ask for few words");
        let loops = "I am a helpful assistant. ".repeat(20);
        assert_eq!(clean(&loops, false, &config), Err(Drop::Looping));
    }

    #[test]
    fn answers_in_another_script_are_dropped() {
        let english = SynthConfig::default();
        let chinese = SynthConfig { language: "zh-Hans".to_owned(), ..english.clone() };
        let (tea, cha) = ("Warm the pot, said Zoë, and pour.", "先把水烧开，再把 tea 放进茶壶里。");
        assert!(clean(tea, false, &english).is_ok() && clean(cha, false, &chinese).is_ok());
        assert_eq!(clean(cha, false, &english), Err(Drop::OtherLanguage));
        assert_eq!(clean(tea, false, &chinese), Err(Drop::OtherLanguage));
        let other = SynthConfig { language: "sw".to_owned(), ..english };
        assert!(clean(cha, false, &other).is_ok(), "the language is not known here");
    }
}
