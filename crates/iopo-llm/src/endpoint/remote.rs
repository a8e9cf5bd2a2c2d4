//! A model behind one or several endpoints.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};

use super::engine::Inner;
use super::estimate::most_new_tokens;
use super::journal::Noted;
use super::key::{canonical, content};
use super::member::Member;
use super::pay::{Call, Paid};
use super::record::{About, Stored};
use super::run::{Halt, Run};
use super::{
    EndpointConfig, Estimate, Forecast, Record, RequestKey, StoreError, Usage, answer,
    estimated_tokens, locked, wire,
};
use crate::{
    AnsweredBy, Failure, FailureClass, LanguageModel, LlmError, Outcome, Progress, Request,
};

/// Interval at which a call checks whether the user asked to stop, and interval at which it reports.
const TICK: Duration = Duration::from_millis(50);
const REPORT: Duration = Duration::from_secs(1);

/// A model behind one or several endpoints. Created by [`Engine::model`](super::Engine::model).
#[derive(Debug, Clone)]
pub struct RemoteModel {
    pub(super) inner: Arc<Inner>,
    pub(super) members: Arc<Vec<Member>>,
}

/// A request to one member.
pub(super) struct Addressed {
    pub(super) member: usize,
    pub(super) key: RequestKey,
    pub(super) content: Value,
}

impl RemoteModel {
    pub(super) fn new(inner: Arc<Inner>, members: Vec<Member>) -> Self {
        Self { inner, members: Arc::new(members) }
    }

    /// Returns the endpoints.
    pub fn endpoints(&self) -> impl Iterator<Item = &EndpointConfig> {
        self.members.iter().map(|member| &member.config)
    }

    /// Returns the keys of a request, one per endpoint, starting with the endpoint that answers it.
    pub fn keys(&self, request: &Request) -> Vec<RequestKey> {
        let addressed = self.addressed(|config| {
            content(&config.model, &config.extra_body, config.omit.as_deref(), request)
        });
        addressed.into_iter().map(|one| one.key).collect()
    }

