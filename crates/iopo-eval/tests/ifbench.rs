//! IFBench over files, as `iopo eval ifbench` runs it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float64Array, ListArray, NullArray, RecordBatch, StringArray, StructArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{Field, Fields};
use iopo_constraints::Kind;
use iopo_eval::ifbench::{Ifbench, Mode};
use iopo_eval::{
    Benchmark, BenchmarkConfig, BenchmarkReport, BenchmarkRun, ScoredModel, Setup, TaggerTable,
    compare,
};
use iopo_llm::Silent;
use iopo_schema::{ScoreRow, Subset, SummaryMetric, SummaryRow};
use parquet::arrow::ArrowWriter;
use serde_json::Value;

const PROMPTS: &str = r#"
{"key": "0", "prompt": "a", "instruction_id_list": ["count:word_count_range", "words:start_verb"], "kwargs": [{"min_words": 2.0, "max_words": 3.0, "N": null}, {}]}
{"key": "1", "prompt": "b", "instruction_id_list": ["count:numbers"], "kwargs": [{"N": 2.0}]}
{"key": "2", "prompt": "c", "instruction_id_list": ["words:palindrome", "punctuation:no_comma"], "kwargs": [{}, {}]}
"#;

const RESPONSES: &str = r#"
{"prompt": "a", "response": "Go home now"}
{"prompt": "b", "response": "We open 9-17."}
{"key": "2", "response": "level"}
"#;

/// Scores responses through files.
fn report(folder: &Path, ifbench: &Ifbench, data: &Path, responses: &Path) -> BenchmarkReport {
    let mut config = BenchmarkConfig::new(data, folder.join("out"));
    config.responses = Some(responses.to_owned());
    config.export_lm_eval = true;
    // The intervals of thousands of rows take long, and no test looks at them.
    config.bootstrap.samples = 20;
    let run = BenchmarkRun::prepare(ifbench, &config, &Silent).expect("prepared");
    run.score_responses().expect("scored")
}

fn small(folder: &Path, ifbench: &Ifbench) -> BenchmarkReport {
    let [data, responses] = ["data.jsonl", "responses.jsonl"].map(|name| folder.join(name));
    fs::write(&data, PROMPTS).expect("written");
    fs::write(&responses, RESPONSES).expect("written");
    report(folder, ifbench, &data, &responses)
}

/// A table in which every first word is a verb.
fn table(folder: &Path) -> TaggerTable {
    let path = folder.join("tagger.tsv");
    fs::write(&path, "iopo-tagger 1\nNN\tVB\nthe\t0\n\nbias\t1:1\n").expect("written");
    TaggerTable::read(&path).expect("a table").expect("a file")
}

#[test]
fn a_type_without_its_table_has_no_verdict_and_the_table_says_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let ifbench = Ifbench::new(Mode::Paper);
    let without = small(dir.path(), &ifbench);
    let unsupported = BTreeMap::from([
        ("punctuation:no_comma".to_owned(), 1),
        ("words:start_verb".to_owned(), 1),
    ]);
    assert_eq!(without.unsupported, unsupported);
    let text = ifbench.table(&without);
    let lines: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let has = |start: &str| assert!(lines.iter().any(|line| line.starts_with(start)), "{text}");
    has("IFBench, paper mode (rules of commit db69a6f), given");
    // Only the second prompt has a verdict on every instruction.
    has("prompt accuracy 1 0.0");
    has("instruction accuracy 3 33.3");
    has("instruction accuracy, types seen in synthesis 1 100.0");
    has("instruction accuracy, types near to seen ones 1 0.0");
    has("instruction accuracy, unseen types 1 0.0");
    has("count 2 50.0");
    has("word_count_range 1 100.0");
    has("numbers (near) 1 0.0");
    has("palindrome (unseen) 1 0.0");
    has("words:start_verb 1 instruction `words:start_verb` needs the table");
    has("punctuation:no_comma 1 IFBench has no type");
    let stored: Vec<ScoreRow> =
        iopo_schema::read(&dir.path().join("out/scores.parquet")).expect("scores");
    assert_eq!(stored, without.scores);

    // With the table, the type has a verdict, and the first prompt counts.
    let mut setup = Setup::new(BTreeSet::new());
    setup.tagger = Some(table(dir.path()));
    let with = small(dir.path(), &Ifbench::with_setup(Mode::Paper, &setup));
    assert_eq!(with.unsupported.len(), 1);
    assert_eq!(with.scores[1].strict, Some(true));
    let prompts = |report: &BenchmarkReport| {
        let all = report.accuracies.iter().find(|row| row.subset == Subset::All);
        all.map(|row| (row.metric, row.n))
    };
    assert_eq!(prompts(&without), Some((SummaryMetric::PromptAccuracyStrict, 1)));
    assert_eq!(prompts(&with), Some((SummaryMetric::PromptAccuracyStrict, 2)));
    let protocol = fs::read_to_string(dir.path().join("out/protocol.json")).expect("a protocol");
    assert!(protocol.contains("db69a6f") && protocol.contains(&table(dir.path()).hash));
}

