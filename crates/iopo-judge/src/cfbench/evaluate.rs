//! CFBench from recorded answers.

use super::{Item, Verdict, totals, verdict};
use crate::Mode;
use crate::evaluation::{Answers, Evaluation, Reading, Table, VerdictRow};

/// Reads the answers about all items, by their indices, and computes the metrics.
pub fn evaluate(mode: Mode, items: &[Item], answers: &Answers) -> Evaluation {
    let mut evaluation = Evaluation::default();
    let mut judged: Vec<(&Item, Option<Verdict>)> = Vec::new();
    for item in items {
        let key = item.index.to_string();
        let Reading { result, attempt } =
            answers.first(mode, (&key, 0), |answer| verdict(mode, &item.criteria, answer));
        evaluation.judged.add(result.is_ok().then_some(1.0));
        for (index, criterion) in item.criteria.iter().enumerate() {
            let marks = result.as_ref().map_or(&[][..], |verdict| &verdict.marks);
            evaluation.rows.push(VerdictRow {
                key: key.clone(),
                index: index as i64,
                label: criterion.kind.clone(),
                verdict: marks.get(index).copied(),
                score: None,
                error: result.as_ref().err().copied(),
                by_rule: false,
                attempt,
            });
        }
        judged.push((item, result.ok()));
    }
    let clusters: Vec<Table> = judged.chunks(1).map(table).collect();
    evaluation.metrics = table(&judged).with_parts(&clusters);
    evaluation.clusters = items.iter().map(|item| item.index.to_string()).collect();
    evaluation
}

fn table(judged: &[(&Item, Option<Verdict>)]) -> Table {
    let totals = totals(judged.iter().map(|(item, verdict)| (*item, verdict.as_ref())));
    let mut table = Table::default();
    for (subset, set) in [("all", totals.all), ("easy", totals.easy), ("hard", totals.hard)] {
        table.push("CSR", subset, set.csr);
        table.push("ISR", subset, set.isr);
        table.push("PSR", subset, set.psr);
    }
    for (kind, mean) in totals.by_kind {
        let kind = if kind.is_empty() { "other".to_owned() } else { kind };
        table.push("criterion accuracy", kind, mean);
    }
    table
}
