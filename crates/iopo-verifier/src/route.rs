//! Paths and methods.

use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use hyper::{Method, Request};
use serde::Serialize;

use crate::error::RequestError;
use crate::reply::{self, Reply, start};
use crate::state::State;
use crate::{body, host, openapi, work};

/// Answers a request.
pub(crate) async fn respond(state: &Arc<State>, mut request: Request<Incoming>) -> Reply {
    let open = state.requests.begin();
    let reply = match serve(state, &mut request).await {
        Ok(body) => reply::ok(body),
        Err(error) => {
            if !matches!(error, RequestError::RequestTimeout { .. }) {
                body::drain(state, &mut request).await;
            }
            reply::error(&error)
        }
    };
    open.answered();
    reply
}

async fn serve(state: &Arc<State>, request: &mut Request<Incoming>) -> Result<Bytes, RequestError> {
    if !state.any_host {
        host::check(request)?;
    }
    match request.uri().path() {
        "/v1/verify" => {
            allow(request.method(), &[Method::POST], "POST")?;
            is_json(request.headers())?;
            let body = body::read(state, request).await?;
            work::verify(state, body).await
        }
        "/health" => {
            allow(request.method(), &[Method::GET, Method::HEAD], "GET, HEAD")?;
            Ok(health(state))
        }
        "/openapi.json" => {
            allow(request.method(), &[Method::GET, Method::HEAD], "GET, HEAD")?;
            Ok(Bytes::from_static(openapi::DOCUMENT.as_bytes()))
        }
        other => Err(RequestError::NotFound { found: start(other) }),
    }
}

fn allow(found: &Method, allowed: &[Method], expected: &'static str) -> Result<(), RequestError> {
    if allowed.contains(found) {
        return Ok(());
    }
    Err(RequestError::MethodNotAllowed { expected })
}

/// Checks that a body is declared as plain JSON. A page of another site cannot send this type without asking first.
fn is_json(headers: &HeaderMap) -> Result<(), RequestError> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let kind = text(CONTENT_TYPE).unwrap_or_default();
    let (essence, charset) = kind.split_once(';').unwrap_or((kind, ""));
    let charset = charset.trim().replace('"', "").to_ascii_lowercase();
    let utf8 = ["", "charset=utf-8", "charset=utf8"].contains(&charset.as_str());
    if !essence.trim().eq_ignore_ascii_case("application/json") || !utf8 {
        let (header, found) = ("Content-Type", start(kind));
        let expected = "application/json";
        return Err(RequestError::UnsupportedMediaType { header, found, expected });
    }
    let encoding = text(CONTENT_ENCODING).unwrap_or("identity");
    if !encoding.eq_ignore_ascii_case("identity") {
        let (header, found) = ("Content-Encoding", start(encoding));
        return Err(RequestError::UnsupportedMediaType { header, found, expected: "identity" });
    }
    Ok(())
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    /// Whether `words:start_verb` can be checked.
    tagger: bool,
    requests: Requests,
    limits: Limits,
}

#[derive(Serialize)]
struct Requests {
    open: usize,
    answered: u64,
}

#[derive(Serialize)]
struct Limits {
    max_body_size: usize,
    max_items: usize,
    max_response_size: usize,
    max_pending_size: usize,
    max_connections: usize,
    threads: usize,
    timeout: f64,
}

fn health(state: &State) -> Bytes {
    let limits = &state.limits;
    let health = Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        tagger: state.tagger.is_some(),
        requests: Requests { open: state.requests.open(), answered: state.requests.answered() },
        limits: Limits {
            max_body_size: limits.max_body_size,
            max_items: limits.max_items,
            max_response_size: limits.max_response_size,
            max_pending_size: limits.max_pending_size,
            max_connections: limits.max_connections,
            threads: limits.threads,
            timeout: limits.timeout.as_secs_f64(),
        },
    };
    serde_json::to_vec(&health).unwrap_or_default().into()
}
