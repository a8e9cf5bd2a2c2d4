//! Log-probabilities of given responses, from servers with vLLM's `prompt_logprobs`.
//!
//! The server tokenizes the prompt, then the prompt with the response, and returns the log-probability of each token. The
//! response begins where the prompt ends.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{Read, parse, usage};
use super::key::score_content;
use super::member::Member;
use super::pay::{Call, Paid};
use super::record::{About, Stored};
use super::remote::{Addressed, RemoteModel};
use super::run::{Halt, Run};
use super::wire;
use super::{EndpointConfig, Record, Scrubber, Usage, estimated_tokens};
use crate::{
    Failure, FailureClass, LlmError, LogProb, LogProbResponse, Message, Progress, StopCause,
    TokenLogps,
};

/// The reason for a server that does not return log-probabilities.
const UNSUPPORTED: &str =
    "the endpoint cannot score given text, expected vLLM's `/tokenize` and `prompt_logprobs`";

/// Tokens that a server must generate to return log-probabilities.
const SCORING_TOKENS: u64 = 1;

/// The reply to a request to tokenize.
#[derive(Deserialize)]
struct Tokens {
    tokens: Vec<u64>,
}

/// The span of the scored tokens: the number of prompt tokens, and the number of tokens after them.
struct Span {
    prompt: Vec<u64>,
    scored: usize,
}

impl RemoteModel {
    /// Scores one response after its prompt.
    async fn score(
        &self,
        run: &Run,
        prompt: &[Message],
        response: LogProbResponse<'_>,
    ) -> Result<Result<TokenLogps, Failure>, Halt> {
        if response.text.is_empty() {
            let failure = Failure::new(FailureClass::Empty, "the response has no text");
            self.count_failure(&failure);
            return Ok(Err(failure));
        }
        let addressed = self
            .addressed(|config| score_content(&config.model, &config.extra_body, prompt, response));
        let pay = self.pay_score(run, &addressed[0], prompt, response);
        self.stored_or(run, &addressed, Record::score, pay).await
    }

    async fn pay_score(
        &self,
        run: &Run,
        addressed: &Addressed,
        prompt: &[Message],
        response: LogProbResponse<'_>,
    ) -> Result<Paid<Stored>, Halt> {
        let member = &self.members[addressed.member];
        let mut turns = prompt.to_vec();
        turns.push(Message::assistant(response.text));
        let tokenize = async |messages: &[Message], fields: Value| {
            let url = tokenize_url(member);
            let call = Call { completes: false, ..call(addressed, member, url, messages, fields) };
            let paid = self.inner.pay(run, &call, read_tokens).await.map_err(unsupported)?;
            Ok::<_, Halt>(match paid {
                // The permit is dropped here, because the next request needs one, too.
                Paid::Result { result, .. } => Ok(result),
                Paid::Rejected(failure, about) => Err(Paid::Rejected(failure, about)),
                Paid::Failed(failure) => Err(Paid::Failed(failure)),
            })
        };
        let begin = match tokenize(prompt, json!({ "add_generation_prompt": true })).await? {
            Ok(tokens) => tokens,
            Err(failed) => return Ok(failed),
        };
        if begin.is_empty() {
            // llama.cpp has the path, but tokenizes the field `content` and ignores messages.
            let reason = format!("{UNSUPPORTED}: found no tokens of the prompt");
            return Err(Halt::Failed(reason));
        }
        let open = json!({ "add_generation_prompt": false, "continue_final_message": true });
        let whole = match tokenize(&turns, open).await? {
            Ok(tokens) => tokens,
            Err(failed) => return Ok(failed),
        };
        if whole == begin {
            let reason = "found no tokens of the response";
            let failure = Failure::new(FailureClass::BadRequest, reason);
            return Ok(Paid::Rejected(failure, Box::default()));
        }
        if whole.len() <= begin.len() || !whole.starts_with(&begin) {
            let reason = "the chat template changes the prompt when a response follows";
            let failure = Failure::new(FailureClass::BadRequest, reason);
            return Ok(Paid::Rejected(failure, Box::default()));
        }
        // The token after the response ends the turn.
        let scored = whole.len() - begin.len() + usize::from(response.ended);
        let span = Span { prompt: begin, scored };
        let url = EndpointConfig::at(&member.url, "chat/completions");
        let call = call(addressed, member, url, &turns, scoring_fields(response.ended));
        let read = |body: &[u8], scrubber: &Scrubber| read_score(body, scrubber, &span);
        let paid = self.inner.pay(run, &call, read).await?;
        match paid {
            Paid::Result { result: None, .. } => Err(Halt::Failed(UNSUPPORTED.to_owned())),
            Paid::Result { result: Some(result), usage, about, permit, charged } => {
                Ok(Paid::Result { result, usage, about, permit, charged })
            }
            Paid::Rejected(failure, about) => Ok(Paid::Rejected(failure, about)),
            Paid::Failed(failure) => Ok(Paid::Failed(failure)),
        }
    }
}

/// Returns the address that tokenizes a chat. It is beside `/v1`, not below it.
pub(super) fn tokenize_url(member: &Member) -> reqwest::Url {
    let path = member.url.path().trim_end_matches('/').trim_end_matches("/v1").to_owned();
    let mut url = member.url.clone();
    url.set_path(&path);
    EndpointConfig::at(&url, "tokenize")
}

