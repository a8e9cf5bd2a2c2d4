//! `iopo eval trace` and `iopo eval judge`: from files to the table.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Outcome, finish, iopo, run, succeed, text};
use iopo_schema::{ScoreRow, read};

fn item(id: usize) -> String {
    serde_json::json!({
        "id": id.to_string(),
        "messages": [{"role": "user", "content": format!("Write note {id}.\n1. Be brief;\n")}],
        "description": "Write a note.",
        "constraints_splits": ["1. Be brief;"],
        "constraints_num": 1,
        "input": "NULL",
        "levels2": ["数值约束"],
    })
    .to_string()
        + "\n"
}

/// Writes items, responses, and the answers of a judge.
fn files(folder: &Path, answers: &[&str]) -> [PathBuf; 3] {
    let paths = ["data.jsonl", "responses.jsonl", "judged.jsonl"].map(|name| folder.join(name));
    let lines = |line: &dyn Fn(usize) -> String| (0..answers.len()).map(line).collect::<String>();
    fs::write(&paths[0], lines(&item)).expect("written");
    let response = |id| serde_json::json!({"key": id, "response": "Hi."}).to_string() + "\n";
    fs::write(&paths[1], lines(&response)).expect("written");
    let answer = |id: usize| {
        let line = serde_json::json!({"key": id, "answer": answers[id], "judge": "gpt"});
        line.to_string() + "\n"
    };
    fs::write(&paths[2], lines(&answer)).expect("written");
    paths
}

/// Runs the binary with its own store of answers and expects it to succeed.
fn stored(cache: &Path, args: &[&str]) -> Outcome {
    let outcome = finish(iopo(args).env("IOPO_CACHE", cache));
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    outcome
}

const TEN: &str = "Fine Grained Score: [10]";
const NINE: &str = "Fine Grained Score: [9]";

#[test]
fn recorded_answers_give_a_table_and_missing_verdicts_fail_after_writing() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let [data, responses, judged] = files(dir.path(), &[TEN, NINE, TEN, TEN]);
    let out = dir.path().join("out");
    let args = [
        "eval",
        "trace",
        "--data",
        text(&data),
        "--responses",
        text(&responses),
        "--judged",
        text(&judged),
        "--out",
        text(&out),
    ];
    let said = succeed(&args).stdout;
    assert!(said.starts_with("TRACE, repaired, given responses, judged by gpt\n"), "{said}");
    let headline = said.lines().find(|line| line.starts_with("IF ")).expect("the headline");
    assert!(headline.split_whitespace().collect::<Vec<_>>().join(" ").starts_with("IF 4 4 75.0 ["));
    assert!(said.contains("code-checkable constraints: not measured"), "{said}");
    for part in ["seen dimensions", "no run is named (--run), so seen dimensions"] {
        assert!(said.contains(part), "{said}");
    }
    let scores: Vec<ScoreRow> = read(&out.join("scores.parquet")).expect("scores");
    assert_eq!(scores.iter().filter(|row| row.strict == Some(true)).count(), 3);
    assert!(scores.iter().all(|row| row.seen), "numbers are a seen dimension");

    files(dir.path(), &[TEN, "?", TEN, TEN]);
    let error = run(&args).error(1);
    assert!(error.contains("found no verdict for 1 of 4 questions"), "{error}");
    assert!(error.contains("--max-unjudged-share"), "{error}");
    let scores: Vec<ScoreRow> = read(&out.join("scores.parquet")).expect("scores");
    assert_eq!(scores[1].error.as_deref(), Some("no scores"));
    let allowed = [&args[..], &["--max-unjudged-share", "0.25"]].concat();
    assert!(succeed(&allowed).stdout.contains("1 of 4 without a verdict (no scores 1)"));
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    for args in [
        &["eval", "trace", "--data", "x"][..],
        &["eval", "trace", "--data", "x", "--judged", "y", "--judge-model", "tiny"],
        &["eval", "trace", "--data", "x", "--judge", "large"],
        &["eval", "cfbench", "--data", "x", "--judged", "y", "--mode", "script"],
        &["eval", "cfbench", "--data", "x", "--judged", "y", "--language", "en"],
        &["eval", "trace", "--data", "x", "--judged", "y", "--max-unjudged-share", "2"],
        &["eval", "judge"],
        &["eval", "trace", "--data", "x", "--judge-model", "tiny"],
        &["eval", "trace", "--data", "x", "--judged", "y", "--judge-temperature", "1"],
        &["eval", "trace", "--data", "x", "--judged", "y", "--config", "z"],
    ] {
        assert_eq!(run(args).code, Some(2), "{args:?}");
    }
}

