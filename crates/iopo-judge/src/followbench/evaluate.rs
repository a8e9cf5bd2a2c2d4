//! FollowBench from responses and recorded answers.

use super::{Category, Item, Outcome, conditions, judge, outcome, totals};
use crate::evaluation::{
    Answers, Combined, Evaluation, Formula, Reading, Responses, Table, VerdictRow,
};
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
        let Reading { result, attempt } = if by_rule {
            let response = responses.to(&key).ok_or(Unjudged::NoAnswer);
            let conditions = response.and_then(|response| conditions(mode, item, response));
            let result = conditions.map(|conditions| outcome(mode, conditions));
            Reading { result, attempt: None }
        } else {
            let read = |answer: &str| judge(mode, item.language, item.level, answer);
            answers.first(mode, (&key, 0), read)
        };
        evaluation.judged.add(result.is_ok().then_some(1.0));
        for index in 0..if by_rule { 1 } else { item.level } {
            let verdict = match &result {
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
                error: result.as_ref().err().copied(),
                by_rule,
                attempt,
            });
        }
        judged.push((item, result.ok()));
    }
    let mut groups: Vec<(String, Vec<Judged<'_>>)> = Vec::new();
    for (item, outcome) in &judged {
        let group = item.group();
        let found = groups.iter().rposition(|(name, _)| *name == group);
        let at = found.unwrap_or_else(|| {
            groups.push((group, Vec::new()));
            groups.len() - 1
        });
        groups[at].1.push((item, outcome.as_ref()));
    }
    let all: Vec<Judged<'_>> =
        judged.iter().map(|(item, outcome)| (*item, outcome.as_ref())).collect();
    let clusters: Vec<Table> = groups.iter().map(|(_, group)| table(group)).collect();
    evaluation.metrics = table(&all).with_parts(&clusters);
    evaluation.clusters = groups.into_iter().map(|(name, _)| name).collect();
    let categories: Vec<Category> =
        totals(all.iter().copied()).into_iter().map(|totals| totals.category).collect();
    for (name, metric) in [("weighted HSR", "HSR"), ("weighted SSR", "SSR")] {
        let weighted = |category: &Category| -> Option<Vec<(f64, usize)>> {
            let level = |level: usize| {
                let at = evaluation.position(metric, &subset(*category, level))?;
                Some((level as f64 / 15.0, at))
            };
            (1..=5).map(level).collect()
        };
        let counted = categories.iter().filter(|category| **category != Category::Example);
        let sums = counted.filter_map(weighted).collect();
        let formula = Formula::MeanOfSums(sums);
        evaluation.combined.push(Combined { name, subset: "all".to_owned(), formula });
    }
    evaluation
}

type Judged<'a> = (&'a Item, Option<&'a Outcome>);

fn subset(category: Category, level: usize) -> String {
    format!("{}, level {level}", category.id())
}

fn table(judged: &[Judged<'_>]) -> Table {
    let mut table = Table::default();
    for totals in totals(judged.iter().copied()) {
        for (at, mean) in totals.hard.into_iter().enumerate() {
            table.push("HSR", subset(totals.category, at + 1), mean);
        }
        for (at, mean) in totals.soft.into_iter().flatten().enumerate() {
            table.push("SSR", subset(totals.category, at + 1), mean);
        }
        table.push("CSL", totals.category.id(), totals.csl);
    }
    table
}
