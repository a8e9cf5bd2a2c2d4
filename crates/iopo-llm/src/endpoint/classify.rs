//! Decides how a response or a transport error affects its request and the run.

use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::answer::Read;
use super::headers;
use super::record::About;
use super::{Scrubber, Usage};
use crate::{FailureClass, StopCause};

/// The next step after an attempt.
pub(super) enum Verdict<T> {
    /// The request has its result.
    Done { result: T, usage: Usage, about: Box<About> },
    /// The request fails permanently.
    Row(FailureClass, String),
    /// The request fails, because the server rejects a parameter that every request has.
    Parameter(String),
    /// The request is sent again.
    Retry(Retry),
    /// No request can succeed, so the run stops.
    Stop(StopCause, String),
}

/// A failed attempt that may succeed later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Retry {
    pub(super) class: FailureClass,
    pub(super) reason: String,
    /// The wait that the server asks for.
    pub(super) wait: Option<Duration>,
    /// Whether the server signals overload.
    pub(super) overload: bool,
    /// Whether the server may charge for the attempt.
    pub(super) maybe_paid: bool,
    /// Whether the server still loads the model. The attempt does not count.
    pub(super) loading: bool,
    /// Whether another attempt may follow.
    pub(super) again: Again,
}

/// Whether another attempt may follow a failed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Yes,
    /// Yes, but if none succeeds, the address is wrong: there was no connection.
    NoConnection,
    /// The server says that none should follow.
    No,
}

impl Retry {
    pub(super) fn new(class: FailureClass, reason: String) -> Self {
        let (overload, maybe_paid, loading) = (false, false, false);
        Self { class, reason, wait: None, overload, maybe_paid, loading, again: Again::Yes }
    }
}

/// The longest text of an error that is read, in characters.
const LONGEST: usize = 2000;

/// The words of an error in lower case: the codes, and the codes with the message. Also the message for people.
struct Words {
    codes: Vec<String>,
    all: String,
    shown: String,
}

impl Words {
    fn new(error: &Value, fallback: &str, scrubber: &Scrubber) -> Self {
        let (mut codes, mut parts) = (Vec::new(), Vec::new());
        strings(error, &mut codes, &mut parts);
        let provider = provider(error);
        if let Some(provider) = &provider {
            strings(provider, &mut codes, &mut parts);
        }
        let mut shown = message(error).map_or_else(|| parts.join(" "), str::to_owned);
        if let Some(text) = provider.as_ref().and_then(message) {
            let text: String = text.chars().take(LONGEST).collect();
            shown = format!("{shown}: {text}");
        }
        let shown: String = shown.chars().take(LONGEST).collect();
        let shown = if shown.trim().is_empty() { fallback.to_owned() } else { shown };
        Self {
            all: format!("{} {} {shown}", codes.join(" "), parts.join(" ")).to_lowercase(),
            codes: codes.into_iter().map(|code| code.to_lowercase()).collect(),
            shown: scrubber.scrub(&shown),
        }
    }

    fn has(&self, any: &[&str]) -> bool {
        any.iter().any(|word| self.all.contains(word))
    }

    fn has_code(&self, any: &[&str]) -> bool {
        self.codes.iter().any(|code| any.contains(&code.as_str()))
    }

    /// Returns whether the account is out of money. The codes decide if there are known ones: messages about a request
    /// rate mention billing, too. A message that names a wait is about a rate.
    fn is_quota(&self) -> bool {
        let rate = self.has_code(RATE_CODES) || self.has(WAIT);
        self.has_code(QUOTA_CODES) || (!rate && self.has(QUOTA))
    }
}

/// Returns the message of an error for people.
fn message(error: &Value) -> Option<&str> {
    let named = ["message", "detail", "msg"].iter().find_map(|name| error.get(name)?.as_str());
    named.or(error.as_str())
}

