//! ComplexBench against its goldens.

use std::collections::BTreeMap;

use iopo_judge::complexbench::{
    Coherence, Item, PointVerdict, Rule, decide, evaluate, judge, objects, parse, rely, totals,
};
use iopo_judge::{Answers, Language, Mean, Mode, Responses, Unjudged};
use serde_json::{Value, json};

use crate::support::{assert_close, rows, string, value};

#[test]
fn judge_answers_are_read_as_in_the_goldens() {
    let Some(rows) = rows("complexbench_judge.jsonl") else { return };
    assert_eq!(rows.len(), 21);
    for row in &rows {
        let answer = string(&row["judge_response"]);
        assert_eq!(judge(Mode::Paper, answer).ok(), row["paper"].as_bool(), "{row}");
        let golden = &row["repaired"];
        match judge(Mode::Repaired, answer) {
            Ok(verdict) => assert_eq!(Some(verdict), golden["verdict"].as_bool(), "{row}"),
            Err(reason) => assert_eq!(reason.id(), string(&golden["reason"]), "{row}"),
        }
    }
}

#[test]
fn rules_decide_as_the_published_code() {
    let Some(rows) = rows("complexbench_rules.jsonl") else { return };
    assert_eq!(rows.len(), 66);
    for row in &rows {
        let found = objects(Mode::Paper, row["output"].as_str(), string(&row["extraction"]));
        let found = found.expect("objects");
        assert_eq!(json!(found), row["objects"], "{row}");
        let verdict = decide(Mode::Paper, &Rule::new(string(&row["rule"])), &found);
        let expected = match &row["paper"] {
            Value::Bool(verdict) => Ok(PointVerdict::from(*verdict)),
            Value::String(raised) => {
                assert!(raised.starts_with("raises "));
                Err(Unjudged::ReferenceRaises)
            }
            _ => Ok(PointVerdict::UnknownRule),
        };
        assert_eq!(verdict, expected, "{row}");
    }
}

struct Run {
    items: Vec<Item>,
    own: Vec<Vec<Option<PointVerdict>>>,
    relied: Vec<Vec<Option<PointVerdict>>>,
}

fn run(mode: Mode, rows: &[Value]) -> Run {
    let data: Vec<String> = rows.iter().map(|row| row["item"].to_string()).collect();
    // A rule of the goldens is unknown, which `repaired` refuses in a data file.
    let items = parse(Mode::Paper, Language::Chinese, &data.join("\n")).expect("items");
    assert!(parse(Mode::Repaired, Language::Chinese, &data.join("\n")).is_err());
    let verdict = |item: &Item, row: &Value, at: usize| {
        let answer = string(&row["answers"][at]);
        let found = match &item.questions[at].rule {
            None => judge(mode, answer).map(PointVerdict::from),
            Some(rule) => objects(mode, row["output"].as_str(), answer)
                .and_then(|objects| decide(mode, rule, &objects)),
        };
        found.ok()
    };
    let own: Vec<Vec<_>> = items
        .iter()
        .zip(rows)
        .map(|(item, row)| (0..item.questions.len()).map(|at| verdict(item, row, at)).collect())
        .collect();
    let relied = items.iter().zip(&own).map(|(item, own)| rely(mode, item, own)).collect();
    Run { items, own, relied }
}

fn as_json(verdicts: &[Option<PointVerdict>]) -> Value {
    let one = |verdict: &Option<PointVerdict>| match verdict {
        None => Value::Null,
        Some(PointVerdict::Yes) => json!(true),
        Some(PointVerdict::No) => json!(false),
        Some(PointVerdict::UnknownRule) => json!(2),
    };
    verdicts.iter().map(one).collect()
}

#[test]
fn dependencies_are_those_of_the_goldens() {
    let Some(rows) = rows("complexbench_run.jsonl") else { return };
    for mode in Mode::ALL {
        let run = run(mode, &rows);
        for ((row, own), relied) in rows.iter().zip(&run.own).zip(&run.relied) {
            let golden = &row[mode.id()];
            assert_eq!(as_json(own), golden["point_judges"], "{mode} {row}");
            assert_eq!(as_json(relied), golden["point_judges_rely"], "{mode} {row}");
        }
    }
}

fn assert_table(table: &BTreeMap<String, Mean>, golden: &Value, name: &str) {
    let golden = golden[name].as_object().expect("a table");
    assert_eq!(table.len(), golden.len(), "{name}");
    for (key, mean) in table {
        // The published key has a different spelling.
        let published = if key == "Utility" { "Utillity" } else { key };
        assert_close(mean.over_judged(), &golden[published], key);
    }
}

