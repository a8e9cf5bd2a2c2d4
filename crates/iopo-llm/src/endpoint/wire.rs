//! The JSON of chat completions.

use reqwest::Url;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::EndpointConfig;
use super::key::{RequestKey, decimal};
use crate::{Quantization, Request};

/// Builds the body of a chat request. The error is the reason why the request cannot be sent.
pub(super) fn body(
    config: &EndpointConfig,
    url: &Url,
    key: &RequestKey,
    request: &Request,
) -> Result<Map<String, Value>, String> {
    let sampling = &request.sampling;
    if sampling.quantization != Quantization::None {
        return Err("an endpoint does not support a choice of quantization".to_owned());
    }
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(config.model));
    body.insert("messages".to_owned(), json!(request.messages));
    let fields = [
        (config.max_tokens_field(url), json!(sampling.max_new_tokens)),
        ("temperature", decimal(sampling.temperature)),
        ("top_p", decimal(sampling.top_p)),
        ("top_k", json!(sampling.top_k)),
        ("seed", json!(seed(key, request))),
    ];
    for (name, value) in fields {
        if value.is_null() {
            return Err(format!("{name} is not a finite number"));
        }
        body.insert(name.to_owned(), value);
    }
    if let Some(schema) = &request.schema {
        let format = json!({ "name": schema.name, "schema": schema.schema, "strict": true });
        body.insert(
            "response_format".to_owned(),
            json!({ "type": "json_schema", "json_schema": format }),
        );
    }
    body.retain(|field, _| !config.omits(url, field));
    body.extend(config.extra_body.clone());
    Ok(body)
}

/// The seed to send. Servers accept 31 bits. Each sample and attempt has a different seed, so that a server with reproducible
/// answers returns a different one.
fn seed(key: &RequestKey, request: &Request) -> u64 {
    let as_given = request.sample == 0 && request.attempt == 0;
    if as_given { request.sampling.seed & 0x7fff_ffff } else { key.number() }
}

/// Returns the largest number of tokens that a server generates for a request with a limit of `limit` tokens.
///
/// `omit` and `extra_body` can replace the limit in the body, and a server charges for each of several choices. If they remove
/// it, the number is `limit`, and answers may be longer.
pub(super) fn most_new_tokens(config: &EndpointConfig, url: &Url, limit: u64) -> u64 {
    let own = config.max_tokens_field(url);
    let replaced = |field: &&str| config.extra_body.get(*field).and_then(Value::as_u64);
    let as_given = !config.omits(url, own) && !config.extra_body.contains_key(own);
    let given = as_given.then_some(limit);
    let replacing = [own, "max_tokens", "max_completion_tokens"];
    let most = replacing.iter().filter_map(replaced).chain(given).max().unwrap_or(limit);
    let choices = config.extra_body.get("n").and_then(Value::as_u64).unwrap_or(1).max(1);
    most.saturating_mul(choices)
}

/// Reads an optional field. A value of another type counts as missing: it does not make a paid answer invalid.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

/// Reads an optional count. Some servers write it as `12.0`. A negative or other value counts as missing.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let whole = |number: &f64| number.fract() == 0.0 && (0.0..1e15).contains(number);
    Ok(value.as_u64().or_else(|| value.as_f64().filter(whole).map(|number| number as u64)))
}

/// A response body. Every field may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reply {
    pub(super) id: Option<Value>,
    pub(super) model: Option<Value>,
    pub(super) system_fingerprint: Option<Value>,
    /// The choices, of which the first is read.
    pub(super) choices: Option<Vec<Value>>,
    #[serde(deserialize_with = "lenient")]
    pub(super) usage: Option<ReplyUsage>,
    pub(super) error: Option<Value>,
    /// Log-probabilities of the prompt, which an answer does not need.
    pub(super) prompt_logprobs: Option<Value>,
    #[serde(deserialize_with = "lenient")]
    pub(super) prompt_token_ids: Option<Vec<u64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    pub(super) message: Option<ReplyMessage>,
    #[serde(deserialize_with = "lenient")]
    pub(super) finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReplyMessage {
    pub(super) content: Option<Content>,
    #[serde(deserialize_with = "lenient")]
    pub(super) refusal: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) reasoning_content: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) reasoning: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) tool_calls: Option<Vec<Value>>,
}

