//! Rules that decide items without a judge.

use std::sync::LazyLock;

use regex::Regex;

use super::format;
use super::view::{View, without_numbers};
use super::{Item, Outcome, Rule};
use crate::text::{is_lower, is_numeric, string_list};
use crate::{Language, Mode, Unjudged};

/// Decides the conditions of an item's rule up to its level. Rules without levels have one condition.
///
/// `repaired` trims the answer, ignores blank sentences, removes list numbers before it counts, and corrects conditions that
/// contradict their instructions. A blank answer meets no condition, and one without words none of several.
///
/// # Errors
/// Returns [`Unjudged::NoVerdict`] for an item that needs a judge, and [`Unjudged::ReferenceRaises`] if the target is not
/// readable.
pub fn conditions(mode: Mode, item: &Item, answer: &str) -> Result<Vec<bool>, Unjudged> {
    let rule = item.rule().ok_or(Unjudged::NoVerdict)?;
    let raw = match mode {
        Mode::Paper => answer,
        Mode::Repaired => answer.trim(),
    };
    let target = match mode {
        Mode::Paper => item.target.as_str(),
        Mode::Repaired => item.target.trim(),
    };
    let counted = match mode {
        Mode::Paper => raw.into(),
        Mode::Repaired => without_numbers(raw),
    };
    let view = View { mode, language: item.language, text: &counted };
    let all = match rule {
        Rule::Equal => vec![raw == target],
        Rule::Lines => vec![lines(mode, raw, target)],
        Rule::Element => {
            let list = string_list(target.trim()).ok_or(Unjudged::ReferenceRaises)?;
            vec![list.iter().any(|element| element == raw)]
        }
        Rule::Letter => vec![last_match(&LETTER, raw) == Some(target)],
        Rule::Date => vec![last_match(&DATE, raw) == Some(target)],
        Rule::Money => {
            let pattern = match item.language {
                Language::English => &DOLLARS,
                Language::Chinese => &MEIYUAN,
            };
            vec![last_match(pattern, raw) == Some(target)]
        }
        Rule::Contains => vec![raw.contains(target)],
        Rule::Example => vec![format::example(target, raw)?],
        Rule::CnnDailymail => cnn_dailymail(view),
        Rule::Xsum => xsum(view),
        Rule::Samsum => samsum(view),
        Rule::Gigaword => gigaword(view),
        Rule::Arxiv => arxiv(view),
        Rule::Format22 => format::group_22(view.part(raw), item.level),
        Rule::Format30 => format::group_30(view.part(raw)),
    };
    // Conditions such as "lacks a word" hold of every text without words.
    let has_words = raw.contains(char::is_alphanumeric);
    let is_blank = raw.is_empty() || all.len() > 1 && !has_words;
    let all = if mode == Mode::Repaired && is_blank { vec![false; all.len()] } else { all };
    let count = if all.len() == 1 { 1 } else { item.level.min(all.len()) };
    Ok(all.into_iter().take(count).collect())
}

/// The outcome of conditions. In `paper`, the soft score equals the hard score: the published code computes no shares for
/// rules.
pub fn outcome(mode: Mode, conditions: Vec<bool>) -> Outcome {
    let mut outcome = Outcome::new(conditions);
    if mode == Mode::Paper {
        outcome.soft = f64::from(outcome.hard);
    }
    outcome
}

static LETTER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\([A-Z]\)"));
static DATE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d{2}/\d{2}/\d{4}"));
static DOLLARS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\$\d+"));
static MEIYUAN: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d+美元"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| unreachable!("a constant pattern: {error}"))
}

fn last_match<'a>(pattern: &Regex, text: &'a str) -> Option<&'a str> {
    pattern.find_iter(text).last().map(|found| found.as_str())
}

fn lines(mode: Mode, answer: &str, target: &str) -> bool {
    match mode {
        Mode::Paper => {
            let target: Vec<&str> = target.split('\n').collect();
            answer.split('\n').all(|line| target.contains(&line))
        }
        Mode::Repaired => {
            let target: Vec<&str> = target.lines().map(str::trim).collect();
            let mut lines =
                answer.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
            lines.peek().is_some() && lines.all(|line| target.contains(&line))
        }
    }
}

fn cnn_dailymail(view: View<'_>) -> Vec<bool> {
    let pieces = view.pieces();
    let (words, lacks) = match view.language {
        Language::English => (["Potter", "actor", "films"], "lavish"),
        Language::Chinese => (["波特", "演员", "电影"], "奢侈"),
    };
    let piece = |at: usize| pieces.get(at).map(|piece| view.part(piece));
    let ends = piece(2).is_some_and(|piece| match view.language {
        Language::English => piece.has_pair(&["has", "have"], ""),
        Language::Chinese => piece.has("了"),
    });
    vec![
        pieces.len() == 3,
        pieces.iter().all(|piece| view.piece_words(piece) < 15),
        (0..3).all(|at| piece(at).is_some_and(|piece| piece.has(words[at]))),
        piece(1).is_some_and(|piece| !piece.has(lacks)),
        ends,
    ]
}

fn xsum(view: View<'_>) -> Vec<bool> {
    let (place, topic) = match view.language {
        Language::English => ("Newton Stewart", "operation"),
        Language::Chinese => ("牛顿斯图尔特", "操作"),
    };
    let running = match view.language {
        Language::English => view.has_pair(&["am", "is", "are"], "ing"),
        Language::Chinese => view.has("在"),
    };
    vec![
        view.pieces().len() == 1,
        view.text_words() < 20,
        !view.has(place),
        running,
        view.has(topic),
    ]
}

fn samsum(view: View<'_>) -> Vec<bool> {
    let (word, lacks) = match view.language {
        Language::English => ("stuff", "procrast"),
        Language::Chinese => ("琐碎的", "拖沓的"),
    };
    vec![
        view.pieces().len() == 1,
        view.text_words() < 15,
        view.has(word),
        !view.text.to_lowercase().contains(lacks),
        view.marks() == 1,
    ]
}

fn gigaword(view: View<'_>) -> Vec<bool> {
    let common = [view.text_words() == 8, view.marks() == 0];
    let special = match (view.language, view.mode) {
        (Language::English, _) => [is_lower(view.text), !view.has("bus"), view.has("in")],
        (Language::Chinese, mode) => {
            // The instruction of level 5 forbids the character that the published code requires.
            let wanted = mode == Mode::Paper;
            let numeric = view.text.chars().any(is_numeric);
            [!numeric, !view.has("公交车"), view.has("在") == wanted]
        }
    };
    common.into_iter().chain(special).collect()
}

fn arxiv(view: View<'_>) -> Vec<bool> {
    let (start, word, lacks) = match view.language {
        Language::English => ("We", "activations", "transformer"),
        Language::Chinese => ("我们", "激活", "transformer"),
    };
    let starts = match view.mode {
        Mode::Paper => view.text.starts_with(start),
        Mode::Repaired => match view.language {
            Language::English => view.text.split_whitespace().next() == Some(start),
            Language::Chinese => view.text.starts_with(start),
        },
    };
    vec![
        view.pieces().len() == 1,
        view.text_words() <= 20,
        starts,
        view.has(word),
        !view.has(lacks),
    ]
}
