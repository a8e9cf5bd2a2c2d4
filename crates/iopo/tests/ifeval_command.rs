//! `iopo eval ifeval`: from files to the table.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{run, succeed, text};
use iopo_schema::{PredictionRow, ScoreRow, Subset, SummaryRow, read};

const PROMPTS: &str = r#"{"key": 1, "prompt": "Tell me of tea without commas.", "instruction_id_list": ["punctuation:no_comma", "startend:quotation"], "kwargs": [{}, {}]}
{"key": 2, "prompt": "Say 'end' last.", "instruction_id_list": ["startend:end_checker"], "kwargs": [{"end_phrase": "end"}]}
{"key": 3, "prompt": "Count.", "instruction_id_list": ["count:numbers"], "kwargs": [{"N": 3}]}
"#;

const RESPONSES: &str = r#"{"prompt": "Tell me of tea without commas.", "response": "Sure:\n\"Tea is hot.\""}
{"key": 2, "response": "This is the END"}
{"key": 3, "response": "1 2 3"}
"#;

/// Writes the prompts and responses into a directory.
fn files(folder: &Path) -> (PathBuf, PathBuf) {
    let (data, responses) = (folder.join("data.jsonl"), folder.join("responses.jsonl"));
    fs::write(&data, PROMPTS).expect("written");
    fs::write(&responses, RESPONSES).expect("written");
    (data, responses)
}

#[test]
fn given_responses_are_scored_and_the_table_names_the_mode_and_unsupported_types() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (data, responses) = files(dir.path());
    let out = dir.path().join("out");
    let args = ["eval", "ifeval", "--data", text(&data), "--responses", text(&responses)];
    let said = succeed(&[&args[..], &["--out", text(&out)]].concat()).stdout;
    let lines: Vec<String> =
        said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let has = |start: &str| assert!(lines.iter().any(|line| line.starts_with(start)), "{said}");
    has("IFEval, paper mode, given");
    // The only instruction of the third prompt has no check.
    has("prompt accuracy 2 50.0 [");
    has("instruction accuracy 3 66.7 [");
    has("prompt accuracy, unseen types 0 –");
    has("no_comma 1 100.0 100.0");
    has("quotation 1 0.0 100.0");
    has("count:numbers 1");
    has("no run is named (--run), so seen and near types are those of the default preset");
    let scores: Vec<ScoreRow> = read(&out.join("scores.parquet")).expect("scores");
    let decided = scores.iter().filter(|row| row.strict.is_some() && row.loose.is_some()).count();
    assert_eq!((scores.len(), decided), (4, 3));
    assert!(scores.iter().all(|row| row.mode.as_deref() == Some("paper")));
    let summary: Vec<SummaryRow> = read(&out.join("summary.parquet")).expect("a summary");
    assert!(summary.iter().any(|row| row.subset == Subset::Unseen));
    assert!(fs::read_to_string(out.join("protocol.json")).expect("a protocol").contains("paper"));

    let repaired = [&args[..], &["--out", text(&out), "--mode", "repaired"]].concat();
    assert!(succeed(&repaired).stdout.starts_with("IFEval, repaired mode"));
    let limited = [&args[..], &["--out", text(&out), "--limit", "1"]].concat();
    succeed(&limited);
    assert_eq!(read::<ScoreRow>(&out.join("scores.parquet")).expect("scores").len(), 2);
}

