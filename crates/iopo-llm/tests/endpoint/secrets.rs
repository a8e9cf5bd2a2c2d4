//! Searches for a marked key in everything that a run leaves behind.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use iopo_llm::endpoint::{EndpointConfig, Engine};
use iopo_llm::{LanguageModel, LogProb, LogProbResponse, Message, Progress};
use serde_json::json;

use crate::server::{Act, Asked, Server};
use crate::{config, options, requests};

const VARIABLE: &str = "IOPO_TEST_MARKED_KEY";
const KEY: &str = "marked-5f0e9c1d7b-secret";

/// Repeats the key as servers do: in error messages, headers and names of answers.
fn echo(asked: &Asked) -> Act {
    let key = asked.authorization.clone().unwrap_or_default();
    let message = format!("Incorrect API key provided: {key}");
    let number: u32 = asked.prompt.rsplit(' ').next().and_then(|at| at.parse().ok()).unwrap_or(0);
    let body = json!({ "error": { "message": message, "code": number } }).to_string();
    let header = vec![("x-request-id", key.clone())];
    let chat = |message: serde_json::Value| {
        json!({
            "id": key, "model": key, "system_fingerprint": key,
            "choices": [{ "message": message, "finish_reason": key }],
        })
    };
    match (number, asked.before) {
        (0..=2, _) => {
            let content = format!("Your key is {key}, and again:\n{key}");
            Act::Say(200, header, chat(json!({ "content": content })).to_string())
        }
        (3, _) => Act::Say(200, header, chat(json!({ "content": "" })).to_string()),
        (4, _) => Act::Say(200, header, chat(json!({ "refusal": message })).to_string()),
        (5, _) => Act::Say(429, header, body),
        (6, _) => Act::Say(200, header, format!("{{{message}")),
        (7, _) => Act::Say(500, header, message),
        (8, _) => Act::Say(200, header, body),
        (status, _) => Act::Say(status as u16, header, body),
    }
}

/// Keeps everything that a run reports.
#[derive(Default)]
struct Reports(Mutex<String>);

impl Progress for Reports {
    fn message(&self, text: &str) {
        let mut all = self.0.lock().expect("a lock");
        all.push_str(text);
        all.push('\n');
    }
}

/// Runs in a separate process with the key in its environment. Prints everything that a program could print.
#[test]
#[ignore = "started by another test"]
fn child() {
    let (store, url) = (std::env::var("STORE").expect("STORE"), std::env::var("URL").expect("URL"));
    let mut settings = EndpointConfig::new(url, "test-model");
    settings.api_key_env = Some(VARIABLE.to_owned());
    (settings.max_attempts, settings.max_rate_limited) = (2, 2);
    let engine = Engine::open(Path::new(&store), options()).expect("an engine");
    let model = engine.model(vec![settings.clone()]).expect("a model");
    let reports = Reports::default();
    let mut seen = format!("{settings:?} {engine:?} {model:?}");
    for code in (0..10).chain([301, 400, 401, 402, 403, 404, 422, 503]) {
        let asked = requests("secret", code + 1).split_off(code);
        let result = model.complete(&asked, &reports);
        write!(seen, "\n{code}: {result:?} {:?}", engine.tally()).expect("a string");
        if let Err(error) = &result {
            write!(seen, " {error} {:?}", error.hint()).expect("a string");
        }
    }
    let responses = [LogProbResponse { text: "text", ended: true }];
    let scored = model.response_logps(&[vec![Message::user("secret 401")]], &responses, &reports);
    settings.api_key_env = Some("IOPO_TEST_NO_KEY".to_owned());
    let error = engine.model(vec![settings.clone()]).expect_err("no key");
    settings.api_key_env = Some(VARIABLE.to_owned());
    settings.key_header = "not a header".to_owned();
    let other = engine.model(vec![settings]).expect_err("no header");
    println!("{seen}\n{scored:?} {error} {error:?} {:?} {other} {other:?}", error.hint());
    println!("{}", reports.0.lock().expect("a lock"));
}

fn search(found: &str, place: &str) {
    for part in [KEY, "marked-5f0", "1d7b-secret"] {
        assert!(!found.contains(part), "the key is in {place}: {found}");
    }
}

#[test]
fn a_key_is_in_no_file_log_or_error() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(echo);
    let settings = config(&server);
    let output = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "secrets::child", "--ignored", "--nocapture"])
        .env(VARIABLE, KEY)
        .env("STORE", dir.path())
        .env("URL", settings.base_url)
        .env("RUST_BACKTRACE", "1")
        .output()
        .expect("a process");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    search(&out, "the output");
    search(&err, "the errors");
    assert!(out.contains(VARIABLE) && out.contains("***"), "the variable is named: {out}");
    assert!(out.contains("Your key is Bearer ***, and again:"), "the rest of the answer: {out}");
    assert!(out.contains("the API key was in the text of 1 answers"), "the user is told: {out}");
    let mut files = 0;
    for entry in fs::read_dir(dir.path()).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = fs::read(&path).expect("a file");
        search(&String::from_utf8_lossy(&text), &path.display().to_string());
        files += 1;
    }
    assert!(files >= 2);
    // Negative control: the server has seen the key.
    let counts = server.counts();
    assert!(counts.contains_key("secret 0") && counts.contains_key("secret 401"));
    let probe = Asked {
        path: String::new(),
        body: json!({}),
        prompt: "secret 401".to_owned(),
        before: 0,
        in_flight: 1,
        authorization: Some(format!("Bearer {KEY}")),
        at: std::time::Instant::now(),
    };
    assert!(format!("{:?}", echo(&probe)).contains(KEY));
}
