//! Log-probabilities of given responses, from a server that speaks vLLM's dialect.

use std::time::Duration;

use iopo_llm::endpoint::EndpointConfig;
use iopo_llm::{FailureClass, LlmError, LogProb, LogProbResponse, Message, Silent, StopCause};
use serde_json::{Value, json};

use crate::server::{Act, Asked, Server};
use crate::{config, open, options};

/// The tokens of a chat: one a word, one at the start of a turn, and two after its end.
fn tokens(asked: &Asked) -> Vec<u64> {
    let messages = asked.body["messages"].as_array().expect("messages");
    let open = asked.body["continue_final_message"] == json!(true);
    let mut tokens = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        tokens.push(if message["role"] == "assistant" { 3 } else { 1 });
        let words = message["content"].as_str().expect("text").split_whitespace();
        tokens.extend(words.map(|word| 100 + word.len() as u64));
        if !(open && at + 1 == messages.len()) {
            tokens.extend([7, 8]);
        }
    }
    if asked.body["add_generation_prompt"] == json!(true) {
        tokens.push(3);
    }
    tokens
}

/// Each token has a log-probability of minus a hundredth of its id, beside a likelier one.
fn vllm(asked: &Asked) -> Act {
    let tokens = tokens(asked);
    match asked.path.as_str() {
        "/tokenize" => Act::say(200, json!({ "count": tokens.len(), "tokens": tokens })),
        "/v1/chat/completions" => {
            let entry = |id: &u64| {
                let own = json!({ "logprob": -(*id as f64) / 100.0, "rank": 2 });
                json!({ id.to_string(): own, "5": { "logprob": -0.001, "rank": 1 } })
            };
            let mut logprobs: Vec<Value> = tokens.iter().map(entry).collect();
            logprobs[0] = Value::Null;
            Act::say(
                200,
                json!({
                    "choices": [{ "message": { "content": "x" }, "finish_reason": "length" }],
                    "prompt_logprobs": logprobs, "prompt_token_ids": tokens,
                    "usage": { "prompt_tokens": tokens.len(), "completion_tokens": 1 },
                }),
            )
        }
        _ => Act::error(404, "nothing here"),
    }
}

fn score(settings: EndpointConfig, ended: bool) -> Result<Vec<(f64, u32)>, LlmError> {
    let dir = tempfile::tempdir().expect("a folder");
    let (_engine, model) = open(dir.path(), options(), settings);
    let prompts = vec![vec![Message::user("one two")], vec![Message::user("three")]];
    let responses =
        [LogProbResponse { text: "a bb ccc", ended }, LogProbResponse { text: "dddd", ended }];
    let first = model.response_logps(&prompts, &responses, &Silent)?;
    assert_eq!(model.response_logps(&prompts, &responses, &Silent)?, first);
    Ok(first.into_iter().map(|one| (one.sum, one.tokens)).collect())
}

#[test]
fn the_tokens_of_a_response_and_the_end_of_its_turn_are_scored() {
    let server = Server::start(vllm);
    let close = |found: &[(f64, u32)], expected: [(f64, u32); 2]| {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found.0 - expected.0).abs() < 1e-9 && found.1 == expected.1, "{found:?}");
        }
    };
    let open = score(config(&server), false).expect("scored");
    close(&open, [(-1.01 - 1.02 - 1.03, 3), (-1.04, 1)]);
    let asked = server.asked();
    assert_eq!(asked, 6, "three requests a response, and none for a stored score");
    let ended = score(config(&server), true).expect("scored");
    close(&ended, [(-1.01 - 1.02 - 1.03 - 0.07, 4), (-1.04 - 0.07, 2)]);
}

#[test]
fn a_server_without_log_probabilities_is_a_clear_error() {
    let silent = Server::start(|asked| match asked.path.as_str() {
        "/tokenize" => vllm(asked),
        _ => Act::Answer("x".to_owned()),
    });
    let without = Server::start(|asked| match asked.path.as_str() {
        "/tokenize" => Act::error(404, "nothing here"),
        _ => vllm(asked),
    });
    for server in [silent, without] {
        let error = score(config(&server), true).expect_err("no log-probabilities");
        assert!(matches!(error, LlmError::Failed { .. }), "{error}");
        assert!(error.to_string().contains("prompt_logprobs"), "{error}");
    }
}

