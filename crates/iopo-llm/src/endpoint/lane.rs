//! Admits requests to one server: limits those in flight, enforces rates, pauses, and decides when to give up.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::bucket::Bucket;
use super::classify::Retry;
use super::limit::Limit;
use super::{EndpointConfig, EndpointError, locked};
use crate::{FailureClass, StopCause};

/// Rate-limited requests in a row after which all requests wait as long as the server asks.
const IN_A_ROW: u32 = 3;
/// Rejected requests, before the first success, that end a run.
const REJECTIONS: u32 = 5;

/// The state of one server, model and key. All roles that use them share it.
#[derive(Debug)]
pub(super) struct Lane {
    state: Mutex<State>,
    /// Permits for requests that are in flight or whose results are not yet stored. If the process is killed, these may be
    /// paid twice.
    open: Arc<Semaphore>,
    /// Held by the request whose turn it is. The others wait in order.
    turn: tokio::sync::Mutex<()>,
    changed: Notify,
    give_up: Duration,
    limits: [(&'static str, Option<f64>); 4],
}

/// The settings that all roles of a lane share.
fn limits(config: &EndpointConfig) -> [(&'static str, Option<f64>); 4] {
    [
        ("max_concurrency", Some(config.max_concurrency as f64)),
        ("requests_per_minute", config.requests_per_minute.map(f64::from)),
        ("tokens_per_minute", config.tokens_per_minute.map(|rate| rate as f64)),
        ("give_up_seconds", Some(config.give_up_seconds)),
    ]
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
    /// Whether the server answered in this process.
    succeeded: bool,
    /// Whether the store has an answer. It may come from another server with the same model.
    known: bool,
    failing_since: Option<Instant>,
    /// Calls that use the lane, and when the last one ended.
    calls: usize,
    idle_since: Option<Instant>,
}

/// A call that uses a lane, until it is dropped.
pub(super) struct Busy(Arc<Lane>);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = locked(&self.0.state);
        state.calls -= 1;
        if state.calls == 0 {
            state.idle_since = Some(Instant::now());
        }
    }
}

/// The reason why a request waits.
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
    /// Returns reserved tokens that were not used.
    pub(super) fn settle(&self, used: f64) {
        if let Some(tokens) = &mut locked(&self.lane.state).tokens {
            tokens.give_back(self.reserved - used);
        }
    }

    /// Admits another request after the response has arrived.
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
            known: false,
            failing_since: None,
            calls: 0,
            idle_since: None,
        };
        Self {
            state: Mutex::new(state),
            open: Arc::new(Semaphore::new(config.max_concurrency)),
            turn: tokio::sync::Mutex::new(()),
            changed: Notify::new(),
            give_up: config.give_up(),
            limits: limits(config),
        }
    }

    /// Checks that another role has the same limits.
    pub(super) fn check_limits(&self, config: &EndpointConfig) -> Result<(), EndpointError> {
        let pairs = self.limits.iter().zip(limits(config));
        match pairs.into_iter().find(|(own, other)| own.1 != other.1) {
            None => Ok(()),
            Some((_, (setting, found))) => Err(EndpointError::Setting {
                setting,
                found: found.map_or_else(|| "not set".to_owned(), |value| value.to_string()),
                expected: "the value of the other endpoint with the same address, model and key",
            }),
        }
    }

    /// Records that a call uses the lane. The time between two calls is not a time without success.
    pub(super) fn busy(self: &Arc<Self>) -> Busy {
        let mut state = locked(&self.state);
        state.calls += 1;
        if let Some(idle) = state.idle_since.take().map(|since| since.elapsed())
            && let Some(failing) = &mut state.failing_since
        {
            *failing += idle;
        }
        drop(state);
        Busy(Arc::clone(self))
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
                    if state.in_flight == 0 {
                        state.limit.resume(now);
                    }
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
                // A notification that arrives before this wait is not lost.
                Wait::Slot => self.changed.notified().await,
            }
        }
    }

    /// Sends nothing for a while, at most as long as a run goes on without success.
    pub(super) fn pause(&self, time: Duration) {
        let mut state = locked(&self.state);
        let until = Instant::now() + time.min(self.give_up);
        state.paused_until = Some(state.paused_until.map_or(until, |before| before.max(until)));
    }

    /// Records an answer.
    pub(super) fn answered(&self, permit: &Permit, tokens: Option<u64>) {
        let mut state = locked(&self.state);
        state.limit.success(Instant::now(), tokens, permit.started.elapsed());
        state.succeeded = true;
        state.failing_since = None;
        state.limited_in_a_row = 0;
        drop(state);
        self.changed.notify_one();
    }

    /// Returns how long nothing is sent.
    pub(super) fn paused(&self) -> Duration {
        let until = locked(&self.state).paused_until;
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Records that the store has an answer. Several rejected requests then do not show that the settings are wrong, but the
    /// answer may come from another server, so it says nothing about the address or the parameters.
    pub(super) fn has_answer(&self) {
        locked(&self.state).known = true;
    }

    /// Records that the server decides about requests.
    pub(super) fn alive(&self) {
        locked(&self.state).failing_since = None;
    }

    /// Records a request that the server rejects. Returns whether the server rejects all of them.
    pub(super) fn rejected(&self, parameter: bool) -> bool {
        let mut state = locked(&self.state);
        state.rejected += 1;
        !state.succeeded && (parameter || (!state.known && state.rejected >= REJECTIONS))
    }

    /// Returns whether a request succeeded, in this process or an earlier one.
    pub(super) fn has_result(&self) -> bool {
        let state = locked(&self.state);
        state.succeeded || state.known
    }

    /// Returns whether a request succeeded in this process.
    pub(super) fn succeeded(&self) -> bool {
        locked(&self.state).succeeded
    }

    /// Records a failed attempt. Returns the reason to stop the run, if there is one.
    pub(super) fn failed(&self, permit: &Permit, retry: &Retry) -> Option<(StopCause, String)> {
        let now = Instant::now();
        let mut state = locked(&self.state);
        if retry.overload {
            state.limit.overload(permit.started, now);
        }
        let limited = retry.class == FailureClass::RateLimited;
        state.limited_in_a_row = if limited { state.limited_in_a_row + 1 } else { 0 };
        let pause = retry.wait.filter(|_| state.limited_in_a_row >= IN_A_ROW);
        let since = *state.failing_since.get_or_insert(now);
        let failing = now.saturating_duration_since(since);
        if failing >= self.give_up {
            // The next call starts anew.
            state.failing_since = None;
        }
        drop(state);
        if let Some(wait) = retry.wait.filter(|wait| *wait > self.give_up) {
            let (wait, limit) = (wait.as_secs(), self.give_up.as_secs());
            let reason = format!(
                "the server asks to wait {wait} s, expected at most {limit} s; its message: {}",
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{EndpointConfig, Lane};

    #[test]
    fn a_pause_is_no_longer_than_a_run_without_success() {
        let mut config = EndpointConfig::new("https://host/v1", "m");
        config.give_up_seconds = 5.0;
        let lane = Lane::new(&config);
        assert_eq!(lane.paused(), Duration::ZERO);
        lane.pause(Duration::from_hours(24));
        let paused = lane.paused();
        assert!(paused > Duration::from_secs(3) && paused <= Duration::from_secs(5), "{paused:?}");
    }
}
