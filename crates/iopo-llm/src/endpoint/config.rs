//! Settings of an endpoint.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{EndpointError, Prices};
use crate::is_key_name;

const MAX_WEIGHT: f64 = 1e6;
const MAX_REQUESTS: u32 = 1_000_000;
const MAX_TOKENS: u64 = 1_000_000_000_000;
const MAX_CONCURRENCY: usize = 10_000;
const MAX_ATTEMPTS: u32 = 1_000;
const MAX_RATE_LIMITED: u32 = 1_000_000;
/// A week.
const MAX_SECONDS: f64 = 604_800.0;

/// Further names of keys in the query of an address, in small letters and digits, and ends of such names.
const QUERY_NAMES: [&str; 3] = ["auth", "code", "sig"];
const QUERY_ENDS: [&str; 4] = ["key", "secret", "signature", "token"];

/// Returns whether a part of an address's query holds a key by its name.
fn is_key_in_query(name: &str) -> bool {
    let plain = name.to_ascii_lowercase().replace(['-', '_'], "");
    is_key_name(name)
        || QUERY_NAMES.contains(&plain.as_str())
        || QUERY_ENDS.iter().any(|end| plain.ends_with(end))
}

/// A server with an OpenAI-compatible API, and the limits of its use.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EndpointConfig {
    /// Address of the API, usually ending in `/v1`. A query is sent with every request.
    pub base_url: String,
    /// Name of the model, as the server knows it.
    pub model: String,
    /// Alias that follows the `@` in the `generator` column. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Environment variable with the API key. Default: none, for servers without keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// Header of the API key. `authorization` is sent as `Bearer KEY`; Azure expects `api-key`. Default: authorization.
    #[serde(default = "authorization")]
    pub key_header: String,
    /// Share of the requests, relative to the other endpoints of the same role. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(max = MAX_WEIGHT), extend("exclusiveMinimum" = 0.0))]
    pub weight: f64,
    /// Name of the request field that limits the generated tokens. Default: `max_completion_tokens` for OpenAI, else
    /// `max_tokens`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens_field: Option<String>,
    /// Request fields to leave out because the server rejects them. Default: `top_k` for OpenAI, else none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub omit: Option<Vec<String>>,
    /// Additional fields of the request body, such as `reasoning_effort`. They replace fields of the same name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra_body: Map<String, Value>,
    /// Maximum number of requests per minute. Default: only the server's limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_REQUESTS))]
    pub requests_per_minute: Option<u32>,
    /// Maximum number of prompt and generated tokens per minute. Default: only the server's limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_TOKENS))]
    pub tokens_per_minute: Option<u64>,
    /// Maximum number of requests that are in flight or whose answers are not yet on disk. Fewer are sent while the server is
    /// slow or limits the rate. Default: 32.
    #[serde(default = "max_concurrency")]
    #[schemars(range(min = 1, max = MAX_CONCURRENCY))]
    pub max_concurrency: usize,
    /// Timeout of a request, in seconds. Time spent waiting for a rate or concurrency limit does not count. Default: 600.
    #[serde(default = "timeout")]
    #[schemars(range(max = MAX_SECONDS), extend("exclusiveMinimum" = 0.0))]
    pub timeout_seconds: f64,
    /// Timeout of a connection attempt, in seconds. Default: 10.
    #[serde(default = "connect_timeout")]
    #[schemars(range(max = MAX_SECONDS), extend("exclusiveMinimum" = 0.0))]
    pub connect_timeout_seconds: f64,
    /// Maximum number of attempts before a request fails with a transient error. Default: 6.
    #[serde(default = "max_attempts")]
    #[schemars(range(min = 1, max = MAX_ATTEMPTS))]
    pub max_attempts: u32,
    /// Maximum number of rate-limited attempts before a request fails. Default: 100.
    #[serde(default = "max_rate_limited")]
    #[schemars(range(min = 1, max = MAX_RATE_LIMITED))]
    pub max_rate_limited: u32,
    /// Stops the run after this time without a successful request, in seconds. Default: 600.
    #[serde(default = "give_up")]
    #[schemars(range(max = MAX_SECONDS), extend("exclusiveMinimum" = 0.0))]
    pub give_up_seconds: f64,
    /// Prices per million tokens. Without them, the cost is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Prices")]
    pub prices: Option<Prices>,
    /// PEM file with the certificates of a private authority, trusted in addition to the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Allows plain http to other machines. Prompts, answers and keys are then sent unencrypted. Default: false.
    #[serde(default)]
    pub allow_http: bool,
}

