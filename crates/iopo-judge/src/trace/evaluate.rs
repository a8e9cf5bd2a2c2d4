//! TRACE from recorded answers.

use super::{Item, ItemTotals, Score, ScriptTotals, scores, script_rating, script_totals, totals};
use crate::Mode;
use crate::evaluation::{Answers, Evaluation, Reading, Table, VerdictRow};

/// Reads the answers about all items, by their ids, and computes the metrics.
pub fn evaluate(mode: Mode, items: &[Item], answers: &Answers) -> Evaluation {
    let mut evaluation = Evaluation::default();
    let mut judged: Vec<(&Item, Option<Vec<Score>>)> = Vec::new();
    for item in items {
        let count = item.constraints.len();
        let Reading { result, attempt } =
            answers.first(mode, (&item.id, 0), |answer| scores(mode, count, answer));
        evaluation.judged.add(result.is_ok().then_some(1.0));
        for index in 0..count {
            let score = result.as_ref().ok().and_then(|scores| scores.get(index));
            evaluation.rows.push(VerdictRow {
                key: item.id.clone(),
                index: index as i64,
                label: item.dimension(index).to_owned(),
                verdict: score.map(|one| one.score >= 10.0),
                score: score.map(|one| one.score),
                error: result.as_ref().err().copied(),
                by_rule: false,
                attempt,
            });
        }
        judged.push((item, result.ok()));
    }
    let clusters: Vec<Table> = judged.chunks(1).map(table).collect();
    evaluation.metrics = table(&judged).with_parts(&clusters);
    evaluation.clusters = items.iter().map(|item| item.id.clone()).collect();
    evaluation
}

fn table(judged: &[(&Item, Option<Vec<Score>>)]) -> Table {
    let totals = totals(judged.iter().map(|(item, scores)| (*item, scores.as_deref())));
    let mut table = Table::default();
    let mut push = |name, subset: &str, set: &ItemTotals| {
        table.push(name, subset, set.followed);
        table.push("constraint accuracy", subset, set.constraints);
        table.push("mean score", subset, set.score);
    };
    push("IF", "all", &totals.all);
    push("IF-S", "one constraint", &totals.single);
    push("IF-M", "several constraints", &totals.multi);
    // IF-S has the items with one constraint.
    for (count, set) in totals.by_count.iter().filter(|(count, _)| **count > 1) {
        table.push("IF", format!("{count} constraints"), set.followed);
    }
    for (label, mean) in totals.by_dimension {
        table.push("constraint accuracy", label, mean);
    }
    table
}

/// Reads the overall ratings of all items, as the published script does, and computes their metrics. Each item has one row.
pub fn evaluate_script(items: &[Item], answers: &Answers) -> Evaluation {
    let mut evaluation = Evaluation::default();
    let mut rated: Vec<(&Item, Option<f64>)> = Vec::new();
    for item in items {
        let Reading { result, attempt } = answers.first(Mode::Paper, (&item.id, 0), script_rating);
        let rating = result.ok();
        evaluation.judged.add(rating);
        evaluation.rows.push(VerdictRow {
            key: item.id.clone(),
            index: 0,
            label: "overall".to_owned(),
            verdict: rating.map(|rating| crate::text::same(rating, 10.0)),
            score: rating,
            error: result.err(),
            by_rule: false,
            attempt,
        });
        rated.push((item, rating));
    }
    let clusters: Vec<Table> = rated.chunks(1).map(script_table).collect();
    evaluation.metrics = script_table(&rated).with_parts(&clusters);
    evaluation.clusters = items.iter().map(|item| item.id.clone()).collect();
    evaluation
}

fn script_table(rated: &[(&Item, Option<f64>)]) -> Table {
    let [one, several, all] = script_totals(rated.iter().copied());
    let mut table = Table::default();
    let sets = [("all", all), ("one constraint", one), ("several constraints", several)];
    for (subset, ScriptTotals { tens, rating }) in sets {
        table.push("share of 10", subset, tens);
        table.push("mean rating", subset, rating);
    }
    table
}