/// The text of a message, whole or in parts.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Part {
    #[serde(deserialize_with = "lenient")]
    text: Option<String>,
}

impl Content {
    pub(super) fn text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Parts(parts) => parts.into_iter().filter_map(|part| part.text).collect(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReplyUsage {
    #[serde(deserialize_with = "count")]
    pub(super) prompt_tokens: Option<u64>,
    #[serde(deserialize_with = "count")]
    pub(super) completion_tokens: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    pub(super) prompt_tokens_details: Option<PromptDetails>,
    #[serde(deserialize_with = "lenient")]
    pub(super) completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PromptDetails {
    #[serde(deserialize_with = "count")]
    pub(super) cached_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CompletionDetails {
    #[serde(deserialize_with = "count")]
    pub(super) reasoning_tokens: Option<u64>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{EndpointConfig, RequestKey, body};
    use crate::{Message, Quantization, Request, Sampling};

    #[test]
    fn a_body_has_all_sampling_settings_and_extra_fields_last() {
        let mut config = EndpointConfig::new("https://host/v1", "m");
        config.extra_body.insert("top_p".to_owned(), json!(0.5));
        config.extra_body.insert("min_p".to_owned(), json!(0.1));
        config.omit = Some(vec!["top_k".to_owned()]);
        let url = config.checked().expect("https");
        let sampling = Sampling::greedy(9).with_temperature(0.7).with_seed((1 << 40) + 5);
        let request = Request::new(vec![Message::user("hi")], sampling);
        let key = RequestKey::of("x");
        let sent = body(&config, &url, &key, &request).expect("a body");
        assert_eq!(
            serde_json::Value::Object(sent),
            json!({
                "model": "m", "messages": [{ "role": "user", "content": "hi" }], "max_tokens": 9,
                "temperature": 0.7, "top_p": 0.5, "seed": 5, "min_p": 0.1,
            })
        );
        let again = body(&config, &url, &key, &request.clone().with_attempt(1)).expect("a body");
        assert_eq!(again["seed"], json!(key.number()));
        let int8 = request.sampling.clone().with_quantization(Quantization::Int8);
        assert!(body(&config, &url, &key, &Request::new(vec![], int8)).is_err());
        let endless = request.sampling.with_temperature(f32::INFINITY);
        assert!(body(&config, &url, &key, &Request::new(vec![], endless)).is_err());
    }

    /// Returns the largest number of tokens of a request with a limit of 9, and checks it against the limits in its body.
    fn most(change: impl FnOnce(&mut EndpointConfig)) -> u64 {
        let mut config = EndpointConfig::new("https://host/v1", "m");
        change(&mut config);
        let url = config.checked().expect("https");
        let request = Request::new(vec![Message::user("hi")], Sampling::greedy(9));
        let sent = body(&config, &url, &RequestKey::of("x"), &request).expect("a body");
        let most = super::most_new_tokens(&config, &url, 9);
        let limits = ["max_tokens", "max_completion_tokens"];
        let limits = limits.iter().filter_map(|field| sent.get(*field)?.as_u64());
        let choices = sent.get("n").and_then(serde_json::Value::as_u64).unwrap_or(1);
        assert_eq!(limits.max().unwrap_or(9) * choices, most, "{sent:?}");
        assert_eq!(config.most_new_tokens(9), most);
        most
    }

    #[test]
    fn the_largest_number_of_tokens_is_that_of_the_body() {
        let extra = |config: &mut EndpointConfig, field: &str, value: serde_json::Value| {
            config.extra_body.insert(field.to_owned(), value);
        };
        assert_eq!(most(|_| ()), 9);
        assert_eq!(most(|config| extra(config, "max_tokens", json!(70))), 70);
        assert_eq!(most(|config| extra(config, "max_tokens", json!(3))), 3);
        assert_eq!(most(|config| extra(config, "max_completion_tokens", json!(70))), 70);
        assert_eq!(most(|config| extra(config, "n", json!(4))), 36);
        assert_eq!(most(|config| extra(config, "max_tokens", json!("many"))), 9);
        assert_eq!(most(|config| config.omit = Some(vec!["max_tokens".to_owned()])), 9);
        let renamed = |config: &mut EndpointConfig| {
            config.max_tokens_field = Some("max_completion_tokens".to_owned());
            extra(config, "max_tokens", json!(7));
        };
        assert_eq!(most(renamed), 9);
    }
}
