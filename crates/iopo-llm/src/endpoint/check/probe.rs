//! Sends the requests of a check.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{CheckFailure, ServerLimits};
use crate::endpoint::answer::{self, Read};
use crate::endpoint::classify::{Again, Retry, Verdict, response};
use crate::endpoint::key::{canonical, content};
use crate::endpoint::lane::Lane;
use crate::endpoint::member::Member;
use crate::endpoint::record::{About, Stored};
use crate::endpoint::{
    EndpointConfig, EndpointError, RequestKey, Scrubber, Usage, headers, score, wire,
};
use crate::{Failure, FailureClass, Message, Request, ResponseSchema, StopCause};

/// Attempts of a request.
const ATTEMPTS: u32 = 3;
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// The shortest timeout of a request, in seconds: a model on a CPU may need as long for an answer.
const SHORTEST_TIMEOUT: f64 = 60.0;
/// How long a check waits for a server that still loads its model.
const LOADING: Duration = Duration::from_mins(2);

/// An answer of the server.
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) model: Option<String>,
    pub(super) usage: Usage,
    pub(super) reasoning_chars: u64,
    pub(super) limits: ServerLimits,
    pub(super) body: Value,
}

/// The result of a request, and the body of its response.
struct Sent<T> {
    result: T,
    usage: Usage,
    about: Box<About>,
    limits: ServerLimits,
    body: Value,
}

/// An endpoint without a store.
#[derive(Debug)]
pub(super) struct Probe(Member);

impl Probe {
    pub(super) fn new(config: EndpointConfig) -> Result<Self, EndpointError> {
        let config = with_timeout(config);
        Member::new(config, false, |config, _| Ok(Arc::new(Lane::new(config)))).map(Self)
    }

    pub(super) fn config(&self) -> &EndpointConfig {
        &self.0.config
    }

    /// Sends a chat with additional fields.
    pub(super) async fn chat(
        &self,
        request: &Request,
        fields: Value,
    ) -> Result<Answer, CheckFailure> {
        let Self(member) = self;
        let config = &member.config;
        let key = RequestKey::of(&canonical(&content(
            &config.model,
            &config.extra_body,
            config.omit.as_deref(),
            request,
        )));
        let body = wire::body(config, &member.url, &key, request);
        let mut body = body.map_err(|reason| failed(FailureClass::BadRequest, reason))?;
        if let Value::Object(fields) = fields {
            body.extend(fields);
        }
        let url = EndpointConfig::at(&member.url, "chat/completions");
        let sent = self.send(&url, &Value::Object(body), answer::read).await?;
        let Sent { result, usage, about, limits, body } = sent;
        match result {
            Stored::Answer { text, .. } => {
                let About { model, reasoning_chars, .. } = *about;
                Ok(Answer { text, model, usage, reasoning_chars, limits, body })
            }
            Stored::Failure(failure) => Err(CheckFailure { failure, cause: None }),
            Stored::Score { .. } => {
                Err(failed(FailureClass::Malformed, "found a score".to_owned()))
            }
        }
    }

