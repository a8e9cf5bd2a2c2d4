//! A process that is killed at any moment loses no stored answer, and pays again at most for the requests in flight.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use iopo_core::random::keyed_u64;
use iopo_llm::endpoint::EndpointConfig;
use iopo_llm::{FailureClass, LanguageModel, Outcome, Silent};

use crate::server::Server;
use crate::storm::{act, storm_config};
use crate::{open, options, requests};

/// How many requests may be in flight.
const IN_FLIGHT: usize = 8;

fn settings(url: &str, from: EndpointConfig) -> EndpointConfig {
    let mut settings = from;
    url.clone_into(&mut settings.base_url);
    settings.max_concurrency = IN_FLIGHT;
    settings
}

/// Runs in a separate process until it is killed.
#[test]
#[ignore = "started by another test"]
fn child() {
    let store = std::env::var("STORE").expect("STORE");
    let mut from = EndpointConfig::new("http://127.0.0.1/v1", "test-model");
    from.max_attempts = 12;
    from.timeout_seconds = 5.0;
    let settings = settings(&std::env::var("URL").expect("URL"), from);
    let (_engine, model) = open(store.as_ref(), options(), settings);
    let count = std::env::var("COUNT").expect("COUNT").parse().expect("a number");
    model.complete(&requests("kill", count), &Silent).expect("outcomes");
}

fn start(server: &Server, store: &std::path::Path, count: usize) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "kill::child", "--ignored"])
        .env("STORE", store)
        .env("URL", &server.url)
        .env("COUNT", count.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process")
}

/// Kills a run at random moments, then finishes it. Returns the rows that were paid, and the results that the server was paid
/// for: answers, refusals and empty answers.
fn storm(kills: u64, count: usize) -> (u32, u32) {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(act);
    for kill in 0..kills {
        let before = server.asked();
        let mut child = start(&server, dir.path(), count);
        let deadline = Instant::now() + Duration::from_secs(20);
        // A moment after the process has begun to ask.
        while server.asked() == before && Instant::now() < deadline {
            assert!(child.try_wait().expect("a process").is_none(), "all done after {kill} kills");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(keyed_u64(kill, &["kill"]) % 60_000));
        child.kill().expect("a signal");
        child.wait().expect("an end");
    }
    let (engine, model) = open(dir.path(), options(), settings(&server.url, storm_config(&server)));
    let stored = engine.store().len();
    assert_eq!(engine.store().damaged(), 0);
    assert!(stored > 0 && stored < count, "{stored} answers were stored before the last kill");
    let outcomes = model.complete(&requests("kill", count), &Silent).expect("outcomes");
    let rows = outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u32;
    assert_eq!(outcomes.len(), count);
    assert!(rows as usize > count * 9 / 10);
    let in_flight = kills as u32 * IN_FLIGHT as u32;
    let answered = server.answered();
    let most = rows + in_flight;
    assert!(answered >= rows && answered <= most, "{answered} answers for {rows} rows");
    let is_paid = |outcome: &&Outcome| match outcome {
        Ok(_) => true,
        Err(failure) => matches!(failure.class, FailureClass::Empty | FailureClass::Refused),
    };
    let paid_rows = outcomes.iter().filter(is_paid).count() as u32;
    let (paid, most) = (server.paid(), paid_rows + in_flight);
    assert!(paid_rows > rows, "some refusals and empty answers");
    assert!(paid >= paid_rows && paid <= most, "{paid} paid results for {paid_rows} rows");
    (paid_rows, paid)
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    storm(4, 1500);
}

#[test]
#[ignore = "takes a minute"]
fn fifty_kills_lose_nothing() {
    let (rows, answered) = storm(50, 10_000);
    println!(
        "soak: a run of 10,000 requests in the storm, killed 50 times | {answered} results for {rows} paid rows | at most {} ({IN_FLIGHT} in \
         flight at each kill)",
        rows + 50 * IN_FLIGHT as u32
    );
}
