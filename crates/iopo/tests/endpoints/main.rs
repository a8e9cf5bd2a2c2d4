//! Endpoints of a configuration: `iopo llm check`, prices, keys that appear nowhere, and preference data by the recipe `trace`.

mod benchmark;
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../common/mod.rs"]
mod common;
mod recipe;
mod secrets;
mod server;

use std::fs;
use std::path::Path;

use common::{finish, iopo, text};
use server::Server;

/// Writes a configuration with endpoints, each with a URL and more lines.
fn config(dir: &Path, endpoints: &[(&str, &str, &str)]) -> std::path::PathBuf {
    let section = |(name, url, more): &(&str, &str, &str)| {
        format!("[endpoints.{name}]\nbase_url = \"{url}\"\nmodel = \"m\"\n{more}\n")
    };
    let file = dir.join("own.toml");
    fs::write(&file, endpoints.iter().map(section).collect::<String>()).expect("written");
    file
}

fn check(file: &Path, more: &[&str]) -> common::Outcome {
    finish(&mut iopo(&[&["llm", "check", "--config", text(file)], more].concat()))
}

const PRICES: &str = "prices = { input = \"1\", output = \"2\" }";

#[test]
fn a_check_tells_what_each_endpoint_supports() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (works, fails) = (Server::start(200), Server::start(401));
    let file = config(dir.path(), &[("a", &works.url, ""), ("b", &works.url, "")]);
    let checked = check(&file, &[]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    let seconds = checked.stdout.lines().nth(1).expect("a line");
    assert!(seconds.starts_with("chat             yes, 0."), "{seconds}");
    let rest = checked.stdout.replacen(seconds, "chat", 1);
    insta::assert_snapshot!(rest, @r"
                     a               b
    chat
    model            served          served
    seed             yes             yes
    json_schema      yes             yes
    logprobs         no              no
    prompt_logprobs  no              no
    limits           500 requests    500 requests
    usage            10 + 20 tokens  10 + 20 tokens
    reasoning        none seen       none seen
    a: no logprobs: the answer has none
    a: no prompt_logprobs: the server returns none
    b: no logprobs: the answer has none
    b: no prompt_logprobs: the server returns none
    ");
    insta::assert_snapshot!(checked.stderr, @r"
    estimate  a: 5 requests, about 88 prompt tokens and at most 2560 new tokens; cost unknown
    estimate  b: 5 requests, about 88 prompt tokens and at most 2560 new tokens; cost unknown
    ");
    let key = "api_key_env = \"PATH\"";
    let file = config(dir.path(), &[("a", &works.url, ""), ("b", &fails.url, key)]);
    let checked = check(&file, &[]);
    insta::assert_snapshot!(checked.error(1), @r"
    error: 1 of 2 endpoints failed
      hint: set the environment variable to a valid key, then run the same command again
    ");
    let reasons = checked.stdout.find("b: ").expect("a reason");
    insta::assert_snapshot!(&checked.stdout[reasons..], @r"
    b: key: the server rejects the key in PATH with status 401: Incorrect API key provided: Bearer ***
      hint: set the environment variable to a valid key, then run the same command again
    ");
    assert_eq!(check(&file, &["a"]).code, Some(0), "only the endpoint that works");
    assert!(check(&file, &["c"]).error(2).contains("no endpoint `c`: expected one of a, b"));
}

#[test]
fn nothing_is_paid_without_a_confirmation() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let server = Server::start(200);
    let file = config(dir.path(), &[("a", &server.url, PRICES)]);
    let error = check(&file, &[]).error(2);
    assert!(error.contains("cost money") && error.contains("--yes"), "{error}");
    let dry = check(&file, &["--dry-run"]);
    assert_eq!((dry.code, dry.stdout.as_str()), (Some(0), ""));
    assert!(
        dry.stderr.contains("a: 5 requests, about ") && dry.stderr.contains("; cost 0.00"),
        "{}",
        dry.stderr
    );
    assert_eq!(server.seen(), "", "nothing was sent");
    assert_eq!(check(&file, &["--yes"]).code, Some(0));
    assert!(server.seen().contains("POST /v1/chat/completions"));
    // Negative control: without prices, there is no question.
    assert_eq!(check(&config(dir.path(), &[("a", &server.url, "")]), &[]).code, Some(0));
}

#[test]
fn mistakes_are_found_before_anything_is_sent() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let server = Server::start(200);
    let file = config(dir.path(), &[("a", &server.url, "")]);
    for (assignment, want) in [
        ("llm.writer=gpt", "`llm.writer`: found \"gpt\", expected `local` or an endpoint: `a`"),
        ("endpoints.a.api_key_env=IOPO_TEST_NO_KEY", "`IOPO_TEST_NO_KEY`, which holds no API key"),
        ("endpoints.a.base_url=http://example.org/v1", "expected https, or http to this machine"),
        ("endpoints.a.max_attempts=0", "`endpoints.a.max_attempts`: found 0"),
        ("endpoints.b.model=m", "`endpoints.b`: found a table without `base_url`"),
    ] {
        let error = check(&file, &["--set", assignment]).error(2);
        assert!(error.contains(want) && error.contains("hint: "), "{assignment}: {error}");
    }
    let none = check(&config(dir.path(), &[]), &[]).error(2);
    assert!(none.contains("no section `[endpoints.NAME]`") && none.contains("--config"), "{none}");
    assert_eq!(server.seen(), "");
}
