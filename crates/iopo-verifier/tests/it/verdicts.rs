//! The server's verdicts are those of the libraries.

use iopo_constraints::Constraint;
use iopo_constraints::ifbench::{Mode, Tagger};
use iopo_schema::{ConstraintRow, InstructionRow, Provenance};
use iopo_verifier::{Limits, Settings};
use serde_json::{Value, json};

use crate::rows::{self, Row};
use crate::support::Running;

/// Sends rows in batches and compares the replies byte by byte.
fn compare(server: &Running, rows: &[Row], mode: Mode) {
    for rows in rows.chunks(97) {
        let reply = server.post(&rows::body(rows, mode));
        let body = String::from_utf8(reply.body).expect("UTF-8");
        let expected = rows::reply(rows, mode);
        if reply.status != 200 || body != expected {
            let found: Value = serde_json::from_str(&body).expect("JSON");
            for (at, row) in rows.iter().enumerate() {
                assert_eq!(found["results"][at], row.result(&row.response, mode), "{}", row.item);
            }
            panic!("status {}: {body:.300}", reply.status);
        }
    }
}

/// The numbers of positive and negative verdicts.
fn counts(rows: &[Row]) -> (usize, usize) {
    let results = rows.iter().map(|row| row.result(&row.response, Mode::Paper));
    let rewards: Vec<f64> = results.filter_map(|result| result["reward"].as_f64()).collect();
    let positive = rewards.iter().filter(|reward| **reward >= 1.0).count();
    (positive, rewards.iter().filter(|reward| **reward <= 0.0).count())
}

#[test]
fn every_check_has_the_verdict_of_the_library() {
    let server = Running::start(Limits::default());
    let rows = rows::fixtures();
    let (positive, negative) = counts(&rows);
    assert!(rows.len() > 500 && positive > 50 && negative > 50, "{positive} {negative}");
    for mode in Mode::ALL {
        compare(&server, &rows, mode);
    }
}

#[test]
fn labeled_responses_of_models_have_the_verdicts_of_the_library() {
    let Some(rows) = rows::labeled(11) else {
        println!("skipped: the labeled responses are not part of the repository");
        return;
    };
    let (positive, negative) = counts(&rows);
    assert!(positive > 100 && negative > 50, "{positive} {negative}");
    let server = Running::start(Limits::default());
    for mode in Mode::ALL {
        compare(&server, &rows, mode);
    }
}

/// The negative control of the two tests above: another response has another reply.
#[test]
fn another_response_has_another_reply() {
    let server = Running::start(Limits::default());
    let rows = rows::fixtures();
    let mut found = 0;
    for row in &rows {
        let changed = format!("{}, ({:?})\n* 7 * **Maybe**!?", row.response, "Zebra");
        let one = [row.with_item(&changed)];
        let body = server.post(&rows::body(&one, Mode::Paper)).body;
        let same = body == rows::reply(&one, Mode::Paper).as_bytes();
        let differs = row.result(&changed, Mode::Paper) != row.result(&row.response, Mode::Paper);
        assert_eq!(same, !differs, "{}", row.item);
        found += usize::from(differs);
    }
    assert!(found > 100, "{found}");
}

#[test]
fn a_tagger_decides_the_first_verb() {
    let item = json!({"response": "Brew tea", "instruction_id_list": ["words:start_verb"], "kwargs": [{}]});
    let body = json!({"items": [item], "mode": "repaired"}).to_string();
    let without = Running::start(Limits::default());
    assert_eq!(without.post(&body).json()["results"][0]["error"]["type"], "InstructionError");
    assert_eq!(without.get("/health").json()["tagger"], false);

    let tagger = Tagger::parse("iopo-tagger 1\nNN\tVB\nthe\t0\n\nbias\t1:1\n").expect("a table");
    let with = Running::start_with(Settings { tagger: Some(tagger), ..Settings::default() });
    assert_eq!(with.post(&body).json()["results"][0]["reward"], 1.0);
    assert_eq!(with.get("/health").json()["tagger"], true);
}

#[test]
fn constraints_of_a_written_file_are_checked() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("instructions.parquet");
    let words = Constraint::from_parts("max_words", r#"{"n": 3}"#).expect("a constraint");
    let commas = Constraint::from_parts("no_commas", "{}").expect("a constraint");
    let of_code = |one: &Constraint| ConstraintRow::from_constraint(one, 0);
    let by_judge = ConstraintRow { check: None, ..of_code(&commas) };
    let written = InstructionRow {
        id: "1".to_owned(),
        task_id: "1".to_owned(),
        task: "Name a drink.".to_owned(),
        input: None,
        constraints: vec![of_code(&words), of_code(&commas), by_judge],
        prompt: "Name a drink.".to_owned(),
        language: "en".to_owned(),
    };
    let provenance = Provenance::new("test", json!({}));
    iopo_schema::write(&path, &[written], &provenance).expect("written");
    let rows: Vec<InstructionRow> = iopo_schema::read(&path).expect("rows");
    let item = json!({"response": "Tea, of course.", "constraints": rows[0].constraints});
    let server = Running::start(Limits::default());
    let reply = server.post(&json!({ "items": [item] }).to_string()).json();
    let result = &reply["results"][0];
    assert_eq!(result["reward"], 0.5, "{reply}");
    let satisfied: Vec<_> =
        (0..3).map(|at| result["verdicts"][at]["satisfied"].as_bool()).collect();
    assert_eq!(satisfied, [Some(true), Some(false), None]);
}
