//! FollowBench against its goldens.

use std::collections::BTreeMap;

use iopo_judge::followbench::{
    Category, Item, Outcome, conditions, evaluate, headline, judge, outcome, parse, totals,
};
use iopo_judge::{Answers, Language, Mean, Mode, Responses};
use serde_json::{Value, json};

use crate::support::{assert_close, rows, string, value};

fn language(row: &Value) -> Language {
    if row["lang"] == "en" { Language::English } else { Language::Chinese }
}

#[test]
fn judge_answers_are_read_as_in_the_goldens() {
    let Some(rows) = rows("followbench_judge.jsonl") else { return };
    assert_eq!(rows.len(), 96);
    for row in &rows {
        let level = row["level"].as_u64().expect("a level") as usize;
        let answer = string(&row["judge_response"]);
        let read = |mode| judge(mode, language(row), level, answer);
        let paper = read(Mode::Paper).unwrap_or_else(|reason| panic!("{row}: {reason}"));
        assert_eq!(i64::from(paper.hard), row["paper"]["hard"], "{row}");
        assert_close(Some(paper.soft), &row["paper"]["soft"], answer);
        let golden = &row["repaired"];
        if let Some(verdicts) = golden["verdicts"].as_array() {
            let found = read(Mode::Repaired).unwrap_or_else(|reason| panic!("{row}: {reason}"));
            let expected: Vec<bool> = verdicts.iter().map(|verdict| *verdict == 1).collect();
            assert_eq!(found.verdicts, expected, "{row}");
            assert_eq!(i64::from(found.hard), golden["hard"], "{row}");
            assert_close(Some(found.soft), &golden["soft"], answer);
        } else {
            let reason = read(Mode::Repaired).expect_err("no verdict");
            assert_eq!(reason.id(), string(&golden["reason"]), "{row}");
        }
    }
}

#[test]
fn rules_decide_as_the_published_code() {
    let Some(rows) = rows("followbench_rules.jsonl") else { return };
    assert_eq!(rows.len(), 178);
    for row in &rows {
        let category = match string(&row["kind"]) {
            "source" => Category::Content,
            "format" => Category::Format,
            _ => Category::Example,
        };
        let item = Item {
            language: language(row),
            category,
            example_id: row["example_id"].as_u64().unwrap_or(1),
            source: row["source"].as_str().unwrap_or_default().to_owned(),
            level: row["level"].as_u64().unwrap_or(1) as usize,
            instruction: String::new(),
            target: row["target"].as_str().unwrap_or_default().to_owned(),
        };
        let found = conditions(Mode::Paper, &item, string(&row["generation"]));
        let found = found.unwrap_or_else(|reason| panic!("{row}: {reason}"));
        assert_eq!(Some(found.iter().all(|&one| one)), row["paper"].as_bool(), "{found:?} {row}");
    }
}

/// The items of a language with their outcomes. Rules are as published in both modes, as in the goldens.
fn run(mode: Mode, language: Language, rows: &[Value]) -> Vec<(Item, Option<Outcome>)> {
    let rows: Vec<&Value> = rows.iter().filter(|row| row["lang"] == language.id()).collect();
    let data: Vec<String> = rows.iter().map(|row| row["row"].to_string()).collect();
    let items = parse(language, &data.join("\n")).expect("items");
    items
        .into_iter()
        .zip(rows)
        .filter(|(item, _)| item.level > 0)
        .map(|(item, row)| {
            let by_rule = item.rule().is_some();
            assert_eq!(by_rule, row["decided_by"] == "rule", "{row}");
            let found = if by_rule {
                let conditions = conditions(Mode::Paper, &item, string(&row["generation"]));
                outcome(Mode::Paper, conditions.expect("conditions"))
            } else {
                match judge(mode, language, item.level, string(&row["judge_response"])) {
                    Ok(outcome) => outcome,
                    Err(_) => return (item, None),
                }
            };
            (item, Some(found))
        })
        .collect()
}

#[test]
fn tables_are_those_of_the_published_code() {
    let (Some(rows), Some(golden)) =
        (rows("followbench_run.jsonl"), value("followbench_totals.json"))
    else {
        return;
    };
    for language in [Language::English, Language::Chinese] {
        let sign = if language == Language::Chinese { "%" } else { "" };
        let run = run(Mode::Paper, language, &rows);
        let found = totals(run.iter().map(|(item, outcome)| (item, outcome.as_ref())));
        let cells = |means: &[Mean; 5]| -> Value {
            let cell =
                |mean: &Mean| format!("{:.2}{sign}", 100.0 * mean.over_judged().expect("a rate"));
            means.iter().map(cell).collect()
        };
        let tables: BTreeMap<&str, Value> = found
            .iter()
            .map(|totals| {
                let csl = format!("{:.1}", totals.csl.over_judged().expect("a level"));
                let mut table = json!({"hsr": cells(&totals.hard), "csl": csl});
                if let Some(soft) = &totals.soft {
                    table["ssr"] = cells(soft);
                }
                (totals.category.id(), table)
            })
            .collect();
        assert_eq!(json!(tables), golden[language.id()], "{language:?}");
    }
}