fn assert_coherence(found: &Coherence, golden: &Value, names: [&str; 3]) {
    assert_close(found.origin.over_judged(), &golden[names[0]], names[0]);
    assert_close(found.coherent.over_judged(), &golden[names[1]], names[1]);
    assert_close(found.drop(), &golden[names[2]], names[2]);
}

#[test]
fn totals_are_those_of_the_goldens() {
    let (Some(rows), Some(golden)) =
        (rows("complexbench_run.jsonl"), value("complexbench_totals.json"))
    else {
        return;
    };
    let paper = run(Mode::Paper, &rows);
    let found = totals(paper.items.iter().zip(paper.relied.iter().map(Vec::as_slice)));
    let expected = &golden["paper"];
    assert_close(found.overall.over_judged(), &expected["overall_drfr"], "overall");
    assert_table(&found.by_category, expected, "categorized_drfr");
    assert_table(&found.by_kind, expected, "categorized_avg_drfr");
    assert_table(&found.by_task, expected, "task_types_drfr");
    assert_table(&found.by_composition, expected, "nested_methods_drfr");
    assert_table(&found.by_group, expected, "constraint_types_and_composition_types_acc");
    assert_table(&found.by_label, expected, "each_constraint_dimensions_and_composition_types_acc");
    let single = ["single_origin_test", "single_coherent_test", "single_relative_drop"];
    assert_coherence(&found.single, expected, single);
    let multiple = ["multiple_origin_test", "multiple_coherent_test", "miltiple_relative_drop"];
    assert_coherence(&found.multiple, expected, multiple);

    let repaired = run(Mode::Repaired, &rows);
    let found = totals(repaired.items.iter().zip(repaired.relied.iter().map(Vec::as_slice)));
    let expected = &golden["repaired"];
    assert_eq!(found.overall.items as u64, expected["points"]);
    assert_eq!(found.overall.unjudged() as u64, expected["undecided"]);
    assert_close(found.overall.over_judged(), &expected["drfr"], "drfr");
    assert_close(found.overall.unjudged_as_failed(), &expected["drfr_undecided_fail"], "failed");
}

#[test]
fn an_evaluation_has_the_same_metrics() {
    let (Some(rows), Some(golden)) =
        (rows("complexbench_run.jsonl"), value("complexbench_totals.json"))
    else {
        return;
    };
    let data: Vec<String> = rows.iter().map(|row| row["item"].to_string()).collect();
    let items = parse(Mode::Paper, Language::Chinese, &data.join("\n")).expect("items");
    let mut answers = Answers::default();
    let mut responses = String::new();
    for (item, row) in items.iter().zip(&rows) {
        let key = item.main_id.to_string();
        let response = json!({"key": key, "response": row["output"]});
        responses.push_str(&response.to_string());
        responses.push('\n');
        for (at, question) in item.questions.iter().enumerate() {
            answers.add(&key, question.point_id, string(&row["answers"][at]).to_owned());
        }
    }
    let responses = Responses::parse(&responses).expect("responses");
    for (mode, golden) in [
        (Mode::Paper, &golden["paper"]["overall_drfr"]),
        (Mode::Repaired, &golden["repaired"]["drfr"]),
    ] {
        let found = evaluate(mode, &items, &responses, &answers);
        let mean = found.metric("DRFR", "all").expect("a metric");
        assert_close(mean.over_judged(), golden, mode.id());
    }
}

#[test]
fn a_question_that_its_dependency_decides_is_judged() {
    let data = json!([{"main_id": 0, "instruction": "写", "task_types": "t", "category": "And_1",
        "scoring_questions": [
            {"point_id": 0, "question": "甲？", "rule": null, "dep": []},
            {"point_id": 1, "question": "乙？", "rule": null, "dep": [0]},
            {"point_id": 2, "question": "丙？", "rule": null, "dep": []},
            {"point_id": 3, "question": "丁？", "rule": null, "dep": [2]}]}]);
    let items = parse(Mode::Repaired, Language::Chinese, &data.to_string()).expect("items");
    let responses = Responses::parse(r#"{"key": "0", "response": "茶"}"#).expect("responses");
    let mut answers = Answers::default();
    for (point, answer) in [(0, "答案：否"), (1, "?"), (2, "?"), (3, "答案：是")] {
        answers.add("0", point, answer.to_owned());
    }
    let found = evaluate(Mode::Repaired, &items, &responses, &answers);
    let rows: Vec<_> = found.rows.iter().map(|row| (row.verdict, row.error)).collect();
    let expected = [
        (Some(false), None),
        (Some(false), None),
        (None, Some(Unjudged::NoVerdict)),
        (None, Some(Unjudged::Undecided)),
    ];
    assert_eq!(rows, expected);
    assert_eq!((found.judged.judged, found.judged.items), (2, 4));
    let overall = found.metric("DRFR", "all").expect("a metric");
    assert_eq!((overall.judged, overall.items), (2, 4));
}