/// Returns the error of a provider that a router passes on in `metadata.raw`, as JSON or as text.
fn provider(error: &Value) -> Option<Value> {
    let raw = error.get("metadata")?.get("raw")?;
    let parsed = raw.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let body = parsed.unwrap_or_else(|| raw.clone());
    Some(body.get("error").cloned().unwrap_or(body))
}

/// Collects the codes and the messages of an error, at most 64 each. Other fields may repeat the prompt.
fn strings(value: &Value, codes: &mut Vec<String>, messages: &mut Vec<String>) {
    match value {
        Value::String(text) if messages.len() < 64 => {
            messages.push(text.chars().take(LONGEST).collect());
        }
        Value::Array(items) => {
            items.iter().take(64).for_each(|item| strings(item, codes, messages));
        }
        Value::Object(map) => {
            for name in ["code", "type", "param", "status"] {
                let code = map.get(name).and_then(Value::as_str).filter(|_| codes.len() < 64);
                codes.extend(code.map(|code| code.chars().take(LONGEST).collect()));
            }
            for name in ["message", "msg", "detail", "error"] {
                map.get(name).into_iter().for_each(|inner| strings(inner, codes, messages));
            }
        }
        _ => {}
    }
}

const TOO_LONG: &[&str] = &[
    "context_length_exceeded",
    "exceed_context_size",
    "context size has been exceeded",
    "maximum context length",
    "context window",
    "prompt is too long",
    "too many tokens",
];
const FILTERED: &[&str] = &["content_filter", "content management policy", "moderation", "flagged"];
const QUOTA: &[&str] = &[
    "insufficient_quota",
    "exceeded your current quota",
    "billing hard limit",
    "billing_hard_limit_reached",
    "billing_not_active",
    "insufficient balance",
    "insufficient credits",
];
/// Words of llama.cpp and of Hugging Face's servers.
const LOADING: &[&str] = &["loading model", "is currently loading"];
const QUOTA_CODES: &[&str] =
    &["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"];
const RATE_CODES: &[&str] = &["rate_limit_exceeded", "resource_exhausted", "requests", "tokens"];
const WAIT: &[&str] = &["retry in", "try again in"];
const PARAMETER: &[&str] = &[
    "unsupported_parameter",
    "unknown_parameter",
    "unsupported_value",
    "unrecognized request argument",
    "extra_forbidden",
    "extra inputs are not permitted",
    "unknown parameter",
    "unsupported parameter",
];

/// A response that was read to its end.
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Classifies a response. `read` reads the body of a successful one.
pub(super) fn response<T>(
    response: &Response,
    key_variable: Option<&str>,
    scrubber: &Scrubber,
    read: impl Fn(&[u8], &Scrubber) -> Read<T>,
) -> Verdict<T> {
    let Response { status, headers, body } = response;
    let context = Context { headers, key_variable, scrubber };
    if status.is_success() {
        return match read(body, scrubber) {
            Read::Result { result, usage, about } => Verdict::Done { result, usage, about },
            Read::Invalid(reason) => Verdict::Retry(Retry {
                maybe_paid: true,
                ..Retry::new(FailureClass::Malformed, reason)
            }),
            Read::Broken(reason) => Verdict::Retry(Retry {
                maybe_paid: true,
                ..Retry::new(FailureClass::Transient, reason)
            }),
            Read::Error(error) => {
                let code = error.get("code");
                let number = code.and_then(|code| match code {
                    Value::String(text) => text.parse().ok(),
                    code => code.as_u64().and_then(|code| u16::try_from(code).ok()),
                });
                let status = number.filter(|code| (400..600).contains(code));
                let words = Words::new(&error, "an error without a message", scrubber);
                match context.error(status.unwrap_or_else(|| guess(&words)), &words) {
                    // The model may have answered before the error, but not if a rate limit kept the request from it.
                    Verdict::Retry(retry) if retry.class != FailureClass::RateLimited => {
                        Verdict::Retry(Retry { maybe_paid: true, ..retry })
                    }
                    verdict => verdict,
                }
            }
        };
    }
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let error = parsed.as_ref().map(|parsed| parsed.get("error").unwrap_or(parsed));
    let plain = Value::String(String::from_utf8_lossy(&body[..body.len().min(4000)]).into_owned());
    let words = Words::new(error.unwrap_or(&plain), "no message", scrubber);
    context.error(status.as_u16(), &words)
}