#[test]
fn modes_differ_and_a_held_out_kind_is_no_longer_seen() {
    let dir = tempfile::tempdir().expect("a directory");
    let paper = small(dir.path(), &Ifbench::new(Mode::Paper));
    let setup = Setup::new(BTreeSet::from([Kind::WordRange]));
    let repaired = small(dir.path(), &Ifbench::with_setup(Mode::Repaired, &setup));
    assert_eq!((paper.scores[2].strict, repaired.scores[2].strict), (Some(false), Some(true)));
    let familiarity = |report: &BenchmarkReport| (report.scores[0].seen, report.scores[0].near);
    assert_eq!(familiarity(&paper), (true, Some(false)));
    assert_eq!(familiarity(&repaired), (false, Some(true)));
}

#[test]
fn reasoning_before_a_response_is_scored_unless_it_is_stripped() {
    let dir = tempfile::tempdir().expect("a directory");
    let [data, responses] = ["data.jsonl", "responses.jsonl"].map(|name| dir.path().join(name));
    fs::write(&data, PROMPTS).expect("written");
    let thinking = RESPONSES.replace("Go home now", "<think>Two or three words.</think>Go home");
    fs::write(&responses, thinking).expect("written");
    let ifbench = Ifbench::new(Mode::Paper);
    let found = [false, true].map(|strip| {
        let mut config = BenchmarkConfig::new(&data, dir.path().join("out"));
        (config.responses, config.strip_reasoning) = (Some(responses.clone()), strip);
        config.export_lm_eval = true;
        let run = BenchmarkRun::prepare(&ifbench, &config, &Silent).expect("prepared");
        let report = run.score_responses().expect("scored");
        let protocol = fs::read_to_string(config.out.join("protocol.json")).expect("a protocol");
        let samples = "lm-eval/given/samples_ifbench_1970-01-01T00-00-00.000000.jsonl";
        let samples = fs::read_to_string(config.out.join(samples)).expect("samples");
        let first = samples.lines().next().expect("a sample");
        let first: Value = serde_json::from_str(first).expect("JSON");
        let texts = [&first["resps"][0][0], &first["filtered_resps"][0]];
        let reasons = texts.map(|text| text.as_str().expect("text").contains("<think>"));
        (report.scores[0].strict, protocol.contains("\"strip_reasoning\": true"), reasons)
    });
    // As in lm-eval, the raw response keeps the reasoning.
    assert_eq!(found, [(Some(false), false, [true; 2]), (Some(true), true, [true, false])]);
}

