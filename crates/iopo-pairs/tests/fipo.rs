//! Import of FIPO's published rows, and export of its training rows.

use std::fs;
use std::path::{Path, PathBuf};

use iopo_pairs::ExchangeError;
use iopo_pairs::exchange::{FipoSummary, SkipReason, export_fipo, import_fipo, read_fipo};
use iopo_schema::{InputPreferenceRow, Method, Split, read};
use serde_json::{Value, json};

fn published(prompt: &str) -> Value {
    json!({
        "id": 7,
        "raw_prompt": prompt,
        "text003_response_based_raw": "a weak response",
        "gpt4_response_based_raw": format!("a ``` response to {prompt}"),
        "chatgpt_optimized_prompt": format!("{prompt} Please."),
        "gpt4_optimized_prompt": format!("{prompt} Use two lines."),
    })
}

fn file(dir: &Path, name: &str, rows: &[Value]) -> PathBuf {
    let path = dir.join(name);
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    fs::write(&path, lines.join("\n")).expect("written");
    path
}

fn take(rows: &[Value]) -> Result<(FipoSummary, Vec<InputPreferenceRow>), ExchangeError> {
    let dir = tempfile::tempdir().expect("folder");
    let (path, out) = (file(dir.path(), "rows.jsonl", rows), dir.path().join("out.parquet"));
    let summary = import_fipo(&[(Split::Dev, &path)], &out);
    assert_eq!(out.exists(), summary.is_ok());
    Ok((summary?, read(&out).expect("ours")))
}

#[test]
fn published_rows_become_input_preferences_of_a_judge() {
    let (summary, rows) = take(&[published("Sing."), published("Dance.")]).expect("taken");
    assert_eq!((summary.rows, summary.splits[&Split::Dev]), (2, 2));
    let row = &rows[0];
    assert_eq!((row.task.as_str(), row.y.as_str()), ("Sing.", "a ``` response to Sing."));
    assert_eq!(
        (row.x_better.as_str(), row.x_worse.as_str()),
        ("Sing. Use two lines.", "Sing. Please.")
    );
    for verdict in [&row.verdict_better_first, &row.verdict_worse_first] {
        assert_eq!(verdict.method, Method::Judge);
        assert_eq!(verdict.evidence, "said by line 1 of the imported dev file, not checked");
    }
    assert_ne!(rows[0].seed_id, rows[1].seed_id);
}

#[test]
fn rows_that_prefer_nothing_are_skipped_by_reason() {
    let with = |name: &str, value: Value| {
        let mut row = published("Hum.");
        row[name] = value;
        row
    };
    let rows = [
        published("Sing."),
        published("Sing."),
        with("gpt4_optimized_prompt", json!("Hum. Please. ")),
        with("raw_prompt", json!("  ")),
        with("gpt4_response_based_raw", Value::Null),
    ];
    let (summary, taken) = take(&rows).expect("taken");
    assert_eq!((summary.rows, taken.len()), (5, 1));
    let expected = [
        (SkipReason::NoText, 1),
        (SkipReason::EmptyText, 1),
        (SkipReason::SameInstructions, 1),
        (SkipReason::Repeated, 1),
    ];
    assert_eq!(summary.skipped, expected.into());

    let error = take(&rows[2..]).expect_err("nothing").to_string();
    assert!(error.contains("found no preference between two instructions in 3 rows"), "{error}");
    let error = take(&[published("Sing."), with("raw_prompt", json!(7))]).expect_err("a number");
    assert!(error.to_string().contains("line 2: found a number in `raw_prompt`"), "{error}");
    let mut without = published("Hum.");
    without.as_object_mut().expect("an object").remove("chatgpt_optimized_prompt");
    let error = take(&[published("Sing."), without]).expect_err("a missing field").to_string();
    assert!(error.contains("expected a field `chatgpt_optimized_prompt`"), "{error}");
}

#[test]
fn a_prompt_is_in_one_split() {
    let dir = tempfile::tempdir().expect("folder");
    let train = file(dir.path(), "train.jsonl", &[published("Sing."), published("Hum.")]);
    let mut other = published("Hum.");
    other["gpt4_optimized_prompt"] = json!("Hum. Use three lines.");
    let test = file(dir.path(), "test.jsonl", &[published("Dance."), other]);
    let out = dir.path().join("out.parquet");
    let files = [(Split::Train, train.as_path()), (Split::Test, test.as_path())];
    let summary = import_fipo(&files, &out).expect("taken");
    assert_eq!(summary.splits, [(Split::Train, 2), (Split::Test, 1)].into());
    assert_eq!(summary.skipped, [(SkipReason::OtherSplit, 1)].into());
    let bytes = fs::read(&out).expect("file");
    assert_eq!(import_fipo(&files, &out).expect("again"), summary);
    assert_eq!(fs::read(&out).expect("file"), bytes);
}

