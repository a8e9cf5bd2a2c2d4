//! Judged benchmarks with an endpoint that responds and judges.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::common::{Outcome, finish, iopo, text};
use crate::server::Server;
use crate::{PRICES, config};

/// Runs the binary with its own store of answers.
fn eval(cache: &Path, args: &[&str]) -> Outcome {
    finish(iopo(&[&["eval"], args].concat()).env("IOPO_CACHE", cache))
}

/// Writes two items of TRACE.
pub(crate) fn items(dir: &Path) -> std::path::PathBuf {
    let item = |id: usize| {
        let item = json!({
            "id": id.to_string(),
            "messages": [
                {"role": "system", "content": "You are a helpful assistant."},
                {"role": "user", "content": format!("Name river {id}.\n1. Be brief;\n")},
            ],
            "description": format!("Name river {id}."),
            "constraints_splits": ["1. Be brief;"],
            "constraints_num": 1,
            "input": "NULL",
            "levels2": ["数值约束"],
        });
        item.to_string() + "\n"
    };
    let file = dir.join("data.jsonl");
    fs::write(&file, item(1) + &item(2)).expect("written");
    file
}

#[test]
fn paid_verdicts_are_confirmed_and_never_paid_twice() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let server = Server::scripted(|asked| {
        let judges = asked.user.contains("Constraints, numbered from");
        if judges { "Fine Grained Score: [10]" } else { "The Rhine." }.to_owned()
    });
    let own = config(dir.path(), &[("a", &server.url, PRICES)]);
    let (data, out) = (items(dir.path()), dir.path().join("out"));
    let args = [
        "trace",
        "--data",
        text(&data),
        "--endpoint",
        "a",
        "--judge",
        "a",
        "--config",
        text(&own),
        "--language",
        "en",
        "--out",
        text(&out),
    ];
    let error = eval(dir.path(), &args).error(2);
    assert!(error.contains("cost money") && error.contains("--yes"), "{error}");
    let dry = eval(dir.path(), &[&args[..], &["--dry-run"]].concat());
    assert_eq!((dry.code, dry.stdout.as_str()), (Some(0), ""), "{}", dry.stderr);
    for part in [
        "responses: 2 requests, about ",
        "judge: 2 requests, about ",
        "judge, asked again if answers give no verdict, at most: 6 requests, about ",
        "; cost 0.0",
        "the model judges its own responses",
        "pass another --judge",
    ] {
        assert!(dry.stderr.contains(part), "{part}: {}", dry.stderr);
    }
    assert_eq!(server.seen(), "", "nothing was sent");

    let paid = [&args[..], &["--yes"]].concat();
    let first = eval(dir.path(), &paid);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let line = first.stdout.lines().find(|line| line.starts_with("IF ")).expect("a headline");
    let words: Vec<&str> = line.split_whitespace().take(4).collect();
    assert_eq!(words, ["IF", "2", "2", "100.0"], "{}", first.stdout);
    assert!(first.stdout.contains("\nthe model judges its own responses"), "{}", first.stdout);
    let protocol = fs::read_to_string(out.join("protocol.json")).expect("a protocol");
    assert!(protocol.contains("\"endpoint\": \"a\"") && protocol.contains("a (address "));
    let address = server.url.trim_start_matches("http://").trim_end_matches('/');
    assert!(protocol.contains(&format!("\"address\": \"{address}\"")), "{protocol}");
    let seen = server.seen();
    assert_eq!(seen.matches("POST /v1/chat/completions").count(), 4, "2 responses, 2 verdicts");
    assert_eq!(seen.matches("You are a helpful assistant.").count(), 2, "the messages as they are");
    let files = ["predictions.parquet", "scores.parquet", "metrics.json", "judge_answers.jsonl"];
    let bytes = || files.map(|name| fs::read(out.join(name)).expect(name));
    let before = bytes();

    // Everything but the store of answers is lost.
    fs::remove_dir_all(&out).expect("removed");
    let again = eval(dir.path(), &args);
    assert_eq!((again.code, &again.stdout), (Some(0), &first.stdout), "{}", again.stderr);
    assert_eq!(server.seen(), seen, "nothing is asked twice");
    assert!(bytes() == before, "other bytes from the same answers");
}

#[test]
fn an_unknown_endpoint_is_named_before_anything_is_sent() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let server = Server::start(200);
    let own = config(dir.path(), &[("a", &server.url, "")]);
    let error = eval(dir.path(), &["judge", "--judge", "b", "--config", text(&own)]).error(2);
    assert!(error.contains("no endpoint `b`: expected one of a"), "{error}");
    let data = items(dir.path());
    for (judge, writer) in [("local", "a"), ("a", "local")] {
        let flags = ["--judge", judge, "--endpoint", writer, "--config", text(&own), "--yes"];
        let error = eval(dir.path(), &[&["trace", "--data", text(&data)], &flags[..]].concat());
        let error = error.error(2);
        assert!(error.contains("no endpoint `local`"), "{error}");
    }
    let args = ["judge", "--judge", "a", "--config", text(&own), "--dry-run"];
    let dry = eval(dir.path(), &args);
    assert!(dry.stderr.contains("judge: 300 requests, about "), "{}", dry.stderr);
    assert_eq!(server.seen(), "");
}
