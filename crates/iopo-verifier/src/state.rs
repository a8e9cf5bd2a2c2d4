//! State that all connections of a server share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use iopo_constraints::ifbench::Tagger;
use tokio::sync::Semaphore;

use crate::budget::Budget;
use crate::limits::Limits;

/// The shared state of a server.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) limits: Limits,
    /// Whether requests may name any host.
    pub(crate) any_host: bool,
    pub(crate) tagger: Option<Tagger>,
    /// Memory for bodies and replies.
    pub(crate) budget: Budget,
    /// One permit per thread that checks.
    pub(crate) threads: Arc<Semaphore>,
    pub(crate) requests: Requests,
}

/// Numbers of requests.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    open: AtomicUsize,
    answered: AtomicU64,
}

/// A request that counts as open until it is dropped.
#[derive(Debug)]
pub(crate) struct Open<'a>(&'a Requests);

impl Requests {
    pub(crate) fn begin(&self) -> Open<'_> {
        self.open.fetch_add(1, Ordering::Relaxed);
        Open(self)
    }

    /// Requests without a reply.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Requests with a reply, errors included.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

impl Open<'_> {
    pub(crate) fn answered(self) {
        self.0.answered.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl State {
    pub(crate) fn new(limits: Limits, any_host: bool, tagger: Option<Tagger>) -> Self {
        Self {
            budget: Budget::new(limits.max_pending_size),
            threads: Arc::new(Semaphore::new(limits.threads)),
            requests: Requests::default(),
            limits,
            any_host,
            tagger,
        }
    }
}
