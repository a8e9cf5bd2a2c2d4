//! Cost: counting, and stopping at the maximum.

use iopo_llm::endpoint::{Engine, EngineOptions, Money, Tally};
use iopo_llm::{LanguageModel, LlmError, Silent, StopCause};
use serde_json::json;

use crate::server::{Act, Server};
use crate::{ask, config, open, options, prices, request, requests};

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

#[test]
fn attempts_that_may_be_charged_for_count_towards_the_maximum_cost() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|_| Act::Cut);
    let mut settings = config(&server);
    settings.max_attempts = 1000;
    settings.prices = Some(prices("0", "2.5"));
    // Up to 64 tokens cost 0.00016 an attempt.
    let limited = EngineOptions { max_cost: Some(money("0.0005")), ..options() };
    let (_engine, model) = open(dir.path(), limited, settings);
    let error = model.complete(&requests("cut", 1), &Silent).expect_err("too expensive");
    assert!(matches!(error, LlmError::Stopped { cause: StopCause::MaxCost, .. }), "{error}");
    assert_eq!(server.asked(), 3);
}

#[test]
fn the_largest_cost_covers_dense_prompts_and_the_limit_that_is_sent() {
    let server = Server::start(|_| Act::Answer("yes".to_owned()));
    let ends = |settings, prompt: &str, max: &str| {
        let dir = tempfile::tempdir().expect("a folder");
        let limited = EngineOptions { max_cost: Some(money(max)), ..options() };
        let (_engine, model) = open(dir.path(), limited, settings);
        model.complete(&[request(prompt)], &Silent).err().map(|error| error.to_string())
    };
    // Digits have a token each with some tokenizers, so 1000 of them may cost 0.001.
    let mut dense = config(&server);
    dense.prices = Some(prices("1", "0"));
    let digits = "7".repeat(1000);
    assert!(ends(dense.clone(), &digits, "0.0009").is_some_and(|error| error.contains("cost")));
    let mut long = config(&server);
    long.prices = Some(prices("0", "1"));
    let as_asked = long.clone();
    long.extra_body.insert("max_tokens".to_owned(), json!(1000));
    assert!(ends(long, "long", "0.0009").is_some_and(|error| error.contains("cost")));
    assert_eq!(server.asked(), 0);
    // Negative control: the same maxima are enough for what is asked.
    assert_eq!(ends(dense, "sparse", "0.0009"), None);
    assert_eq!(ends(as_asked, "long", "0.0009"), None);
}

#[test]
fn absurd_token_counts_do_not_panic() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|_| {
        let usage = json!({ "prompt_tokens": u64::MAX, "completion_tokens": u64::MAX });
        Act::say(200, json!({ "choices": [{ "message": { "content": "yes" } }], "usage": usage }))
    });
    let mut settings = config(&server);
    settings.prices = Some(prices("1", "1"));
    let (engine, model) = open(dir.path(), options(), settings);
    let outcomes = model.complete(&requests("absurd", 3), &Silent).expect("outcomes");
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(engine.tally().prompt_tokens, u64::MAX);
}

#[test]
fn a_forecast_covers_only_the_requests_without_a_stored_answer() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|asked| match asked.prompt.as_str() {
        "priced 1" => Act::error(400, "maximum context length exceeded"),
        _ => Act::Answer("yes".to_owned()),
    });
    let mut settings = config(&server);
    settings.prices = Some(prices("1", "2"));
    let (engine, model) = open(dir.path(), options(), settings.clone());
    let all = requests("priced", 5);
    let whole = model.forecast(&all).expect("a store");
    assert_eq!((whole.size.requests, whole.size.most_new_tokens), (5, 5 * 64));
    assert_eq!(server.asked(), 0, "a forecast asks nothing");
    model.complete(&all[..2], &Silent).expect("outcomes");
    let rest = model.forecast(&all).expect("a store");
    assert_eq!(rest.size.requests, 3);
    assert!(rest.cost.zip(whole.cost).is_some_and(|(rest, whole)| rest.1 < whole.1));
    model.complete(&all, &Silent).expect("outcomes");
    let (low, high) = model.forecast(&all).expect("a store").cost.expect("prices");
    assert_eq!((low, high), (Money::ZERO, Money::ZERO));
    drop((model, engine));
    let again = EngineOptions { retry_failed: true, ..options() };
    let (_engine, model) = open(dir.path(), again, settings);
    assert_eq!(model.unanswered(&all).expect("a store"), [&all[1]], "the failure is asked again");
}

/// Options with a journal.
fn journaled(journal: &std::path::Path, max: &str) -> EngineOptions {
    let max_cost = (!max.is_empty()).then(|| money(max));
    EngineOptions { journal: Some(journal.to_owned()), max_cost, ..options() }
}

#[test]
fn answers_that_are_failures_are_in_the_recorded_cost() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = dir.path().join("requests");
    let server = Server::start(|asked| match asked.prompt.as_str() {
        "paid 6" => Act::error(400, "maximum context length exceeded"),
        "paid 7" => Act::say(200, json!({ "choices": [{ "message": { "content": "" } }] })),
        _ => Act::say(
            200,
            json!({
                "choices": [{ "message": { "content": "" }, "finish_reason": "length" }],
                "usage": { "prompt_tokens": 1000, "completion_tokens": 2000 },
            }),
        ),
    });
    let mut settings = config(&server);
    settings.prices = Some(prices("1", "1"));
    let (engine, model) = open(dir.path(), journaled(&journal, ""), settings.clone());
    let outcomes = model.complete(&requests("paid", 8), &Silent).expect("outcomes");
    assert!(outcomes.iter().all(Result::is_err));
    let of = |tally: &Tally| (tally.cost, tally.prompt_tokens, tally.completion_tokens);
    let paid = (money("0.018"), 6000, 12_000);
    assert_eq!(of(&engine.tally()), paid);
    drop((engine, model));
    let (engine, _model) = open(dir.path(), journaled(&journal, ""), settings);
    let spent = engine.spent().expect("a store").expect("a journal");
    assert_eq!((of(&spent), spent.answered), (paid, 0));
    // The answer without numbers of tokens has an unknown cost, and the rejected request has none.
    assert_eq!((spent.unknown_usage, spent.unknown_cost), (1, 1));
    assert_eq!(spent.failed.values().sum::<u64>(), 8);
}

