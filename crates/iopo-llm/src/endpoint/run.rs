//! The state of one call of a model: whether it continues, and if not, why.

use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;

use futures_util::future::{Either, select};
use tokio::sync::watch;

use super::{StoreError, locked};
use crate::{LlmError, StopCause};

/// Why a call sends no further requests.
#[derive(Debug, Clone)]
pub(super) enum Halt {
    Cancelled,
    Stop(StopCause, String),
    Failed(String),
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        match LlmError::from(error) {
            LlmError::Stopped { cause, reason } => Self::Stop(cause, reason),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<Halt> for LlmError {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Cancelled => Self::Cancelled,
            Halt::Stop(cause, reason) => Self::Stopped { cause, reason },
            Halt::Failed(reason) => Self::Failed { reason },
        }
    }
}

/// The state of a call.
pub(super) struct Run {
    halted: watch::Sender<bool>,
    cause: Mutex<Option<Halt>>,
}

impl Run {
    pub(super) fn new() -> Self {
        Self { halted: watch::Sender::new(false), cause: Mutex::new(None) }
    }

    /// Sends no further requests. The first cause counts.
    pub(super) fn halt(&self, cause: Halt) {
        locked(&self.cause).get_or_insert(cause);
        self.halted.send_replace(true);
    }

    pub(super) fn is_halted(&self) -> bool {
        *self.halted.borrow()
    }

    /// Returns why the call has halted, if it has.
    pub(super) fn cause(&self) -> Option<Halt> {
        locked(&self.cause).clone()
    }

    /// Waits for a future unless the call halts first.
    pub(super) async fn unless_halted<T>(&self, work: impl Future<Output = T>) -> Result<T, Halt> {
        let mut halted = self.halted.subscribe();
        let stop = pin!(halted.wait_for(|halted| *halted));
        match select(stop, pin!(work)).await {
            Either::Left(_) => Err(self.cause().unwrap_or(Halt::Cancelled)),
            Either::Right((done, _)) => Ok(done),
        }
    }
}
