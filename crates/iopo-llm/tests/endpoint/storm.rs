//! Sends ten thousand requests to a server with every kind of fault: no answer is lost, and none is paid twice.

use std::time::{Duration, SystemTime};

use iopo_core::random::keyed_u64;
use iopo_llm::endpoint::{EndpointConfig, EngineOptions};
use iopo_llm::{FailureClass, LanguageModel, Silent};
use serde_json::json;

use crate::server::{Act, Asked, Server};
use crate::{config, open, options, requests};

/// A number below 100 for a prompt and one of its attempts.
fn draw(asked: &Asked, what: &str) -> u64 {
    keyed_u64(asked.before.into(), &[&asked.prompt, what]) % 100
}

/// The permanent failure of a prompt. Each kind affects one percent of the prompts; the others are answered.
fn fate(prompt: &str) -> Result<(), FailureClass> {
    match keyed_u64(0, &[prompt, "fate"]) % 100 {
        0 => Err(FailureClass::TooLong),
        1 => Err(FailureClass::Filtered),
        2 => Err(FailureClass::Empty),
        3 => Err(FailureClass::BadRequest),
        4 => Err(FailureClass::Transient),
        5 => Err(FailureClass::Malformed),
        6 => Err(FailureClass::Refused),
        _ => Ok(()),
    }
}

fn rate_limit(asked: &Asked) -> Act {
    let header = match draw(asked, "header") {
        0..30 => vec![("retry-after-ms", "3".to_owned())],
        30..60 => vec![("retry-after", "0.002".to_owned())],
        60..62 => vec![("retry-after", httpdate::fmt_http_date(SystemTime::now()))],
        _ => Vec::new(),
    };
    Act::Say(429, header, json!({ "error": { "code": "rate_limit_exceeded" } }).to_string())
}

/// The storm: 30 % rate limits, some in bursts, and every other fault.
pub(crate) fn act(asked: &Asked) -> Act {
    let number: u64 = asked.prompt.rsplit(' ').next().and_then(|at| at.parse().ok()).unwrap_or(0);
    let burst = asked.before == 0 && number % 500 < 60;
    if burst || draw(asked, "limit") < 22 {
        return rate_limit(asked);
    }
    let lasting =
        matches!(fate(&asked.prompt), Err(FailureClass::Transient | FailureClass::Malformed));
    match draw(asked, "fault") {
        _ if lasting => {}
        0..2 => return Act::error(500, "internal error"),
        2..4 => return Act::error(503, "Loading model"),
        4..6 => return Act::Cut,
        6..8 => return Act::say(200, json!({ "error": { "message": "upstream", "code": 502 } })),
        8..10 => return Act::Say(200, Vec::new(), "{\"choices\": [{\"mess".to_owned()),
        10..12 => return Act::Reset,
        12..13 => return Act::Say(502, Vec::new(), "<html>bad gateway</html>".to_owned()),
        _ => {}
    }
    let chat = |message: serde_json::Value| json!({ "choices": [{ "message": message, "finish_reason": "stop" }] });
    let text = format!("answer to {}", asked.prompt);
    match fate(&asked.prompt) {
        Err(FailureClass::TooLong) => {
            Act::say(400, json!({ "error": { "code": "context_length_exceeded" } }))
        }
        Err(FailureClass::Filtered) => {
            Act::say(400, json!({ "error": { "code": "content_filter" } }))
        }
        Err(FailureClass::Empty) => Act::say(200, chat(json!({ "content": "" }))),
        Err(FailureClass::BadRequest) => Act::error(400, "this one is bad"),
        Err(FailureClass::Transient) => Act::error(500, "always"),
        Err(FailureClass::Malformed) => Act::Say(200, Vec::new(), "no JSON".to_owned()),
        Err(_) => Act::say(200, chat(json!({ "refusal": "no" }))),
        Ok(()) => match draw(asked, "manner") {
            0..3 => Act::BlankLines(text),
            3..5 => Act::Late(Duration::from_millis(15), text),
            _ => Act::Answer(text),
        },
    }
}

/// Settings with enough attempts that only the prompts with a permanent failure fail.
pub(crate) fn storm_config(server: &Server) -> EndpointConfig {
    let mut config = config(server);
    config.max_attempts = 12;
    config
}

