//! Failures that end a run, and failures that do not.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use iopo_llm::endpoint::{EndpointConfig, Engine};
use iopo_llm::{FailureClass, LanguageModel, LlmError, Progress, Silent, StopCause};
use serde_json::json;

use crate::server::{Act, Server};
use crate::{ask, config, ends, failure, open, options, requests};

fn cause(error: &LlmError) -> (StopCause, &str) {
    match error {
        LlmError::Stopped { cause, reason } => (*cause, reason),
        other => panic!("{other}"),
    }
}

/// Sends requests to a server that always reacts in the same way. Returns the outcome, and the number of requests received.
fn end_of(act: Act) -> (LlmError, u32) {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(move |_| act.clone());
    let (_engine, model) = open(dir.path(), options(), config(&server));
    let error = ends(&model, &requests("stop", 200));
    (error, server.asked())
}

#[test]
fn a_run_stops_at_once_where_every_answer_would_fail() {
    let quota = json!({ "error": { "code": "insufficient_quota", "message": "no money" } });
    let parameter = json!({ "error": { "code": "unsupported_parameter", "message": "top_k?" } });
    let cases = [
        (Act::error(401, "no"), StopCause::Key),
        (Act::error(403, "no"), StopCause::Key),
        (Act::error(402, "no"), StopCause::Quota),
        (Act::say(429, quota), StopCause::Quota),
        (Act::error(404, "the model does not exist"), StopCause::Model),
        (Act::error(404, "nothing here"), StopCause::Address),
        (
            Act::Say(301, vec![("location", "http://127.0.0.1:1/".to_owned())], String::new()),
            StopCause::Address,
        ),
        (Act::say(400, parameter), StopCause::Parameters),
    ];
    for (act, expected) in cases {
        let (error, asked) = end_of(act);
        assert_eq!(cause(&error).0, expected, "{error}");
        assert!(error.hint().is_some());
        assert!(asked <= 4, "{expected:?}: {asked} requests");
    }
    let (error, asked) = end_of(Act::error(400, "wrong"));
    assert_eq!(cause(&error).0, StopCause::Parameters);
    assert!((5..12).contains(&asked), "{asked}");
}

#[test]
fn rejected_requests_after_an_answer_do_not_end_a_run() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|asked| {
        if asked.prompt == "good" {
            Act::Answer("yes".to_owned())
        } else {
            Act::error(400, "wrong")
        }
    });
    let (_engine, model) = open(dir.path(), options(), config(&server));
    assert!(ask(&model, "good").is_ok());
    let outcomes = model.complete(&requests("bad", 20), &Silent).expect("outcomes");
    let bad = |outcome: &iopo_llm::Outcome| {
        outcome.as_ref().is_err_and(|failure| failure.class == FailureClass::BadRequest)
    };
    assert!(outcomes.iter().all(bad));
}

#[test]
fn an_address_without_a_server_ends_a_run() {
    let dir = tempfile::tempdir().expect("a folder");
    for address in ["http://127.0.0.1:9/v1", "https://host.invalid/v1"] {
        let (_engine, model) = open(dir.path(), options(), EndpointConfig::new(address, "m"));
        let error = ends(&model, &requests("address", 3));
        assert_eq!(cause(&error).0, StopCause::Address, "{error}");
    }
}

#[test]
fn a_rate_limit_is_waited_for_and_does_not_use_up_the_attempts() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|asked| match asked.before {
        0..20 => Act::error(429, "slow down"),
        _ => Act::Answer("yes".to_owned()),
    });
    let mut settings = config(&server);
    settings.max_attempts = 2;
    let (engine, model) = open(dir.path(), options(), settings.clone());
    assert!(ask(&model, "limited").is_ok());
    assert_eq!(engine.tally().rate_limited, 20);
    drop((engine, model));
    settings.max_rate_limited = 5;
    let (_engine, model) = open(dir.path(), options(), settings);
    let failure = failure(&model, "limited again");
    assert_eq!((failure.class, failure.attempts), (FailureClass::RateLimited, 5));
}

