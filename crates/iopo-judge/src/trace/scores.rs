//! Scores of one answer.

use std::sync::LazyLock;

use regex::Regex;

use super::layout;
use crate::text::{nfkc, normalize, same, without_fences};
use crate::{Mode, Unjudged};

/// The score of one constraint.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// From 0 to 10. 10 means that the constraint holds.
    pub score: f64,
    /// The judge's explanation, if the layout has one.
    pub explanation: Option<String>,
}

/// Whether every constraint has the score 10.
pub fn followed(scores: &[Score]) -> bool {
    same(scores.iter().map(|one| one.score).sum::<f64>() / scores.len() as f64, 10.0)
}

/// Reads one score per constraint from an answer of a judge.
///
/// Both modes read the paper's layout: the last heading `Fine Grained Score:`, then JSON whose numbers are the scores in the
/// order of the constraints. `repaired` also reads a JSON object with `verdicts`; if an answer has both layouts, they must
/// agree. The text is parsed unchanged first, then in normalized forms with common marks; the first form with scores
/// counts.
///
/// # Errors
/// Returns the reason if the answer gives no verdict. Ask the judge again, then count the item as unjudged.
pub fn scores(mode: Mode, count: usize, answer: &str) -> Result<Vec<Score>, Unjudged> {
    let plain = without_fences(answer).replace("**", "");
    let read = |text: &str| match mode {
        Mode::Paper => layout::headings(text, count),
        Mode::Repaired => both(layout::verdicts(text, count), layout::headings(text, count)),
    };
    let mut reason = Unjudged::NoScores;
    let forms: [fn(&str) -> String; 3] = [str::to_owned, |text| nfkc(text).into_owned(), normalize];
    for form in forms {
        match read(&form(&plain)) {
            None => {}
            Some(Err(Unjudged::Json)) => reason = Unjudged::Json,
            Some(found) => return found,
        }
    }
    Err(reason)
}

type Reading = Option<Result<Vec<Score>, Unjudged>>;

fn both(verdicts: Reading, headings: Reading) -> Reading {
    match (verdicts, headings) {
        (Some(Ok(left)), Some(Ok(right))) => {
            let same = left.iter().map(|one| one.score).eq(right.iter().map(|one| one.score));
            Some(if same { Ok(left) } else { Err(Unjudged::Contradiction) })
        }
        (Some(Ok(_)), Some(Err(error))) | (Some(Err(error)), _) => Some(Err(error)),
        (Some(Ok(left)), None) => Some(Ok(left)),
        (None, headings) => headings,
    }
}

/// Reads the rating that the published script uses: the first overall score in double brackets.
///
/// # Errors
/// Returns the reason if the answer has no such number.
pub fn script_rating(answer: &str) -> Result<f64, Unjudged> {
    static RATING: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"Constraints Overall Score:[\s\x1c-\x1f]*\[\[([0-9.]+)\]\]")
            .unwrap_or_else(|error| unreachable!("a constant pattern: {error}"))
    });
    let found = RATING.captures(answer).ok_or(Unjudged::NoScores)?;
    found[1].parse().map_err(|_| Unjudged::Score)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(count: usize, answer: &str) -> Result<Vec<f64>, Unjudged> {
        let scores = scores(Mode::Repaired, count, answer)?;
        Ok(scores.into_iter().map(|one| one.score).collect())
    }

    #[test]
    fn verdicts_are_sorted_by_index() {
        let answer = r#"Sure: ```json
{"verdicts": [{"index": 2, "score": "9.5"}, {"index": 1, "explanation": "ok", "score": 10}]}
```"#;
        assert_eq!(repaired(2, answer), Ok(vec![10.0, 9.5]));
        assert_eq!(scores(Mode::Paper, 2, answer), Err(Unjudged::NoScores));
        let wide = "{“verdicts”：[{“index”：１，“score”：１０}]}";
        assert_eq!(repaired(1, wide), Ok(vec![10.0]));
    }

    #[test]
    fn other_fields_may_precede_the_verdicts() {
        let answer =
            r#"{"total": 3, "verdicts": [{"score": 7, "index": 1}], "note": "\"verdicts\": []"}"#;
        assert_eq!(repaired(1, answer), Ok(vec![7.0]));
        assert_eq!(repaired(1, r#"{"verdicts": {"index": 1}}"#), Err(Unjudged::Json));
    }

    #[test]
    fn indices_must_be_complete() {
        let answer = |a, b| {
            format!(
                r#"{{"verdicts": [{{"index": {a}, "score": 1}}, {{"index": {b}, "score": 1}}]}}"#
            )
        };
        assert_eq!(repaired(2, &answer("1", "2")), Ok(vec![1.0, 1.0]));
        for (a, b) in [("1", "1"), ("0", "1"), ("1", "3"), ("1", "1.5"), ("null", "1")] {
            assert_eq!(repaired(2, &answer(a, b)), Err(Unjudged::Index), "{a} {b}");
        }
        assert_eq!(repaired(3, &answer("1", "2")), Err(Unjudged::Count));
    }

    #[test]
    fn layouts_of_one_answer_must_agree() {
        let answer = |score| {
            format!(
                r#"{{"verdicts": [{{"index": 1, "score": 10}}]}} Fine Grained Score: [{score}]"#
            )
        };
        assert_eq!(repaired(1, &answer("10")), Ok(vec![10.0]));
        assert_eq!(repaired(1, &answer("0")), Err(Unjudged::Contradiction));
    }

    #[test]
    fn only_all_tens_follow() {
        let all = |scores: &[f64]| {
            let scores: Vec<Score> =
                scores.iter().map(|&score| Score { score, explanation: None }).collect();
            followed(&scores)
        };
        assert!(all(&[10.0, 10.0]));
        assert!(!all(&[10.0, 9.999]) && !all(&[]));
    }
}
