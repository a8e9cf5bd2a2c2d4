//! Admission to one server: requests in flight, rates, pauses, and the decision to give up.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::bucket::Bucket;
use super::classify::Retry;
use super::limit::Limit;
use super::{EndpointConfig, locked};
use crate::{FailureClass, StopCause};

/// Rate-limited requests in a row after which all requests wait as long as the server asks.
const IN_A_ROW: u32 = 3;
/// Rejected requests, before the first success, that end a run.
const REJECTIONS: u32 = 5;

/// The state of one server, model and key. All roles that use them share it.
#[derive(Debug)]
pub(super) struct Lane {
    state: Mutex<State>,
    /// Requests that are in flight or whose results are not yet stored: what a killed process may pay twice.
    open: Arc<Semaphore>,
    /// Held by the request whose turn it is. The others wait in order.
    turn: tokio::sync::Mutex<()>,
    changed: Notify,
    give_up: Duration,
}

#[derive(Debug)]
struct State {
    limit: Limit,
    in_flight: usize,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    paused_until: Option<Instant>,
    limited_in_a_row: u32,
    rejected: u32,
    succeeded: bool,
    failing_since: Option<Instant>,
}

/// What a request waits for.
enum Wait {
    Nothing,
    Time(Duration),
    Slot,
}

impl State {
    fn wait(&mut self, tokens: f64, now: Instant) -> Wait {
        if self.in_flight >= self.limit.current() {
            return Wait::Slot;
        }
        let pause = self.paused_until.map(|until| until.saturating_duration_since(now));
        let requests = self.requests.as_mut().map(|bucket| bucket.wait(1.0, now));
        let rate = self.tokens.as_mut().map(|bucket| bucket.wait(tokens, now));
        match [pause, requests, rate].into_iter().flatten().max() {
            Some(time) if !time.is_zero() => Wait::Time(time),
            _ => Wait::Nothing,
        }
    }
}

/// The permission to send one request. It counts as open until it is dropped.
pub(super) struct Permit {
    lane: Arc<Lane>,
    pub(super) started: Instant,
    reserved: f64,
    in_flight: bool,
    _open: Option<OwnedSemaphorePermit>,
}

impl Permit {
    /// Gives back reserved tokens that were not used.
    pub(super) fn settle(&self, used: f64) {
        if let Some(tokens) = &mut locked(&self.lane.state).tokens {
            tokens.give_back(self.reserved - used);
        }
    }

    /// Lets another request go, because the response is there.
    pub(super) fn landed(&mut self) {
        if std::mem::take(&mut self.in_flight) {
            locked(&self.lane.state).in_flight -= 1;
            self.lane.changed.notify_one();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.landed();
    }
}

impl Lane {
    pub(super) fn new(config: &EndpointConfig) -> Self {
        let now = Instant::now();
        let state = State {
            limit: Limit::new(config.max_concurrency, now),
            in_flight: 0,
            requests: config.requests_per_minute.map(|rate| Bucket::new(f64::from(rate), now)),
            tokens: config.tokens_per_minute.map(|rate| Bucket::new(rate as f64, now)),
            paused_until: None,
            limited_in_a_row: 0,
            rejected: 0,
            succeeded: false,
            failing_since: None,
        };
        Self {
            state: Mutex::new(state),
            open: Arc::new(Semaphore::new(config.max_concurrency)),
            turn: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
            give_up: config.give_up(),
        }
    }

    /// Waits until a request of so many tokens may be sent. This has no time limit.
    pub(super) async fn admit(self: &Arc<Self>, tokens: f64) -> Permit {
        // Nobody closes the semaphore.
        let open = Arc::clone(&self.open).acquire_owned().await.ok();
        let _turn = self.turn.lock().await;
        loop {
            let now = Instant::now();
            let wait = {
                let mut state = locked(&self.state);
                let wait = state.wait(tokens, now);
                if matches!(wait, Wait::Nothing) {
                    state.in_flight += 1;
                    if let Some(bucket) = &mut state.requests {
                        bucket.take(1.0);
                    }
                    if let Some(bucket) = &mut state.tokens {
                        bucket.take(tokens);
                    }
                }
                wait
            };
            match wait {
                Wait::Nothing => {
                    let lane = Arc::clone(self);
                    return Permit {
                        lane,
                        started: now,
                        reserved: tokens,
                        in_flight: true,
                        _open: open,
                    };
                }
                Wait::Time(time) => tokio::time::sleep(time).await,
                // The notification is kept if it comes before this wait.
                Wait::Slot => self.changed.notified().await,
            }
        }
    }

    /// Sends nothing for a while.
    pub(super) fn pause(&self, time: Duration) {
        let mut state = locked(&self.state);
        let until = Instant::now() + time;
        state.paused_until = Some(state.paused_until.map_or(until, |before| before.max(until)));
    }

    /// Records an answer.
    pub(super) fn answered(&self, permit: &Permit, tokens: Option<u64>) {
        let mut state = locked(&self.state);
        state.limit.success(permit.started, Instant::now(), tokens);
        state.succeeded = true;
        state.failing_since = None;
        state.limited_in_a_row = 0;
        drop(state);
        self.changed.notify_one();
    }

    /// Records that the server decides about requests.
    pub(super) fn alive(&self) {
        locked(&self.state).failing_since = None;
    }

    /// Records a request that the server rejects. Returns whether the server rejects all of them.
    pub(super) fn rejected(&self, parameter: bool) -> bool {
        let mut state = locked(&self.state);
        state.rejected += 1;
        !state.succeeded && (parameter || state.rejected >= REJECTIONS)
    }

    /// Returns whether a request succeeded.
    pub(super) fn succeeded(&self) -> bool {
        locked(&self.state).succeeded
    }

    /// Records a failed attempt. Returns why the run ends, if it does.
    pub(super) fn failed(&self, permit: &Permit, retry: &Retry) -> Option<(StopCause, String)> {
        let now = Instant::now();
        let mut state = locked(&self.state);
        if retry.overload {
            state.limit.overload(permit.started, now);
        }
        let limited = retry.class == FailureClass::RateLimited;
        state.limited_in_a_row = if limited { state.limited_in_a_row + 1 } else { 0 };
        let pause = retry.wait.filter(|_| state.limited_in_a_row >= IN_A_ROW);
        let failing = now - *state.failing_since.get_or_insert(now);
        drop(state);
        if let Some(wait) = retry.wait.filter(|wait| *wait > self.give_up) {
            let (wait, limit) = (wait.as_secs(), self.give_up.as_secs());
            let reason = format!(
                "the server asks to wait {wait} s, expected at most {limit} s; it says: {}",
                retry.reason
            );
            return Some((StopCause::NoSuccess, reason));
        }
        if failing >= self.give_up {
            let reason = format!(
                "no request succeeded for {} s; the last failure: {}",
                failing.as_secs(),
                retry.reason
            );
            return Some((StopCause::NoSuccess, reason));
        }
        if let Some(time) = pause {
            self.pause(time);
        }
        None
    }

    /// Returns the requests in flight and their limit.
    pub(super) fn load(&self) -> (usize, usize) {
        let state = locked(&self.state);
        (state.in_flight, state.limit.current())
    }
}
