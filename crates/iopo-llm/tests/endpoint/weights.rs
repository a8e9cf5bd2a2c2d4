//! Several endpoints of one role.

use std::sync::{Arc, Mutex};

use iopo_llm::endpoint::{EndpointConfig, Engine, RemoteModel};
use iopo_llm::{AnsweredBy, LanguageModel, Silent};

use crate::server::{Act, Server};
use crate::{config, options, request, requests};

#[test]
fn endpoints_share_the_requests_by_weight_and_a_stored_answer_serves_any_weights() {
    let dir = tempfile::tempdir().expect("a folder");
    let servers: Vec<Server> =
        (0..2).map(|at| Server::start(move |_| Act::Answer(format!("from {at}")))).collect();
    let mut configs: Vec<_> = servers.iter().map(config).collect();
    configs[0].model = "small".to_owned();
    configs[1].model = "large".to_owned();
    (configs[0].weight, configs[1].weight) = (1.0, 3.0);
    let asked = requests("weight", 800);
    let engine = Engine::open(dir.path(), options()).expect("an engine");
    let model = engine.model(configs.clone()).expect("a model");
    assert_eq!(model.name(), "small+large");
    let first = model.complete(&asked, &Silent).expect("outcomes");
    let (small, large) = (servers[0].answered(), servers[1].answered());
    assert_eq!(small + large, 800);
    assert!((150..250).contains(&small), "{small} and {large}");
    let origins = |model: &RemoteModel| -> Vec<AnsweredBy> {
        asked.iter().map(|one| model.answered_by(one).expect("an origin")).collect()
    };
    let before = origins(&model);
    for ((request, outcome), origin) in asked.iter().zip(&first).zip(&before) {
        let text = &outcome.as_ref().expect("an answer").text;
        assert_eq!(origin.model, if text == "from 0" { "small" } else { "large" });
        let keys = model.keys(request).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(origin.key.as_ref(), Some(&keys[0]), "the endpoint that was asked");
    }
    // Other weights would choose others, but the stored answers are taken.
    (configs[0].weight, configs[1].weight) = (3.0, 1.0);
    configs[0].alias = Some("mini".to_owned());
    let model = engine.model(configs).expect("a model");
    assert_eq!(model.name(), "small@mini+large");
    assert_eq!(model.complete(&asked, &Silent).expect("outcomes"), first);
    assert_eq!(servers[0].answered() + servers[1].answered(), 800);
    // So do their origins: the key of the stored answer, also where the request would go to the other endpoint now.
    let after = origins(&model);
    let moved = asked
        .iter()
        .zip(&after)
        .filter(|(request, origin)| Some(model.keys(request)[0].to_string()) != origin.key);
    assert!(moved.count() > 100, "negative control");
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.key, after.key);
        assert_eq!(after.model, before.model.replace("small", "small@mini"));
    }
}

#[test]
fn identical_requests_in_flight_are_sent_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let wait = std::time::Duration::from_millis(30);
    let server = Server::start(move |asked| Act::Late(wait, format!("{}", asked.body["seed"])));
    let engine = Engine::open(dir.path(), options()).expect("an engine");
    let model = engine.model(vec![config(&server)]).expect("a model");
    let same = vec![request("same"); 40];
    let outcomes = model.complete(&same, &Silent).expect("outcomes");
    assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]));
    assert_eq!(server.asked(), 1);
    // Another sample of the same chat is another request, with another seed.
    let samples: Vec<_> = (0..4).map(|sample| request("same").with_sample(sample)).collect();
    let outcomes = model.complete(&samples, &Silent).expect("outcomes");
    let mut texts: Vec<_> = outcomes.into_iter().map(|one| one.expect("an answer").text).collect();
    texts.sort();
    texts.dedup();
    assert_eq!((texts.len(), server.asked()), (4, 4));
}

#[test]
fn endpoints_that_differ_by_their_key_share_the_requests() {
    let dir = tempfile::tempdir().expect("a folder");
    let keys = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&keys);
    let server = Server::start(move |asked| {
        shared.lock().expect("a lock").extend(asked.authorization.clone());
        Act::Answer("yes".to_owned())
    });
    // Variables that Cargo sets for every test.
    let configs = ["CARGO_PKG_NAME", "CARGO_PKG_VERSION"].map(|variable| {
        let mut config = config(&server);
        config.api_key_env = Some(variable.to_owned());
        config
    });
    let engine = Engine::open(dir.path(), options()).expect("an engine");
    let model = engine.model(configs.to_vec()).expect("a model");
    model.complete(&requests("key", 200), &Silent).expect("outcomes");
    let keys = keys.lock().expect("a lock");
    let first = keys.iter().filter(|key| key.as_str() == "Bearer iopo-llm").count();
    assert!(keys.len() == 200 && (60..140).contains(&first), "{first} of {}", keys.len());
}

#[test]
fn endpoints_with_the_same_address_model_and_key_need_the_same_limits() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Server::start(|_| Act::Answer("yes".to_owned()));
    let engine = Engine::open(dir.path(), options()).expect("an engine");
    let first = config(&server);
    let held = engine.model(vec![first.clone()]).expect("a model");
    let mut second = first.clone();
    // A slash at the end does not make it another server.
    second.base_url.push('/');
    second.weight = 2.0;
    engine.model(vec![second.clone()]).expect("the same limits");
    second.max_concurrency = 4;
    let error = engine.model(vec![second.clone()]).expect_err("another limit").to_string();
    assert!(error.contains("max_concurrency is 4"), "{error}");
    second.model = "another".to_owned();
    engine.model(vec![second.clone()]).expect("another model");
    // Limits apply as long as a model uses them.
    second.model.clone_from(&first.model);
    drop(held);
    engine.model(vec![second]).expect("another limit");
}

#[test]
fn the_fingerprint_covers_all_that_changes_completions() {
    let dir = tempfile::tempdir().expect("a folder");
    let engine = Engine::open(dir.path(), options()).expect("an engine");
    let fingerprint = |configs: &[EndpointConfig]| {
        let model = engine.model(configs.to_vec()).expect("a model");
        model.fingerprint().expect("a fingerprint")
    };
    let new = |port| EndpointConfig::new(format!("http://127.0.0.1:{port}/v1"), "m");
    let one = new(1);
    let mut omits = one.clone();
    omits.omit = Some(vec!["top_p".to_owned()]);
    let mut effort = one.clone();
    effort.extra_body.insert("reasoning_effort".to_owned(), "low".into());
    let mut heavy = one.clone();
    heavy.weight = 2.0;
    let all = [
        vec![one.clone()],
        vec![omits],
        vec![effort],
        vec![one.clone(), one.clone()],
        vec![heavy, one.clone()],
    ];
    let mut found: Vec<String> = all.iter().map(|configs| fingerprint(configs)).collect();
    assert_eq!(found[0], fingerprint(&[new(2)]), "a moved server");
    found.sort();
    found.dedup();
    assert_eq!(found.len(), all.len());
}