#[test]
fn no_answer_of_a_storm_is_lost_or_paid_twice() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(act);
    let asked = requests("storm", 10_000);
    let (engine, model) = open(dir.path(), options(), storm_config(&server));
    let outcomes = model.complete(&asked, &Silent).expect("outcomes");
    assert_eq!(outcomes.len(), asked.len());
    let mut failed = 0;
    for (request, outcome) in asked.iter().zip(&outcomes) {
        let prompt = &request.messages[0].content;
        match (fate(prompt), outcome) {
            (Ok(()), Ok(completion)) => {
                assert_eq!(completion.text, format!("answer to {prompt}"));
                assert_eq!(completion.completion_tokens, Some(20));
            }
            (Err(class), Err(failure)) => {
                assert_eq!(failure.class, class, "{prompt}: {failure}");
                assert!(failure.attempts > 0 && !failure.reason.is_empty());
                failed += 1;
            }
            (expected, found) => panic!("{prompt}: expected {expected:?}, found {found:?}"),
        }
    }
    assert!(failed > 400, "the storm has all fates: {failed}");
    let counts = server.counts();
    assert!(counts.values().all(|count| count.answered <= 1), "no answer is paid twice");
    assert_eq!(server.answered() as usize, asked.len() - failed);
    let tally = engine.tally();
    assert_eq!(tally.sent, u64::from(server.asked()));
    assert_eq!(tally.answered, u64::from(server.answered()));
    assert_eq!(tally.failed.values().sum::<u64>(), failed as u64);
    let share = tally.rate_limited as f64 / tally.sent as f64;
    assert!((0.2..0.4).contains(&share), "{share}");
    drop((engine, model));

    // A second run asks only where the failure was not permanent.
    let before = server.counts();
    let (engine, model) = open(dir.path(), options(), storm_config(&server));
    let again = model.complete(&asked, &Silent).expect("outcomes");
    for (first, second) in outcomes.iter().zip(&again) {
        match (first, second) {
            (Err(first), Err(second)) => assert_eq!(first.class, second.class),
            _ => assert_eq!(first, second),
        }
    }
    for (prompt, count) in server.counts() {
        // A bad request that comes before the first answer is not stored.
        let Some(class) = fate(&prompt).err().filter(|class| *class != FailureClass::BadRequest)
        else {
            continue;
        };
        assert_eq!(count != before[&prompt], !class.is_permanent(), "{prompt}: {class:?}");
    }
    assert_eq!(server.answered(), before.values().map(|count| count.answered).sum::<u32>());
    drop((engine, model));

    // The store alone is sufficient for every request that has an answer.
    let offline = EngineOptions { offline: true, ..options() };
    let (_engine, model) = open(dir.path(), offline, storm_config(&server));
    let answered: Vec<_> = asked
        .iter()
        .filter(|request| fate(&request.messages[0].content).is_ok())
        .cloned()
        .collect();
    let sent = server.asked();
    assert_eq!(model.complete(&answered, &Silent).expect("outcomes").len(), answered.len());
    assert!(model.complete(&requests("unknown", 1), &Silent).is_err());
    assert_eq!(server.asked(), sent);
}

/// Sends requests in a process of its own, and prints its largest resident memory in KiB. With `LEAK`, it keeps so many bytes
/// per request.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "started by another test"]
fn child() {
    let number = |name: &str| std::env::var(name).expect(name).parse::<usize>().expect("a number");
    let mut config = EndpointConfig::new(std::env::var("URL").expect("URL"), "test-model");
    (config.max_attempts, config.timeout_seconds) = (12, 5.0);
    let dir = tempfile::tempdir().expect("a folder");
    let (_engine, model) = open(dir.path(), options(), config);
    let asked = requests(&std::env::var("NAME").expect("NAME"), number("COUNT"));
    let leak: Vec<Vec<u8>> = asked.iter().map(|_| vec![1; number("LEAK")]).collect();
    let outcomes = model.complete(&asked, &Silent).expect("outcomes");
    assert_eq!((outcomes.len(), leak.len()), (asked.len(), asked.len()));
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak");
    println!("peak: {}", peak.trim().trim_end_matches("kB").trim());
}

/// Returns the largest resident memory of a process with so many requests in the storm, in KiB.
#[cfg(target_os = "linux")]
fn peak(server: &Server, name: &str, count: usize, leak: usize) -> i64 {
    let output = std::process::Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "storm::child", "--ignored", "--nocapture"])
        .env("URL", &server.url)
        .env("NAME", name)
        .env("COUNT", count.to_string())
        .env("LEAK", leak.to_string())
        .output()
        .expect("a process");
    let text = String::from_utf8_lossy(&output.stdout);
    let peak = text.lines().find_map(|line| line.split_once("peak: "));
    let (_, peak) = peak.unwrap_or_else(|| panic!("no peak: {text}"));
    peak.trim().parse().expect("a number")
}

/// A request keeps its outcome, its text and its place in the store: about 1 KiB.
#[cfg(target_os = "linux")]
#[test]
fn the_memory_of_a_storm_does_not_grow_with_its_answers() {
    const FEW: usize = 1000;
    const MANY: usize = 10_000;
    /// KiB that each further request may take.
    const MOST: i64 = 3;
    let server = Server::start(act);
    let [few, many] =
        [("few", FEW), ("many", MANY)].map(|(name, count)| peak(&server, name, count, 0));
    let most = MOST * (MANY - FEW) as i64;
    println!(
        "soak: largest resident memory of {MANY} requests in the storm, {FEW} requests take {} MiB | {} MiB | at most {} MiB",
        few >> 10,
        many >> 10,
        (few + most) >> 10
    );
    assert!(many - few < most, "{few} KiB, then {many} KiB");
    // Negative control: a process that keeps 40 KiB per request.
    let leaking = peak(&server, "leak", FEW, 40 << 10);
    assert!(leaking - few > most, "{few} KiB, then {leaking} KiB");
}
