//! Failed requests, and the record of an evaluation, for both kinds of benchmarks.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use iopo_eval::ifbench::{Ifbench, Mode};
use iopo_eval::{
    Benchmark, BenchmarkConfig, BenchmarkReport, BenchmarkRun, Decoding, EvalError,
    JudgedBenchmark, JudgedMode, JudgedRun,
};
use iopo_llm::{
    Completion, Failure, FailureClass, FinishReason, LanguageModel, LlmError, Outcome, Progress,
    Request, Scripted, Silent,
};
use iopo_schema::{
    InputPreferenceRow, PredictionRow, Provenance, ResponseEnd, ScoreRow, Split, SummaryMetric,
    read,
};
use serde_json::Value;

use crate::common;
use crate::judged::support::{metric, trace};

/// A model whose requests fail for prompts that contain a word.
struct Failing<'a> {
    word: &'a str,
    class: FailureClass,
    asked: Cell<usize>,
}

impl<'a> Failing<'a> {
    fn new(word: &'a str, class: FailureClass) -> Self {
        Self { word, class, asked: Cell::new(0) }
    }
}

impl LanguageModel for Failing<'_> {
    fn name(&self) -> String {
        "failing".to_owned()
    }

    fn complete(&self, requests: &[Request], _: &dyn Progress) -> Result<Vec<Outcome>, LlmError> {
        self.asked.set(self.asked.get() + requests.len());
        let answer = |request: &Request| -> Outcome {
            let prompt = &request.messages.last().expect("a turn").content;
            if prompt.contains(self.word) {
                return Err(Failure::new(self.class, "no luck"));
            }
            let number: String = prompt.chars().filter(char::is_ascii_digit).collect();
            Ok(Completion {
                text: format!("Response ⟦{number}⟧"),
                finish_reason: FinishReason::Stop,
                prompt_tokens: Some(3),
                completion_tokens: Some(2),
            })
        };
        Ok(requests.iter().map(answer).collect())
    }
}

/// Writes prompts with one number each that ask for one number.
fn prompts(path: &Path, count: usize) {
    let line = |key: usize| {
        serde_json::json!({
            "key": key.to_string(), "prompt": format!("Item {key}."),
            "instruction_id_list": ["count:numbers"], "kwargs": [{"N": 1}],
        })
    };
    let lines: Vec<String> = (0..count).map(|key| line(key).to_string()).collect();
    fs::write(path, lines.join("\n")).expect("written");
}

fn decoding() -> Decoding {
    let mut decoding = Decoding::default();
    decoding.max_new_tokens = 64;
    decoding.endpoint = Some("large".to_owned());
    decoding
}

fn evaluate(config: &BenchmarkConfig, model: &dyn LanguageModel) -> BenchmarkReport {
    let ifbench = Ifbench::new(Mode::Paper);
    let run = BenchmarkRun::prepare(&ifbench, config, &Silent).expect("prepared");
    run.score_model(model, &decoding(), &Silent).expect("a report")
}

fn config(folder: &Path) -> BenchmarkConfig {
    let mut config = BenchmarkConfig::new(folder.join("data.jsonl"), folder.join("out"));
    config.bootstrap.samples = 20;
    config
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("a file")).expect("JSON")
}

