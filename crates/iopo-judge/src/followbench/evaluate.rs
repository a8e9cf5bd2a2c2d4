//! FollowBench from responses and recorded answers.

use super::{Item, Outcome, conditions, judge, outcome, totals};
use crate::evaluation::{Answers, Evaluation, Responses, VerdictRow};
use crate::{Mode, Unjudged};

/// Decides the items with rules by their responses and the others by the answers of the judge, and computes the metrics.
/// [`Item::key`] identifies the items.
pub fn evaluate(
    mode: Mode,
    items: &[Item],
    responses: &Responses,
    answers: &Answers,
) -> Evaluation {
    let mut evaluation = Evaluation::default();
    let mut judged: Vec<(&Item, Option<Outcome>)> = Vec::new();
    for item in items.iter().filter(|item| item.level > 0) {
        let key = item.key();
        let by_rule = item.rule().is_some();
        let found = if by_rule {
            let response = responses.to(&key).ok_or(Unjudged::NoAnswer);
            response
                .and_then(|response| conditions(mode, item, response))
                .map(|conditions| outcome(mode, conditions))
        } else {
            let read = |answer: &str| judge(mode, item.language, item.level, answer);
            answers.first(mode, (&key, 0), read)
        };
        evaluation.judged.add(found.is_ok().then_some(1.0));
        for index in 0..if by_rule { 1 } else { item.level } {
            let verdict = match &found {
                Ok(found) if by_rule => Some(found.hard == 1),
                Ok(found) => found.verdicts.get(index).copied(),
                Err(_) => None,
            };
            evaluation.rows.push(VerdictRow {
                key: key.clone(),
                index: index as i64,
                label: item.category.id().to_owned(),
                verdict,
                score: None,
                error: found.as_ref().err().copied(),
                by_rule,
            });
        }
        judged.push((item, found.ok()));
    }
    for totals in totals(judged.iter().map(|(item, outcome)| (*item, outcome.as_ref()))) {
        let category = totals.category.id();
        for (at, mean) in totals.hard.into_iter().enumerate() {
            evaluation.push("HSR", format!("{category}, level {}", at + 1), mean);
        }
        for (at, mean) in totals.soft.into_iter().flatten().enumerate() {
            evaluation.push("SSR", format!("{category}, level {}", at + 1), mean);
        }
    }
    evaluation
}
