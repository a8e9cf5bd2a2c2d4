//! Sends a request until it has a result.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::Url;

use super::answer::Read;
use super::classify::{Again, Retry, Verdict, response};
use super::engine::Inner;
use super::lane::Permit;
use super::member::Member;
use super::record::About;
use super::run::{Halt, Run};
use super::{EndpointConfig, Money, RequestKey, Scrubber, Usage, headers, locked};
use crate::{Failure, FailureClass, StopCause};

/// A request to send.
pub(super) struct Call<'a> {
    pub(super) member: &'a Member,
    pub(super) url: Url,
    pub(super) key: RequestKey,
    pub(super) body: Vec<u8>,
    /// Tokens of the prompt, as estimated.
    pub(super) prompt_tokens: u64,
    /// Tokens of the longest answer.
    pub(super) new_tokens: u64,
    /// Whether the server generates text, which it charges for. A success then shows that the settings are right.
    pub(super) completes: bool,
}

/// The outcome of a request that was sent.
pub(super) enum Paid<T> {
    /// The server's result. The request counts as open until the result is stored and the permit is dropped. `charged` is an error
    /// if the journal could not keep its cost; the result is stored before that ends the run.
    Result { result: T, usage: Usage, about: Box<About>, permit: Permit, charged: Result<(), Halt> },
    /// The server rejects the request, now and later.
    Rejected(Failure, Box<About>),
    /// All attempts failed. A later run may succeed.
    Failed(Failure),
}

/// Interval at which a server is asked again that still loads its model.
const LOADING_POLL: Duration = Duration::from_secs(2);

/// Waits between attempts: exponential, with full jitter.
struct Delays {
    series: backon::ExponentialBackoff,
    last: Duration,
    key: RequestKey,
    drawn: u64,
}

impl Delays {
    fn new(inner: &Inner, key: RequestKey) -> Self {
        let (first, longest) = inner.options.backoff;
        let series = ExponentialBuilder::default()
            .with_min_delay(first)
            .with_max_delay(longest)
            .with_factor(2.0)
            .without_max_times()
            .build();
        Self { series, last: first, key, drawn: 0 }
    }

    /// Returns the next wait. A wait that the server asks for is extended by a tenth at most.
    fn next(&mut self, asked: Option<Duration>) -> Duration {
        self.drawn += 1;
        let parts = [&self.key.to_string(), "backoff"];
        let draw = iopo_core::random::keyed_u64(self.drawn, &parts) as f64 / u64::MAX as f64;
        if let Some(asked) = asked {
            return asked.mul_f64(1.0 + 0.1 * draw);
        }
        self.last = self.series.next().unwrap_or(self.last);
        self.last.mul_f64(draw)
    }
}

/// The attempts at one request.
#[derive(Debug, Default)]
struct Attempts {
    /// Those that count against `max_attempts`.
    counted: u32,
    /// Those that hit a rate limit, which count against `max_rate_limited`.
    limited: u32,
    /// Those while the server loaded the model, which `give_up_seconds` bounds.
    loading: u32,
    loading_since: Option<Instant>,
}

impl Attempts {
    /// Returns the number of requests sent.
    fn sent(&self) -> u32 {
        self.counted + self.limited + self.loading
    }

    /// Returns whether the server may still be loading the model.
    fn may_wait_for_model(&mut self, config: &EndpointConfig) -> bool {
        self.loading_since.get_or_insert_with(Instant::now).elapsed() < config.give_up()
    }

    /// Counts a failed attempt by its reason, and returns whether no other may follow.
    fn are_spent(&mut self, retry: &Retry, loads: bool, config: &EndpointConfig) -> bool {
        if retry.class == FailureClass::RateLimited {
            self.counted -= 1;
            self.limited += 1;
            self.limited >= config.max_rate_limited
        } else if loads {
            self.counted -= 1;
            self.loading += 1;
            false
        } else {
            self.counted >= config.max_attempts
        }
    }
}