#[test]
fn answers_and_directories_of_something_else_are_refused() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let [data, responses, judged] = files(dir.path(), &[TEN, TEN]);
    let out = dir.path().join("out");
    let args = ["eval", "trace", "--data", text(&data), "--judged", text(&judged)];
    let args = [&args[..], &["--out", text(&out)]].concat();
    fs::write(&judged, "{\"key\": 0, \"index\": 1, \"answer\": \"?\"}\n").expect("written");
    let error = run(&args).error(2);
    for part in ["found answers to 1 question", "key `0`, index 1", "--partial"] {
        assert!(error.contains(part), "{error}");
    }
    fs::write(&judged, "").expect("written");
    let error = run(&args).error(1);
    assert!(error.contains("the file of answers lacks some"), "{error}");

    // The directory now belongs to TRACE.
    let prompts = dir.path().join("prompts.jsonl");
    let prompt = r#"{"key": 0, "prompt": "Hi.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}"#;
    fs::write(&prompts, format!("{prompt}\n{}", prompt.replace('0', "1").replace("Hi", "Ho")))
        .expect("written");
    let ifeval = ["eval", "ifeval", "--data", text(&prompts), "--responses", text(&responses)];
    let error = run(&[&ifeval[..], &["--out", text(&out)]].concat()).error(2);
    assert!(error.contains("benchmark is \"trace\" there, \"ifeval\" here"), "{error}");
    assert!(!out.join("summary.parquet").exists());

    let error = run(&["eval", "trace", "--data", "org/items", "--judged", "x"]).error(2);
    assert!(error.contains("no data `org/items`: no such file or directory"), "{error}");
    let paper = [&args[..], &["--mode", "paper", "--language", "en"]].concat();
    assert!(run(&paper).error(2).contains("`language`: found `en`"));
}

#[test]
fn a_tiny_judge_is_asked_once_and_checked() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let [data, responses, _] = files(dir.path(), &[TEN, TEN]);
    let (out, cache) = (dir.path().join("out"), dir.path().join("cache"));
    let args = [
        "eval",
        "trace",
        "--data",
        text(&data),
        "--responses",
        text(&responses),
        "--judge-model",
        "tiny",
        "--judge-max-new-tokens",
        "4",
        "--max-unjudged-share",
        "1",
        "--out",
        text(&out),
    ];
    let first = stored(&cache, &args).stdout;
    assert!(first.contains("2 of 2 without a verdict"), "{first}");
    let files = ["scores.parquet", "metrics.json", "protocol.json", "judge_answers.jsonl"];
    let bytes = || files.map(|name| fs::read(out.join(name)).expect(name));
    let before = bytes();
    assert_eq!(stored(&cache, &args).stdout, first);
    assert!(bytes() == before, "another run wrote other bytes");

    let checked = dir.path().join("checked");
    let args = [
        "eval",
        "judge",
        "--judge-model",
        "tiny",
        "--judge-max-new-tokens",
        "4",
        "--items",
        "2",
        "--out",
        text(&checked),
    ];
    let said = stored(&cache, &args).stdout;
    assert!(said.contains("constraints without a verdict"), "{said}");
    assert!(checked.join("judge_check.json").is_file());
}

#[test]
fn an_unknown_judge_is_named_before_the_model_responds() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let [data, _, _] = files(dir.path(), &[TEN, TEN]);
    let out = dir.path().join("out");
    let args = ["eval", "trace", "--data", text(&data), "--model", "tiny", "--out", text(&out)];
    let args = [&args[..], &["--max-new-tokens", "4", "--judge-max-new-tokens", "4"]].concat();
    let outcome = finish(
        iopo(&[&args[..], &["--judge-model", "no-such-judge"]].concat())
            .env("IOPO_CACHE", dir.path()),
    );
    let error = outcome.error(2);
    assert!(error.contains("no model `no-such-judge`"), "{error}");
    assert!(!out.join("predictions.parquet").exists(), "no response was in vain");

    let itself = [&args[..], &["--judge-model", "tiny", "--max-unjudged-share", "1"]].concat();
    let said = stored(dir.path(), &itself);
    assert!(said.stderr.contains("judges its own responses"), "{}", said.stderr);
    assert!(said.stdout.contains("\nthe model judges its own responses"), "{}", said.stdout);
}

#[test]
fn a_check_of_another_judge_is_not_shown() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let [data, responses, _] = files(dir.path(), &[TEN, TEN]);
    let [out, checked] = ["out", "checked"].map(|name| dir.path().join(name));
    let check = ["eval", "judge", "--judge-model", "tiny", "--items", "2", "--out", text(&checked)];
    stored(dir.path(), &[&check[..], &["--judge-max-new-tokens", "4"]].concat());
    let file = checked.join("judge_check.json");
    let judged = |tokens: &str| {
        let args = ["eval", "trace", "--data", text(&data), "--responses", text(&responses)];
        let judge = ["--judge-model", "tiny", "--judge-max-new-tokens", tokens];
        let more = ["--max-unjudged-share", "1", "--judge-check", text(&file), "--out", text(&out)];
        stored(dir.path(), &[&args[..], &judge[..], &more[..]].concat())
    };
    let same = judged("4");
    assert!(!same.stdout.contains("not measured"), "{}", same.stdout);
    let line = same.stdout.lines().find(|line| line.starts_with("judge accuracy")).expect("a line");
    assert!(
        line.contains("without a verdict (") && line.ends_with("English TRACE prompt"),
        "{line}"
    );
    let other = judged("5");
    assert!(other.stdout.contains("not measured"), "{}", other.stdout);
    let note = "maximum number of tokens: 4 was checked, 5 judges";
    assert!(other.stderr.contains(note), "{}", other.stderr);
}
