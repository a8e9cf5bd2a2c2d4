//! Models behind OpenAI-compatible endpoints.
//!
//! An [`Engine`] holds the [`Store`] of answers and the limits of each server. [`Engine::model`] returns a [`RemoteModel`]
//! for a role, whose requests go to one or several [endpoints](EndpointConfig). [`Engine::remember`] stores the answers of any
//! other model, for instance one on this machine. [`Estimate`] states the cost of requests before they are sent. [`EndpointCheck`] tells what an
//! endpoint supports.
//!
//! - **No answer is lost.** An answer is on disk before a caller sees it. A request is identified by its
//!   [content](RequestKey), so a later run, or another stage, reuses the stored answer at no cost.
//! - **Each request has an outcome.** A failed request has a [class](crate::FailureClass) and a reason. A run stops early only
//!   if every further request would fail: the key, address, model or a parameter is wrong, the account is out of credit, the
//!   maximum cost is reached, or no request succeeds for a long time. See [`StopCause`](crate::StopCause).
//! - **Servers set the pace.** Requests and tokens per minute can be limited. The number of requests in flight adapts to
//!   rate limits and latency, and `Retry-After` and `x-ratelimit-*` headers are respected.
//! - **Keys stay secret.** A key comes from an environment variable and goes into the request header. Text from servers is
//!   scrubbed before it becomes a reason or a record.
//!
//! The crate never sends the same request twice at the same time, and never hedges.

mod answer;
mod bucket;
mod check;
mod classify;
mod config;
mod cost;
mod engine;
mod error;
mod estimate;
mod headers;
mod journal;
mod key;
mod lane;
mod limit;
mod member;
mod pay;
mod record;
mod remembered;
mod remote;
mod run;
mod score;
mod secret;
mod store;
mod tally;
mod wire;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use check::{CheckFailure, EndpointCheck, EndpointReport, ServerLimits, Support};
pub use config::EndpointConfig;
pub use cost::{Money, NotDecimal, Price, Prices, Usage};
pub use engine::{Engine, EngineOptions};
pub use error::{EndpointError, StoreError};
pub use estimate::{Estimate, Forecast, estimated_tokens};
pub use key::RequestKey;
pub use record::{About, Record, Stored};
pub use remembered::Remembered;
pub use remote::RemoteModel;
pub use secret::ApiKey;
use secret::Scrubber;
pub use store::{Store, StoreOptions};
pub use tally::Tally;

/// Locks a mutex. No code panics while it holds one, so a poisoned one is still consistent.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