#[test]
fn a_failed_request_is_a_row_with_an_error_and_the_others_are_scored() {
    let dir = tempfile::tempdir().expect("a directory");
    prompts(&dir.path().join("data.jsonl"), 100);
    let config = config(dir.path());
    let model = Failing::new("Item 7.", FailureClass::Timeout);
    let report = evaluate(&config, &model);
    assert_eq!((report.prompts, report.failed.get("timeout")), (100, Some(&1)));
    report.refuse_failed().expect("1 % is allowed");
    let strict = report.accuracies.iter().find(|row| {
        row.metric == SummaryMetric::PromptAccuracyStrict && row.subset.kind().is_none()
    });
    assert_eq!(strict.map(|row| (row.value, row.n)), Some((1.0, 99)));
    let rows: Vec<PredictionRow> = read(&config.out.join("predictions.parquet")).expect("rows");
    let failed: Vec<_> = rows.iter().filter(|row| row.error.is_some()).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0].key.as_str(), failed[0].error.as_deref()), ("7", Some("timeout")));
    assert_eq!((failed[0].finish_reason, failed[0].response.as_str()), (ResponseEnd::Failed, ""));
    let scores: Vec<ScoreRow> = read(&config.out.join("scores.parquet")).expect("rows");
    let of = |key: &str| scores.iter().find(|row| row.key == key).expect("a score");
    assert_eq!((of("7").strict, of("7").loose), (None, None));
    assert_eq!(of("7").error.as_deref(), Some("no response: timeout"));
    assert_eq!((of("8").strict, of("8").error.as_deref()), (Some(true), None));
    let table = Ifbench::new(Mode::Paper).table(&report);
    assert!(
        table.ends_with("\n1 of 100 requests failed (timeout 1); their prompts are in no accuracy")
    );

    // The same command asks again, and nothing remains of the failure.
    let well = Failing::new("nothing", FailureClass::Timeout);
    let report = evaluate(&config, &well);
    assert_eq!((report.failed.len(), well.asked.get()), (0, 100));
    // Complete responses are kept.
    evaluate(&config, &well);
    assert_eq!(well.asked.get(), 100);
}

#[test]
fn too_many_failed_requests_are_an_error_after_everything_is_written() {
    let dir = tempfile::tempdir().expect("a directory");
    prompts(&dir.path().join("data.jsonl"), 10);
    let mut config = config(dir.path());
    let report = evaluate(&config, &Failing::new("Item 7.", FailureClass::TooLong));
    let error = report.refuse_failed().expect_err("10 %");
    let text =
        "1 of 10 requests for a response failed (too_long 1), 10.0 %, expected at most 2.0 %";
    assert_eq!((error.to_string().as_str(), error.is_usage()), (text, false));
    let hint =
        "all files are written; set `llm.retry_failed = true` to retry stored failures (too_long)";
    assert_eq!(error.hint().as_deref(), Some(hint), "another run sends no stored failure again");
    for name in ["predictions.parquet", "scores.parquet", "summary.parquet", "protocol.json"] {
        assert!(config.out.join(name).is_file(), "{name}");
    }
    config.max_failed_share = 0.1;
    let report = evaluate(&config, &Failing::new("Item 7.", FailureClass::TooLong));
    report.refuse_failed().expect("10 % are allowed");
}

#[test]
fn the_hint_retries_temporary_failures_and_names_the_setting_for_stored_ones() {
    let hint = |classes: &[&str]| {
        let classes = classes.iter().map(|name| ((*name).to_owned(), 1)).collect();
        let (failed, requests, max_share) = (2, 4, 0.02);
        EvalError::FailedRequests { failed, requests, max_share, classes }.hint().expect("a hint")
    };
    let again = "all files are written; run the same command again to retry rate_limited, timeout";
    assert_eq!(hint(&["rate_limited", "timeout"]), again);
    assert_eq!(
        hint(&["filtered", "transient"]),
        "all files are written; run the same command again to retry transient; set `llm.retry_failed = true` to retry \
         stored failures (filtered)"
    );
}

#[test]
fn a_file_without_an_instruction_of_the_benchmark_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let line = |key: usize, id: &str| {
        serde_json::json!({
            "key": key, "prompt": format!("Item {key}."), "instruction_id_list": [id], "kwargs": [{}],
        })
    };
    let path = dir.path().join("data.jsonl");
    let prepare = |ids: &[&str]| {
        let lines: Vec<String> =
            ids.iter().enumerate().map(|(key, id)| line(key, id).to_string()).collect();
        fs::write(&path, lines.join("\n")).expect("written");
        let config = config(dir.path());
        BenchmarkRun::prepare(&Ifbench::new(Mode::Paper), &config, &Silent).map(drop)
    };
    let error = prepare(&["punctuation:no_comma", "startend:quotation"]).expect_err("IFEval's");
    assert!(error.is_usage() && error.hint().is_some(), "{error}");
    let EvalError::Prompts { source, .. } = error else { panic!("{error}") };
    assert_eq!(
        source.to_string(),
        "found 2 instructions, expected at least one that can be checked; the first reason: IFBench has no type `punctuation:no_comma`"
    );
    prepare(&["punctuation:no_comma", "words:palindrome"]).expect("one is checked");
}

