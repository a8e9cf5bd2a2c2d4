//! TRACE from recorded answers.

use super::{Item, ItemTotals, Score, scores, totals};
use crate::evaluation::{Answers, Evaluation, VerdictRow};
use crate::{Mode, Unjudged};

/// Reads the answers about all items, by their ids, and computes the metrics.
pub fn evaluate(mode: Mode, items: &[Item], answers: &Answers) -> Evaluation {
    let judged: Vec<Result<Vec<Score>, Unjudged>> = items
        .iter()
        .map(|item| {
            let count = item.constraints.len();
            answers.first(mode, (&item.id, 0), |answer| scores(mode, count, answer))
        })
        .collect();
    let mut evaluation = Evaluation::default();
    for (item, judged) in items.iter().zip(&judged) {
        evaluation.judged.add(judged.is_ok().then_some(1.0));
        for index in 0..item.constraints.len() {
            let score = judged.as_ref().ok().and_then(|scores| scores.get(index));
            evaluation.rows.push(VerdictRow {
                key: item.id.clone(),
                index: index as i64,
                label: item.dimension(index).to_owned(),
                verdict: score.map(|one| one.score >= 10.0),
                score: score.map(|one| one.score),
                error: judged.as_ref().err().copied(),
                by_rule: false,
            });
        }
    }
    let scores = judged.iter().map(|judged| judged.as_deref().ok());
    let totals = totals(items.iter().zip(scores));
    let mut push = |name, subset: &str, set: &ItemTotals| {
        evaluation.push(name, subset, set.followed);
        evaluation.push("constraint accuracy", subset, set.constraints);
        evaluation.push("mean score", subset, set.score);
    };
    push("IF", "all", &totals.all);
    push("IF-S", "one constraint", &totals.single);
    push("IF-M", "several constraints", &totals.multi);
    for (count, set) in &totals.by_count {
        evaluation.push("IF", format!("{count} constraints"), set.followed);
    }
    for (label, mean) in totals.by_dimension {
        evaluation.push("constraint accuracy", label, mean);
    }
    evaluation
}
