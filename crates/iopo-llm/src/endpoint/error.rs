//! Errors of endpoint settings and of the store of answers.

use std::io;
use std::path::PathBuf;

use super::{EndpointConfig, RequestKey};
use crate::{LlmError, StopCause};

/// An error that prevents the use of an endpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The environment variable has no key.
    #[error("the environment variable {variable} holds no API key")]
    NoKey {
        /// Name of the variable.
        variable: String,
    },
    /// A setting has a value that cannot be used.
    #[error("{setting} is {found}, expected {expected}")]
    Setting {
        /// Name of the setting.
        setting: &'static str,
        /// The value.
        found: String,
        /// The allowed values.
        expected: &'static str,
    },
    /// A file cannot be read.
    #[error("failed to read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The HTTP client or its runtime cannot be created.
    #[error("failed to create the HTTP client: {reason}")]
    Client {
        /// The cause.
        reason: String,
    },
    /// The store of answers cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The remedy for a key in a file.
const KEY_HINT: &str =
    "put the key into an environment variable, and the name of the variable into `api_key_env`";

impl EndpointError {
    /// Returns a remedy, if there is a general one.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoKey { .. } => {
                Some("set the variable, or remove `api_key_env` if the server needs no key")
            }
            Self::Setting { setting, found, .. }
                if *setting == EndpointConfig::API_KEY_ENV || found.contains("a key") =>
            {
                Some(KEY_HINT)
            }
            Self::Setting { setting, .. } if *setting == EndpointConfig::BASE_URL => Some(
                "plain http is for servers on this machine; set `allow_http` to use it elsewhere",
            ),
            Self::Store(StoreError::Locked { .. }) => {
                Some("wait until the other run ends, or stop it")
            }
            Self::Store(StoreError::NoLocks { .. }) => {
                Some("use a folder on a local disk for the stored answers")
            }
            _ => None,
        }
    }
}

/// An error of the store of answers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process writes to the store.
    #[error("another process uses the store {}", path.display())]
    Locked {
        /// Folder of the store.
        path: PathBuf,
    },
    /// The file system has no locks, so two processes could write to the store at once.
    #[error("the file system of the store {} has no locks", path.display())]
    NoLocks {
        /// Folder of the store.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("failed to {action} {}", path.display())]
    Io {
        /// The attempted action.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file is not a store of this version.
    #[error("{} begins with {found:?}, expected {expected:?}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its first line.
        found: String,
        /// The first line of this version.
        expected: &'static str,
    },
    /// A stored record is damaged.
    #[error("the record {key} in {} is damaged: its checksum does not match", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Key of the record.
        key: RequestKey,
    },
    /// An earlier write failed, so nothing more is written.
    #[error("the store is closed: {reason}")]
    Closed {
        /// The first failure.
        reason: String,
    },
}

impl From<StoreError> for LlmError {
    fn from(error: StoreError) -> Self {
        let mut reason = error.to_string();
        if let Some(source) = std::error::Error::source(&error) {
            reason = format!("{reason}: {source}");
        }
        Self::Stopped { cause: StopCause::Store, reason }
    }
}