#[test]
fn the_export_has_no_sample_of_a_failed_request() {
    let dir = tempfile::tempdir().expect("a directory");
    prompts(&dir.path().join("data.jsonl"), 10);
    let mut config = config(dir.path());
    config.export_lm_eval = true;
    let export = config.out.join("lm-eval/failing");
    let samples = |word| {
        evaluate(&config, &Failing::new(word, FailureClass::Timeout));
        let path = export.join("samples_ifbench_1970-01-01T00-00-00.000000.jsonl");
        let text = fs::read_to_string(path).expect("samples");
        let keys = text.lines().map(|line| {
            let row: Value = serde_json::from_str(line).expect("JSON");
            (row["doc"]["key"].as_str().expect("a key").to_owned(), row["doc_id"].clone())
        });
        let results = json(&export.join("results_1970-01-01T00-00-00.000000.json"));
        let counts = results["n-samples"]["ifbench"].clone();
        (keys.collect::<Vec<_>>(), counts, results["results"]["ifbench"].clone())
    };
    let (keys, counts, results) = samples("Item 7.");
    assert_eq!(keys.len(), 9);
    assert!(keys.iter().all(|(key, id)| key != "7" && key.parse().ok() == id.as_u64()), "{keys:?}");
    assert_eq!(counts, serde_json::json!({"original": 10, "effective": 9}));
    assert_eq!(
        (&results["sample_len"], &results["prompt_level_strict_acc,none"]),
        (&9.into(), &1.0.into())
    );
    let (keys, counts, _) = samples("nothing");
    assert_eq!((keys.len(), &counts["effective"]), (10, &10.into()));
}

#[test]
fn the_export_of_a_limited_evaluation_tells_both_numbers() {
    let dir = tempfile::tempdir().expect("a directory");
    prompts(&dir.path().join("data.jsonl"), 10);
    let mut config = config(dir.path());
    config.export_lm_eval = true;
    let results = |config: &BenchmarkConfig| {
        evaluate(config, &Failing::new("nothing", FailureClass::Timeout));
        json(&config.out.join("lm-eval/failing/results_1970-01-01T00-00-00.000000.json"))
    };
    let all = results(&config);
    let counts = |of: &Value| (of["original"].clone(), of["effective"].clone());
    assert_eq!(counts(&all["n-samples"]["ifbench"]), (10.into(), 10.into()));
    assert_eq!(all["config"]["limit"], Value::Null);
    config.limit = Some(4);
    config.out = dir.path().join("limited");
    let limited = results(&config);
    assert_eq!(counts(&limited["n-samples"]["ifbench"]), (10.into(), 4.into()));
    assert_eq!(limited["config"]["limit"], 4);
    assert_eq!(limited["results"]["ifbench"]["sample_len"], 4);
}

/// Keeps the notes.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn note(&self, text: &str) {
        self.0.lock().expect("notes").push(text.to_owned());
    }
}

/// Every benchmark reads the same files.
#[test]
fn predictions_and_arrays_are_responses_of_a_benchmark_that_code_decides() {
    let dir = tempfile::tempdir().expect("a directory");
    prompts(&dir.path().join("data.jsonl"), 3);
    let config = config(dir.path());
    let model = Failing::new("Item 2.", FailureClass::Timeout);
    let scored = evaluate(&config, &model);
    let strict = |report: &BenchmarkReport| -> Vec<Option<bool>> {
        report.scores.iter().map(|row| row.strict).collect()
    };
    assert_eq!(strict(&scored), [Some(true), Some(true), None]);

    let ifbench = Ifbench::new(Mode::Paper);
    let given = |responses: &Path, partial| {
        let mut config = BenchmarkConfig::new(&config.data, dir.path().join("given"));
        config.bootstrap.samples = 20;
        (config.responses, config.partial) = (Some(responses.to_owned()), partial);
        let notes = Notes::default();
        let run = BenchmarkRun::prepare(&ifbench, &config, &notes)?;
        let report = run.score_responses()?;
        let said = notes.0.lock().expect("notes").join("; ");
        Ok::<_, EvalError>((strict(&report), said))
    };
    let predictions = config.out.join("predictions.parquet");
    let error = given(&predictions, false).expect_err("one has no response").to_string();
    assert_eq!(error, "found no response to 1 of 3 prompts (first: `2`)");
    let (verdicts, notes) = given(&predictions, true).expect("the others");
    assert_eq!(verdicts, [Some(true); 2]);
    assert_eq!(notes, "skipped 1 prompt without a response");

    let array = dir.path().join("responses.json");
    let text = r#" [{"idx": 0, "response": "1"}, {"key": 1, "response": "1 2"}, {"idx": 2, "response": ""}]"#;
    fs::write(&array, text).expect("written");
    let (verdicts, notes) = given(&array, false).expect("all");
    assert_eq!(verdicts, [Some(true), Some(false), Some(false)]);
    assert_eq!(notes, "");

    let mut rows: Vec<PredictionRow> = read(&predictions).expect("rows");
    rows[1].benchmark = "ifeval".to_owned();
    let other = dir.path().join("other.parquet");
    let provenance = Provenance::new("test 1", serde_json::json!({}));
    iopo_schema::write(&other, &rows, &provenance).expect("written");
    let error = given(&other, true).expect_err("another benchmark").to_string();
    assert!(
        error.ends_with("has responses to `ifeval`, expected responses to `ifbench`"),
        "{error}"
    );
}

