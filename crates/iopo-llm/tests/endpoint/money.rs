//! Cost: what is counted, and where a run stops.

use iopo_llm::endpoint::{Engine, EngineOptions, Money};
use iopo_llm::{LanguageModel, LlmError, Silent, StopCause};
use serde_json::json;

use crate::server::{Act, Server};
use crate::{ask, config, open, options, prices, requests};

fn money(text: &str) -> Money {
    text.parse().expect("money")
}

#[test]
fn the_cost_is_counted_once_and_unknown_counts_stay_unknown() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|asked| match asked.prompt.as_str() {
        "without usage" => {
            Act::say(200, json!({ "choices": [{ "message": { "content": "yes" } }] }))
        }
        _ => Act::Answer("yes".to_owned()),
    });
    let mut settings = config(&server);
    settings.prices = Some(prices("1", "2.5"));
    let (engine, model) = open(dir.path(), options(), settings.clone());
    model.complete(&requests("cost", 10), &Silent).expect("outcomes");
    // 10 prompt tokens and 20 generated ones each.
    assert_eq!(engine.tally().cost, money("0.0006"));
    assert_eq!((engine.tally().prompt_tokens, engine.tally().completion_tokens), (100, 200));
    model.complete(&requests("cost", 10), &Silent).expect("outcomes");
    assert_eq!((engine.tally().cost, engine.tally().from_store), (money("0.0006"), 10));
    let completion = ask(&model, "without usage").expect("an answer");
    assert_eq!(completion.completion_tokens, None);
    assert_eq!((engine.tally().unknown_usage, engine.tally().unknown_cost), (1, 1));
    assert_eq!(engine.tally().cost, money("0.0006"));
}

#[test]
fn a_run_stops_before_the_maximum_cost_and_goes_on_with_a_higher_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|_| Act::Answer("yes".to_owned()));
    let mut settings = config(&server);
    settings.prices = Some(prices("1", "2.5"));
    let asked = requests("budget", 100);
    let limited = EngineOptions { max_cost: Some(money("0.003")), ..options() };
    let (engine, model) = open(dir.path(), limited.clone(), settings.clone());
    let error = model.complete(&asked, &Silent).expect_err("too expensive");
    assert!(matches!(error, LlmError::Stopped { cause: StopCause::MaxCost, .. }), "{error}");
    let tally = engine.tally();
    assert!(tally.cost <= money("0.003") && tally.cost > money("0.002"), "{}", tally.cost);
    let kept = engine.store().len();
    assert_eq!(kept as u32, server.answered(), "the answers in flight are kept");
    drop((engine, model));
    let (engine, model) = open(dir.path(), options(), settings.clone());
    model.complete(&asked, &Silent).expect("outcomes");
    assert_eq!((server.answered(), engine.tally().from_store), (100, kept as u64));
    drop((engine, model));
    settings.prices = None;
    let engine = Engine::open(dir.path(), limited).expect("an engine");
    let error = engine.model(vec![settings]).expect_err("no prices");
    assert!(error.to_string().contains("prices"), "{error}");
}