    /// Returns whether the server tokenizes a chat and returns the log-probabilities of its tokens.
    pub(super) async fn scores(&self) -> Result<bool, CheckFailure> {
        let Self(member) = self;
        let turns = [Message::user("Name a river."), Message::assistant("The Rhine.")];
        let body = |messages: &[Message], fields: Value| {
            score::scoring_body(&member.config, messages, fields)
        };
        let open = body(&turns[..1], json!({ "add_generation_prompt": true }));
        let tokens = match self.send(&score::tokenize_url(member), &open, raw).await {
            Ok(reply) => reply.body,
            // The chat has shown that the address and the model are right.
            Err(CheckFailure { cause: Some(StopCause::Address | StopCause::Model), .. }) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        if tokens["tokens"].as_array().is_none_or(Vec::is_empty) {
            return Ok(false);
        }
        let scored = body(&turns, score::scoring_fields(true));
        let url = EndpointConfig::at(&member.url, "chat/completions");
        let scored = self.send(&url, &scored, raw).await?.body;
        Ok(scored["prompt_logprobs"].as_array().is_some_and(|list| list.len() > 1))
    }

    /// Sends a body until it has a result.
    async fn send<T>(
        &self,
        url: &reqwest::Url,
        body: &Value,
        read: impl Fn(&[u8], &Scrubber) -> Read<T>,
    ) -> Result<Sent<T>, CheckFailure> {
        let Self(member) = self;
        let (mut attempt, begun) = (1, Instant::now());
        loop {
            let posted = member.post(url, body.to_string().into_bytes()).await;
            let (verdict, reply) = match posted {
                Err(verdict) => (verdict, None),
                Ok(reply) => {
                    let variable = member.config.api_key_env.as_deref();
                    (response(&reply, variable, &member.scrubber, &read), Some(reply))
                }
            };
            let retry = match verdict {
                Verdict::Done { result, usage, about } => {
                    let limits = reply.as_ref().map(|reply| headers::limits(&reply.headers));
                    let (requests, tokens) = limits.unwrap_or_default();
                    let body = reply.and_then(|reply| serde_json::from_slice(&reply.body).ok());
                    let (limits, body) =
                        (ServerLimits { requests, tokens }, body.unwrap_or_default());
                    return Ok(Sent { result, usage, about, limits, body });
                }
                Verdict::Row(class, reason) => return Err(failed(class, reason)),
                Verdict::Parameter(reason) => {
                    let cause = Some(StopCause::Parameters);
                    let failed = failed(FailureClass::BadRequest, reason);
                    return Err(CheckFailure { cause, ..failed });
                }
                Verdict::Stop(cause, reason) => {
                    let failed = failed(FailureClass::BadRequest, reason);
                    return Err(CheckFailure { cause: Some(cause), ..failed });
                }
                Verdict::Retry(retry) => retry,
            };
            let Retry { class, reason, wait, again, loading, .. } = retry;
            let wait = wait.unwrap_or(Duration::from_secs(1)).min(LONGEST_WAIT);
            if loading && begun.elapsed() < LOADING {
                tokio::time::sleep(wait).await;
                continue;
            }
            if attempt == ATTEMPTS || again == Again::No || class == FailureClass::Timeout {
                let cause = (again == Again::NoConnection).then_some(StopCause::Address);
                let failure = Failure { class, reason, attempts: attempt };
                return Err(CheckFailure { failure, cause });
            }
            attempt += 1;
            tokio::time::sleep(wait).await;
        }
    }
}

/// Raises a timeout that is too short for a check. One that is not allowed stays, so that it is refused.
fn with_timeout(mut config: EndpointConfig) -> EndpointConfig {
    if config.timeout_seconds > 0.0 {
        config.timeout_seconds = config.timeout_seconds.max(SHORTEST_TIMEOUT);
    }
    config
}

/// Reads any JSON that is no error.
fn raw(body: &[u8], scrubber: &Scrubber) -> Read<()> {
    match answer::parse(body, scrubber) {
        Ok(_) => Read::Result { result: (), usage: Usage::default(), about: Box::default() },
        Err(other) => other,
    }
}

fn failed(class: FailureClass, reason: String) -> CheckFailure {
    CheckFailure { failure: Failure { class, reason, attempts: 1 }, cause: None }
}

/// The rivers that the schema allows.
const RIVERS: [&str; 3] = ["Rhine", "Danube", "Nile"];

/// The schema of the check. Its texts are short, so that a small model reaches the end of the object.
pub(super) fn schema() -> ResponseSchema {
    ResponseSchema {
        name: "river".to_owned(),
        schema: json!({
            "type": "object",
            "properties": {
                "river": { "type": "string", "enum": RIVERS },
                "european": { "type": "boolean" },
            },
            "required": ["river", "european"],
            "additionalProperties": false,
        }),
    }
}

/// Returns whether an answer obeys the schema of the check.
pub(super) fn obeys(text: &str) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else { return false };
    fields.len() == 2
        && fields.get("river").and_then(Value::as_str).is_some_and(|river| RIVERS.contains(&river))
        && fields.get("european").is_some_and(Value::is_boolean)
}

#[cfg(test)]
mod tests {
    use super::{Probe, obeys};
    use crate::endpoint::EndpointConfig;

    #[test]
    fn a_check_waits_at_least_a_minute_for_an_answer() {
        let timeout = |seconds: f64| {
            let mut config = EndpointConfig::new("http://127.0.0.1:9/v1", "m");
            config.timeout_seconds = seconds;
            Probe::new(config).map(|probe| probe.config().timeout_seconds)
        };
        for (own, waits) in [(0.5, 60.0), (60.0, 60.0), (600.0, 600.0)] {
            assert!((timeout(own).expect("a timeout") - waits).abs() < 1e-9, "{own}");
        }
        for refused in [0.0, -1.0, f64::NAN, 1e20] {
            assert!(timeout(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn only_the_schema_itself_is_obeyed() {
        assert!(obeys(r#"{"river": "Rhine", "european": true}"#));
        for text in [
            "The Rhine is in Europe.",
            r#"{"river": "Rhine"}"#,
            r#"{"river": "Rhine", "european": "true"}"#,
            r#"{"river": "Spree", "european": true}"#,
            r#"{"river": "Rhine", "european": true, "unit": "km"}"#,
            r#"["Rhine", true]"#,
        ] {
            assert!(!obeys(text), "{text}");
        }
    }
}