impl Inner {
    /// Sends a request until it has a result, which `read` parses.
    pub(super) async fn pay<T>(
        &self,
        run: &Run,
        call: &Call<'_>,
        read: impl Fn(&[u8], &Scrubber) -> Read<T>,
    ) -> Result<Paid<T>, Halt> {
        let Call { member, key, .. } = call;
        let mut attempts = Attempts::default();
        let mut delays = Delays::new(self, *key);
        let mut reservation = self.reserve(run, call).await?;
        loop {
            let tokens = call.prompt_tokens.saturating_add(call.new_tokens) as f64;
            let mut permit = run.unless_halted(member.lane.admit(tokens)).await?;
            if run.is_halted() {
                return Err(run.cause().unwrap_or(Halt::Cancelled));
            }
            attempts.counted += 1;
            let sent = attempts.sent();
            {
                let mut tally = locked(&self.tally);
                tally.sent += 1;
                tally.resent += u64::from(sent > 1);
            }
            // A call that ends early drops its requests in flight.
            reservation.in_flight = true;
            let reply = member.post(&call.url, call.body.clone()).await;
            reservation.in_flight = false;
            let mut request_id = None;
            let verdict = match reply {
                Err(verdict) => verdict,
                Ok(reply) => {
                    if let Some(pause) = headers::exhausted(&reply.headers) {
                        member.lane.pause(pause);
                    }
                    let id = reply.headers.get("x-request-id").and_then(|id| id.to_str().ok());
                    request_id = id.map(|id| member.scrubber.scrub(id));
                    let variable = member.config.api_key_env.as_deref();
                    response(&reply, variable, &member.scrubber, &read)
                }
            };
            let retry = match verdict {
                Verdict::Done { result, usage, about } => {
                    if call.completes {
                        member.lane.answered(&permit, usage.completion);
                    }
                    let used = usage.prompt.zip(usage.completion);
                    permit.settle(
                        used.map_or(tokens, |(prompt, new)| prompt.saturating_add(new) as f64),
                    );
                    let (cost, charged) = self.count_cost(call, &reservation, &usage);
                    let cost = cost.map(|cost| cost.to_string());
                    let about = About { attempts: sent, request_id, cost, ..*about };
                    let about = Box::new(about_attempt(&permit, about));
                    permit.landed();
                    return Ok(Paid::Result { result, usage, about, permit, charged });
                }
                Verdict::Row(class, reason) => {
                    permit.settle(0.0);
                    if class == FailureClass::Malformed && call.completes {
                        // A body that is too long: the server has answered.
                        locked(&self.tally).maybe_paid += 1;
                        reservation.spend(None)?;
                    }
                    let failure = Failure { class, reason, attempts: sent };
                    return rejected(&permit, member, failure, false, request_id);
                }
                Verdict::Parameter(reason) => {
                    permit.settle(0.0);
                    let class = FailureClass::BadRequest;
                    let failure = Failure { class, reason, attempts: sent };
                    return rejected(&permit, member, failure, true, request_id);
                }
                Verdict::Stop(cause, reason) => {
                    return Err(Halt::Stop(cause, member.says(&reason)));
                }
                Verdict::Retry(retry) => {
                    Retry { maybe_paid: retry.maybe_paid && call.completes, ..retry }
                }
            };
            permit.settle(0.0);
            self.count_retry(&retry);
            if retry.maybe_paid {
                reservation.spend(None)?;
            }
            if let Some((cause, reason)) = member.lane.failed(&permit, &retry) {
                return Err(Halt::Stop(cause, member.says(&reason)));
            }
            drop(permit);
            let loads = retry.loading && attempts.may_wait_for_model(&member.config);
            if attempts.are_spent(&retry, loads, &member.config) || retry.again == Again::No {
                if retry.again == Again::NoConnection && !member.lane.succeeded() {
                    let reason = format!("no server answers at the address: {}", retry.reason);
                    return Err(Halt::Stop(StopCause::Address, member.says(&reason)));
                }
                let Retry { class, reason, .. } = retry;
                return Ok(Paid::Failed(Failure { class, reason, attempts: sent }));
            }
            if retry.maybe_paid {
                // The amount is spent, so another attempt needs another.
                drop(reservation);
                reservation = self.reserve(run, call).await?;
            }
            let poll = loads.then(|| LOADING_POLL.min(self.options.backoff.1));
            run.unless_halted(tokio::time::sleep(delays.next(retry.wait.or(poll)))).await?;
        }
    }