#[test]
fn models_are_compared_although_a_type_has_no_verdict() {
    let dir = tempfile::tempdir().expect("a directory");
    let ifbench = Ifbench::new(Mode::Paper);
    let mut models = Vec::new();
    for model in ["base", "sft"] {
        let folder = dir.path().join(model);
        fs::create_dir_all(&folder).expect("created");
        small(&folder, &ifbench);
        models.push(ScoredModel { model: model.to_owned(), dir: folder.join("out") });
    }
    let out = dir.path().join("summary.parquet");
    let rows = compare(&models, &out, iopo_eval::Bootstrap::default()).expect("compared");
    let differs = |row: &SummaryRow| row.baseline.is_some() && row.value.abs() > 0.0;
    assert!(!rows.is_empty() && !rows.iter().any(differs));
    assert!(rows.iter().any(|row| row.subset == Subset::Near));
}

#[test]
fn the_export_has_the_fields_of_lm_eval_and_its_samples_are_read_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let ifbench = Ifbench::new(Mode::Paper);
    let first = small(dir.path(), &ifbench);
    let export = dir.path().join("out/lm-eval/given");
    let samples = export.join("samples_ifbench_1970-01-01T00-00-00.000000.jsonl");
    let text = fs::read_to_string(&samples).expect("samples");
    let rows: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows.len(), 3);
    for field in [
        "doc_id",
        "doc",
        "target",
        "arguments",
        "resps",
        "filtered_resps",
        "filter",
        "metrics",
        "doc_hash",
        "prompt_hash",
        "target_hash",
    ] {
        assert!(rows.iter().all(|row| row.get(field).is_some()), "{field}");
    }
    assert_eq!(rows[0]["arguments"]["gen_args_0"]["arg_0"], "a");
    // How given responses were generated is not known.
    assert!(rows[0]["arguments"]["gen_args_0"].as_object().expect("an object")["arg_1"].is_null());
    assert_eq!(rows[1]["resps"][0][0], "We open 9-17.");
    assert_eq!(rows[1]["prompt_level_strict_acc"], false);
    assert_eq!(rows[1]["inst_level_loose_acc"], serde_json::json!([false]));
    // The first prompt has an instruction without a verdict.
    assert_eq!(rows[0]["prompt_level_strict_acc"], Value::Null);
    assert_eq!(rows[0]["inst_level_strict_acc"], serde_json::json!([true]));
    assert_eq!(
        rows[0]["doc"]["kwargs"][0],
        serde_json::json!({"min_words": 2.0, "max_words": 3.0})
    );

    let results = export.join("results_1970-01-01T00-00-00.000000.json");
    let results: Value =
        serde_json::from_str(&fs::read_to_string(results).expect("results")).expect("JSON");
    let of_task = &results["results"]["ifbench"];
    assert_eq!(of_task["prompt_level_strict_acc,none"], 0.0);
    let share = of_task["inst_level_strict_acc,none"].as_f64().expect("a number");
    assert!((share - 1.0 / 3.0).abs() < 1e-12);
    for field in ["versions", "n-shot", "higher_is_better", "n-samples", "configs", "task_hashes"] {
        assert!(results[field].get("ifbench").is_some(), "{field}");
    }

    let again = report(dir.path(), &ifbench, &dir.path().join("data.jsonl"), &samples);
    assert_eq!(again.scores, first.scores, "its own reader takes the samples");
}

/// Says that a test is skipped.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn skip(path: &Path) {
    eprintln!("skipped: {} is absent", path.display());
}

/// The table that `cargo xtask tagger` writes, if it exists.
fn own_table() -> Option<TaggerTable> {
    let cache = PathBuf::from(std::env::var_os("IOPO_CACHE")?);
    TaggerTable::read(&cache.join("ifbench/tagger.tsv")).expect("a table")
}