    /// Returns the requests that a call would send, because the store has no result for them.
    ///
    /// # Errors
    /// Returns [`StoreError::Io`] if the store cannot be read.
    pub fn unanswered<'r>(&self, requests: &'r [Request]) -> Result<Vec<&'r Request>, StoreError> {
        let mut found = Vec::new();
        for request in requests {
            let mut answered = false;
            for (rank, key) in self.keys(request).iter().enumerate() {
                let record = self.inner.stored(key)?;
                answered |= record.is_some_and(|record| rank == 0 || !record.is_failure());
            }
            found.extend((!answered).then_some(request));
        }
        Ok(found)
    }

    /// Returns the cost and time of the requests that a call would send.
    ///
    /// # Errors
    /// Returns the error of [`unanswered`](Self::unanswered).
    pub fn forecast(&self, requests: &[Request]) -> Result<Forecast, StoreError> {
        let endpoints: Vec<&EndpointConfig> = self.endpoints().collect();
        Ok(Estimate::of(self.unanswered(requests)?, &endpoints).forecast(endpoints))
    }

    /// Returns the largest number of tokens that any of the endpoints generates for a request with a limit of `limit` tokens.
    pub fn most_new_tokens(&self, limit: u64) -> u64 {
        most_new_tokens(limit, self.endpoints())
    }

    /// Orders the members for a request. The order depends on its content and the weights only, so that a later run asks
    /// the same member.
    pub(super) fn addressed(&self, content: impl Fn(&EndpointConfig) -> Value) -> Vec<Addressed> {
        let member = |(member, one): (usize, &Member)| {
            let content = content(&one.config);
            let key = RequestKey::of(&canonical(&content));
            // The member with the smallest draw of an exponential distribution is chosen in proportion to its weight.
            // Endpoints that differ by their API key only have the same request key.
            let variable = one.config.api_key_env.as_deref().unwrap_or_default();
            let parts = [&key.to_string(), one.config.base_url.as_str(), variable];
            let draw = iopo_core::random::keyed_u64(0, &parts) as f64 / u64::MAX as f64;
            let rank = -draw.max(f64::MIN_POSITIVE).ln() / one.config.weight;
            (rank, Addressed { member, key, content })
        };
        let mut ranked: Vec<_> = self.members.iter().enumerate().map(member).collect();
        ranked.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        ranked.into_iter().map(|(_, addressed)| addressed).collect()
    }

    /// Answers one chat.
    async fn ask(&self, run: &Run, request: &Request) -> Result<Outcome, Halt> {
        let addressed = self.addressed(|config| {
            content(&config.model, &config.extra_body, config.omit.as_deref(), request)
        });
        let member = &self.members[addressed[0].member];
        let key = addressed[0].key;
        let body = match wire::body(&member.config, &member.url, &key, request) {
            Ok(body) => Value::Object(body),
            Err(reason) => {
                let failure = Failure::new(FailureClass::BadRequest, reason);
                self.count_failure(&failure);
                return Ok(Err(failure));
            }
        };
        let call = Call {
            member,
            url: EndpointConfig::at(&member.url, "chat/completions"),
            key,
            prompt_tokens: estimated_tokens(&request.messages),
            new_tokens: wire::most_new_tokens(
                &member.config,
                &member.url,
                request.sampling.max_new_tokens as u64,
            ),
            body: body.to_string().into_bytes(),
            completes: true,
        };
        let pay = self.inner.pay(run, &call, answer::read);
        self.stored_or(run, &addressed, Record::outcome, pay).await
    }

    /// Returns the result of a request from the store, or requests and stores it. `read` extracts it from a record.
    pub(super) async fn stored_or<T>(
        &self,
        run: &Run,
        addressed: &[Addressed],
        read: impl Fn(&Record) -> Option<Result<T, Failure>>,
        pay: impl Future<Output = Result<Paid<Stored>, Halt>>,
    ) -> Result<Result<T, Failure>, Halt> {
        let inner = &self.inner;
        let key = addressed[0].key;
        let turn = inner.turn(key);
        let outcome = async {
            let _turn = run.unless_halted(turn.lock()).await?;
            for (rank, one) in addressed.iter().enumerate() {
                // Another endpoint's answer is used, but not its failure.
                let record = inner.stored(&one.key)?;
                let record = record.filter(|record| rank == 0 || !record.is_failure());
                let answered = record.as_ref().is_some_and(|record| !record.is_failure());
                if let Some(outcome) = record.and_then(|record| read(&record)) {
                    if answered {
                        self.members[one.member].lane.has_answer();
                    }
                    inner.note(one.key, Noted::Found).map_err(Halt::Failed)?;
                    locked(&inner.tally).from_store += 1;
                    return Ok(outcome);
                }
            }
            if inner.sends_nothing() {
                return Err(Halt::Failed(format!("the store has no answer for request {key}")));
            }
            let replaced = inner.replaced_cost(&key);
            inner.note(key, Noted::Sent).map_err(Halt::Failed)?;
            let (result, usage, about, permit, charged) = match pay.await? {
                Paid::Result { result, usage, about, permit, charged } => {
                    (result, usage, about, Some(permit), charged)
                }
                Paid::Rejected(failure, about) => {
                    (Stored::Failure(failure), Usage::default(), about, None, Ok(()))
                }
                Paid::Failed(failure) => return Ok(Err(failure)),
            };
            // The cost of a failure that the record replaces counts before it is gone; the record is kept whether or not it can
            // be counted.
            let replaced = inner.charge(key, replaced.unwrap_or_default()).map_err(Halt::Failed);
            let record = self.keep(&addressed[0], result, usage, *about).await?;
            drop(permit);
            charged.and(replaced)?;
            {
                let mut tally = locked(&inner.tally);
                tally.answered += u64::from(!record.is_failure());
                tally.keys_removed += u64::from(record.about.keys_removed > 0);
            }
            read(&record).ok_or_else(|| Halt::Failed("found a record of another kind".to_owned()))
        }
        .await;
        inner.forget_turn(key, turn);
        if let Ok(Err(failure)) = &outcome {
            self.count_failure(failure);
        }
        outcome
    }

    /// Stores a result and waits until it is durable. Returns the record as a later run reads it.
    async fn keep(
        &self,
        addressed: &Addressed,
        result: Stored,
        usage: Usage,
        about: About,
    ) -> Result<Record, Halt> {
        let result = match result {
            Stored::Failure(failure) => {
                Stored::Failure(Failure { attempts: about.attempts, ..failure })
            }
            other => other,
        };
        let request = self.inner.options.keep_requests.then(|| addressed.content.clone());
        let about = About { journal: Some(self.inner.journal_id()), ..about };
        let record = Record { result, usage, about, request };
        let durable = self.inner.store.append(addressed.key, &record);
        durable.await.unwrap_or_else(|_| Err(StoreError::gone()))?;
        let text = serde_json::to_string(&record);
        let again = text.and_then(|text| serde_json::from_str(&text));
        again.map_err(|error| Halt::Failed(error.to_string()))
    }

    pub(super) fn count_failure(&self, failure: &Failure) {
        *locked(&self.inner.tally).failed.entry(failure.class).or_default() += 1;
    }

    /// Runs one piece of work per item. Returns the results in order.
    pub(super) fn drive<I, T, F>(
        &self,
        items: impl ExactSizeIterator<Item = I>,
        progress: &dyn Progress,
        work: impl Fn(Arc<Run>, I) -> F,
    ) -> Result<Vec<T>, LlmError>
    where
        F: Future<Output = Result<T, Halt>>,
    {
        let failed = |reason: &str| Err(LlmError::Failed { reason: reason.to_owned() });
        if tokio::runtime::Handle::try_current().is_ok() {
            return failed("an endpoint was asked from async code; use a blocking thread");
        }
        let Some(runtime) = self.inner.runtime() else { return failed("the engine is closed") };
        if progress.cancelled() {
            return Err(LlmError::Cancelled);
        }
        let count = self.inner.store.damaged();
        if count > 0 && !self.inner.warned.swap(true, Ordering::Relaxed) {
            progress.note(&format!("{count} stored answers are damaged and are requested again"));
        }
        let leaks = locked(&self.inner.tally).keys_removed;
        let run = Arc::new(Run::new());
        let _busy: Vec<_> = self.members.iter().map(|member| member.lane.busy()).collect();
        let mut results: Vec<Option<T>> = (0..items.len()).map(|_| None).collect();
        let wide: usize = self.members.iter().map(|member| member.config.max_concurrency).sum();
        // Requests that wait for a retry or for the disk take up a slot, but are not in flight.
        let places = 4 * wide + 64;
        let numbered = items.enumerate().map(|(at, item)| {
            let (work, run) = (&work, Arc::clone(&run));
            async move {
                let halted = run.is_halted();
                (at, if halted { Err(Halt::Cancelled) } else { work(run, item).await })
            }
        });
        runtime.block_on(async {
            let mut finished = pin!(stream::iter(numbered).buffer_unordered(places));
            let (mut deadline, mut reported) = (None, Instant::now());
            loop {
                match tokio::time::timeout(TICK, finished.next()).await {
                    Ok(None) => break,
                    Ok(Some((at, Ok(result)))) => {
                        results[at] = Some(result);
                        progress.advance(1);
                    }
                    Ok(Some((_, Err(halt)))) => run.halt(halt),
                    Err(_) => {}
                }
                let now = Instant::now();
                if progress.cancelled() {
                    run.halt(Halt::Cancelled);
                }
                if run.is_halted() && now >= *deadline.get_or_insert(now + self.inner.options.drain)
                {
                    break;
                }
                if now - reported >= REPORT {
                    reported = now;
                    progress.message(&self.report(now));
                }
            }
        });
        let leaks = locked(&self.inner.tally).keys_removed - leaks;
        if leaks > 0 {
            progress.note(&format!(
                "the API key was in the text of {leaks} answers, and was replaced by ***; replace the key if others read them"
            ));
        }
        if let Some(halt) = run.cause() {
            return Err(halt.into());
        }
        progress.message(&self.report(Instant::now()));
        Ok(results.into_iter().flatten().collect())
    }

    /// Describes the state of the engine in a line.
    fn report(&self, now: Instant) -> String {
        let loads = self.members.iter().map(|member| member.lane.load());
        let load = loads.fold((0, 0), |(flying, limit), one| (flying + one.0, limit + one.1));
        let rate = locked(&self.inner.recent).rate(now);
        let mut line = locked(&self.inner.tally).line(rate, load);
        let pause = self.members.iter().map(|member| member.lane.paused()).max();
        if let Some(seconds) = pause.map(|pause| pause.as_secs()).filter(|seconds| *seconds > 0) {
            line = format!("{line} · waiting {seconds} s for the server's rate limit");
        }
        line
    }
}

