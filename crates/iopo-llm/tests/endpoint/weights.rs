//! Several endpoints of one role.

use iopo_llm::endpoint::Engine;
use iopo_llm::{LanguageModel, Silent};

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
    // Other weights would choose others, but the stored answers are taken.
    (configs[0].weight, configs[1].weight) = (3.0, 1.0);
    configs[0].alias = Some("mini".to_owned());
    let model = engine.model(configs).expect("a model");
    assert_eq!(model.name(), "small@mini+large");
    assert_eq!(model.complete(&asked, &Silent).expect("outcomes"), first);
    assert_eq!(servers[0].answered() + servers[1].answered(), 800);
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
