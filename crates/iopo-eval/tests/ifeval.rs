//! IFEval from its files to the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use iopo_constraints::Kind;
use iopo_constraints::ifeval::Mode;
use iopo_eval::Bootstrap;
use iopo_eval::ifeval::{Benchmark, Given, Rules, score, summarize};
use iopo_schema::{ScoreRow, SummaryRow};

const PROMPTS: &str = r#"
{"key": 1, "prompt": "a", "instruction_id_list": ["punctuation:no_comma", "startend:quotation"], "kwargs": [{}, {"n": null}]}
{"key": 2, "prompt": "b", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
{"key": 3, "prompt": "c", "instruction_id_list": ["count:numbers", "startend:quotation"], "kwargs": [{"N": 3}, {}]}
{"key": 4, "prompt": "d", "instruction_id_list": ["keywords:letter_frequency"], "kwargs": [{"letter": "e", "let_relation": "at least", "let_frequency": 2}]}
"#;

const RESPONSES: &str = r#"
{"prompt": "a", "response": "Sure:\n\"Tea\""}
{"prompt": "b", "response": "Tea, milk."}
{"key": 3, "response": "“Tea”"}
{"prompt": "d", "response": "Teeth"}
"#;

fn scored(folder: &Path, mode: Mode) -> (Benchmark, Vec<ScoreRow>) {
    let (data, given) = (folder.join("data.jsonl"), folder.join("responses.jsonl"));
    fs::write(&data, PROMPTS).expect("written");
    fs::write(&given, RESPONSES).expect("written");
    let benchmark = Benchmark::read(&data, None).expect("prompts");
    let predictions = folder.join("predictions.parquet");
    let given = Given::read(&given).expect("answers");
    let matched = given.matched(&benchmark.prompts).expect("matched");
    matched.write(&benchmark.prompts, &predictions).expect("written");
    let rules = Rules { mode, held_out: BTreeSet::from([Kind::WrappedInQuotes]) };
    let out = folder.join("scores.parquet");
    let rows = score(&predictions, &out, &rules).expect("scored");
    assert_eq!(iopo_schema::read::<ScoreRow>(&out).expect("read"), rows);
    (benchmark, rows)
}

fn cell(rows: &[SummaryRow], metric: &str, subset: &str) -> (f64, u64) {
    let row = rows.iter().find(|row| row.metric == metric && row.subset == subset);
    let row = row.unwrap_or_else(|| panic!("no {metric} of {subset}"));
    (row.value, row.n)
}

#[test]
fn verdicts_name_their_mode_and_what_cannot_be_checked_has_none() {
    let folder = tempfile::tempdir().expect("temporary directory");
    for mode in Mode::ALL {
        let (benchmark, rows) = scored(folder.path(), mode);
        assert_eq!(benchmark.unsupported, BTreeMap::from([("count:numbers".to_owned(), 1)]));
        assert!(rows.iter().all(|row| row.mode.as_deref() == Some(mode.id())));
        let verdicts: Vec<_> = rows
            .iter()
            .map(|row| (row.key.as_str(), row.index, row.seen, row.strict, row.loose))
            .collect();
        let repaired = mode == Mode::Repaired;
        assert_eq!(
            verdicts,
            [
                ("1", 0, true, true, Some(true)),
                ("1", 1, false, false, Some(true)),
                ("2", 0, true, false, Some(false)),
                ("3", 1, false, repaired, Some(repaired)),
                ("4", 0, false, true, Some(true)),
            ]
        );
    }
}

#[test]
fn the_four_accuracies_stand_over_all_and_over_each_subset() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let (benchmark, scores) = scored(folder.path(), Mode::Paper);
    let rows =
        summarize("m", &benchmark.prompts, &scores, Bootstrap::default()).expect("summarised");
    let is = |metric, subset, value: f64, n| {
        let (found, rows) = cell(&rows, metric, subset);
        assert!((found - value).abs() < 1e-12 && rows == n, "{metric} {subset}: {found} of {rows}");
    };
    is("prompt_accuracy_strict", "all", 1.0 / 3.0, 3);
    is("prompt_accuracy_loose", "all", 2.0 / 3.0, 3);
    is("instruction_accuracy_strict", "all", 2.0 / 5.0, 4);
    is("instruction_accuracy_loose", "all", 3.0 / 5.0, 4);
    is("prompt_accuracy_strict", "seen", 0.0, 1);
    is("prompt_accuracy_strict", "unseen", 1.0, 1);
    is("instruction_accuracy_strict", "unseen", 1.0 / 3.0, 3);
    is("instruction_accuracy_strict", "kind/startend:quotation", 0.0, 2);
    is("instruction_accuracy_loose", "constraints/2", 2.0 / 3.0, 2);
    let all = rows.iter().find(|row| row.subset == "all").expect("a row");
    assert!(all.low <= all.value && all.value <= all.high);
}

#[test]
fn an_unanswered_prompt_is_an_error_and_a_limit_takes_the_first() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let data = folder.path().join("data.jsonl");
    fs::write(&data, PROMPTS).expect("written");
    assert_eq!(Benchmark::read(&data, Some(2)).expect("prompts").prompts.len(), 2);
    let benchmark = Benchmark::read(&data, None).expect("prompts");
    let out = folder.path().join("predictions.parquet");
    let matched = Given::default().matched(&benchmark.prompts).expect("no line");
    let error = matched.write(&benchmark.prompts, &out).expect_err("unanswered");
    assert!(error.to_string().starts_with("4 of 4 prompts have no answer"), "{error}");
    fs::write(&data, PROMPTS.replace("\"let_frequency\": 2", "\"n\": 2")).expect("written");
    let error = Benchmark::read(&data, None).expect_err("doubtful");
    assert!(error.to_string().contains("data.jsonl"), "{error}");
}
