//! Errors of a server, of requests and of items.

use std::io;
use std::net::SocketAddr;

use hyper::StatusCode;
use iopo_constraints::ConstraintError;
use iopo_constraints::ifeval::InstructionError;

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address can be reached from other machines, and the settings do not allow that.
    #[error(
        "address {address} is not a loopback address: found no permission to serve other machines"
    )]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// The address could not be bound.
    #[error("failed to listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// The event loop could not be started.
    #[error("failed to start the server")]
    Start {
        /// The error of the system.
        source: io::Error,
    },
    /// A limit is out of range.
    #[error("limit `{name}`: found {found}, expected {expected}")]
    Limit {
        /// The field of `Limits`.
        name: &'static str,
        /// The value that was found.
        found: String,
        /// The values that are allowed.
        expected: String,
    },
}

impl ServerError {
    /// Returns a remedy, if one is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotLoopback { .. } => {
                "use 127.0.0.1; there is no authentication, so allow other machines only on a network that you trust"
            }
            Self::Bind { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                "choose another port, or port 0 for any free one"
            }
            Self::Limit { name: "max_pending_size", .. } => {
                "raise `max_pending_size` with `max_body_size`, which is its minimum"
            }
            Self::Bind { .. } | Self::Start { .. } | Self::Limit { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// Why a request has no results.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The body is not JSON.
    #[error("malformed JSON: {reason}")]
    MalformedJson {
        /// The error of the parser, with the place.
        reason: String,
    },
    /// The body could not be read to its end.
    #[error("failed to read the body of the request")]
    BrokenBody,
    /// The request names no host, or several.
    #[error("found {found} host names, expected one")]
    BadHost {
        /// The number of host names.
        found: usize,
    },
    /// The request names a host that is not this machine.
    #[error("found host {found}, expected localhost or a loopback address")]
    ForbiddenHost {
        /// The start of the name.
        found: String,
    },
    /// There is no such path.
    #[error("no path {found}: expected /v1/verify, /health or /openapi.json")]
    NotFound {
        /// The start of the path.
        found: String,
    },
    /// The path has another method.
    #[error("method not allowed: expected {expected}")]
    MethodNotAllowed {
        /// The methods of the path.
        expected: &'static str,
    },
    /// The body did not arrive in time.
    #[error("the body of the request did not arrive within {seconds} s")]
    RequestTimeout {
        /// The time that is allowed.
        seconds: String,
    },
    /// The body is too large.
    #[error("the body of the request is too large: expected at most {most} bytes")]
    BodyTooLarge {
        /// The size that is allowed.
        most: usize,
    },
    /// There are too many items.
    #[error("found more than {most} items, expected at most {most}")]
    TooManyItems {
        /// The number that is allowed.
        most: usize,
    },
    /// The body has another type or encoding than JSON.
    #[error("{header}: found {found}, expected {expected}")]
    UnsupportedMediaType {
        /// The header that says so.
        header: &'static str,
        /// The start of its value.
        found: String,
        /// The value that is allowed.
        expected: &'static str,
    },
    /// The body is JSON, but not a batch.
    #[error("{reason}")]
    InvalidRequest {
        /// What was found and expected.
        reason: String,
    },
    /// The server has too much work.
    #[error("{reason}")]
    Overloaded {
        /// What was exhausted.
        reason: String,
    },
    /// A bug of the server.
    #[error("internal error")]
    Internal,
}

impl RequestError {
    /// The status code of the reply.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::MalformedJson { .. } | Self::BrokenBody | Self::BadHost { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::ForbiddenHost { .. } => StatusCode::FORBIDDEN,
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } | Self::TooManyItems { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidRequest { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Overloaded { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The name of the error in a reply.
    pub fn name(&self) -> &'static str {
        match self {
            Self::MalformedJson { .. } => "MalformedJson",
            Self::BrokenBody => "BrokenBody",
            Self::BadHost { .. } => "BadHost",
            Self::ForbiddenHost { .. } => "ForbiddenHost",
            Self::NotFound { .. } => "NotFound",
            Self::MethodNotAllowed { .. } => "MethodNotAllowed",
            Self::RequestTimeout { .. } => "RequestTimeout",
            Self::BodyTooLarge { .. } => "BodyTooLarge",
            Self::TooManyItems { .. } => "TooManyItems",
            Self::UnsupportedMediaType { .. } => "UnsupportedMediaType",
            Self::InvalidRequest { .. } => "InvalidRequest",
            Self::Overloaded { .. } => "Overloaded",
            Self::Internal => "InternalError",
        }
    }

    /// Returns a remedy, if one is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::BodyTooLarge { .. } | Self::TooManyItems { .. } => {
                "send several smaller requests, or start the server with a higher limit"
            }
            Self::Overloaded { .. } => "send the request again later",
            Self::Internal => "please report this as a bug",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Why an item has no verdicts. The names of the first three are those of the exceptions of the Python package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ItemError {
    /// A constraint could not be created.
    #[error(transparent)]
    Constraint(#[from] ConstraintError),
    /// An instruction cannot be checked.
    #[error(transparent)]
    Instruction(#[from] InstructionError),
    /// A bug of a check.
    #[error("internal error: {message}")]
    Internal {
        /// The message of the panic.
        message: String,
    },
    /// The item is not in its format.
    #[error("{reason}")]
    Invalid {
        /// What was found and expected.
        reason: String,
    },
    /// The response is too long.
    #[error("`response`: found {found} bytes, expected at most {most}")]
    TooLong {
        /// The size of the response.
        found: usize,
        /// The size that is allowed.
        most: usize,
    },
    /// The time for the request was over before the item was checked.
    #[error("not checked within {seconds} s")]
    Timeout {
        /// The time that is allowed.
        seconds: String,
    },
}

impl ItemError {
    /// The name of the error in a reply.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Constraint(_) => "ConstraintError",
            Self::Instruction(_) => "InstructionError",
            Self::Internal { .. } => "InternalError",
            Self::Invalid { .. } => "InvalidItem",
            Self::TooLong { .. } => "ResponseTooLong",
            Self::Timeout { .. } => "Timeout",
        }
    }

    /// Returns a remedy, if one is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Constraint(error) => error.hint(),
            Self::Instruction(error) => error.hint(),
            Self::Internal { .. } => Some("please report this as a bug".to_owned()),
            Self::Invalid { .. } => None,
            Self::TooLong { .. } => {
                Some("cut the response, or start the server with a higher limit".to_owned())
            }
            Self::Timeout { .. } => {
                let hint =
                    "send the item again alone; if that fails, start the server with more time";
                Some(hint.to_owned())
            }
        }
    }
}