/// Returns the fields of a request that scores its last message, which may have ended its turn.
pub(super) fn scoring_fields(ended: bool) -> Value {
    json!({
        "add_generation_prompt": false,
        "continue_final_message": !ended,
        "max_tokens": SCORING_TOKENS,
        "temperature": 0,
        "prompt_logprobs": 0,
        "return_token_ids": true,
    })
}

/// Builds a body with some messages and fields, and those of the settings.
pub(super) fn scoring_body(config: &EndpointConfig, messages: &[Message], fields: Value) -> Value {
    let mut body = json!({ "model": config.model, "messages": messages });
    if let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) {
        body.extend(fields);
        body.extend(config.extra_body.clone());
    }
    body
}

/// Builds a request with some messages and fields.
fn call<'a>(
    addressed: &Addressed,
    member: &'a Member,
    url: reqwest::Url,
    messages: &[Message],
    fields: Value,
) -> Call<'a> {
    let body = scoring_body(&member.config, messages, fields);
    Call {
        member,
        url,
        key: addressed.key,
        prompt_tokens: estimated_tokens(messages),
        new_tokens: wire::most_new_tokens(&member.config, &member.url, SCORING_TOKENS),
        body: body.to_string().into_bytes(),
        completes: true,
    }
}

/// A server that lacks the path reports an unknown path or an unknown model.
fn unsupported(halt: Halt) -> Halt {
    match halt {
        Halt::Stop(StopCause::Address | StopCause::Model, reason) => {
            Halt::Failed(format!("{UNSUPPORTED}: {reason}"))
        }
        other => other,
    }
}

fn read_tokens(body: &[u8], scrubber: &Scrubber) -> Read<Vec<u64>> {
    let free = Usage { prompt: Some(0), completion: Some(0), ..Usage::default() };
    match serde_json::from_slice::<Tokens>(body) {
        Ok(reply) => Read::Result { result: reply.tokens, usage: free, about: Box::default() },
        Err(error) => match parse(body, scrubber) {
            Err(other) => other,
            Ok(_) => Read::Invalid(scrubber.scrub(&format!("found no tokens: {error}"))),
        },
    }
}

/// Reads the log-probabilities of a span. The result is `None` if the server returns none.
fn read_score(body: &[u8], scrubber: &Scrubber, span: &Span) -> Read<Option<Stored>> {
    let reply = match parse(body, scrubber) {
        Ok(reply) => reply,
        Err(other) => return other,
    };
    let usage = usage(reply.usage);
    let done = |result| {
        let about = Box::new(About { charged: true, ..About::default() });
        Read::Result { result, usage, about }
    };
    let Some(logprobs) = reply.prompt_logprobs.filter(|found| !found.is_null()) else {
        return done(None);
    };
    let logprobs: Vec<Option<Map<String, Value>>> = match serde_json::from_value(logprobs) {
        Ok(logprobs) => logprobs,
        Err(error) => {
            let reason = format!("found no valid log-probabilities: {error}");
            return Read::Invalid(scrubber.scrub(&reason));
        }
    };
    let failure =
        |reason: &str| done(Some(Stored::Failure(Failure::new(FailureClass::BadRequest, reason))));
    let ids = reply.prompt_token_ids;
    if ids.as_ref().is_some_and(|ids| !ids.starts_with(&span.prompt)) {
        return failure("the chat template changes the prompt when a response follows");
    }
    let from = span.prompt.len();
    let Some(entries) = logprobs.get(from..from + span.scored) else {
        return failure("found fewer log-probabilities than tokens of the response");
    };
    let mut sum = 0.0;
    for (at, entry) in entries.iter().enumerate() {
        let id = ids.as_ref().and_then(|ids| ids.get(from + at));
        match entry.as_ref().and_then(|entry| logprob(entry, id)) {
            Some(logprob) => sum += logprob,
            None => return failure("found a token without a log-probability"),
        }
    }
    done(Some(Stored::Score { sum, tokens: span.scored as u32 }))
}

/// The log-probability of the token itself. The server may also list other likely tokens.
fn logprob(entry: &Map<String, Value>, id: Option<&u64>) -> Option<f64> {
    let own = match id {
        Some(id) => entry.get(&id.to_string()),
        None if entry.len() == 1 => entry.values().next(),
        None => None,
    };
    own?.get("logprob")?.as_f64().filter(|logprob| logprob.is_finite())
}

impl LogProb for RemoteModel {
    fn response_logps(
        &self,
        prompts: &[Vec<Message>],
        responses: &[LogProbResponse<'_>],
        progress: &dyn Progress,
    ) -> Result<Vec<TokenLogps>, LlmError> {
        let each = self.response_logps_each(prompts, responses, progress)?.into_iter().enumerate();
        each.map(|(index, one)| one.map_err(|failure| LlmError::Request { index, failure }))
            .collect()
    }

    fn response_logps_each(
        &self,
        prompts: &[Vec<Message>],
        responses: &[LogProbResponse<'_>],
        progress: &dyn Progress,
    ) -> Result<Vec<Result<TokenLogps, Failure>>, LlmError> {
        let pairs: Vec<_> = prompts.iter().zip(responses.iter().copied()).collect();
        self.drive(pairs.into_iter(), progress, |run: Arc<Run>, (prompt, response)| async move {
            self.score(&run, prompt, response).await
        })
    }
}
