//! Endpoints of a configuration: `iopo llm check`, prices, keys that appear nowhere, and preference data by the recipe `trace`.
#![cfg(feature = "endpoint")]

mod benchmark;
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../common/mod.rs"]
mod common;
mod everything;
mod fipo;
mod judged;
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
const FREE: &str = "prices = { input = \"0\", output = \"0\" }";

#[test]
fn a_check_tells_what_each_endpoint_supports() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (works, fails) = (Server::start(200), Server::start(401));
    let file = config(dir.path(), &[("a", &works.url, FREE), ("b", &works.url, FREE)]);
    let checked = check(&file, &[]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    let seconds = checked.stdout.lines().nth(1).expect("a line");
    assert!(seconds.starts_with("chat             yes, 0."), "{seconds}");
    let rest = checked.stdout.replacen(seconds, "chat", 1);
    insta::assert_snapshot!(rest, @r"
                     a               b
    chat
    model            served          served
    seed             unclear         unclear
    json_schema      yes             yes
    logprobs         no              no
    prompt_logprobs  no              no
    limits           500 requests    500 requests
    usage            10 + 20 tokens  10 + 20 tokens
    reasoning        none seen       none seen
    a: seed is unclear: the same answer for every seed
    a: no logprobs: the answer has none
    a: no prompt_logprobs: the server returns none
    b: seed is unclear: the same answer for every seed
    b: no logprobs: the answer has none
    b: no prompt_logprobs: the server returns none
    ");
    insta::assert_snapshot!(checked.stderr, @r"
    estimate  a: 6 requests, about 106 prompt tokens and at most 3072 new tokens; cost 0.00 to 0.00
    estimate  b: 6 requests, about 106 prompt tokens and at most 3072 new tokens; cost 0.00 to 0.00
    ");
    let key = format!("api_key_env = \"PATH\"\n{FREE}");
    let file = config(dir.path(), &[("a", &works.url, FREE), ("b", &fails.url, &key)]);
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
    let twice = check(&file, &["a", "a"]);
    assert_eq!(twice.code, Some(0), "only the endpoint that works");
    let columns = twice.stdout.lines().next().expect("a line").split_whitespace();
    assert_eq!(columns.collect::<Vec<_>>(), ["a"], "each endpoint once");
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
        dry.stderr.contains("a: 6 requests, about ") && dry.stderr.contains("; cost 0.00"),
        "{}",
        dry.stderr
    );
    assert_eq!(server.seen(), "", "nothing was sent");
    assert_eq!(check(&file, &["--yes"]).code, Some(0));
    assert!(server.seen().contains("POST /v1/chat/completions"));
    // Unknown prices are not zero.
    let unknown = config(dir.path(), &[("a", &server.url, "")]);
    let error = check(&unknown, &[]).error(2);
    assert!(error.contains("may cost money") && error.contains("input = \"0\""), "{error}");
    assert_eq!(check(&unknown, &["--yes"]).code, Some(0));
    // Negative control: a free endpoint needs no confirmation.
    assert_eq!(check(&config(dir.path(), &[("a", &server.url, FREE)]), &[]).code, Some(0));
}

#[test]
fn the_configuration_that_xtask_prints_for_a_server_is_valid() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../xtask/src/commands/llama_server/own.toml");
    // A package has no xtask.
    let Ok(own) = fs::read_to_string(own) else { return };
    let dir = tempfile::tempdir().expect("temporary directory");
    let file = dir.path().join("own.toml");
    let printed = own.replace("PORT", "8123").replace("PARALLEL", "4").replace("ALIAS", "\"tiny\"");
    fs::write(&file, &printed).expect("written");
    let dry = check(&file, &["--dry-run"]);
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert!(dry.stderr.contains("llama: ") && dry.stderr.contains("cost 0.00"), "{}", dry.stderr);
    // Negative control: the name of the base model is refused.
    fs::write(&file, printed.replace("llama", "local")).expect("written");
    assert!(check(&file, &["--dry-run"]).error(2).contains("other than `local`"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_check_at_once() {
    use std::time::{Duration, Instant};

    let dir = tempfile::tempdir().expect("temporary directory");
    // Accepts connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", silent.local_addr().expect("an address"));
    let file = config(dir.path(), &[("a", &url, FREE)]);
    let mut command = iopo(&["llm", "check", "--config", text(&file)]);
    let child = command.stderr(std::process::Stdio::piped()).spawn().expect("a process");
    let (_connection, _) = silent.accept().expect("a connection");
    let begun = Instant::now();
    let id = child.id().to_string();
    std::process::Command::new("kill").args(["-INT", &id]).status().expect("a signal");
    let output = child.wait_with_output().expect("an end");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("interrupted"), "{stderr}");
    assert_eq!(output.status.code(), Some(130), "{stderr}");
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
        ("\"endpoints\".a.Api-Key=x", "`endpoints.a.Api-Key`: found a literal key"),
    ] {
        let error = check(&file, &["--set", assignment]).error(2);
        assert!(error.contains(want) && error.contains("hint: "), "{assignment}: {error}");
    }
    let none = check(&config(dir.path(), &[]), &[]).error(2);
    assert!(none.contains("no section `[endpoints.NAME]`") && none.contains("--config"), "{none}");
    assert_eq!(server.seen(), "");
}
