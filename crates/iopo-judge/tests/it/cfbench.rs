//! CFBench against its goldens.

use iopo_judge::cfbench::{
    Criterion, Item, Priority, Split, SplitTotals, Verdict, evaluate, round2, totals, verdict,
};
use iopo_judge::{Answers, Mode, Unjudged};
use serde_json::Value;

use crate::support::{assert_close, assert_means, rows, string, value};

fn item(index: usize, row: &Value) -> Item {
    let criteria = row["criteria"].as_array().expect("a list").iter().map(|criterion| {
        let priority = match string(&criterion[1]) {
            "主需" => Priority::Primary,
            _ => Priority::Secondary,
        };
        Criterion::new(string(&criterion[0]), priority)
    });
    Item {
        index: index as u64,
        prompt: String::new(),
        reference: String::new(),
        split: if row["split"] == "easy" { Split::Easy } else { Split::Hard },
        criteria: criteria.collect(),
    }
}

fn judged(mode: Mode, rows: &[Value]) -> Vec<(Item, Result<Verdict, Unjudged>)> {
    rows.iter()
        .enumerate()
        .map(|(index, row)| {
            let item = item(index, row);
            let verdict = verdict(mode, &item.criteria, string(&row["judge_response"]));
            (item, verdict)
        })
        .collect()
}

#[test]
fn paper_verdicts_are_those_of_the_published_code() {
    let Some(rows) = rows("cfbench.jsonl") else { return };
    assert_eq!(rows.len(), 40);
    for (row, (_, verdict)) in rows.iter().zip(judged(Mode::Paper, &rows)) {
        let (case, golden) = (string(&row["case"]), &row["paper"]);
        if golden.get("raises").is_some() {
            assert_eq!(verdict, Err(Unjudged::ReferenceRaises), "{case}");
            continue;
        }
        let verdict = verdict.unwrap_or_else(|reason| panic!("{case}: {reason}"));
        assert_eq!(verdict.parsing.code().to_string(), string(&golden["judge_parsing"]), "{case}");
        let stored: Vec<Value> = verdict.stored.iter().cloned().map(Value::String).collect();
        assert_eq!(Value::Array(stored), golden["judge_score"], "{case}");
        assert_close(Some(verdict.csr), &golden["CSR"], case);
        assert_eq!(u64::from(verdict.isr), golden["ISR"], "{case}");
        assert_eq!(u64::from(verdict.psr), golden["PSR"], "{case}");
    }
}

#[test]
fn repaired_verdicts_are_those_of_the_goldens() {
    let Some(rows) = rows("cfbench.jsonl") else { return };
    for (row, (_, verdict)) in rows.iter().zip(judged(Mode::Repaired, &rows)) {
        let (case, golden) = (string(&row["case"]), &row["repaired"]);
        let Some(marks) = golden["verdicts"].as_array() else {
            assert_eq!(verdict.expect_err(case).id(), string(&golden["reason"]), "{case}");
            continue;
        };
        let verdict = verdict.unwrap_or_else(|reason| panic!("{case}: {reason}"));
        let expected: Vec<bool> = marks.iter().map(|mark| *mark == 1).collect();
        assert_eq!(verdict.marks, expected, "{case}");
        assert_close(Some(verdict.csr), &golden["CSR"], case);
        assert_eq!(u64::from(verdict.isr), golden["ISR"], "{case}");
        assert_eq!(u64::from(verdict.psr), golden["PSR"], "{case}");
    }
}

#[test]
fn totals_are_those_of_the_goldens() {
    let (Some(rows), Some(golden)) = (rows("cfbench.jsonl"), value("cfbench_totals.json")) else {
        return;
    };
    let paper = judged(Mode::Paper, &rows);
    let found = totals(paper.iter().map(|(item, verdict)| (item, verdict.as_ref().ok())));
    assert_eq!(found.all.csr.judged as u64, golden["paper_items"]);
    let sets: [(&str, &SplitTotals); 3] =
        [("_easy", &found.easy), ("_hard", &found.hard), ("", &found.all)];
    for (suffix, totals) in sets {
        for (name, mean) in [("CSR", totals.csr), ("ISR", totals.isr), ("PSR", totals.psr)] {
            let name = format!("{name}{suffix}");
            assert_close(mean.over_judged(), &golden["paper_unrounded"][&name], &name);
            let rounded = mean.over_judged().map(round2);
            assert_eq!(rounded, golden["paper"][&name].as_f64(), "{name}");
        }
    }
    let repaired = judged(Mode::Repaired, &rows);
    let found = totals(repaired.iter().map(|(item, verdict)| (item, verdict.as_ref().ok())));
    for (name, totals) in [("easy", &found.easy), ("hard", &found.hard), ("all", &found.all)] {
        let golden = &golden["repaired"][name];
        assert_eq!(totals.csr.items as u64, golden["items"], "{name}");
        assert_eq!(totals.csr.unjudged() as u64, golden["unjudged"], "{name}");
        assert_means(&totals.csr, golden, "CSR");
        assert_means(&totals.isr, golden, "ISR");
        assert_means(&totals.psr, golden, "PSR");
    }
}

#[test]
fn an_evaluation_has_the_same_metrics() {
    let (Some(rows), Some(golden)) = (rows("cfbench.jsonl"), value("cfbench_totals.json")) else {
        return;
    };
    let items: Vec<Item> = rows.iter().enumerate().map(|(index, row)| item(index, row)).collect();
    let mut answers = Answers::default();
    for (item, row) in items.iter().zip(&rows) {
        answers.add(&item.index.to_string(), 0, string(&row["judge_response"]).to_owned());
    }
    let found = evaluate(Mode::Repaired, &items, &answers);
    assert_means(
        found.metric("PSR", "hard").expect("a metric"),
        &golden["repaired"]["hard"],
        "PSR",
    );
    assert_eq!(found.judged.unjudged(), 11);
}
