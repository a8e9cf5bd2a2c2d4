//! Checks what an endpoint supports.

mod probe;

use std::pin::pin;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::probe::{Probe, obeys, schema};
use super::{EndpointConfig, EndpointError, Estimate, Forecast, Usage};
use crate::{Failure, FailureClass, Message, Progress, Request, Sampling, StopCause};

/// Tokens that an answer of the check may have. Models that reason first need more than the answer itself.
const NEW_TOKENS: usize = 512;
/// Two random seeds.
const SEEDS: [u64; 2] = [7, 8];
/// Interval at which a check looks whether the user asked to stop.
const TICK: Duration = Duration::from_millis(50);

/// What an endpoint supports.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EndpointReport {
    /// Time of the first answer.
    pub latency: Duration,
    /// The model as the server names it, if it does.
    pub model: Option<String>,
    /// The server's token counts of the first answer.
    pub usage: Usage,
    /// Characters of reasoning in the first answer, beside its text.
    pub reasoning_chars: u64,
    /// Limits that the headers state.
    pub limits: ServerLimits,
    /// Whether two equal requests have the same answer, and one with another random seed a different one. A server without other
    /// load may pass by chance.
    pub seed: Support,
    /// Whether an answer obeys the JSON schema of its request.
    pub json_schema: Support,
    /// Whether generated tokens have log-probabilities.
    pub logprobs: Support,
    /// Whether given text has log-probabilities, as [`LogProb`](crate::LogProb) needs.
    pub prompt_logprobs: Support,
}

/// Whether a server supports something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Support {
    /// It does.
    Yes,
    /// It does not, for this reason.
    No(String),
    /// The check does not tell, for this reason.
    Unclear(String),
}

/// Rates that a server states in its headers. Their period depends on the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServerLimits {
    /// Requests.
    pub requests: Option<u64>,
    /// Tokens.
    pub tokens: Option<u64>,
}

/// Why an endpoint answers no chat.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", self.class(), failure.reason)]
pub struct CheckFailure {
    /// The class and the reason.
    pub failure: Failure,
    /// Why no request can succeed, if that is known.
    pub cause: Option<StopCause>,
}

impl CheckFailure {
    /// Returns the name of the cause, or of the class.
    pub fn class(&self) -> &'static str {
        self.cause.map_or(self.failure.class.name(), StopCause::name)
    }

    /// Returns the remedy.
    pub fn hint(&self) -> &'static str {
        use FailureClass::{Cut, Empty, RateLimited, Refused, Timeout};
        match (self.cause, self.failure.class) {
            (Some(cause), _) => cause.hint(),
            (None, Cut) => {
                "the model reasons at length; set `reasoning_effort` in `extra_body`, or allow longer answers"
            }
            (None, RateLimited) => "wait, or set `requests_per_minute` to the limit of the account",
            (None, Timeout) => {
                "check that the server is not overloaded, or raise `timeout_seconds`"
            }
            (None, Empty | Refused) => "check that `model` is a chat model",
            _ => "read the log of the server, then check again",
        }
    }
}

/// A check of one endpoint: at most six short requests, whose answers are not stored.
///
/// A request may take as long as the endpoint's settings allow, but at least a minute. It is not sent again after a timeout.
#[derive(Debug)]
pub struct EndpointCheck(Probe);

impl EndpointCheck {
    /// Prepares a check. Nothing is sent.
    ///
    /// # Errors
    /// Returns the errors of [`Engine::model`](super::Engine::model).
    pub fn new(config: &EndpointConfig) -> Result<Self, EndpointError> {
        Probe::new(config.clone()).map(Self)
    }

    /// Returns the cost and time of the check.
    pub fn forecast(&self) -> Forecast {
        use Kind::{OtherSeed, Plain, Schema};
        let endpoint = self.0.config();
        let kinds = [Plain, Plain, OtherSeed, Schema, Plain, Plain];
        Estimate::of(&kinds.map(request), &[endpoint]).forecast([endpoint])
    }

