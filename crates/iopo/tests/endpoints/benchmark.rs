//! `iopo eval BENCHMARK --endpoint NAME`.

use std::fs;
use std::path::Path;

use iopo_schema::{PredictionRow, ScoreRow, read};

use super::common::{Outcome, finish, iopo, text};
use super::server::Server;
use super::{FREE, PRICES, config};

pub(crate) const PROMPTS: &str = r#"{"key": "0", "prompt": "Tell me of tea.", "instruction_id_list": ["count:numbers"], "kwargs": [{"N": 0.0}]}
{"key": "1", "prompt": "Open when?", "instruction_id_list": ["count:numbers"], "kwargs": [{"N": 2.0}]}
"#;

#[test]
fn an_endpoint_answers_a_benchmark_once_and_after_a_confirmation() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let server = Server::start(200);
    let file = config(dir.path(), &[("a", &server.url, PRICES)]);
    let [data, out, cache] = ["data.jsonl", "out", "cache"].map(|name| dir.path().join(name));
    fs::write(&data, PROMPTS).expect("written");
    let score = |out: &Path, more: &[&str]| -> Outcome {
        let args = ["eval", "ifbench", "--data", text(&data), "--out", text(out)];
        let args = [&args[..], &["--endpoint", "a", "--config", text(&file)], more].concat();
        finish(iopo(&args).env("IOPO_CACHE", &cache))
    };
    let error = score(&out, &[]).error(2);
    assert!(error.contains("cost money") && error.contains("--yes"), "{error}");
    let dry = score(&out, &["--dry-run"]);
    assert!(dry.stderr.contains("a: 2 requests, about "), "{}", dry.stderr);
    assert_eq!(server.seen(), "", "nothing was sent");

    let first = score(&out, &["--yes"]);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let sent = |server: &Server| server.seen().matches("POST /v1/chat/completions").count();
    assert_eq!(sent(&server), 2);
    let rows: Vec<PredictionRow> = read(&out.join("predictions.parquet")).expect("predictions");
    assert!(rows.len() == 2 && rows.iter().all(|row| !row.response.is_empty()));
    let scores: Vec<ScoreRow> = read(&out.join("scores.parquet")).expect("scores");
    assert_eq!(scores.len(), 2);
    let protocol = fs::read_to_string(out.join("protocol.json")).expect("a protocol");
    assert!(protocol.contains("\"endpoint\"") && !protocol.contains("\"batch\""), "{protocol}");
    let address = server.url.trim_start_matches("http://").trim_end_matches('/');
    assert!(protocol.contains(&format!("\"address\": \"{address}\"")), "{protocol}");
    // It does not identify the responses.
    let origin = fs::read_to_string(out.join("answers.json")).expect("an origin");
    assert!(!origin.contains(address), "{origin}");

    // Scored again without a question, and in another directory from the store.
    let again = score(&out, &["--mode", "repaired"]);
    assert!(again.stdout.starts_with("IFBench, repaired mode"), "{again:?}");
    let other = dir.path().join("other");
    assert_eq!(score(&other, &["--yes"]).code, Some(0));
    assert_eq!(sent(&server), 2, "no request is sent twice");
    let copied: Vec<PredictionRow> = read(&other.join("predictions.parquet")).expect("predictions");
    assert_eq!(copied, rows);
}

#[test]
fn a_failed_request_does_not_end_the_evaluation() {
    let dir = tempfile::tempdir().expect("temporary directory");
    // An empty answer is a failure.
    let server = Server::scripted(|asked| {
        let text = if asked.user.contains("Tell me") { "" } else { "1 or 2" };
        text.to_owned()
    });
    let file = config(dir.path(), &[("a", &server.url, FREE)]);
    let [data, out, cache] = ["data.jsonl", "out", "cache"].map(|name| dir.path().join(name));
    fs::write(&data, PROMPTS).expect("written");
    let score = |more: &[&str]| -> Outcome {
        let args = ["eval", "ifbench", "--data", text(&data), "--out", text(&out)];
        let args = [&args[..], &["--endpoint", "a", "--config", text(&file)], more].concat();
        finish(iopo(&args).env("IOPO_CACHE", &cache))
    };
    let outcome = score(&[]);
    assert!(
        outcome.stdout.contains("1 of 2 requests failed (empty 1)"),
        "{} {}",
        outcome.stdout,
        outcome.stderr
    );
    let error = outcome.error(1);
    assert!(error.contains("50.0 %, expected at most 2.0 %"), "{error}");
    assert!(error.contains("--max-failed-share"), "{error}");
    let scores: Vec<ScoreRow> = read(&out.join("scores.parquet")).expect("scores");
    assert_eq!(scores[0].error.as_deref(), Some("no response: empty"));
    assert_eq!((scores[0].strict, scores[1].strict), (None, Some(true)));
    let allowed = score(&["--max-failed-share", "0.5"]);
    assert_eq!(allowed.code, Some(0), "{}", allowed.stderr);
}
