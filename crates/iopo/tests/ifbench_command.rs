//! `iopo eval ifbench` and `iopo eval list`.

mod common;

use std::fs;
use std::path::Path;
#[cfg(unix)]
use std::sync::Arc;

use common::{finish, iopo, run, succeed, text};
use iopo_schema::{PredictionRow, ScoreRow, read};

const PROMPTS: &str = r#"{"key": "0", "prompt": "Tell me of tea.", "instruction_id_list": ["count:numbers", "words:start_verb"], "kwargs": [{"N": 2.0}, {}]}
{"key": "1", "prompt": "Open when?", "instruction_id_list": ["count:numbers"], "kwargs": [{"N": 2.0, "small_n": null}]}
"#;

#[test]
fn every_benchmark_is_listed_with_its_facts() {
    let said = succeed(&["eval", "list"]).stdout;
    for part in
        ["ifbench\n", "344 instructions", "ODC-BY-1.0", "5306, one per", "allenai/IFBench_test"]
    {
        assert!(said.contains(part), "{said}");
    }
    let help = succeed(&["eval", "--help"]).stdout;
    assert!(help.contains("list") && help.contains("ifbench"), "{help}");
}

#[test]
fn responses_are_scored_in_both_modes_with_and_without_the_table_of_the_tagger() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let [data, responses, out] =
        ["data.jsonl", "responses.jsonl", "out"].map(|name| dir.path().join(name));
    fs::write(&data, PROMPTS).expect("written");
    let line = |key: &str, response: &str| {
        format!("{{\"key\": \"{key}\", \"response\": \"{response}\"}}\n")
    };
    fs::write(&responses, line("0", "Brew 2 or 3.") + &line("1", "We open 9-17."))
        .expect("written");
    let args = ["eval", "ifbench", "--data", text(&data), "--responses", text(&responses)];
    let args = [&args[..], &["--out", text(&out), "--export", "lm-eval"]].concat();
    let scored = |cache: &Path, more: &[&str]| {
        let mut command = iopo(&[&args[..], more].concat());
        let outcome = finish(command.env("IOPO_CACHE", cache));
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        outcome
    };
    let cache = dir.path().join("cache");
    let without = scored(&cache, &[]);
    assert!(without.stderr.contains("cargo xtask tagger"), "{}", without.stderr);
    assert!(without.stdout.starts_with("IFBench, paper mode"), "{}", without.stdout);
    assert!(without.stdout.contains("no verdict"), "{}", without.stdout);
    let strict = || -> Vec<Option<bool>> {
        let rows: Vec<ScoreRow> = read(&out.join("scores.parquet")).expect("scores");
        rows.iter().map(|row| row.strict).collect()
    };
    assert_eq!(strict(), [Some(true), None, Some(false)]);
    let verbs = r#"{"key": "0", "prompt": "Go.", "instruction_id_list": ["words:start_verb"], "kwargs": [{}]}"#;
    let (prompts, given) = (dir.path().join("verbs.jsonl"), dir.path().join("given.jsonl"));
    fs::write(&prompts, verbs).expect("written");
    fs::write(&given, line("0", "Go.")).expect("written");
    let only = ["eval", "ifbench", "--data", text(&prompts), "--responses", text(&given)];
    let error = finish(iopo(&only).env("IOPO_CACHE", &cache)).error(2);
    assert!(
        error.contains("found 1 instruction") && error.contains("cargo xtask tagger"),
        "{error}"
    );
    assert!(error.contains("hint: write the tagger's table"), "{error}");
    assert!(out.join("lm-eval/given").is_dir());

    fs::create_dir_all(cache.join("ifbench")).expect("created");
    let table = "iopo-tagger 1\nNN\tVB\nthe\t0\n\nbias\t1:1\n";
    fs::write(cache.join("ifbench/tagger.tsv"), table).expect("written");
    let with = scored(&cache, &["--mode", "repaired"]);
    assert!(!with.stdout.contains("no verdict") && !with.stderr.contains("tagger"), "{with:?}");
    assert_eq!(strict(), [Some(true), Some(true), Some(true)]);
}