const TEN: &str = "Fine Grained Score: [10]";
const TRACE: (JudgedBenchmark, JudgedMode) = (JudgedBenchmark::Trace, JudgedMode::Repaired);

#[test]
fn a_failed_response_of_a_judged_benchmark_has_no_verdict_and_its_reason() {
    let files = trace(&[TEN; 4]);
    let mut config = files.config("out");
    (config.responses, config.model_responds) = (None, true);
    let mut run = JudgedRun::prepare(TRACE.0, TRACE.1, &config, &Silent).expect("a run");
    let model = Failing::new("2: Write.", FailureClass::Filtered);
    run.respond(&model, &decoding(), &Silent).expect("responses");
    let asked = Cell::new(0);
    let judge = Scripted::new(|_: &Request| {
        asked.set(asked.get() + 1);
        TEN.to_owned()
    });
    let report = run.judge(&judge, &Silent).expect("a report");
    assert_eq!(asked.get(), 3, "there is nothing to judge about the failed one");
    assert_eq!(report.unjudged, [("no response: filtered".to_owned(), 1)].into());
    assert_eq!(report.scores[2].error.as_deref(), Some("no response: filtered"));
    assert_eq!(metric(&report, "IF", "all"), [Some(1.0), Some(0.75)]);
    let error = report.refuse_unjudged().expect_err("a quarter");
    assert!(matches!(error, EvalError::Unjudged { unjudged: 1, .. }), "{error}");

    // As a file, the predictions lack this response.
    let mut again = files.config("again");
    again.responses = Some(config.out.join("predictions.parquet"));
    let error = JudgedRun::prepare(TRACE.0, TRACE.1, &again, &Silent).err().expect("refused");
    assert_eq!(error.to_string(), "found no response to 1 of 4 prompts (first: `2`)");
}