#[test]
fn repaired_rates_are_those_of_the_goldens() {
    let (Some(rows), Some(golden)) =
        (rows("followbench_run.jsonl"), value("followbench_totals.json"))
    else {
        return;
    };
    for language in [Language::English, Language::Chinese] {
        let run = run(Mode::Repaired, language, &rows);
        let found = totals(run.iter().map(|(item, outcome)| (item, outcome.as_ref())));
        assert_eq!(found.len(), 4);
        for totals in &found {
            let golden = &golden["repaired"][language.id()][totals.category.id()];
            assert_eq!(totals.soft.is_some(), golden.get("ssr").is_some());
            let mut tables = vec![("hsr", totals.hard)];
            tables.extend(totals.soft.map(|soft| ("ssr", soft)));
            for (name, means) in tables {
                for (level, mean) in means.iter().enumerate() {
                    assert_eq!(mean.items as u64, golden["items"][level]);
                    assert_eq!(mean.unjudged() as u64, golden["unjudged"][level]);
                    assert_close(mean.over_judged(), &golden[name][level], name);
                    let failed = &golden[format!("{name}_unjudged_fail")][level];
                    assert_close(mean.unjudged_as_failed(), failed, name);
                }
            }
            assert_close(totals.csl.unjudged_as_failed(), &golden["csl_unjudged_fail"], "csl");
        }
    }
}

#[test]
fn the_headline_weights_levels_and_skips_examples() {
    let row = |category: &str, level| {
        json!({"example_id": 1, "category": category, "source": "own", "level": level,
            "instruction": "", "target": ""})
        .to_string()
    };
    let data: Vec<String> = ["style", "example"]
        .iter()
        .flat_map(|category| (0..=5).map(|level| row(category, level)))
        .collect();
    let items = parse(Language::English, &data.join("\n")).expect("items");
    let yes = Outcome::new(vec![true]);
    let judged = items.iter().map(|item| {
        let held = item.category == Category::Style && matches!(item.level, 1 | 5);
        (item, held.then_some(&yes))
    });
    let found = totals(judged);
    assert_eq!(headline(&found, Mean::unjudged_as_failed), Some(6.0 / 15.0));
    assert_eq!(headline(&found, Mean::over_judged), None);
    let csl = found[0].csl;
    assert_eq!((csl.over_judged(), csl.unjudged_as_failed()), (None, Some(1.0)));
}

#[test]
fn an_evaluation_has_the_same_metrics() {
    let (Some(rows), Some(golden)) =
        (rows("followbench_run.jsonl"), value("followbench_totals.json"))
    else {
        return;
    };
    let rows: Vec<&Value> = rows.iter().filter(|row| row["lang"] == "zh").collect();
    let data: Vec<String> = rows.iter().map(|row| row["row"].to_string()).collect();
    let items = parse(Language::Chinese, &data.join("\n")).expect("items");
    let mut answers = Answers::default();
    let mut responses = String::new();
    for (item, row) in items.iter().zip(&rows).filter(|(item, _)| item.level > 0) {
        responses.push_str(&json!({"key": item.key(), "response": row["generation"]}).to_string());
        responses.push('\n');
        if let Some(answer) = row["judge_response"].as_str() {
            answers.add(&item.key(), 0, answer.to_owned());
        }
    }
    let responses = Responses::parse(&responses).expect("responses");
    let found = evaluate(Mode::Paper, &items, &responses, &answers);
    for (category, cells) in golden["zh"].as_object().expect("types") {
        for level in 1..=5 {
            let mean = found.metric("HSR", &format!("{category}, level {level}")).expect("a rate");
            let cell = format!("{:.2}%", 100.0 * mean.over_judged().expect("a rate"));
            assert_eq!(cell, string(&cells["hsr"][level - 1]), "{category} {level}");
        }
    }
    let none = evaluate(Mode::Repaired, &items, &Responses::default(), &Answers::default());
    assert_eq!(none.judged.judged, 0);
}

#[test]
fn a_blank_answer_meets_no_repaired_condition() {
    for (category, source, example_id) in [
        (Category::Content, "xsum", 1),
        (Category::Content, "samsum", 1),
        (Category::Content, "gigaword", 1),
        (Category::Content, "arxiv", 1),
        (Category::Content, "cnn_dailymail", 1),
        (Category::Format, "", 22),
        (Category::Format, "", 30),
    ] {
        for language in [Language::English, Language::Chinese] {
            let item = Item {
                language,
                category,
                example_id,
                source: source.to_owned(),
                level: 5,
                instruction: String::new(),
                target: String::new(),
            };
            if item.rule().is_none() {
                continue;
            }
            let found = |mode, answer| {
                let found = conditions(mode, &item, answer).expect("conditions");
                found.into_iter().filter(|&one| one).count()
            };
            for answer in ["", " \n\n ", "...", "* * *"] {
                assert_eq!(found(Mode::Repaired, answer), 0, "{source} {example_id} {answer:?}");
            }
            // The published code counts conditions that hold of no text.
            assert!(found(Mode::Paper, "") > 0, "{source} {example_id}");
        }
    }
}