impl LanguageModel for RemoteModel {
    fn name(&self) -> String {
        let names: Vec<String> = self.endpoints().map(EndpointConfig::name).collect();
        names.join("+")
    }

    /// Hashes the model and the body settings of each endpoint, with its weight if there are several. As in request keys,
    /// the address does not matter.
    fn fingerprint(&self) -> Result<String, LlmError> {
        let several = self.members.len() > 1;
        let one = |config: &EndpointConfig| {
            json!({
                "model": config.model,
                "extra_body": config.extra_body,
                "omit": config.omit,
                "weight": several.then_some(config.weight),
            })
        };
        let content = Value::Array(self.endpoints().map(one).collect());
        Ok(format!("{} {}", self.name(), RequestKey::of(&canonical(&content))))
    }

    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Outcome>, LlmError> {
        self.drive(requests.iter(), progress, |run, request| async move {
            self.ask(&run, request).await
        })
    }

    /// Returns the endpoint whose result [`complete`](Self::complete) takes from the store; without one, the endpoint that the
    /// request goes to.
    fn answered_by(&self, request: &Request) -> Result<AnsweredBy, LlmError> {
        let mut addressed = self.addressed(|config| {
            content(&config.model, &config.extra_body, config.omit.as_deref(), request)
        });
        let mut found = 0;
        if addressed.len() > 1 {
            for (rank, one) in addressed.iter().enumerate() {
                let record = self.inner.stored(&one.key)?;
                if record.is_some_and(|record| rank == 0 || !record.is_failure()) {
                    found = rank;
                    break;
                }
            }
        }
        let Addressed { member, key, .. } = addressed.swap_remove(found);
        let model = self.members[member].config.name();
        Ok(AnsweredBy { model, key: Some(key.to_string()) })
    }
}
