//! Verdicts of a judge's answer.

use std::sync::LazyLock;

use regex::Regex;

use crate::text::{normalize, string_list, strip, without_fences};
use crate::{Language, Mode, Unjudged};

/// The outcome of an item.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// One verdict per constraint. Empty if `paper` could not read the answer.
    pub verdicts: Vec<bool>,
    /// 1 if all constraints hold, else 0. -1 if `paper` could not read the answer.
    pub hard: i8,
    /// Share of constraints that hold. -1 if `paper` could not read the answer.
    pub soft: f64,
}

impl Outcome {
    /// Creates the outcome from verdicts.
    pub fn new(verdicts: Vec<bool>) -> Self {
        let held = verdicts.iter().filter(|&&verdict| verdict).count();
        let hard = i8::from(held == verdicts.len());
        let soft = held as f64 / verdicts.len().max(1) as f64;
        Self { verdicts, hard, soft }
    }

    /// The outcome that the published code assigns to an answer that it cannot read.
    fn unread() -> Self {
        Self { verdicts: Vec::new(), hard: -1, soft: -1.0 }
    }
}

/// Reads the verdicts of an answer about an item of a level from 1 to 5.
///
/// `paper` accepts a list of quoted words in the last line and never fails: an answer that it cannot read counts -1. The
/// published code evaluates that list as Python; this crate evaluates no text.
///
/// # Errors
/// `repaired` returns the reason if the answer gives no verdict.
pub fn judge(
    mode: Mode,
    language: Language,
    level: usize,
    answer: &str,
) -> Result<Outcome, Unjudged> {
    match mode {
        Mode::Paper => {
            Ok(published(language, level, answer).map_or_else(Outcome::unread, Outcome::new))
        }
        Mode::Repaired => repaired(level, answer).map(Outcome::new),
    }
}

fn published(language: Language, level: usize, answer: &str) -> Option<Vec<bool>> {
    let straight;
    let text = match language {
        Language::English => strip(answer.trim_matches('`')),
        Language::Chinese => {
            straight = answer.replace(['“', '”'], "\"");
            strip(strip(&straight).trim_matches('`'))
        }
    };
    let line = text.rsplit('\n').next()?;
    if level == 1 {
        return match (line.contains("YES"), line.contains("NO")) {
            (true, _) => Some(vec![true]),
            (false, true) => Some(vec![false]),
            (false, false) => None,
        };
    }
    let list = line.get(line.find('[')?..=line.rfind(']')?)?;
    let mut words = match language {
        Language::Chinese if !list.contains(['\'', '"']) => {
            string_list(&list.replace("YES", "'YES'").replace("NO", "'NO'"))?
        }
        Language::English | Language::Chinese => string_list(list)?,
    };
    match language {
        Language::English if words.len() != level => return None,
        Language::Chinese if words.len() < level => return None,
        Language::English | Language::Chinese => words.truncate(level),
    }
    let verdict = |word: String| match (word.as_str(), language) {
        ("YES", _) => Some(true),
        ("NO" | "PARTIAL" | "MAYBE" | "UNKNOWN", _)
        | ("N/A", Language::English)
        | ("PARTIALLY", Language::Chinese) => Some(false),
        _ => None,
    };
    words.into_iter().map(verdict).collect()
}

static LIST: LazyLock<Regex> = LazyLock::new(|| pattern(r"\[([^\[\]]*)\]"));
static WORD: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)(?-u:\b)(?:yes|no)(?-u:\b)|不是|是|否"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| unreachable!("a constant pattern: {error}"))
}

fn repaired(level: usize, answer: &str) -> Result<Vec<bool>, Unjudged> {
    let text = normalize(&without_fences(answer)).replace("**", "").replace('`', "");
    if let Some(verdicts) = lists(&text).last() {
        return if verdicts.len() == level { Ok(verdicts) } else { Err(Unjudged::Count) };
    }
    if level != 1 {
        return Err(Unjudged::NoVerdict);
    }
    let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    let mut found = WORD.find_iter(line);
    match (found.next(), found.next()) {
        (Some(word), None) => verdict(word.as_str()).map(|verdict| vec![verdict]),
        (Some(_), Some(_)) | (None, _) => None,
    }
    .ok_or(Unjudged::NoVerdict)
}

/// The bracketed lists whose elements are all verdicts.
pub(super) fn lists(text: &str) -> impl Iterator<Item = Vec<bool>> {
    LIST.captures_iter(text).filter_map(|found| {
        let inside = found[1].trim().trim_end_matches([',', ';']).to_owned();
        inside
            .split([',', ';'])
            .map(|word| verdict(word.trim().trim_matches(['\'', '"'])))
            .collect()
    })
}

fn verdict(word: &str) -> Option<bool> {
    match word.trim().to_uppercase().as_str() {
        "YES" | "是" => Some(true),
        "NO" | "否" | "PARTIAL" | "PARTIALLY" | "MAYBE" | "UNKNOWN" | "N/A" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(level: usize, answer: &str) -> Result<Vec<bool>, Unjudged> {
        judge(Mode::Repaired, Language::English, level, answer).map(|outcome| outcome.verdicts)
    }

    #[test]
    fn doubtful_words_give_no_verdict() {
        assert_eq!(read(1, "So: yes."), Ok(vec![true]));
        assert_eq!(read(1, "所以：否"), Ok(vec![false]));
        for answer in ["不是", "是否", "yes, or no", "Yes yes", "I know", "yesterday", "[OK]"] {
            assert_eq!(read(1, answer), Err(Unjudged::NoVerdict), "{answer}");
        }
        assert_eq!(read(2, "[yes; `No`;]"), Ok(vec![true, false]));
        assert_eq!(read(2, "[]"), Err(Unjudged::NoVerdict));
    }

    #[test]
    fn lists_are_not_evaluated() {
        for answer in [
            "['YES'] * 2",
            "[x for x in ['YES', 'YES']]",
            "[str('YES'), 'YES']",
            "['YES', __import__('os')]",
        ] {
            let outcome = judge(Mode::Paper, Language::English, 2, answer).expect("an outcome");
            assert_eq!(outcome.hard, -1, "{answer}");
        }
    }
}
