//! ComplexBench from responses and recorded answers.

use super::{Item, PointVerdict, decide, judge, objects, rely, totals};
use crate::evaluation::{Answers, Evaluation, Responses, VerdictRow};
use crate::{Mode, Unjudged};

/// Decides the questions of all items by the answers of the judge and by rules, applies the dependencies, and computes the
/// metrics. Items are named by their main id, questions by their point id.
pub fn evaluate(
    mode: Mode,
    items: &[Item],
    responses: &Responses,
    answers: &Answers,
) -> Evaluation {
    let mut evaluation = Evaluation::default();
    let mut judged: Vec<(&Item, Vec<Option<PointVerdict>>)> = Vec::new();
    for item in items {
        let key = item.main_id.to_string();
        let response = responses.to(&key);
        let own: Vec<Result<PointVerdict, Unjudged>> = item
            .questions
            .iter()
            .map(|question| {
                answers.first(mode, (&key, question.point_id), |answer| match &question.rule {
                    None => judge(mode, answer).map(PointVerdict::from),
                    Some(rule) => decide(mode, rule, &objects(mode, response, answer)?),
                })
            })
            .collect();
        let known: Vec<Option<PointVerdict>> = own.iter().map(|own| own.ok()).collect();
        let relied = rely(mode, item, &known);
        for ((question, own), verdict) in item.questions.iter().zip(&own).zip(&relied) {
            evaluation.judged.add(own.is_ok().then_some(1.0));
            evaluation.rows.push(VerdictRow {
                key: key.clone(),
                index: question.point_id,
                label: question.dimensions.join(", "),
                verdict: verdict.map(|verdict| verdict == PointVerdict::Yes),
                score: None,
                error: own.err(),
                by_rule: question.rule.is_some(),
            });
        }
        judged.push((item, relied));
    }
    let totals = totals(judged.iter().map(|(item, relied)| (*item, relied.as_slice())));
    evaluation.push("DRFR", "all", totals.overall);
    for tables in [totals.by_category, totals.by_kind, totals.by_task] {
        for (subset, mean) in tables {
            evaluation.push("DRFR", subset, mean);
        }
    }
    for (subset, mean) in totals.by_composition {
        evaluation.push("DRFR by composition", subset, mean);
    }
    for (subset, mean) in totals.by_group {
        evaluation.push("accuracy by group", subset, mean);
    }
    for (subset, mean) in totals.by_label {
        evaluation.push("accuracy", subset, mean);
    }
    for (subset, set) in [("one selection", totals.single), ("nested", totals.multiple)] {
        evaluation.push("items met", subset, set.origin);
        evaluation.push("groups met", subset, set.coherent);
    }
    evaluation
}