/// The status that corresponds to an error object without a numeric code.
fn guess(words: &Words) -> u16 {
    if words.is_quota() {
        402
    } else if words.has(&["rate limit", "rate_limit", "too many requests"]) {
        429
    } else if words.has(TOO_LONG) || words.has(FILTERED) || words.has(PARAMETER) {
        400
    } else {
        502
    }
}

struct Context<'a> {
    headers: &'a HeaderMap,
    key_variable: Option<&'a str>,
    scrubber: &'a Scrubber,
}

impl Context<'_> {
    fn error<T>(&self, status: u16, words: &Words) -> Verdict<T> {
        let said = format!("status {status}: {}", words.shown);
        match status {
            // llama.cpp reports a full context with status 400 or 500.
            400..=599 if words.has(TOO_LONG) && status != 429 => {
                Verdict::Row(FailureClass::TooLong, said)
            }
            400 | 403 if words.has(FILTERED) => Verdict::Row(FailureClass::Filtered, said),
            401 | 403 => {
                let key = match self.key_variable {
                    Some(variable) => format!("the key in {variable}"),
                    None => "a request without a key (`api_key_env` is not set)".to_owned(),
                };
                Verdict::Stop(StopCause::Key, format!("the server rejects {key} with {said}"))
            }
            402 => Verdict::Stop(StopCause::Quota, format!("the account has no balance: {said}")),
            404 if words.has(&["model"]) => Verdict::Stop(
                StopCause::Model,
                format!("the server does not know the model: {said}"),
            ),
            300..=399 | 404 | 405 => {
                let reason = format!("the address does not serve chat completions: {said}");
                Verdict::Stop(StopCause::Address, reason)
            }
            429 if words.is_quota()
                && (words.has_code(QUOTA_CODES)
                    || headers::retry_after(self.headers, SystemTime::now()).is_none()) =>
            {
                Verdict::Stop(StopCause::Quota, format!("the quota is used up: {said}"))
            }
            503 if words.has(LOADING) => self.transient(status, &said, true),
            408 | 409 | 425 | 429 | 500..=599 => self.transient(status, &said, false),
            400 | 422 if words.has(PARAMETER) => {
                Verdict::Parameter(format!("rejected parameter, {said}"))
            }
            _ => match headers::should_retry(self.headers) {
                Some(true) => self.transient(status, &said, false),
                _ => Verdict::Row(FailureClass::BadRequest, said),
            },
        }
    }

    fn transient<T>(&self, status: u16, said: &str, loading: bool) -> Verdict<T> {
        // A gateway gave up on the model, which may have answered.
        let timeout = matches!(status, 408 | 504 | 524);
        let class = match status {
            429 => FailureClass::RateLimited,
            _ if timeout => FailureClass::Timeout,
            _ => FailureClass::Transient,
        };
        let reason = self.scrubber.scrub(said);
        Verdict::Retry(Retry {
            wait: headers::retry_after(self.headers, SystemTime::now()),
            overload: timeout || (matches!(status, 429 | 503 | 529) && !loading),
            maybe_paid: timeout,
            loading,
            again: match headers::should_retry(self.headers) {
                Some(false) => Again::No,
                _ => Again::Yes,
            },
            ..Retry::new(class, reason)
        })
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::super::answer;
    use super::{Again, Response, Scrubber, Verdict, response};

    /// The verdict as one word.
    fn verdict(status: u16, header: Option<(&'static str, &'static str)>, body: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.extend(
            header.map(|(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_static(value))
            }),
        );
        let status = StatusCode::from_u16(status).expect("a status");
        let reply = Response { status, headers, body: body.as_bytes().to_vec() };
        match response(&reply, Some("MY_KEY"), &Scrubber::new(None), answer::read) {
            Verdict::Done { .. } => "done".to_owned(),
            Verdict::Row(class, _) => class.name().to_owned(),
            Verdict::Parameter(_) => "parameter".to_owned(),
            Verdict::Retry(retry) if retry.again == Again::No => retry.class.name().to_owned(),
            Verdict::Retry(retry) => {
                let more = [(retry.maybe_paid, ", maybe paid"), (retry.loading, ", loading")];
                let more = more.iter().filter(|(is, _)| *is).map(|(_, what)| *what);
                format!("retry {}{}", retry.class.name(), more.collect::<String>())
            }
            Verdict::Stop(cause, reason) => {
                assert!(!reason.contains('\n'));
                format!("stop {cause:?}")
            }
        }
    }

    #[test]
    fn errors_are_classified_by_status_code_and_words() {
        let cases = [
            (400, r#"{"error":{"message":"x","code":"context_length_exceeded"}}"#, "too_long"),
            (400, r#"{"error":{"type":"exceed_context_size_error","code":400}}"#, "too_long"),
            (500, r#"{"error":{"message":"Context size has been exceeded."}}"#, "too_long"),
            (400, r#"{"error":{"code":"content_filter"}}"#, "filtered"),
            (403, r#"{"error":{"message":"your input was flagged"}}"#, "filtered"),
            (400, r#"{"error":{"message":"bad"}}"#, "bad_request"),
            (422, r#"{"detail":[{"type":"extra_forbidden"}]}"#, "parameter"),
            (413, "<html>", "bad_request"),
            (401, r#"{"error":"no"}"#, "stop Key"),
            (403, "", "stop Key"),
            (402, "", "stop Quota"),
            (404, r#"{"error":{"message":"the model x does not exist"}}"#, "stop Model"),
            (404, "not found", "stop Address"),
            (308, "", "stop Address"),
            (429, r#"{"error":{"code":"insufficient_quota"}}"#, "stop Quota"),
            (429, r#"{"error":{"code":"rate_limit_exceeded"}}"#, "retry rate_limited"),
            (429, "slow down", "retry rate_limited"),
            (408, "", "retry timeout, maybe paid"),
            (504, "<html>", "retry timeout, maybe paid"),
            (524, "", "retry timeout, maybe paid"),
            (502, "", "retry transient"),
            (
                503,
                r#"{"error":{"message":"Loading model","code":503}}"#,
                "retry transient, loading",
            ),
            (503, r#"{"error":"Model m is currently loading"}"#, "retry transient, loading"),
            (503, "overloaded", "retry transient"),
            (500, r#"{"error":{"message":"failed while loading model"}}"#, "retry transient"),
            (529, "", "retry transient"),
            (200, r#"{"error":{"message":"x","code":502}}"#, "retry transient, maybe paid"),
            (200, r#"{"error":{"message":"x","code":504}}"#, "retry timeout, maybe paid"),
            (200, r#"{"error":{"message":"x","code":"429"}}"#, "retry rate_limited"),
            (200, r#"{"error":{"message":"Rate limit exceeded"}}"#, "retry rate_limited"),
            (200, r#"{"error":"Insufficient credits"}"#, "stop Quota"),
            (200, r#"{"error":{"message":"something"}}"#, "retry transient, maybe paid"),
            (
                200,
                r#"{"choices":[{"message":{"content":"h"},"finish_reason":"error"}]}"#,
                "retry transient, maybe paid",
            ),
            (200, r#"{"error":"","choices":[{"message":{"content":"hi"}}]}"#, "done"),
            (200, "{", "retry malformed, maybe paid"),
            (200, r#"{"choices":[{"message":{"content":"hi"}}]}"#, "done"),
        ];
        for (status, body, expected) in cases {
            assert_eq!(verdict(status, None, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_rate_limit_that_mentions_billing_is_not_an_empty_account() {
        let message = "Rate limit reached for m on requests per min. Limit: 3 / min. Please try again in 20s. Visit \
            https://platform.openai.com/account/billing to add a payment method.";
        let body = |code: &str, kind: &str, message: &str| {
            serde_json::json!({ "error": { "code": code, "type": kind, "message": message } })
                .to_string()
        };
        let says = |code, kind, message| verdict(429, None, &body(code, kind, message));
        assert_eq!(says("rate_limit_exceeded", "requests", message), "retry rate_limited");
        assert_eq!(says("", "", message), "retry rate_limited");
        let quota = "You exceeded your current quota, please check your plan and billing details.";
        assert_eq!(says("rate_limit_exceeded", "tokens", quota), "retry rate_limited");
        let wait = format!("{quota} Please retry in 15.0s.");
        assert_eq!(says("", "", &wait), "retry rate_limited");
        let gemini = serde_json::json!({
            "error": { "code": 429, "message": quota, "status": "RESOURCE_EXHAUSTED" }
        });
        assert_eq!(verdict(429, None, &gemini.to_string()), "retry rate_limited");
        let after = Some(("retry-after", "15"));
        assert_eq!(verdict(429, after, &body("", "", quota)), "retry rate_limited");
        assert_eq!(verdict(429, after, &body("insufficient_quota", "", quota)), "stop Quota");
        // Negative control: the account is empty.
        assert_eq!(says("", "", quota), "stop Quota");
        assert_eq!(says("insufficient_quota", "requests", ""), "stop Quota");
        assert_eq!(says("billing_not_active", "", ""), "stop Quota");
        assert_eq!(says("", "", "Billing hard limit has been reached"), "stop Quota");
    }

    #[test]
    fn an_error_that_a_router_passes_on_decides() {
        let inner = serde_json::json!({ "error": { "message": "the limit is 8192 tokens",
            "code": "context_length_exceeded" } });
        let body = |raw: serde_json::Value| {
            serde_json::json!({ "error": { "code": 400, "message": "Provider returned error",
                "metadata": { "raw": raw } } })
            .to_string()
        };
        assert_eq!(verdict(400, None, &body(inner.to_string().into())), "too_long");
        assert_eq!(verdict(400, None, &body(inner.clone())), "too_long");
        assert_eq!(verdict(400, None, &body("the prompt is too long".into())), "too_long");
        // Negative control: the provider's error says nothing about the length.
        assert_eq!(verdict(400, None, &body("bad".into())), "bad_request");
        let value: serde_json::Value =
            serde_json::from_str(&body(inner.to_string().into())).expect("an error");
        let words = super::Words::new(&value["error"], "none", &Scrubber::new(None));
        assert_eq!(words.shown, "Provider returned error: the limit is 8192 tokens");
    }

    #[test]
    fn a_prompt_that_an_error_repeats_does_not_decide() {
        let repeats = |prompt: &str| {
            let item = serde_json::json!({ "type": "int_parsing", "loc": ["body", "seed"],
                "msg": "not a whole number", "input": { "content": prompt } });
            serde_json::json!({ "detail": [item], "body": { "content": prompt } }).to_string()
        };
        for prompt in ["what is a context window?", "a flagged word", "unknown parameter"] {
            assert_eq!(verdict(400, None, &repeats(prompt)), "bad_request", "{prompt}");
        }
        // Negative control: as a message, the same words decide.
        assert_eq!(verdict(400, None, r#"{"detail":"a flagged word"}"#), "filtered");
    }

    #[test]
    fn the_server_decides_about_retries_if_it_says_so() {
        assert_eq!(verdict(500, Some(("x-should-retry", "false")), ""), "transient");
        assert_eq!(verdict(400, Some(("x-should-retry", "true")), ""), "retry transient");
    }
}