#[test]
fn exported_rows_ask_for_the_rewrite_and_fence_their_parts() {
    let dir = tempfile::tempdir().expect("folder");
    let path = file(dir.path(), "rows.jsonl", &[published("Sing."), published("Dance.")]);
    let (preferences, out) = (dir.path().join("in.parquet"), dir.path().join("deep/out.jsonl"));
    import_fipo(&[(Split::Train, &path)], &preferences).expect("taken");
    let summary = export_fipo(&preferences, &out, Some(Split::Train)).expect("exported");
    assert_eq!((summary.rows, summary.splits[&Split::Train]), (2, 2));
    let text = fs::read_to_string(&out).expect("file");
    let rows: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (&rows[0]["chosen"], &rows[0]["rejected"]),
        (&json!("Sing. Use two lines."), &json!("Sing. Please."))
    );
    let prompt = rows[0]["prompt"].as_str().expect("text");
    assert!(prompt.contains("Instruction:\n````\nSing.\n````\n"), "{prompt}");
    assert!(prompt.contains("````\na ``` response to Sing.\n````"), "{prompt}");
    assert!(!prompt.contains("two lines"), "the rewrite is the answer, not part of the prompt");

    let error = export_fipo(&preferences, &out, Some(Split::Dev)).expect_err("no dev rows");
    assert!(matches!(error, ExchangeError::EmptySplit { split: Split::Dev, .. }), "{error}");
    assert_eq!(fs::read_to_string(&out).expect("file"), text, "the earlier file is kept");
}

#[test]
fn prompts_and_responses_are_read_without_the_rewrites() {
    let dir = tempfile::tempdir().expect("folder");
    let mut bare = published("Dance.");
    let fields = bare.as_object_mut().expect("an object");
    for name in ["gpt4_optimized_prompt", "chatgpt_optimized_prompt"] {
        fields.remove(name);
    }
    fields.insert("text003_response_based_raw".to_owned(), Value::Null);
    let mut blank = published("Hum.");
    blank["gpt4_response_based_raw"] = json!("  ");
    let mut weak = published("Walk.");
    weak["text003_response_based_raw"] = json!("");
    let path = file(dir.path(), "rows.jsonl", &[published("Sing."), bare, blank, weak]);
    let found = read_fipo(&path).expect("read");
    let naive: Vec<(&str, Option<&str>)> =
        found.prompts.iter().map(|one| (one.task.as_str(), one.naive.as_deref())).collect();
    assert_eq!(naive, [("Sing.", Some("a weak response")), ("Dance.", None), ("Walk.", None)]);
    assert_eq!(found.prompts[0].response, "a ``` response to Sing.");
    assert_eq!(found.skipped, [(SkipReason::EmptyText, 1)].into());
    let (_, imported) = take(&[published("Sing.")]).expect("taken");
    assert_eq!(found.prompts[0].task_id, imported[0].seed_id, "the same task in both ways");
}

#[test]
fn hostile_files_of_prompts_are_refused_with_the_place() {
    let dir = tempfile::tempdir().expect("folder");
    let good = published("Sing.").to_string();
    let long = format!("{{\"raw_prompt\": \"{}\"}}", "x".repeat(17 << 20));
    for (name, text, want) in [
        ("number", r#"{"raw_prompt": 3, "gpt4_response_based_raw": "x"}"#, "found"),
        ("missing", r#"{"raw_prompt": "x"}"#, "gpt4_response_based_raw"),
        (
            "weak",
            r#"{"raw_prompt": "x", "gpt4_response_based_raw": "y", "text003_response_based_raw": [1]}"#,
            "text003",
        ),
        ("cut", r#"{"raw_prompt": "x", "gpt4_resp"#, "line 2"),
        ("deep", &"[".repeat(200_000), "line 2"),
        ("long", &long, "line 2"),
    ] {
        let path = dir.path().join(format!("{name}.jsonl"));
        fs::write(&path, format!("{good}\n{text}\n")).expect("written");
        let error = read_fipo(&path).expect_err(name).to_string();
        assert!(error.contains(want), "{name}: {error}");
    }
    let empty = file(dir.path(), "empty.jsonl", &[]);
    assert!(matches!(read_fipo(&empty), Err(ExchangeError::NoInputPreference { seen: 0, .. })));
    assert!(matches!(read_fipo(Path::new("rows.txt")), Err(ExchangeError::Ending { .. })));
}
