//! IFEval, in memory and over files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use iopo_constraints::Kind;
use iopo_constraints::ifeval::Mode;
use iopo_eval::benchmarks::accuracies::summarize;
use iopo_eval::benchmarks::responses::ResponseFile;
use iopo_eval::ifeval::Ifeval;
use iopo_eval::{Benchmark, BenchmarkConfig, BenchmarkRun, Bootstrap, TestPrompt};
use iopo_llm::Silent;
use iopo_schema::{ScoreRow, Subset, SummaryMetric, SummaryRow};

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

fn ifeval(mode: Mode) -> Ifeval {
    Ifeval::new(mode).held_out([Kind::WrappedInQuotes])
}

/// Scores the responses through files and returns the prompts and scores.
fn scored(folder: &Path, mode: Mode) -> (Vec<TestPrompt>, Vec<ScoreRow>) {
    let (data, responses) = (folder.join("data.jsonl"), folder.join("responses.jsonl"));
    fs::write(&data, PROMPTS).expect("written");
    fs::write(&responses, RESPONSES).expect("written");
    let ifeval = ifeval(mode);
    let mut config = BenchmarkConfig::new(&data, folder.join("out"));
    config.responses = Some(responses);
    let run = BenchmarkRun::prepare(&ifeval, &config, &Silent).expect("prepared");
    let report = run.score_responses().expect("scored");
    let stored = iopo_schema::read::<ScoreRow>(&config.out.join("scores.parquet")).expect("read");
    assert_eq!(stored, report.scores);
    (ifeval.prompts(PROMPTS).expect("prompts"), report.scores)
}

fn cell(rows: &[SummaryRow], metric: SummaryMetric, subset: &str) -> (f64, u64) {
    let row = rows.iter().find(|row| row.metric == metric && row.subset.to_string() == subset);
    let row = row.unwrap_or_else(|| panic!("no {metric} of {subset}"));
    (row.value, row.n)
}

#[test]
fn scores_name_their_mode_and_unsupported_types_have_no_verdict() {
    let folder = tempfile::tempdir().expect("temporary directory");
    for mode in Mode::ALL {
        let (prompts, rows) = scored(folder.path(), mode);
        assert_eq!(
            ifeval(mode).unsupported(&prompts),
            BTreeMap::from([("count:numbers".to_owned(), 1)])
        );
        assert!(rows.iter().all(|row| row.mode.as_deref() == Some(mode.id())));
        let verdicts: Vec<_> = rows
            .iter()
            .map(|row| (row.key.as_str(), row.index, row.seen, row.strict, row.loose))
            .collect();
        let repaired = Some(mode == Mode::Repaired);
        let [yes, no] = [true, false].map(Some);
        assert_eq!(
            verdicts,
            [
                ("1", 0, true, yes, yes),
                ("1", 1, false, no, yes),
                ("2", 0, true, no, no),
                ("3", 0, false, None, None),
                ("3", 1, false, repaired, repaired),
                ("4", 0, false, yes, yes),
            ]
        );
        let error = rows[3].error.as_deref().unwrap_or_default();
        assert!(error.contains("`count:numbers`"), "{error}");
        assert!(rows.iter().all(|row| row.error.is_some() == row.strict.is_none()));
    }
}

#[test]
fn the_four_accuracies_cover_all_and_each_subset() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let (prompts, scores) = scored(folder.path(), Mode::Paper);
    let rows = summarize("m", &prompts, &scores, Bootstrap::default()).expect("summarized");
    let is = |metric, subset, value: f64, n| {
        let (found, rows) = cell(&rows, metric, subset);
        assert!((found - value).abs() < 1e-12 && rows == n, "{metric} {subset}: {found} of {rows}");
    };
    is(SummaryMetric::PromptAccuracyStrict, "all", 1.0 / 3.0, 3);
    is(SummaryMetric::PromptAccuracyLoose, "all", 2.0 / 3.0, 3);
    is(SummaryMetric::InstructionAccuracyStrict, "all", 2.0 / 5.0, 4);
    is(SummaryMetric::InstructionAccuracyLoose, "all", 3.0 / 5.0, 4);
    is(SummaryMetric::PromptAccuracyStrict, "seen", 0.0, 1);
    is(SummaryMetric::PromptAccuracyStrict, "unseen", 1.0, 1);
    is(SummaryMetric::InstructionAccuracyStrict, "near", 0.0, 2);
    is(SummaryMetric::InstructionAccuracyStrict, "unseen", 1.0, 1);
    is(SummaryMetric::InstructionAccuracyStrict, "kind/startend:quotation", 0.0, 2);
    is(SummaryMetric::InstructionAccuracyLoose, "constraints/2", 2.0 / 3.0, 2);
    let all = rows.iter().find(|row| row.subset == Subset::All).expect("a row");
    assert!(all.low <= all.value && all.value <= all.high);
}

#[test]
fn responses_in_memory_give_the_scores_and_accuracies_of_files() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let (prompts, scores) = scored(folder.path(), Mode::Paper);
    let responses = ["Sure:\n\"Tea\"", "Tea, milk.", "“Tea”", "Teeth"];
    let result = ifeval(Mode::Paper).evaluate(&prompts, responses).expect("scored");
    assert_eq!(result.scores, scores);
    let stored: Vec<SummaryRow> =
        iopo_schema::read(&folder.path().join("out/summary.parquet")).expect("read");
    assert_eq!(format!("{stored:?}"), format!("{:?}", result.accuracies));
    let strict = result.accuracy(SummaryMetric::PromptAccuracyStrict, &Subset::All);
    assert_eq!(strict.map(|row| row.n), Some(3));
    let error = ifeval(Mode::Paper).evaluate(&prompts, ["one"]).expect_err("too few");
    assert!(error.to_string().contains("1 response to 4 prompts"), "{error}");
}

#[test]
fn an_unanswered_prompt_is_an_error_and_a_limit_takes_the_first() {
    let folder = tempfile::tempdir().expect("temporary directory");
    let prompts = ifeval(Mode::Paper).prompts(PROMPTS).expect("prompts");
    let matched = ResponseFile::default().matched(&prompts).expect("no line");
    let error = matched.predictions(&prompts).expect_err("unanswered");
    assert!(error.to_string().starts_with("found no response to 4 of 4 prompts"), "{error}");

    let (data, responses) = (folder.path().join("data.jsonl"), folder.path().join("r.jsonl"));
    fs::write(&data, PROMPTS).expect("written");
    fs::write(&responses, RESPONSES).expect("written");
    let ifeval = ifeval(Mode::Paper);
    let mut config = BenchmarkConfig::new(&data, folder.path().join("out"));
    (config.responses, config.limit) = (Some(responses), Some(2));
    let run = BenchmarkRun::prepare(&ifeval, &config, &Silent).expect("prepared");
    let report = run.score_responses().expect("scored");
    assert_eq!(report.scores.len(), 3);
    // The first prompt has a seen type and another one, and the second a seen one only.
    let table = ifeval.table(&report);
    let mixed = table.lines().find(|line| line.starts_with("prompts that mix these types"));
    let words: Vec<&str> = mixed.expect("a row").split_whitespace().collect();
    assert_eq!(words[5..], ["1", "counted", "in", "the", "first", "row", "only"]);

    fs::write(&data, PROMPTS.replace("\"let_frequency\": 2", "\"n\": 2")).expect("written");
    let error = BenchmarkRun::prepare(&ifeval, &config, &Silent).err().expect("invalid");
    assert!(error.to_string().contains("data.jsonl"), "{error}");
}
