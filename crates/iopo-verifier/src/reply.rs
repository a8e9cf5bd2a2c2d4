//! Replies as JSON.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde::Serialize;

use crate::error::{ItemError, RequestError};

/// A reply with its whole body.
pub(crate) type Reply = Response<Full<Bytes>>;

/// The seconds after which a client may send a request again.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// An error in a reply.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorBody {
    r#type: &'static str,
    message: String,
    hint: Option<String>,
}

impl From<&ItemError> for ErrorBody {
    fn from(error: &ItemError) -> Self {
        Self { r#type: error.name(), message: error.to_string(), hint: error.hint() }
    }
}

impl From<&RequestError> for ErrorBody {
    fn from(error: &RequestError) -> Self {
        Self { r#type: error.name(), message: error.to_string(), hint: error.hint() }
    }
}

#[derive(Serialize)]
struct Failed {
    error: ErrorBody,
}

/// A successful reply.
pub(crate) fn ok(body: Bytes) -> Reply {
    json(StatusCode::OK, body)
}

/// The reply to a request without results.
pub(crate) fn error(error: &RequestError) -> Reply {
    let body = serde_json::to_vec(&Failed { error: error.into() }).unwrap_or_default();
    let mut reply = json(error.status(), body.into());
    match error {
        RequestError::MethodNotAllowed { expected } => {
            reply.headers_mut().insert(ALLOW, HeaderValue::from_static(expected));
        }
        RequestError::Overloaded { .. } => {
            reply.headers_mut().insert(RETRY_AFTER, RETRY_SECONDS);
        }
        _ => {}
    }
    reply
}

fn json(status: StatusCode, body: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    reply
}

/// A time in seconds, for an error message.
pub(crate) fn seconds(time: Duration) -> String {
    time.as_secs_f64().to_string()
}

/// The start of a text, quoted, for an error message.
pub(crate) fn start(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}