#[test]
fn a_model_answers_and_an_endpoint_needs_a_configuration() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let [data, out] = ["data.jsonl", "out"].map(|name| dir.path().join(name));
    fs::write(&data, PROMPTS).expect("written");
    let args = ["eval", "ifbench", "--data", text(&data), "--out", text(&out)];
    let error = run(&[&args[..], &["--endpoint", "a"]].concat()).error(2);
    assert!(error.contains("no endpoint `a`") && error.contains("hint: "), "{error}");
    assert!(!out.exists());
    let dry = succeed(&[&args[..], &["--model", "tiny", "--dry-run"]].concat());
    assert!(dry.stdout.is_empty() && dry.stderr.contains("no request to an endpoint"), "{dry:?}");
    assert!(!out.exists(), "a dry run evaluates nothing");
    succeed(&[&args[..], &["--model", "tiny", "--max-new-tokens", "4"]].concat());
    let rows: Vec<PredictionRow> = read(&out.join("predictions.parquet")).expect("predictions");
    assert_eq!(rows.len(), 2);
    let both = run(&[&args[..], &["--model", "tiny", "--endpoint", "a"]].concat());
    assert_eq!(both.code, Some(2));
}

/// The second of [`PROMPTS`] as a Parquet file.
#[cfg(unix)]
fn parquet() -> Vec<u8> {
    use arrow_array::{ArrayRef, Float64Array, ListArray, RecordBatch, StringArray, StructArray};

    let number = |values: Vec<Option<f64>>| -> ArrayRef { Arc::new(Float64Array::from(values)) };
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let list = |element: ArrayRef| -> ArrayRef {
        let field = arrow_schema::Field::new("element", element.data_type().clone(), true);
        let offsets = arrow_buffer::OffsetBuffer::from_lengths([element.len()]);
        Arc::new(ListArray::new(Arc::new(field), offsets, element, None))
    };
    let kwargs = [("N", number(vec![Some(2.0)])), ("small_n", number(vec![None]))];
    let kwargs = RecordBatch::try_from_iter(kwargs).expect("arguments");
    let batch = RecordBatch::try_from_iter([
        ("key", text("1")),
        ("prompt", text("Open when?")),
        ("instruction_id_list", list(text("count:numbers"))),
        ("kwargs", list(Arc::new(StructArray::from(kwargs)))),
    ]);
    let batch = batch.expect("a batch");
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.into_inner().expect("a file")
}

#[cfg(unix)]
#[test]
fn the_hub_id_names_a_parquet_file() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().expect("temporary directory");
    let [hub, said, responses, out] =
        ["hub", "said", "responses.jsonl", "out"].map(|name| dir.path().join(name));
    fs::create_dir_all(hub.join("data")).expect("created");
    fs::write(hub.join("README.md"), "").expect("written");
    fs::write(hub.join("data/train-00000-of-00001.parquet"), parquet()).expect("written");
    fs::write(&responses, "{\"key\": \"1\", \"response\": \"From 9 to 17.\"}\n").expect("written");
    let hf = dir.path().join("hf");
    let script = format!("#!/bin/sh\necho \"$*\" > {}\necho {}\n", text(&said), text(&hub));
    fs::write(&hf, script).expect("written");
    fs::set_permissions(&hf, fs::Permissions::from_mode(0o755)).expect("executable");
    let args = ["eval", "ifbench", "--data", "allenai/IFBench_test", "--out", text(&out)];
    let mut command = iopo(&[&args[..], &["--responses", text(&responses)]].concat());
    let outcome = finish(command.env("PATH", dir.path()).env("IOPO_CACHE", dir.path()));
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let rows: Vec<ScoreRow> = read(&out.join("scores.parquet")).expect("scores");
    assert_eq!(rows.iter().map(|row| row.strict).collect::<Vec<_>>(), [Some(true)]);
    let said = fs::read_to_string(&said).expect("asked");
    let wanted = "download allenai/IFBench_test --repo-type dataset --include *.[jp][sa][or]*\n";
    assert_eq!(said, wanted);
}