/// Every label of the published implementation, with the labeled files as prompts and as responses. Needs files outside the
/// repository.
#[test]
fn verdicts_over_files_are_those_of_the_published_implementation() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/ifbench");
    if !data.is_dir() {
        return skip(&data);
    }
    let mut setup = Setup::new(BTreeSet::new());
    setup.tagger = own_table();
    let with_table = setup.tagger.is_some();
    let ifbench = Ifbench::with_setup(Mode::Paper, &setup);
    for (name, labels) in [
        ("synthetic_edge.jsonl", 5102),
        ("labelled/sample_output.jsonl", 334),
        ("labelled/ifeval_responses.jsonl", 1756),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let path = data.join(name);
        let report = report(dir.path(), &ifbench, &path, &path);
        assert_eq!(report.scores.len(), labels, "{name}");
        let mut found = report.scores.iter();
        let text = fs::read_to_string(&path).expect("readable");
        let mut undecided = 0;
        for line in text.lines() {
            let row: Value = serde_json::from_str(line).expect("JSON");
            let label = |field: &str, at: usize| row[field][at].as_bool();
            for (at, id) in
                row["instruction_id_list"].as_array().expect("a list").iter().enumerate()
            {
                let score = found.next().expect("one score per label");
                assert_eq!(
                    (row["key"].as_str(), id.as_str()),
                    (Some(score.key.as_str()), Some(score.instruction_id.as_str()))
                );
                if score.strict.is_none() {
                    assert!(!with_table && id == "words:start_verb", "{line}");
                    undecided += 1;
                    continue;
                }
                let expected = (
                    label("follow_instruction_list_strict", at),
                    label("follow_instruction_list_loose", at),
                );
                assert_eq!((score.strict, score.loose), expected, "{line}");
            }
        }
        assert_eq!(
            undecided > 0,
            !with_table && report.unsupported.contains_key("words:start_verb")
        );
    }
}

/// The prompts of [`PROMPTS`] as the hub stores them: a list of structs that have every argument, with null for absent ones.
fn parquet() -> Vec<u8> {
    let list = |element: ArrayRef, lengths: [usize; 3]| -> ArrayRef {
        let field = Arc::new(Field::new("element", element.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths(lengths);
        Arc::new(ListArray::new(field, offsets, element, None))
    };
    let ids = [
        "count:word_count_range",
        "words:start_verb",
        "count:numbers",
        "words:palindrome",
        "punctuation:no_comma",
    ];
    let number =
        |values: [Option<f64>; 5]| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) };
    let fields: [(&str, ArrayRef); 4] = [
        ("min_words", number([Some(2.0), None, None, None, None])),
        ("max_words", number([Some(3.0), None, None, None, None])),
        ("N", number([None, None, Some(2.0), None, None])),
        ("keyword", Arc::new(NullArray::new(5))),
    ];
    let types: Fields = fields
        .iter()
        .map(|(name, values)| Field::new(*name, values.data_type().clone(), true))
        .collect();
    let kwargs =
        StructArray::new(types, fields.into_iter().map(|(_, values)| values).collect(), None);
    let text = |values: [&str; 3]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
    let batch = RecordBatch::try_from_iter([
        ("key", text(["0", "1", "2"])),
        ("prompt", text(["a", "b", "c"])),
        ("instruction_id_list", list(Arc::new(StringArray::from(ids.to_vec())), [2, 1, 2])),
        ("kwargs", list(Arc::new(kwargs), [2, 1, 2])),
    ]);
    let batch = batch.expect("a batch");
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.into_inner().expect("a file")
}

#[test]
fn prompts_of_a_parquet_file_have_the_scores_of_json_lines() {
    let dir = tempfile::tempdir().expect("a directory");
    let ifbench = Ifbench::new(Mode::Paper);
    let expected = small(dir.path(), &ifbench);
    let [data, responses] =
        ["train-00000-of-00001.parquet", "responses.jsonl"].map(|name| dir.path().join(name));
    fs::write(&data, parquet()).expect("written");
    fs::remove_dir_all(dir.path().join("out")).expect("removed");
    let found = report(dir.path(), &ifbench, &data, &responses);
    assert_eq!(found.scores, expected.scores);
    assert_eq!(found.prompts, 3);

    // A damaged file is an error, and no text.
    fs::write(&data, &parquet()[..200]).expect("written");
    let config = BenchmarkConfig::new(&data, dir.path().join("other"));
    let error = BenchmarkRun::prepare(&ifbench, &config, &Silent).err().expect("damaged");
    assert!(error.to_string().contains("Parquet"), "{error}");
}