#[test]
fn both_kinds_of_benchmarks_record_the_same_fields() {
    let dir = tempfile::tempdir().expect("a directory");
    prompts(&dir.path().join("data.jsonl"), 2);
    let coded = config(dir.path());
    let model = Failing::new("nothing", FailureClass::Timeout);
    evaluate(&coded, &model);

    let files = trace(&[TEN; 2]);
    let mut judged = files.config("out");
    (judged.responses, judged.model_responds) = (None, true);
    judged.judge_endpoint = Some("judge (address 1f)".to_owned());
    let mut run = JudgedRun::prepare(TRACE.0, TRACE.1, &judged, &Silent).expect("a run");
    run.respond(&model, &decoding(), &Silent).expect("responses");
    let report = run.judge(&Scripted::new(|_: &Request| TEN.to_owned()), &Silent);
    assert!(!report.expect("a report").judges_itself);

    let [coded, judged] = [&coded.out, &judged.out].map(|out| json(&out.join("protocol.json")));
    let fields = |protocol: &Value| -> BTreeSet<String> {
        protocol.as_object().expect("an object").keys().cloned().collect()
    };
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let [coded_fields, judged_fields] = [&coded, &judged].map(fields);
    // What code decides depends on rules and tables, and what a judge decides on the judge.
    let rules = own(&["content_hash", "held_out", "rules", "tagger", "unsupported"]);
    let by_judge = own(&["judge", "language"]);
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
        one.difference(other).cloned().collect::<Vec<_>>()
    };
    let coded_only = only(&coded_fields, &judged_fields);
    assert!(coded_only.iter().all(|name| rules.contains(name)), "{coded_only:?}");
    assert_eq!(only(&judged_fields, &coded_fields), by_judge);
    for protocol in [&coded, &judged] {
        assert_eq!(
            (&protocol["endpoint"], &protocol["model"]),
            (&"large".into(), &"failing".into())
        );
        assert_eq!(protocol["max_new_tokens"], 64);
        assert_eq!(protocol["bootstrap"]["seed"], 0);
        for field in ["producer", "benchmark", "data", "asked", "prompts", "fingerprint", "mode"] {
            assert!(!protocol[field].is_null(), "{field}");
        }
        for field in ["limit", "partial", "run"] {
            assert!(protocol.get(field).is_some(), "{field}");
        }
        assert!(protocol.get("device").is_none(), "an endpoint has its own");
    }
    assert_eq!(judged["judge"]["endpoint"], "judge (address 1f)");
}

#[test]
fn a_model_that_judges_its_own_responses_is_named() {
    let files = trace(&[TEN; 2]);
    let mut config = files.config("out");
    (config.responses, config.model_responds) = (None, true);
    let mut run = JudgedRun::prepare(TRACE.0, TRACE.1, &config, &Silent).expect("a run");
    let model = Scripted::new(|_: &Request| TEN.to_owned());
    run.respond(&model, &decoding(), &Silent).expect("responses");
    let report = run.judge(&model, &Silent).expect("a report");
    assert!(report.judges_itself);
    assert!(report.table().contains("\nthe model judges its own responses"), "{}", report.table());
    assert_eq!(json(&config.out.join("metrics.json"))["judges_itself"], true);
    // Given responses are of another origin.
    let given = files.evaluate(TRACE, |_| {});
    assert!(!given.judges_itself && !given.table().contains("its own responses"));
}

#[test]
fn a_judged_benchmark_refuses_a_run_that_trained_on_its_items() {
    let files = trace(&[TEN; 2]);
    let item =
        "Describe in three sentences how a tidal mill grinds grain at night when the moon is new";
    let data = fs::read_to_string(&files.data).expect("items").replace("Write.", item);
    fs::write(&files.data, data).expect("written");
    let folder = tempfile::tempdir().expect("a folder");
    let write = |task: &str| {
        let mut group = common::group("train-00", Split::Train);
        group.task = task.to_owned();
        let path = folder.path().join("preferences.parquet");
        let provenance = Provenance::new("test 1", serde_json::json!({}));
        iopo_schema::write(&path, std::slice::from_ref(&group), &provenance).expect("written");
    };
    let mut config = files.config("out");
    config.trained_in = vec![folder.path().to_owned()];
    let prepare = |config: &_| JudgedRun::prepare(TRACE.0, TRACE.1, config, &Silent).map(drop);
    write("Name a river.");
    prepare(&config).expect("no overlap");
    write(item);
    let error = prepare(&config).expect_err("refused");
    assert!(matches!(error, EvalError::BenchmarkInTraining { tasks: 1, .. }), "{error}");
    assert!(error.to_string().contains("of trace"), "{error}");
    config.trained_in.clear();
    prepare(&config).expect("nothing is known about the training");
    // Input preferences are compared, too.
    let path = folder.path().join("input_preferences.parquet");
    config.input_preferences = vec![path.clone()];
    let write = |row: &InputPreferenceRow| {
        let provenance = Provenance::new("test 1", serde_json::json!({}));
        iopo_schema::write(&path, std::slice::from_ref(row), &provenance).expect("written");
    };
    let clean = common::input_preference();
    write(&clean);
    prepare(&config).expect("no overlap");
    write(&InputPreferenceRow { x_better: item.to_owned(), ..clean });
    let error = prepare(&config).expect_err("refused");
    assert!(error.to_string().contains("input_preferences.parquet: found 1 row"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("input_preference_weight")));
}
