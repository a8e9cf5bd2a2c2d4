//! CFBench from recorded answers.

use super::{Item, Verdict, totals, verdict};
use crate::evaluation::{Answers, Evaluation, VerdictRow};
use crate::{Mode, Unjudged};

/// Reads the answers about all items, by their indices, and computes the metrics.
pub fn evaluate(mode: Mode, items: &[Item], answers: &Answers) -> Evaluation {
    let judged: Vec<Result<Verdict, Unjudged>> = items
        .iter()
        .map(|item| {
            let key = item.index.to_string();
            answers.first(mode, (&key, 0), |answer| verdict(mode, &item.criteria, answer))
        })
        .collect();
    let mut evaluation = Evaluation::default();
    for (item, judged) in items.iter().zip(&judged) {
        evaluation.judged.add(judged.is_ok().then_some(1.0));
        for (index, criterion) in item.criteria.iter().enumerate() {
            let marks = judged.as_ref().map_or(&[][..], |verdict| &verdict.marks);
            evaluation.rows.push(VerdictRow {
                key: item.index.to_string(),
                index: index as i64,
                label: criterion.kind.clone(),
                verdict: marks.get(index).copied(),
                score: None,
                error: judged.as_ref().err().copied(),
                by_rule: false,
            });
        }
    }
    let totals = totals(items.iter().zip(judged.iter().map(|verdict| verdict.as_ref().ok())));
    for (subset, set) in [("all", totals.all), ("easy", totals.easy), ("hard", totals.hard)] {
        evaluation.push("CSR", subset, set.csr);
        evaluation.push("ISR", subset, set.isr);
        evaluation.push("PSR", subset, set.psr);
    }
    for (kind, mean) in totals.by_kind {
        evaluation.push("criterion accuracy", kind, mean);
    }
    evaluation
}