impl fmt::Debug for EndpointConfig {
    /// Leaves out the query of the address: it may hold a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.base_url.split('?').next().unwrap_or_default();
        f.debug_struct("EndpointConfig")
            .field("base_url", &address)
            .field("model", &self.model)
            .field("alias", &self.alias)
            .field("api_key_env", &self.api_key_env)
            .field("key_header", &self.key_header)
            .field("weight", &self.weight)
            .field("max_tokens_field", &self.max_tokens_field)
            .field("omit", &self.omit)
            .field("extra_body", &self.extra_body)
            .field("requests_per_minute", &self.requests_per_minute)
            .field("tokens_per_minute", &self.tokens_per_minute)
            .field("max_concurrency", &self.max_concurrency)
            .field("timeout_seconds", &self.timeout_seconds)
            .field("connect_timeout_seconds", &self.connect_timeout_seconds)
            .field("max_attempts", &self.max_attempts)
            .field("max_rate_limited", &self.max_rate_limited)
            .field("give_up_seconds", &self.give_up_seconds)
            .field("prices", &self.prices)
            .field("ca_file", &self.ca_file)
            .field("allow_http", &self.allow_http)
            .finish()
    }
}

fn authorization() -> String {
    "authorization".to_owned()
}
fn one() -> f64 {
    1.0
}
fn max_concurrency() -> usize {
    32
}
fn timeout() -> f64 {
    600.0
}
fn connect_timeout() -> f64 {
    10.0
}
fn max_attempts() -> u32 {
    6
}
fn max_rate_limited() -> u32 {
    100
}
fn give_up() -> f64 {
    600.0
}

impl EndpointConfig {
    pub(super) const BASE_URL: &'static str = "base_url";
    pub(super) const API_KEY_ENV: &'static str = "api_key_env";

