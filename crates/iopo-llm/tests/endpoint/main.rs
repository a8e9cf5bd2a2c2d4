//! Endpoints against a hostile server on this machine.

mod check;
mod kill;
mod limits;
mod money;
mod remembered;
mod score;
mod secrets;
mod server;
mod stop;
mod store;
mod storm;
mod tls;
mod weights;

use std::path::Path;
use std::time::Duration;

use iopo_llm::endpoint::{
    EndpointConfig, Engine, EngineOptions, Prices, RemoteModel, StoreOptions,
};
use iopo_llm::{Failure, LanguageModel, LlmError, Message, Outcome, Request, Sampling, Silent};

use crate::server::Server;

/// Options with waits of milliseconds.
fn options() -> EngineOptions {
    EngineOptions {
        backoff: (Duration::from_millis(1), Duration::from_millis(20)),
        drain: Duration::from_secs(2),
        store: StoreOptions { interval: Duration::from_millis(2), ..StoreOptions::default() },
        ..EngineOptions::default()
    }
}

/// Settings for a test's server.
fn config(server: &Server) -> EndpointConfig {
    let mut config = EndpointConfig::new(&server.url, "test-model");
    config.timeout_seconds = 5.0;
    config
}

/// An engine and a model that asks one server.
fn open(store: &Path, options: EngineOptions, config: EndpointConfig) -> (Engine, RemoteModel) {
    let engine = Engine::open(store, options).expect("an engine");
    let model = engine.model(vec![config]).expect("a model");
    (engine, model)
}

fn request(prompt: &str) -> Request {
    Request::new(vec![Message::user(prompt)], Sampling::greedy(64).with_temperature(0.7))
}

/// Requests with the prompts `NAME 0`, `NAME 1` and so on.
fn requests(name: &str, count: usize) -> Vec<Request> {
    (0..count).map(|at| request(&format!("{name} {at}"))).collect()
}

/// Asks once, and expects that the run goes on.
fn ask(model: &RemoteModel, prompt: &str) -> Outcome {
    model.complete(&[request(prompt)], &Silent).expect("outcomes").remove(0)
}

/// Asks once, and expects a failure of the request.
fn failure(model: &RemoteModel, prompt: &str) -> Failure {
    ask(model, prompt).expect_err("a failure")
}

/// Asks, and expects that the run ends.
fn ends(model: &RemoteModel, requests: &[Request]) -> LlmError {
    model.complete(requests, &Silent).expect_err("an end")
}

fn prices(input: &str, output: &str) -> Prices {
    serde_json::from_value(serde_json::json!({ "input": input, "output": output })).expect("prices")
}