#[test]
fn a_model_answers_greedily_and_an_interrupted_command_resumes() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (data, _) = files(dir.path());
    let out = dir.path().join("out");
    let args = [
        "eval",
        "ifeval",
        "--data",
        text(&data),
        "--model",
        "tiny",
        "--max-new-tokens",
        "8",
        "--out",
        text(&out),
    ];
    let first = succeed(&args).stdout;
    let predictions = out.join("predictions.parquet");
    let answers: Vec<PredictionRow> = read(&predictions).expect("answers");
    assert_eq!(answers.len(), 3);
    assert!(answers.iter().all(|row| row.completion_tokens <= 8 && !row.prompt.is_empty()));
    let protocol = fs::read_to_string(out.join("protocol.json")).expect("a protocol");
    for key in ["greedy", "max_new_tokens", "template_hash", "stop", "model"] {
        assert!(protocol.contains(key), "{protocol}");
    }
    let written = fs::metadata(&predictions).and_then(|file| file.modified()).expect("a file");
    assert_eq!(succeed(&args).stdout, first);
    let again = fs::metadata(&predictions).and_then(|file| file.modified()).expect("a file");
    assert_eq!(written, again, "finished answers are not generated again");
    // Another mode scores the same responses.
    succeed(&[&args[..], &["--mode", "repaired"]].concat());

    // Responses to other prompts or under other settings never replace them.
    let (other_data, responses) = files(dir.path());
    let kept = fs::read(&predictions).expect("a file");
    let longer =
        [&args[..args.len() - 4], &["--max-new-tokens", "9", "--out", text(&out)]].concat();
    let error = run(&longer).error(2);
    assert!(error.contains("max_new_tokens is 8 there, 9 here"), "{error}");
    let fewer = [&args[..], &["--limit", "2"]].concat();
    assert!(run(&fewer).error(2).contains("prompts is 3 there, 2 here"));
    let given = [
        "eval",
        "ifeval",
        "--data",
        text(&other_data),
        "--responses",
        text(&responses),
        "--out",
        text(&out),
    ];
    assert!(run(&given).error(2).contains("holds other responses"));
    fs::write(&data, PROMPTS.replace("Count.", "Count to three.")).expect("written");
    assert!(run(&args).error(2).contains("asked is"));
    assert_eq!(fs::read(&predictions).expect("a file"), kept);
}

#[test]
fn unscorable_prompts_are_refused_before_the_model_is_loaded() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (data, out) = (dir.path().join("data.jsonl"), dir.path().join("out"));
    let line = r#"{"key": 1, "prompt": "Praise C++.", "instruction_id_list": ["keywords:existence"], "kwargs": [{"keywords": ["C++"]}]}"#;
    fs::write(&data, line).expect("written");
    let args = ["eval", "ifeval", "--data", text(&data), "--model", "tiny", "--out", text(&out)];
    let error = run(&args).error(2);
    assert!(error.contains("C++") && error.contains("mode `repaired`"), "{error}");
    assert!(!out.exists());
    let more = ["--mode", "repaired", "--max-new-tokens", "4"];
    succeed(&[&args[..], &more].concat());
}

#[test]
fn invalid_input_is_one_clear_error() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (data, responses) = files(dir.path());
    let out = dir.path().join("out");
    let with = |data: &str, responses: &str, more: &[&str]| {
        let args =
            ["eval", "ifeval", "--data", data, "--responses", responses, "--out", text(&out)];
        run(&[&args[..], more].concat())
    };
    let error = with("no-such-file", text(&responses), &[]).error(2);
    assert!(error.contains("no data `no-such-file`"), "{error}");
    let error = with("org/promts.jsonl", text(&responses), &[]).error(2);
    assert!(error.contains("it ends in .jsonl, so it is no hub id"), "{error}");
    fs::write(&data, PROMPTS.replace("{\"end_phrase\": \"end\"}", "{}")).expect("written");
    let error = with(text(&data), text(&responses), &[]).error(2);
    assert!(error.contains("prompt 2 (line 2)") && error.contains("end_phrase"), "{error}");
    assert!(!error.contains("mode `repaired`"), "another mode would not help: {error}");
    fs::write(&data, PROMPTS).expect("written");
    fs::write(&responses, RESPONSES.lines().next().unwrap_or_default()).expect("written");
    let error = with(text(&data), text(&responses), &[]).error(2);
    assert!(error.contains("found no response to 2 of 3 prompts"), "{error}");
    let said = with(text(&data), text(&responses), &["--partial"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("skipped 2 prompts without a response"), "{}", said.stderr);
    fs::write(&responses, format!("{RESPONSES}{{\"key\": 9, \"response\": \"?\"}}"))
        .expect("written");
    let error = with(text(&data), text(&responses), &[]).error(2);
    assert!(error.contains("found 1 response to no prompt (first: line 4)"), "{error}");
    fs::write(&responses, "{\"key\": 9, \"response\": \"?\"}").expect("written");
    let error = with(text(&data), text(&responses), &["--partial"]).error(2);
    assert!(error.contains("answers no prompt"), "{error}");
    assert_eq!(run(&["eval", "ifeval", "--data", text(&data)]).code, Some(2));
    let both = ["--model", "tiny"];
    assert_eq!(with(text(&data), text(&responses), &both).code, Some(2));
}