    /// Creates settings with all defaults.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            model: model.into(),
            alias: None,
            api_key_env: None,
            key_header: authorization(),
            weight: one(),
            max_tokens_field: None,
            omit: None,
            extra_body: Map::new(),
            requests_per_minute: None,
            tokens_per_minute: None,
            max_concurrency: max_concurrency(),
            timeout_seconds: timeout(),
            connect_timeout_seconds: connect_timeout(),
            max_attempts: max_attempts(),
            max_rate_limited: max_rate_limited(),
            give_up_seconds: give_up(),
            prices: None,
            ca_file: None,
            allow_http: false,
        }
    }

    /// Returns the name for the `generator` column: the model and the alias.
    pub fn name(&self) -> String {
        match &self.alias {
            Some(alias) => format!("{}@{alias}", self.model),
            None => self.model.clone(),
        }
    }

    /// Checks the settings, but neither the environment nor the files that they name.
    ///
    /// # Errors
    /// Returns [`EndpointError::Setting`] about the first setting that cannot be used.
    pub fn validate(&self) -> Result<(), EndpointError> {
        self.checked().map(drop)
    }

    /// Checks the settings and returns the address.
    pub(super) fn checked(&self) -> Result<Url, EndpointError> {
        let setting = |setting, found: String, expected| {
            Err(EndpointError::Setting { setting, found, expected })
        };
        let Ok(url) = Url::parse(&self.base_url) else {
            return setting(Self::BASE_URL, "no address".to_owned(), "an http or https address");
        };
        if !url.username().is_empty() || url.password().is_some() {
            let expected = "an address without user and password";
            return setting(Self::BASE_URL, "an address with a user".to_owned(), expected);
        }
        let http = url.scheme() == "http" && (self.allow_http || is_loopback(&url));
        if !(http || url.scheme() == "https") || url.host().is_none() {
            let found = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
            return setting(Self::BASE_URL, found, "https, or http to this machine");
        }
        if self.model.trim().is_empty() {
            return setting(
                "model",
                "empty".to_owned(),
                "the name of a model, as the server knows it",
            );
        }
        if url.query_pairs().any(|(name, _)| is_key_in_query(&name)) {
            let found = "an address with a key in its query".to_owned();
            return setting(Self::BASE_URL, found, "an address without keys");
        }
        if self.api_key_env.as_deref().is_some_and(|name| !is_variable(name)) {
            // The text may be a key, so it is not shown.
            let found = "a text that is not the name of a variable".to_owned();
            return setting(Self::API_KEY_ENV, found, "the name of an environment variable");
        }
        let positive = [
            ("timeout_seconds", self.timeout_seconds, MAX_SECONDS),
            ("connect_timeout_seconds", self.connect_timeout_seconds, MAX_SECONDS),
            ("give_up_seconds", self.give_up_seconds, MAX_SECONDS),
            ("weight", self.weight, MAX_WEIGHT),
        ];
        for (name, value, most) in positive {
            if !(value > 0.0 && value <= most) {
                return setting(name, value.to_string(), "a positive number in range");
            }
        }
        let counts = [
            ("max_concurrency", self.max_concurrency as u64, MAX_CONCURRENCY as u64),
            ("max_attempts", self.max_attempts.into(), MAX_ATTEMPTS.into()),
            ("max_rate_limited", self.max_rate_limited.into(), MAX_RATE_LIMITED.into()),
            (
                "requests_per_minute",
                self.requests_per_minute.unwrap_or(1).into(),
                MAX_REQUESTS.into(),
            ),
            ("tokens_per_minute", self.tokens_per_minute.unwrap_or(1), MAX_TOKENS),
        ];
        for (name, value, most) in counts {
            if value == 0 || value > most {
                return setting(name, value.to_string(), "a positive number in range");
            }
        }
        Ok(url)
    }

    /// Returns the address of a path below the base address.
    pub(super) fn at(url: &Url, path: &str) -> Url {
        let mut url = url.clone();
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        url
    }

    /// Returns the largest number of tokens that the server generates for a request with a limit of `limit` tokens. `omit` and
    /// `extra_body` can replace the limit, or ask for several answers.
    pub fn most_new_tokens(&self, limit: u64) -> u64 {
        let url = Url::parse(&self.base_url);
        url.map_or(limit, |url| super::wire::most_new_tokens(self, &url, limit))
    }

    /// Returns the name of the field that limits the generated tokens.
    pub(super) fn max_tokens_field(&self, url: &Url) -> &str {
        let default = if is_openai(url) { "max_completion_tokens" } else { "max_tokens" };
        self.max_tokens_field.as_deref().unwrap_or(default)
    }

    /// Returns whether a request field is not sent.
    pub(super) fn omits(&self, url: &Url, field: &str) -> bool {
        match &self.omit {
            Some(omit) => omit.iter().any(|name| name == field),
            None => is_openai(url) && field == "top_k",
        }
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs_f64(self.timeout_seconds)
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        Duration::from_secs_f64(self.connect_timeout_seconds)
    }

    pub(super) fn give_up(&self) -> Duration {
        Duration::from_secs_f64(self.give_up_seconds)
    }
}

/// Whether a text can be the name of an environment variable. A long mixture of small letters and digits is more likely a key.
fn is_variable(text: &str) -> bool {
    let starts = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let name = starts && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let has = |test: fn(&u8) -> bool| text.bytes().any(|byte| test(&byte));
    let like_a_key = text.len() >= 20 && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
    name && text.len() <= 100 && !like_a_key
}