    /// Sends the requests. Returns `None` if `progress` asks to stop. Not for use in async code.
    ///
    /// The result is an error if the first request fails. The failure of another one means that the server does not support
    /// what it asks for.
    pub fn run(&self, progress: &dyn Progress) -> Option<Result<EndpointReport, CheckFailure>> {
        let failed = |reason: String| CheckFailure {
            failure: Failure::new(FailureClass::Transient, reason),
            cause: None,
        };
        if tokio::runtime::Handle::try_current().is_ok() {
            return Some(Err(failed("an endpoint was checked from async code".to_owned())));
        }
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return Some(Err(failed(error.to_string()))),
        };
        let outcome = runtime.block_on(async {
            let mut report = pin!(report(&self.0));
            while !progress.cancelled() {
                if let Ok(outcome) = tokio::time::timeout(TICK, report.as_mut()).await {
                    return Some(outcome);
                }
            }
            None
        });
        // Does not wait for the resolution of a host name.
        runtime.shutdown_background();
        outcome
    }
}

/// A request of the check.
#[derive(Clone, Copy)]
enum Kind {
    Plain,
    /// The same with another random seed.
    OtherSeed,
    /// Its prompt does not mention JSON, so only a server that enforces the schema obeys it.
    Schema,
}

fn request(kind: Kind) -> Request {
    let seed = SEEDS[usize::from(matches!(kind, Kind::OtherSeed))];
    let sampling = Sampling::greedy(NEW_TOKENS).with_temperature(1.0).with_seed(seed);
    let text = match kind {
        Kind::Plain | Kind::OtherSeed => "Write one short sentence about a river of your choice.",
        Kind::Schema => "Name a river, and tell whether it is in Europe.",
    };
    let request = Request::new(vec![Message::user(text)], sampling);
    match kind {
        Kind::Plain | Kind::OtherSeed => request,
        Kind::Schema => request.with_schema(schema()),
    }
}

/// Tells whether the random seed decides about the answer.
async fn seed(probe: &Probe, first: &str) -> Support {
    match probe.chat(&request(Kind::Plain), json!({})).await {
        Ok(again) if again.text == first => {}
        Ok(_) => return Support::No("the answers to equal requests differ".to_owned()),
        Err(error) => return Support::No(error.to_string()),
    }
    match probe.chat(&request(Kind::OtherSeed), json!({})).await {
        Ok(other) if other.text == first => {
            Support::Unclear("the same answer for every seed".to_owned())
        }
        Ok(_) => Support::Yes,
        Err(error) => Support::Unclear(error.to_string()),
    }
}

async fn report(probe: &Probe) -> Result<EndpointReport, CheckFailure> {
    let begun = Instant::now();
    let first = probe.chat(&request(Kind::Plain), json!({})).await?;
    let latency = begun.elapsed();
    // Every other request may fail because the server does not support what it asks for.
    let supports = |result: Result<bool, CheckFailure>, reason: &str| match result {
        Ok(true) => Support::Yes,
        Ok(false) => Support::No(reason.to_owned()),
        Err(error) => Support::No(error.to_string()),
    };
    let seed = seed(probe, &first.text).await;
    let schema = probe.chat(&request(Kind::Schema), json!({})).await;
    let json_schema =
        supports(schema.map(|answer| obeys(&answer.text)), "the answer does not obey the schema");
    let scored = probe.chat(&request(Kind::Plain), json!({ "logprobs": true })).await;
    let has_logprobs = |body: &Value| {
        let logprobs = &body["choices"][0]["logprobs"];
        let lists = [&logprobs["content"], &logprobs["token_logprobs"]];
        lists.iter().any(|list| list.as_array().is_some_and(|list| !list.is_empty()))
    };
    let logprobs = supports(scored.map(|answer| has_logprobs(&answer.body)), "the answer has none");
    let prompt_logprobs = supports(probe.scores().await, "the server returns none");
    Ok(EndpointReport {
        latency,
        model: first.model,
        usage: first.usage,
        reasoning_chars: first.reasoning_chars,
        limits: first.limits,
        seed,
        json_schema,
        logprobs,
        prompt_logprobs,
    })
}
