//! The two layouts of scores: the paper's headings, and JSON verdicts with indices.

use std::sync::LazyLock;

use regex::Regex;

use super::Score;
use crate::Unjudged;
use crate::json::Json;
use crate::text::same;

static SCORES: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)fine[-\s]grained\s+scores?\s*:\s*"));
static OVERALL: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)overall\s+scores?\s*:\s*"));
static FORGED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)constraints\s+overall\s+scores?\s*:"));
static VERDICTS: LazyLock<Regex> = LazyLock::new(|| pattern(r#""verdicts"\s*:\s*"#));

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| unreachable!("a constant pattern: {error}"))
}

/// Whether a text has a marker of either layout.
pub(super) fn has_marker(text: &str) -> bool {
    SCORES.is_match(text) || FORGED.is_match(text) || VERDICTS.is_match(text)
}

/// Parses the last list of scores after a heading. `None` without a heading.
///
/// Keys are not compared, because judges shorten them. If the list of overall scores has more than one
/// score, it must repeat the scores.
pub(super) fn headings(text: &str, count: usize) -> Option<Result<Vec<Score>, Unjudged>> {
    let start = SCORES.find_iter(text).last()?.end();
    let Some((value, length)) = Json::first(&text[start..]) else {
        return Some(Err(Unjudged::Json));
    };
    Some(flatten(&value).and_then(|scores| {
        in_range(&scores)?;
        if scores.len() != count {
            return Err(Unjudged::Count);
        }
        let rest = &text[start + length..];
        let overall = OVERALL.find(rest).and_then(|heading| Json::first(&rest[heading.end()..]));
        if let Some((overall @ Json::List(_), _)) = overall
            && let Ok(overall) = flatten(&overall)
            && overall.len() > 1
            && overall != scores
        {
            return Err(Unjudged::Contradiction);
        }
        Ok(scores.into_iter().map(|score| Score { score, explanation: None }).collect())
    }))
}

/// Parses the last list of verdicts. `None` without one.
pub(super) fn verdicts(text: &str, count: usize) -> Option<Result<Vec<Score>, Unjudged>> {
    let start = VERDICTS.find_iter(text).last()?.end();
    let Some((Json::List(list), _)) = Json::first(&text[start..]) else {
        return Some(Err(Unjudged::Json));
    };
    Some(by_index(&list, count))
}

fn by_index(list: &[Json], count: usize) -> Result<Vec<Score>, Unjudged> {
    if list.len() != count {
        return Err(Unjudged::Count);
    }
    let mut scores: Vec<Option<Score>> = vec![None; count];
    for verdict in list {
        let score = verdict.get("score").and_then(Json::as_score).ok_or(Unjudged::Score)?;
        in_range(&[score])?;
        let index = verdict.get("index").and_then(Json::as_score).ok_or(Unjudged::Index)?;
        let slot = (1..=count).find(|&at| same(at as f64, index)).ok_or(Unjudged::Index)? - 1;
        let explanation = match verdict.get("explanation") {
            Some(Json::Text(text)) => Some(text.clone()),
            Some(_) | None => None,
        };
        if scores[slot].replace(Score { score, explanation }).is_some() {
            return Err(Unjudged::Index);
        }
    }
    scores.into_iter().map(|score| score.ok_or(Unjudged::Index)).collect()
}

fn flatten(value: &Json) -> Result<Vec<f64>, Unjudged> {
    let mut scores = Ok(Vec::new());
    value.leaves(&mut |leaf| {
        if let Ok(list) = &mut scores {
            match leaf.as_score() {
                Some(score) => list.push(score),
                None => scores = Err(Unjudged::Score),
            }
        }
    });
    scores
}

fn in_range(scores: &[f64]) -> Result<(), Unjudged> {
    let valid = scores.iter().all(|score| (0.0..=10.0).contains(score));
    if valid { Ok(()) } else { Err(Unjudged::Range) }
}