#[test]
fn a_model_that_is_being_loaded_does_not_use_up_the_attempts() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|asked| match (asked.prompt.as_str(), asked.before) {
        ("loading", 0..20) => Act::error(503, "Loading model"),
        ("overloaded", 0..20) => Act::error(503, "overloaded"),
        _ => Act::Answer("yes".to_owned()),
    });
    let mut settings = config(&server);
    settings.max_attempts = 2;
    let (engine, model) = open(dir.path(), options(), settings);
    assert!(ask(&model, "loading").is_ok());
    assert_eq!((engine.tally().sent, engine.tally().maybe_paid), (21, 0));
    // Negative control: any other reason does.
    let failure = failure(&model, "overloaded");
    assert_eq!((failure.class, failure.attempts), (FailureClass::Transient, 2));
}

#[test]
fn a_model_that_is_never_loaded_ends_a_run() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|_| Act::error(503, "Loading model"));
    let mut settings = config(&server);
    settings.give_up_seconds = 0.4;
    let (_engine, model) = open(dir.path(), options(), settings);
    let error = ends(&model, &requests("loading", 2));
    assert_eq!(cause(&error).0, StopCause::NoSuccess, "{error}");
    assert!(cause(&error).1.contains("Loading model"), "{error}");
}

#[test]
fn a_gateway_that_gives_up_may_be_paid() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|asked| match (asked.before, asked.prompt.parse()) {
        (0, Ok(status)) => Act::error(status, "no answer in time"),
        _ => Act::Answer("yes".to_owned()),
    });
    let (engine, model) = open(dir.path(), options(), config(&server));
    for (status, paid) in [("408", 1), ("504", 2), ("524", 3), ("502", 3), ("429", 3)] {
        assert!(ask(&model, status).is_ok());
        assert_eq!(engine.tally().maybe_paid, paid, "{status}");
    }
}

#[test]
fn a_server_decides_how_long_to_wait() {
    let dir = tempfile::tempdir().expect("a folder");
    let times = std::sync::Arc::new(Mutex::new(Vec::new()));
    let shared = std::sync::Arc::clone(&times);
    let server = Server::start(move |asked| {
        shared.lock().expect("a lock").push(asked.at);
        let header = match asked.prompt.as_str() {
            "seconds" => ("retry-after", "1".to_owned()),
            "date" => {
                let at = std::time::SystemTime::now() + Duration::from_secs(2);
                ("retry-after", httpdate::fmt_http_date(at))
            }
            _ => ("retry-after-ms", "300".to_owned()),
        };
        match asked.before {
            0 => Act::Say(429, vec![header], String::new()),
            _ => Act::Answer("yes".to_owned()),
        }
    });
    let (_engine, model) = open(dir.path(), options(), config(&server));
    // A date has whole seconds.
    for (prompt, least) in [("seconds", 1.0), ("date", 0.9), ("milliseconds", 0.3)] {
        times.lock().expect("a lock").clear();
        assert!(ask(&model, prompt).is_ok());
        let times = times.lock().expect("a lock");
        let waited = (times[1] - times[0]).as_secs_f64();
        assert!(waited >= least, "{prompt}: {waited}");
    }
    let server =
        Server::start(|_| Act::Say(429, vec![("retry-after", "86400".to_owned())], String::new()));
    let (_engine, model) = open(&dir.path().join("other"), options(), config(&server));
    let error = ends(&model, &requests("day", 1));
    assert_eq!(cause(&error).0, StopCause::NoSuccess, "{error}");
    assert!(error.to_string().contains("86400 s"), "{error}");
}

