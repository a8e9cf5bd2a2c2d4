//! One server of a role: its HTTP client, key and admission.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Once};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, Url};

use super::classify::{Again, Response, Retry, Verdict};
use super::config::is_loopback;
use super::lane::Lane;
use super::{ApiKey, EndpointConfig, EndpointError, Scrubber};
use crate::{FailureClass, StopCause};

/// Largest body that is read.
const LARGEST_BODY: usize = 16 << 20;

/// One server of a role.
pub(super) struct Member {
    pub(super) config: EndpointConfig,
    pub(super) url: Url,
    pub(super) scrubber: Scrubber,
    pub(super) lane: Arc<Lane>,
    http: Client,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Member {
    /// Checks the settings first: `lane` relies on them. If nothing is sent, no key is needed.
    pub(super) fn new(
        config: EndpointConfig,
        sends_nothing: bool,
        lane: impl FnOnce(&EndpointConfig, &Url) -> Result<Arc<Lane>, EndpointError>,
    ) -> Result<Self, EndpointError> {
        let url = config.checked()?;
        let variable = config.api_key_env.as_deref().filter(|_| !sends_nothing);
        let key = variable.map(ApiKey::from_env).transpose()?;
        let http = client(&config, &url, key.as_ref())?;
        let lane = lane(&config, &url)?;
        Ok(Self { config, url, scrubber: Scrubber::new(key), lane, http })
    }

    /// A reason with the model and the host that it is about. The rest of the address may hold a key.
    pub(super) fn says(&self, reason: &str) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{reason} (model `{}` at {host}{port})", self.config.model)
    }

    /// Sends a body once and reads the response.
    pub(super) async fn post<T>(&self, url: &Url, body: Vec<u8>) -> Result<Response, Verdict<T>> {
        let json = HeaderValue::from_static("application/json");
        let request = self.http.post(url.clone()).header(CONTENT_TYPE, json).body(body);
        let mut response = request.send().await.map_err(|error| self.transport(error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.transport(error))? {
            if body.len() + chunk.len() > LARGEST_BODY {
                let reason = format!("found a body above {} MiB", LARGEST_BODY >> 20);
                return Err(Verdict::Row(FailureClass::Malformed, reason));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, headers, body })
    }

    /// Classifies an error of the network. Addresses are not part of the reason: their queries may hold keys.
    fn transport<T>(&self, error: reqwest::Error) -> Verdict<T> {
        let error = error.without_url();
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        let reason = self.scrubber.scrub(&text);
        let words = text.to_lowercase();
        let unknown_host = words.contains("dns error") || words.contains("failed to lookup");
        let bad_certificate = words.contains("certificate") || words.contains("unknownissuer");
        if error.is_connect() && (unknown_host || bad_certificate) && !self.lane.succeeded() {
            let host = self.url.host_str().unwrap_or_default();
            return Verdict::Stop(
                StopCause::Address,
                format!("failed to connect to {host}: {reason}"),
            );
        }
        let timeout = error.is_timeout() && !error.is_connect();
        let class = if timeout { FailureClass::Timeout } else { FailureClass::Transient };
        Verdict::Retry(Retry {
            overload: timeout,
            maybe_paid: !error.is_connect(),
            again: if error.is_connect() { Again::NoConnection } else { Again::Yes },
            ..Retry::new(class, reason)
        })
    }
}

/// Builds a client that verifies certificates and follows no redirects. It reads proxies from the environment, but uses
/// none for this machine.
fn client(
    config: &EndpointConfig,
    url: &Url,
    key: Option<&ApiKey>,
) -> Result<Client, EndpointError> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error means that the application has already installed a provider, which also works.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let setting = |setting, found: &str, expected| EndpointError::Setting {
        setting,
        found: found.to_owned(),
        expected,
    };
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        let expected = "the name of an HTTP header";
        let name = HeaderName::from_bytes(config.key_header.as_bytes())
            .map_err(|_| setting("key_header", &config.key_header, expected))?;
        let prefix = if name == reqwest::header::AUTHORIZATION { "Bearer " } else { "" };
        let variable = || config.api_key_env.clone().unwrap_or_default();
        let value =
            key.header(prefix).ok_or_else(|| EndpointError::NoKey { variable: variable() })?;
        headers.insert(name, value);
    }
    let mut builder = Client::builder()
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(config.connect_timeout())
        .timeout(config.timeout())
        .pool_max_idle_per_host(config.max_concurrency)
        .pool_idle_timeout(Duration::from_secs(30))
        .user_agent(concat!("iopo/", env!("CARGO_PKG_VERSION")));
    if is_loopback(url) {
        builder = builder.no_proxy();
    }
    if url.scheme() == "http" {
        // Without TLS, the system's certificates are neither needed nor loaded.
        builder = builder.tls_certs_only([]);
    }
    if let Some(path) = &config.ca_file {
        let pem = std::fs::read(path)
            .map_err(|source| EndpointError::File { path: path.clone(), source })?;
        let certificates = Certificate::from_pem_bundle(&pem).unwrap_or_default();
        if certificates.is_empty() {
            let found = path.display().to_string();
            return Err(setting("ca_file", &found, "a file with PEM certificates"));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    let client = builder.build();
    client.map_err(|error| EndpointError::Client { reason: error.without_url().to_string() })
}
