//! ComplexBench from responses and recorded answers.

use std::collections::BTreeMap;

use super::{Item, PointVerdict, decide, judge, objects, rely, totals};
use crate::evaluation::{
    Answers, Combined, Evaluation, Formula, Reading, Responses, Table, VerdictRow,
};
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
        let own: Vec<Reading<PointVerdict>> = item
            .questions
            .iter()
            .map(|question| {
                answers.first(mode, (&key, question.point_id), |answer| match &question.rule {
                    None => judge(mode, answer).map(PointVerdict::from),
                    Some(rule) => decide(mode, rule, &objects(mode, response, answer)?),
                })
            })
            .collect();
        let known: Vec<Option<PointVerdict>> =
            own.iter().map(|reading| reading.result.ok()).collect();
        let relied = rely(mode, item, &known);
        for ((question, own), verdict) in item.questions.iter().zip(&own).zip(&relied) {
            evaluation.judged.add(verdict.is_some().then_some(1.0));
            // A dependency can decide a question whose own answer has no verdict.
            let error = match (verdict, own.result) {
                (Some(_), _) => None,
                (None, Ok(_)) => Some(Unjudged::Undecided),
                (None, Err(error)) => Some(error),
            };
            evaluation.rows.push(VerdictRow {
                key: key.clone(),
                index: question.point_id,
                label: question.dimensions.join(", "),
                verdict: verdict.map(|verdict| verdict == PointVerdict::Yes),
                score: None,
                error,
                by_rule: question.rule.is_some(),
                attempt: own.attempt,
            });
        }
        judged.push((item, relied));
    }
    let mut clusters: BTreeMap<String, Vec<Judged<'_>>> = BTreeMap::new();
    for (item, relied) in &judged {
        let name = match item.group.as_str() {
            "" => format!("item {}", item.main_id),
            group => format!("group {group}"),
        };
        clusters.entry(name).or_default().push((item, relied));
    }
    let all: Vec<Judged<'_>> =
        judged.iter().map(|(item, relied)| (*item, relied.as_slice())).collect();
    let parts: Vec<Table> = clusters.values().map(|cluster| table(cluster)).collect();
    evaluation.metrics = table(&all).with_parts(&parts);
    evaluation.clusters = clusters.into_keys().collect();
    for subset in SELECTIONS {
        let at = |name| evaluation.position(name, subset);
        let Some((items, groups)) = at(ITEMS).zip(at(GROUPS)) else { continue };
        let (name, subset) = ("relative drop", subset.to_owned());
        evaluation.combined.push(Combined { name, subset, formula: Formula::Drop(items, groups) });
    }
    evaluation
}

type Judged<'a> = (&'a Item, &'a [Option<PointVerdict>]);

/// Items with one choice of a branch, and with choices within branches.
const SELECTIONS: [&str; 2] = ["one selection", "nested"];
const ITEMS: &str = "items met";
const GROUPS: &str = "groups met";

fn table(judged: &[Judged<'_>]) -> Table {
    let mut table = Table::default();
    let totals = totals(judged.iter().copied());
    table.push("DRFR", "all", totals.overall);
    for (name, tables) in [
        ("DRFR", totals.by_category),
        ("DRFR by kind", totals.by_kind),
        ("DRFR by task", totals.by_task),
        ("DRFR by composition", totals.by_composition),
        ("accuracy by group", totals.by_group),
        ("accuracy", totals.by_label),
    ] {
        for (subset, mean) in tables {
            table.push(name, subset, mean);
        }
    }
    for (subset, set) in SELECTIONS.into_iter().zip([totals.single, totals.multiple]) {
        table.push(ITEMS, subset, set.origin);
        table.push(GROUPS, subset, set.coherent);
    }
    table
}