#[test]
fn a_run_without_success_ends_and_its_work_is_kept() {
    let dir = tempfile::tempdir().expect("a folder");
    let down = std::sync::Arc::new(AtomicBool::new(false));
    let shared = std::sync::Arc::clone(&down);
    let server = Server::start(move |asked| {
        if asked.prompt == "work 30" {
            shared.store(true, Ordering::SeqCst);
        }
        if shared.load(Ordering::SeqCst) {
            Act::error(500, "down")
        } else {
            Act::Answer("yes".to_owned())
        }
    });
    let mut settings = config(&server);
    settings.give_up_seconds = 0.5;
    settings.max_attempts = 1000;
    let asked = requests("work", 200);
    let (engine, model) = open(dir.path(), options(), settings.clone());
    let started = Instant::now();
    let error = ends(&model, &asked);
    assert_eq!(cause(&error).0, StopCause::NoSuccess, "{error}");
    assert!(cause(&error).1.contains("down"), "{error}");
    assert!(started.elapsed() >= Duration::from_millis(500));
    let kept = engine.store().len();
    assert!(kept >= 25 && kept as u32 == server.answered(), "{kept}");
    drop((engine, model));
    down.store(false, Ordering::SeqCst);
    let server = Server::start(|_| Act::Answer("yes".to_owned()));
    settings.base_url.clone_from(&server.url);
    let (_engine, model) = open(dir.path(), options(), settings);
    let outcomes = model.complete(&asked, &Silent).expect("outcomes");
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(server.answered() as usize, asked.len() - kept, "another server goes on");
}

/// Cancels after some answers, and keeps the messages.
struct Stops {
    after: u64,
    done: Mutex<u64>,
    messages: Mutex<Vec<String>>,
}

impl Progress for Stops {
    fn advance(&self, steps: u64) {
        *self.done.lock().expect("a lock") += steps;
    }
    fn message(&self, text: &str) {
        self.messages.lock().expect("a lock").push(text.to_owned());
    }
    fn cancelled(&self) -> bool {
        *self.done.lock().expect("a lock") >= self.after
    }
}

#[test]
fn a_cancelled_call_keeps_the_answers_in_flight() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|_| Act::Late(Duration::from_millis(30), "yes".to_owned()));
    let (engine, model) = open(dir.path(), options(), config(&server));
    let stops = Stops { after: 20, done: Mutex::default(), messages: Mutex::default() };
    let error = model.complete(&requests("cancel", 500), &stops).expect_err("cancelled");
    assert!(matches!(error, LlmError::Cancelled), "{error}");
    assert!(server.asked() < 200);
    assert_eq!(engine.store().len() as u32, server.answered(), "every answer is kept");
    let never = Stops { after: u64::MAX, done: Mutex::default(), messages: Mutex::default() };
    model.complete(&requests("cancel", 60), &never).expect("outcomes");
    assert_eq!(*never.done.lock().expect("a lock"), 60);
    let messages = never.messages.lock().expect("a lock");
    assert!(messages.iter().any(|line| line.contains("tokens/s") && line.contains("in flight")));
}

#[test]
fn a_slow_request_times_out_and_is_counted_as_maybe_paid() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|_| Act::Late(Duration::from_secs(3), "late".to_owned()));
    let mut settings = config(&server);
    (settings.timeout_seconds, settings.max_attempts) = (0.2, 2);
    let (engine, model) = open(dir.path(), options(), settings);
    let failure = failure(&model, "slow");
    assert_eq!((failure.class, failure.attempts), (FailureClass::Timeout, 2));
    assert_eq!(engine.tally().maybe_paid, 2);
}

#[test]
fn a_model_in_async_code_is_an_error_and_not_a_panic() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|_| Act::Answer("yes".to_owned()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let (engine, model) = open(dir.path(), options(), config(&server));
        let error = ends(&model, &requests("async", 1));
        assert!(error.to_string().contains("async code"), "{error}");
        drop((engine, model));
    });
}

#[test]
fn a_bad_setting_is_an_error_and_does_not_outlast_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|_| Act::Answer("yes".to_owned()));
    let engine = Engine::open(dir.path(), options()).expect("an engine");
    for seconds in [-1.0, f64::NAN, f64::INFINITY, 1e20] {
        let mut settings = config(&server);
        settings.give_up_seconds = seconds;
        let error = engine.model(vec![settings]).expect_err("a bad setting").to_string();
        assert!(error.contains("give_up_seconds"), "{error}");
    }
    let mut settings = config(&server);
    settings.requests_per_minute = Some(0);
    engine.model(vec![settings.clone()]).expect_err("a bad setting");
    settings.requests_per_minute = Some(600);
    let model = engine.model(vec![settings]).expect("a model");
    assert!(ask(&model, "good").is_ok());
}

