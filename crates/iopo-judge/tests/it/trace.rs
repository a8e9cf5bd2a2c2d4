//! TRACE against its goldens.

use std::fs;

use iopo_judge::evaluation::MAX_UNJUDGED_SHARE;
use iopo_judge::trace::{
    Item, ItemTotals, Score, evaluate, followed, parse, scores, script_rating, script_totals,
    totals,
};
use iopo_judge::{Answers, Mode, Unjudged};
use serde_json::Value;

use crate::support::{assert_close, rows, shared, skip, string, value};

fn item(row: &Value) -> Item {
    let item = &row["item"];
    let list = item["constraints_splits"].as_array().expect("a list");
    Item {
        id: string(&item["id"]).to_owned(),
        messages: Vec::new(),
        task: string(&item["description"]).to_owned(),
        constraints: list.iter().map(|text| string(text).to_owned()).collect(),
        input: None,
        dimensions: vec!["主题约束".to_owned(); list.len()],
    }
}

#[test]
fn scores_and_ratings_are_those_of_the_goldens() {
    let Some(rows) = rows("trace.jsonl") else { return };
    assert_eq!(rows.len(), 41);
    for row in &rows {
        let id = string(&row["item"]["id"]);
        let answer = string(&row["judge_response"]);
        let count = item(row).constraints.len();
        for mode in Mode::ALL {
            let found = scores(mode, count, answer);
            if let Some(expected) = row["paper"]["scores"].as_array() {
                let found = found.unwrap_or_else(|reason| panic!("{id}: {reason}"));
                let numbers: Vec<f64> = found.iter().map(|one| one.score).collect();
                let expected: Vec<f64> =
                    expected.iter().map(|one| one.as_f64().expect("a number")).collect();
                assert_eq!(numbers, expected, "{id}");
                assert_eq!(Some(followed(&found)), row["paper"]["followed"].as_bool(), "{id}");
            } else {
                let reason = found.expect_err(id).id();
                assert_eq!(reason, string(&row["paper"]["reason"]), "{id}");
            }
        }
        assert_eq!(script_rating(answer).ok(), row["script"]["rating"].as_f64(), "{id}");
    }
}

#[test]
fn totals_are_those_of_the_goldens() {
    let (Some(rows), Some(golden)) = (rows("trace.jsonl"), value("trace_totals.json")) else {
        return;
    };
    let items: Vec<Item> = rows.iter().map(item).collect();
    let answers: Vec<&str> = rows.iter().map(|row| string(&row["judge_response"])).collect();
    let judged: Vec<Result<Vec<Score>, Unjudged>> = items
        .iter()
        .zip(&answers)
        .map(|(item, answer)| scores(Mode::Paper, item.constraints.len(), answer))
        .collect();
    let found = totals(
        items.iter().zip(judged.iter().map(|scores| scores.as_ref().ok().map(Vec::as_slice))),
    );
    let sets: [(&str, &ItemTotals); 3] =
        [("IF_S", &found.single), ("IF_M", &found.multi), ("all", &found.all)];
    for (name, totals) in sets {
        let golden = &golden["paper"][name];
        assert_eq!(totals.followed.items as u64, golden["items"], "{name}");
        assert_eq!(totals.followed.unjudged() as u64, golden["unjudged"], "{name}");
        assert_close(totals.followed.over_judged(), &golden["if"], name);
        assert_close(totals.followed.unjudged_as_failed(), &golden["if_unjudged_fail"], name);
        assert_close(totals.constraints.over_judged(), &golden["constraint_accuracy"], name);
        assert_close(totals.score.over_judged(), &golden["mean_score"], name);
    }
    assert_eq!(found.by_dimension["主题约束"], found.all.constraints);
    let ratings = answers.iter().map(|answer| script_rating(answer).ok());
    for (name, totals) in
        ["IF_S", "IF_M", "all"].iter().zip(script_totals(items.iter().zip(ratings)))
    {
        let golden = &golden["script"][name];
        assert_eq!(totals.rating.judged as u64, golden["rated"], "{name}");
        assert_close(totals.tens.over_judged(), &golden["share_of_10"], name);
        assert_close(totals.rating.over_judged(), &golden["mean"], name);
    }
}

#[test]
fn the_published_file_is_read() {
    let path = shared().join("trace/trace_evaluation.jsonl");
    if !path.is_file() {
        skip(&path);
        return;
    }
    let items = parse(&fs::read_to_string(path).expect("a readable file")).expect("items");
    assert_eq!(items.len(), 1_042);
    assert_eq!(items.iter().map(|item| item.constraints.len()).sum::<usize>(), 5_087);
    assert_eq!(items.iter().filter(|item| item.constraints.len() == 1).count(), 200);
    assert_eq!(items.iter().filter(|item| item.input.is_none()).count(), 789);
    let stray = items
        .iter()
        .flat_map(|item| (0..item.constraints.len()).map(|at| item.dimension(at)))
        .filter(|&label| label == "other")
        .count();
    assert_eq!(stray, 2);
}

#[test]
fn an_evaluation_has_the_same_metrics() {
    let (Some(rows), Some(golden)) = (rows("trace.jsonl"), value("trace_totals.json")) else {
        return;
    };
    let items: Vec<Item> = rows.iter().map(item).collect();
    let mut answers = Answers::default();
    for (item, row) in items.iter().zip(&rows) {
        answers.add(&item.id, 0, string(&row["judge_response"]).to_owned());
    }
    let found = evaluate(Mode::Paper, &items, &answers);
    let mean = found.metric("IF", "all").expect("a metric");
    assert_close(mean.over_judged(), &golden["paper"]["all"]["if"], "IF");
    assert!(found.unjudged_share() > MAX_UNJUDGED_SHARE);
    // One unjudged item has two constraints, and 13 have four.
    assert_eq!(found.rows.iter().filter(|row| row.error.is_some()).count(), 54);
    assert_eq!(evaluate(Mode::Paper, &items, &Answers::default()).judged.judged, 0);
}