#[test]
fn the_same_command_again_keeps_its_maximum_cost() {
    let dir = tempfile::tempdir().expect("a folder");
    let [journal, other] = ["requests", "other"].map(|name| dir.path().join(name));
    let server = Server::start(|_| Act::Answer("yes".to_owned()));
    let mut settings = config(&server);
    settings.prices = Some(prices("1", "2.5"));
    let run = |limited: EngineOptions| {
        let (_engine, model) = open(dir.path(), limited, settings.clone());
        model.complete(&requests("again", 100), &Silent).map(drop)
    };
    // An answer costs 0.00006.
    let mut answered = Vec::new();
    for _ in 0..3 {
        let error = run(journaled(&journal, "0.003")).expect_err("too expensive").to_string();
        assert!(error.contains("expected at most 0.003"), "{error}");
        answered.push(server.answered());
    }
    assert!(answered[0] > 30 && answered[0] <= 50, "{answered:?}");
    assert_eq!(answered, [answered[0]; 3], "one maximum for all three");
    // The message states what the earlier commands have paid.
    let error = run(journaled(&journal, "0.003")).expect_err("too expensive").to_string();
    let paid: f64 = f64::from(answered[0]) * 0.00006;
    assert!(error.contains(format!("a cost of {paid:.5}").trim_end_matches('0')), "{error}");
    // The cost of other work of the run counts, too.
    let both =
        EngineOptions { other_journals: vec![journal.clone()], ..journaled(&other, "0.003") };
    run(both).expect_err("too expensive");
    assert_eq!(server.answered(), answered[0]);
    // A higher maximum continues.
    run(journaled(&journal, "0.05")).expect("outcomes");
    assert_eq!(server.answered(), 100);
    // Negative control: without a journal, a process knows only its own cost.
    let (_engine, model) =
        open(dir.path(), EngineOptions { max_cost: Some(money("0.003")), ..options() }, settings);
    assert!(ask(&model, "one more").is_ok());
}

#[test]
fn attempts_that_may_be_charged_for_count_after_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = dir.path().join("requests");
    let server = Server::start(|asked| match asked.prompt.as_str() {
        "paid 0" => Act::Cut,
        _ => Act::say(200, json!({ "choices": [{ "message": { "content": "yes" } }] })),
    });
    let mut settings = config(&server);
    settings.max_attempts = 2;
    settings.prices = Some(prices("0", "2.5"));
    let run = |max: &str, count: usize| {
        let (_engine, model) = open(dir.path(), journaled(&journal, max), settings.clone());
        model.complete(&requests("paid", count), &Silent).map(|outcomes| outcomes.len())
    };
    // Up to 64 tokens cost 0.00016. The two attempts, and the answer without numbers of tokens, count with this cost.
    assert_eq!(run("", 2).expect("outcomes"), 2);
    assert_eq!(server.asked(), 3);
    run("0.0005", 3).expect_err("0.00048 are spent");
    assert_eq!(server.asked(), 3);
    run("0.0007", 3).expect_err("one more");
    assert_eq!(server.asked(), 4);
}

#[test]
fn a_failure_that_is_sent_again_has_been_paid_twice() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = dir.path().join("requests");
    let server = Server::start(|asked| match asked.before {
        0 => Act::Answer(String::new()),
        _ => Act::Answer("yes".to_owned()),
    });
    let mut settings = config(&server);
    settings.prices = Some(prices("1", "2.5"));
    let (engine, model) = open(dir.path(), journaled(&journal, "1"), settings.clone());
    ask(&model, "again").expect_err("an empty answer");
    drop((engine, model));
    let again = EngineOptions { retry_failed: true, ..journaled(&journal, "1") };
    let (engine, model) = open(dir.path(), again, settings.clone());
    ask(&model, "again").expect("an answer");
    drop((engine, model));
    let (_engine, model) = open(dir.path(), journaled(&journal, "0.00015"), settings);
    let error = model.complete(&requests("other", 1), &Silent).expect_err("spent").to_string();
    assert!(error.contains("a cost of 0.00012 so far"), "{error}");
}

#[test]
fn a_body_that_is_too_long_may_be_charged_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|_| Act::Answer("x".repeat(17 << 20)));
    let mut settings = config(&server);
    settings.prices = Some(prices("0", "2.5"));
    let limited = EngineOptions { max_cost: Some(money("0.0002")), ..options() };
    let (engine, model) = open(dir.path(), limited, settings);
    let failure = crate::failure(&model, "long");
    assert!(failure.reason.contains("16 MiB"), "{failure}");
    assert_eq!((engine.tally().maybe_paid, engine.tally().sent), (1, 1));
    model.complete(&requests("next", 1), &Silent).expect_err("0.00016 may be spent");
    assert_eq!(server.asked(), 1);
}
