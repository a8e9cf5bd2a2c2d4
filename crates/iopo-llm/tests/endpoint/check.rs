//! The check of an endpoint.

use std::time::{Duration, Instant};

use iopo_llm::endpoint::{
    CheckFailure, EndpointCheck, EndpointConfig, EndpointError, EndpointReport, ServerLimits,
    Support,
};
use iopo_llm::{FailureClass, Progress, Silent};
use serde_json::{Value, json};

use crate::config;
use crate::server::{Act, Asked, Server};

fn check(config: &EndpointConfig) -> Result<EndpointReport, CheckFailure> {
    EndpointCheck::new(config).expect("settings").run(&Silent).expect("an end")
}

/// A server that supports everything.
fn able(asked: &Asked) -> Act {
    if asked.path.ends_with("/tokenize") {
        return Act::say(200, json!({ "tokens": [1, 2, 3] }));
    }
    if asked.body.get("prompt_logprobs").is_some() {
        let body = json!({ "choices": [], "prompt_logprobs": [null, { "1": { "logprob": -1 } }] });
        return Act::say(200, body);
    }
    let text = if asked.body.get("response_format").is_some() {
        r#"{"river":"Rhine","european":true}"#.to_owned()
    } else {
        format!("The seed is {}.", asked.body["seed"])
    };
    let scored = asked.body.get("logprobs") == Some(&json!(true));
    let logprobs = if scored { json!({ "content": [{ "logprob": -1 }] }) } else { Value::Null };
    let body = json!({
        "model": "test-model-0001",
        "choices": [{
            "message": { "content": text, "reasoning_content": "Hm." },
            "finish_reason": "stop", "logprobs": logprobs,
        }],
        "usage": {
            "prompt_tokens": 10, "completion_tokens": 20,
            "completion_tokens_details": { "reasoning_tokens": 12 },
        },
    });
    let limits = vec![("x-ratelimit-limit-requests", "500".to_owned())];
    Act::Say(200, limits, body.to_string())
}

#[test]
fn an_able_server_supports_everything() {
    let server = Server::start(able);
    let forecast = EndpointCheck::new(&config(&server)).expect("settings").forecast();
    assert_eq!((forecast.cost, server.asked()), (None, 0));
    let report = check(&config(&server)).expect("a report");
    for support in [&report.seed, &report.json_schema, &report.logprobs, &report.prompt_logprobs] {
        assert_eq!(*support, Support::Yes, "{report:?}");
    }
    assert_eq!(report.limits, ServerLimits { requests: Some(500), tokens: None });
    assert_eq!((report.usage.completion, report.usage.reasoning), (Some(20), Some(12)));
    assert_eq!((report.model.as_deref(), report.reasoning_chars), (Some("test-model-0001"), 3));
    // One of the requests only tokenizes.
    assert_eq!(u64::from(server.asked()), forecast.size.requests + 1);
}

#[test]
fn a_plain_server_says_what_it_lacks() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/tokenize" => Act::error(404, "no such path"),
        _ if asked.body.get("logprobs").is_some() => {
            Act::error(400, "Unrecognized request argument supplied: logprobs")
        }
        _ => Act::Answer(format!("Answer {}.", asked.before)),
    });
    let report = check(&config(&server)).expect("a report");
    let why = |support: &Support| match support {
        Support::Yes | Support::Unclear(_) => panic!("supported: {report:?}"),
        Support::No(reason) => reason.clone(),
    };
    assert_eq!(why(&report.seed), "the answers to equal requests differ");
    assert_eq!(why(&report.json_schema), "the answer does not obey the schema");
    assert!(why(&report.logprobs).starts_with("parameters: "), "{report:?}");
    assert_eq!(why(&report.prompt_logprobs), "the server returns none");
    assert_eq!(report.limits, ServerLimits::default());
    assert_eq!(report.usage.reasoning, None);
}

#[test]
fn a_server_without_answers_has_a_class_a_reason_and_a_hint() {
    for (status, message, class, hint) in [
        (401, "Incorrect API key", "key", "environment variable"),
        (402, "no balance", "quota", "add credit"),
        (404, "The model `x` does not exist", "model", "check `model`"),
        (400, "Unsupported parameter: temperature", "parameters", "`omit`"),
        (500, "out of memory", "transient", "log of the server"),
    ] {
        let server = Server::start(move |_| {
            let body = json!({ "error": { "message": message, "code": status } });
            Act::Say(status, vec![("retry-after-ms", "5".to_owned())], body.to_string())
        });
        let error = check(&config(&server)).expect_err("a failure");
        assert_eq!(error.class(), class, "{error}");
        assert!(error.to_string().contains(message) && error.hint().contains(hint), "{error}");
        let attempts = if class == "transient" { 3 } else { 1 };
        assert_eq!(server.asked(), attempts, "{class}");
    }
    let mut nobody = config(&Server::start(able));
    nobody.base_url = "http://127.0.0.1:9/v1".to_owned();
    let error = check(&nobody).expect_err("nobody answers");
    assert_eq!((error.class(), error.failure.class), ("address", FailureClass::Transient));
    nobody.api_key_env = Some("IOPO_TEST_NO_KEY".to_owned());
    assert!(matches!(EndpointCheck::new(&nobody), Err(EndpointError::NoKey { .. })));
}

#[test]
fn a_seed_without_effect_is_not_shown_to_work() {
    let report = |act: fn(&Asked) -> Act| check(&config(&Server::start(act))).expect("a report");
    let fixed = report(|_| Act::Answer("The Rhine.".to_owned()));
    assert_eq!(fixed.seed, Support::Unclear("the same answer for every seed".to_owned()));
    // Negative control: the answer follows the seed.
    let able = report(|asked| Act::Answer(format!("The seed is {}.", asked.body["seed"])));
    assert_eq!(able.seed, Support::Yes);
}

#[test]
fn a_check_is_not_repeated_after_a_timeout() {
    for status in [408, 504, 524] {
        let server = Server::start(move |_| Act::error(status, "too slow"));
        let error = check(&config(&server)).expect_err("a timeout");
        assert_eq!((error.class(), server.asked()), ("timeout", 1), "{error}");
    }
}

#[test]
fn a_check_waits_until_the_model_is_loaded() {
    let server = Server::start(|asked| match asked.before {
        0..5 => {
            let body = json!({ "error": { "message": "Loading model", "code": 503 } });
            Act::Say(503, vec![("retry-after-ms", "5".to_owned())], body.to_string())
        }
        _ => able(asked),
    });
    assert!(check(&config(&server)).is_ok());
}

/// Asks to stop after some time.
struct StopsAfter(Instant, Duration);

impl Progress for StopsAfter {
    fn cancelled(&self) -> bool {
        self.0.elapsed() > self.1
    }
}

#[test]
fn a_check_stops_while_it_waits_for_an_answer() {
    let server = Server::start(|_| Act::Late(Duration::from_secs(30), "late".to_owned()));
    let check = EndpointCheck::new(&config(&server)).expect("settings");
    let begun = Instant::now();
    assert!(check.run(&StopsAfter(begun, Duration::from_millis(200))).is_none());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(server.asked(), 1);
}