fn is_openai(url: &Url) -> bool {
    url.host_str() == Some("api.openai.com")
}

pub(super) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let ip = address.parse::<std::net::IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::EndpointConfig;

    fn check(url: &str) -> Result<String, String> {
        let config = EndpointConfig::new(url, "m");
        let url = config.checked().map_err(|error| error.to_string())?;
        Ok(EndpointConfig::at(&url, "chat/completions").to_string())
    }

    #[test]
    fn only_safe_addresses_are_accepted() {
        assert_eq!(check("https://host/v1").expect("https"), "https://host/v1/chat/completions");
        let azure = check("https://host/x/?api-version=2").expect("query");
        assert_eq!(azure, "https://host/x/chat/completions?api-version=2");
        for good in ["http://127.0.0.1:80/v1", "http://localhost/v1", "http://[::1]:80/v1"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in ["http://host/v1", "ftp://host", "host/v1", "", "http://127.0.0.1.host/"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        let error = check("https://me:secret@host/v1").expect_err("a user");
        assert!(!error.contains("secret"), "{error}");
        let mut config = EndpointConfig::new("http://host/v1", "m");
        config.allow_http = true;
        assert!(config.checked().is_ok());
        config.max_attempts = 0;
        assert!(config.checked().is_err());
    }

    #[test]
    fn a_model_without_a_name_is_refused() {
        let mut config = EndpointConfig::new("https://a.example/v1", "m");
        assert!(config.validate().is_ok());
        config.model = " ".to_owned();
        assert!(config.validate().unwrap_err().to_string().starts_with("model is empty"));
    }

    #[test]
    fn keys_in_place_of_addresses_and_names_are_refused_and_not_shown() {
        for query in [
            "key=marked",
            "api-key=marked",
            "x=1&API_KEY=marked",
            "sig=marked",
            "auth_token=marked",
            "x-goog-api-key=marked",
            "Bearer-Token=marked",
            "client_secret=marked",
            "password=marked",
            "X-Amz-Signature=marked",
            "subscription-key=marked",
        ] {
            let error = check(&format!("https://host/v1?{query}")).expect_err(query);
            assert!(error.contains("a key in its query") && !error.contains("marked"), "{error}");
        }
        check("https://host/v1?api-version=2024-10-21").expect("no key");
        let named = |name: &str| {
            let mut config = EndpointConfig::new("https://host/v1", "m");
            config.api_key_env = Some(name.to_owned());
            config.validate().map_err(|error| error.to_string())
        };
        for key in ["sk-proj-marked", "gsk_marked7marked7marked7", "my key", "", "1KEY"] {
            let error = named(key).expect_err(key);
            assert!(error.starts_with("api_key_env is a text that") && !error.contains("marked"));
        }
        for name in ["OPENAI_API_KEY", "_key2", "AZURE_OPENAI_API_KEY_EAST_US_2"] {
            named(name).expect(name);
        }
    }

    #[test]
    fn openai_has_field_names_of_its_own() {
        let config = EndpointConfig::new("https://api.openai.com/v1", "m");
        let url = config.checked().expect("https");
        assert_eq!(config.max_tokens_field(&url), "max_completion_tokens");
        assert!(config.omits(&url, "top_k") && !config.omits(&url, "top_p"));
        let config = EndpointConfig::new("https://host/v1", "m");
        let url = config.checked().expect("https");
        assert_eq!(config.max_tokens_field(&url), "max_tokens");
        assert!(!config.omits(&url, "top_k"));
    }

    #[test]
    fn debug_output_does_not_contain_the_query() {
        let config = EndpointConfig::new("https://host/v1?key=marked", "m");
        let text = format!("{config:?}");
        assert!(text.contains("https://host/v1") && !text.contains("marked"), "{text}");
        // Every other field is there.
        let json = serde_json::to_value(EndpointConfig { allow_http: true, ..config });
        let json = json.expect("JSON");
        for name in json.as_object().expect("fields").keys() {
            assert!(text.contains(name.as_str()), "{name}");
        }
    }
}