#[test]
fn a_template_that_changes_the_prompt_is_an_error_of_the_request() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/tokenize" if asked.body["add_generation_prompt"] == json!(true) => {
            Act::say(200, json!({ "count": 2, "tokens": [9, 9] }))
        }
        _ => vllm(asked),
    });
    let error = score(config(&server), true).expect_err("another prompt");
    assert!(error.index() == Some(0) && error.to_string().contains("template"), "{error}");
}

#[test]
fn a_lane_of_one_request_does_not_deadlock() {
    let server = Server::start(vllm);
    let mut settings = config(&server);
    settings.max_concurrency = 1;
    let (done, scored) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(score(settings, true)));
    let scored = scored.recv_timeout(Duration::from_secs(20)).expect("an end");
    assert_eq!(scored.expect("scored").len(), 2);
}

#[test]
fn a_server_that_ignores_the_messages_cannot_score_and_nothing_is_stored() {
    // As llama.cpp, whose `/tokenize` reads another field.
    let server = Server::start(|asked| match asked.path.as_str() {
        "/tokenize" => Act::say(200, json!({ "tokens": [] })),
        _ => vllm(asked),
    });
    let dir = tempfile::tempdir().expect("a folder");
    let (engine, model) = open(dir.path(), options(), config(&server));
    let prompts = [vec![Message::user("one")]];
    let score =
        |text| model.response_logps(&prompts, &[LogProbResponse { text, ended: true }], &Silent);
    let error = score("two").expect_err("no tokens");
    assert!(matches!(error, LlmError::Failed { .. }), "{error}");
    assert!(error.to_string().contains("prompt_logprobs"), "{error}");
    assert!(engine.store().is_empty());
}

#[test]
fn an_empty_response_fails_alone() {
    let server = Server::start(vllm);
    let dir = tempfile::tempdir().expect("a folder");
    let (engine, model) = open(dir.path(), options(), config(&server));
    let prompts = vec![vec![Message::user("one two")]; 3];
    let responses = ["a bb", "", "ccc"].map(|text| LogProbResponse { text, ended: false });
    let each = model.response_logps_each(&prompts, &responses, &Silent).expect("outcomes");
    let found: Vec<_> = each.iter().map(|one| one.as_ref().map(|one| one.tokens)).collect();
    assert_eq!((&found[0], &found[2]), (&Ok(2), &Ok(1)));
    let failure = found[1].expect_err("no text");
    assert_eq!((failure.class, failure.attempts), (FailureClass::Empty, 0));
    assert_eq!((engine.store().len(), engine.tally().failed[&FailureClass::Empty]), (2, 1));
    // The other method has no place for a failure, and names the response.
    let error = model.response_logps(&prompts, &responses, &Silent).expect_err("no text");
    assert!(error.index() == Some(1) && error.to_string().contains("no text"), "{error}");
}

#[test]
fn tokenizing_is_no_success() {
    let server = Server::start(|asked| match asked.path.as_str() {
        "/tokenize" => vllm(asked),
        _ => Act::error(400, "wrong"),
    });
    let dir = tempfile::tempdir().expect("a folder");
    let (_engine, model) = open(dir.path(), options(), config(&server));
    let prompts: Vec<_> = (0..20).map(|at| vec![Message::user(format!("{at}"))]).collect();
    let responses = [LogProbResponse { text: "a bb", ended: true }; 20];
    let error = model.response_logps(&prompts, &responses, &Silent).expect_err("rejected");
    assert!(matches!(error, LlmError::Stopped { cause: StopCause::Parameters, .. }), "{error}");
}

#[test]
fn tokenizing_costs_nothing() {
    let server = Server::start(vllm);
    let dir = tempfile::tempdir().expect("a folder");
    let mut settings = config(&server);
    settings.prices = Some(crate::prices("1", "1"));
    let (engine, model) = open(dir.path(), options(), settings);
    let prompts = [vec![Message::user("one two")]];
    let responses = [LogProbResponse { text: "a bb", ended: true }];
    model.response_logps(&prompts, &responses, &Silent).expect("scored");
    let tally = engine.tally();
    assert_eq!((tally.sent, tally.unknown_cost, tally.unknown_usage), (3, 0, 0));
    // The tokens of the prompt and the response, and a generated one.
    assert_eq!((tally.prompt_tokens, tally.completion_tokens), (10, 1));
    assert_eq!(tally.cost.to_string(), "0.000011");
}