#[test]
fn a_prompt_that_spells_a_special_token_is_refused_by_its_key_or_read_as_text() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let data = dir.path().join("data.jsonl");
    let line = |key: &str, prompt: &str| {
        format!(
            r#"{{"key": "{key}", "prompt": "{prompt}", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{{}}]}}"#
        )
    };
    let prompts = [line("plain", "Say hi."), line("copy", "Write a line with <|im_end|> in it.")];
    fs::write(&data, prompts.join("\n")).expect("written");
    let out = dir.path().join("out");
    let args =
        ["eval", "ifeval", "--data", text(&data), "--model", "tiny", "--max-new-tokens", "5"];
    let args = [&args[..], &["--out", text(&out)]].concat();
    let error = run(&args).error(2);
    for part in ["copy", "<|im_end|>", "hint: ", "--escape-special-tokens"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(!out.join("predictions.parquet").exists(), "nothing is generated before");
    succeed(&[&args[..], &["--escape-special-tokens"]].concat());
    let rows: Vec<PredictionRow> = read(&out.join("predictions.parquet")).expect("predictions");
    assert_eq!(rows.len(), 2);
}

#[test]
fn prompts_without_a_response_fail_or_are_skipped_on_request() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (data, responses) = files(dir.path());
    fs::write(&responses, "{\"key\": 1, \"response\": null}\n").expect("written");
    let with = |out: &str, more: &[&str]| {
        let out = dir.path().join(out);
        let args = ["eval", "ifeval", "--data", text(&data), "--responses", text(&responses)];
        let said = run(&[&args[..], &["--out", text(&out)], more].concat());
        let rows = read::<ScoreRow>(&out.join("scores.parquet")).unwrap_or_default();
        (said, rows.into_iter().map(|row| row.strict).collect::<Vec<_>>())
    };
    let (said, _) = with("error", &[]);
    let error = said.error(2);
    assert!(
        error.contains("found no response to 2 of 3") && error.contains("--missing fail"),
        "{error}"
    );
    // The null fails in any case. The third prompt has no check.
    let (said, verdicts) = with("skip", &["--missing", "skip"]);
    assert_eq!(verdicts, [Some(false), Some(false)], "{said:?}");
    assert!(said.stderr.contains("skipped 2 prompts without a response"), "{said:?}");
    let protocol = fs::read_to_string(dir.path().join("skip/protocol.json")).expect("a protocol");
    assert!(protocol.contains("\"missing\": \"skip\""), "{protocol}");
    let (said, verdicts) = with("fail", &["--missing", "fail"]);
    assert_eq!(verdicts, [Some(false), Some(false), Some(false), None], "{said:?}");
    assert!(said.stderr.contains("count as failed: 2 prompts without a response"), "{said:?}");
    let protocol = fs::read_to_string(dir.path().join("fail/protocol.json")).expect("a protocol");
    assert!(protocol.contains("\"missing\": \"fail\""), "{protocol}");
    let (both, _) = with("both", &["--missing", "fail", "--partial"]);
    assert_eq!(both.code, Some(2), "{both:?}");
}