#[test]
fn the_time_between_calls_is_not_a_time_without_success() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|_| Act::error(500, "down"));
    let mut settings = config(&server);
    (settings.give_up_seconds, settings.max_attempts) = (2.0, 1);
    let (_engine, model) = open(dir.path(), options(), settings);
    for at in 0..2 {
        let failure = failure(&model, &format!("idle {at}"));
        assert_eq!(failure.class, FailureClass::Transient);
        std::thread::sleep(Duration::from_millis(2100));
    }
}

#[test]
fn a_server_that_forbids_retries_does_not_reset_the_time_without_success() {
    let dir = tempfile::tempdir().expect("a folder");
    let server =
        Server::start(|_| Act::Say(500, vec![("x-should-retry", "false".into())], String::new()));
    let mut settings = config(&server);
    settings.give_up_seconds = 0.3;
    // 50 a second, of which the first 50 are a burst.
    settings.requests_per_minute = Some(3000);
    let (_engine, model) = open(dir.path(), options(), settings);
    let error = ends(&model, &requests("forbidden", 200));
    assert_eq!(cause(&error).0, StopCause::NoSuccess, "{error}");
}

#[test]
fn a_resumed_run_whose_other_rows_are_bad_ends() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|asked| {
        if asked.prompt.starts_with("good") {
            Act::Answer("yes".to_owned())
        } else {
            Act::Say(400, vec![("x-request-id", "id-7".to_owned())], "wrong".to_owned())
        }
    });
    let mut asked = requests("good", 3);
    let (engine, model) = open(dir.path(), options(), config(&server));
    model.complete(&asked, &Silent).expect("outcomes");
    drop((engine, model));
    asked.extend(requests("bad", 20));
    let (engine, model) = open(dir.path(), options(), config(&server));
    let outcomes = model.complete(&asked, &Silent).expect("outcomes");
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_err()).count(), 20);
    // The server's id of a rejected request is stored with the failure.
    let record = engine.store().get(&model.keys(&asked[5])[0]).expect("a store").expect("a record");
    assert_eq!((record.about.request_id.as_deref(), record.about.attempts), (Some("id-7"), 1));
}

/// Returns a server that answers `good` requests and rejects a parameter of the others.
fn rejects_parameter() -> Server {
    let error = json!({ "error": { "message": "Unrecognized request argument supplied: top_k" } });
    Server::start(move |asked| {
        let good = asked.prompt.starts_with("good");
        if good { Act::Answer("yes".to_owned()) } else { Act::say(400, error.clone()) }
    })
}

#[test]
fn a_stored_answer_says_nothing_about_the_parameters_of_another_server() {
    let dir = tempfile::tempdir().expect("a folder");
    let first = Server::start(|_| Act::Answer("yes".to_owned()));
    let mut asked = requests("old", 3);
    let (engine, model) = open(dir.path(), options(), config(&first));
    model.complete(&asked, &Silent).expect("outcomes");
    drop((engine, model));
    asked.extend(requests("new", 20));
    let second = rejects_parameter();
    let (engine, model) = open(dir.path(), options(), config(&second));
    let error = ends(&model, &asked);
    assert_eq!(cause(&error).0, StopCause::Parameters, "{error}");
    assert_eq!(engine.store().len(), 3, "no rejection is stored");
    drop((engine, model));
    // A wrong address is found as well.
    let mut settings = config(&first);
    settings.base_url = "http://127.0.0.1:9/v1".to_owned();
    let (_engine, model) = open(dir.path(), options(), settings);
    assert_eq!(cause(&ends(&model, &asked)).0, StopCause::Address);
}

#[test]
fn a_rejected_parameter_is_not_stored() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = rejects_parameter();
    let (engine, model) = open(dir.path(), options(), config(&server));
    assert!(ask(&model, "good").is_ok());
    assert_eq!(failure(&model, "other").class, FailureClass::BadRequest);
    assert_eq!(engine.store().len(), 1);
}