    /// Waits until the maximum cost leaves room for the largest cost of a request, then reserves it.
    async fn reserve<'a>(&'a self, run: &Run, call: &Call<'_>) -> Result<Reservation<'a>, Halt> {
        let most = Usage {
            // A token usually stands for a byte or more, and the names in the body usually outweigh the tokens of the chat
            // template. A template with a long system prompt of its own can exceed this, and then `max_cost`.
            prompt: Some(call.body.len() as u64),
            completion: Some(call.new_tokens),
            ..Usage::default()
        };
        let prices = call.member.config.prices.as_ref().filter(|_| call.completes);
        let amount = prices.and_then(|prices| prices.cost(&most)).unwrap_or_default();
        let reserved =
            |held| Reservation { inner: self, key: call.key, amount, held, in_flight: false };
        let Some(max) = self.options.max_cost else { return Ok(reserved(false)) };
        loop {
            {
                let mut budget = locked(&self.budget);
                if budget.spent.plus(budget.reserved).plus(amount) <= max {
                    budget.reserved += amount;
                    return Ok(reserved(true));
                }
                if budget.spent.plus(amount) > max {
                    let reason = format!(
                        "found a cost of {} so far and up to {amount} for the next request, expected at most {max}",
                        budget.spent
                    );
                    return Err(Halt::Stop(StopCause::MaxCost, reason));
                }
            }
            // Requests in flight usually cost less than they reserve.
            run.unless_halted(tokio::time::sleep(Duration::from_millis(20))).await?;
        }
    }

    /// Counts the tokens and the cost of a result, which costs nothing if the server generates no text for it.
    fn count_cost(
        &self,
        call: &Call<'_>,
        reservation: &Reservation<'_>,
        usage: &Usage,
    ) -> (Option<Money>, Result<(), Halt>) {
        if !call.completes {
            return (Some(Money::ZERO), Ok(()));
        }
        let cost = call.member.config.prices.as_ref().and_then(|prices| prices.cost(usage));
        let charged = reservation.spend(cost);
        locked(&self.tally).usage(usage, cost);
        locked(&self.recent).add(Instant::now(), usage.completion.unwrap_or(0));
        (cost, charged)
    }

    fn count_retry(&self, retry: &Retry) {
        let mut tally = locked(&self.tally);
        tally.rate_limited += u64::from(retry.class == FailureClass::RateLimited);
        tally.maybe_paid += u64::from(retry.maybe_paid);
    }
}

/// The largest cost of a request. Dropping it gives the reserved amount back, unless the request is in flight: then the
/// amount counts as spent.
struct Reservation<'a> {
    inner: &'a Inner,
    key: RequestKey,
    amount: Money,
    /// Whether the budget holds the amount.
    held: bool,
    in_flight: bool,
}

impl Reservation<'_> {
    /// Counts a cost as spent. An unknown one counts as the largest cost, which the journal keeps for later processes.
    fn spend(&self, cost: Option<Money>) -> Result<(), Halt> {
        locked(&self.inner.budget).spent += cost.unwrap_or(self.amount);
        match cost {
            Some(_) => Ok(()),
            None => self.inner.charge(self.key, self.amount).map_err(Halt::Failed),
        }
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if self.held {
            let mut budget = locked(&self.inner.budget);
            budget.reserved = budget.reserved.minus(self.amount);
        }
        if self.in_flight {
            // A drop cannot return the error of a journal that cannot be written.
            let _ = self.spend(None);
        }
    }
}

/// Ends a request that the server rejects.
fn rejected<T>(
    permit: &Permit,
    member: &Member,
    failure: Failure,
    parameter: bool,
    request_id: Option<String>,
) -> Result<Paid<T>, Halt> {
    member.lane.alive();
    let bad_request = failure.class == FailureClass::BadRequest;
    if bad_request && member.lane.rejected(parameter) {
        let reason = format!("the server rejects every request: {}", failure.reason);
        return Err(Halt::Stop(StopCause::Parameters, member.says(&reason)));
    }
    // Before the first success, the settings may be wrong rather than the request. A rejected parameter is never stored:
    // another server with the same model may accept it.
    let about_request = !bad_request || (!parameter && member.lane.has_result());
    if failure.class.is_permanent() && about_request {
        let sent = About { attempts: failure.attempts, request_id, ..About::default() };
        return Ok(Paid::Rejected(failure, Box::new(about_attempt(permit, sent))));
    }
    Ok(Paid::Failed(failure))
}

/// Adds the times of the last attempt.
fn about_attempt(permit: &Permit, about: About) -> About {
    let latency_ms = permit.started.elapsed().as_millis() as u64;
    About { latency_ms, time: seconds_since_1970(), ..about }
}

/// Returns the current time, in seconds since 1970.
pub(super) fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
