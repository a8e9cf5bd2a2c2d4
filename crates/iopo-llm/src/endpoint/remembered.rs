//! A model whose answers are kept in the store of an engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::engine::Inner;
use super::journal::Noted;
use super::key::{canonical, content};
use super::pay::seconds_since_1970;
use super::{About, Money, Record, RequestKey, StoreError, Stored, Usage, locked};
use crate::{
    AnsweredBy, Completion, Failure, LanguageModel, LlmError, Outcome, Progress, Request,
    complete_each,
};

/// Default number of requests that the model answers before their answers are stored.
const BATCH: usize = 64;

/// A model, for instance one that runs on this machine, whose answers are kept in the store of an engine. Created by
/// [`Engine::remember`](super::Engine::remember).
///
/// An answer is on disk before the caller sees it, so a killed run resumes without asking for it again. The key of a request is
/// the hash of its content and the model's [fingerprint](LanguageModel::fingerprint): another model answers again.
///
/// As with endpoints, permanent failures are stored and others are not, and the options `retry_failed` and `offline` of the
/// engine apply. Requests that differ by their sample or attempt only are answered with different random seeds.
#[derive(Clone)]
pub struct Remembered<'a> {
    inner: Arc<Inner>,
    model: &'a dyn LanguageModel,
    fingerprint: String,
    batch: usize,
}

impl std::fmt::Debug for Remembered<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remembered")
            .field("fingerprint", &self.fingerprint)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}

impl<'a> Remembered<'a> {
    pub(super) fn new(inner: Arc<Inner>, model: &'a dyn LanguageModel) -> Result<Self, LlmError> {
        let fingerprint = model.fingerprint()?;
        Ok(Self { inner, model, fingerprint, batch: BATCH })
    }

    /// Sets how many requests the model answers before their answers are stored, at least 1. A killed process loses at most
    /// so many answers. Default 64.
    #[must_use]
    pub fn with_batch(self, requests: usize) -> Self {
        Self { batch: requests.max(1), ..self }
    }

    /// Returns the key of a request.
    pub fn key(&self, request: &Request) -> RequestKey {
        RequestKey::of(&canonical(&self.content(request)))
    }

    fn note(&self, key: RequestKey, noted: Noted) -> Result<(), LlmError> {
        self.inner.note(key, noted).map_err(|reason| LlmError::Failed { reason })
    }

    fn content(&self, request: &Request) -> Value {
        let mut content = content(&self.model.name(), &serde_json::Map::new(), None, request);
        content["fingerprint"] = json!(self.fingerprint);
        content["quantization"] = json!(request.sampling.quantization);
        content
    }

    /// Answers some requests and stores the outcomes. Returns when they are durable.
    fn answer(
        &self,
        requests: &[Request],
        asked: &[(usize, RequestKey)],
        progress: &dyn Progress,
    ) -> Result<Vec<Outcome>, LlmError> {
        for (_, key) in asked {
            self.note(*key, Noted::Sent)?;
        }
        let seeded = asked.iter().map(|(at, key)| seeded(&requests[*at], key)).collect::<Vec<_>>();
        let outcomes = complete_each(self.model, &seeded, progress)
            .map_err(|error| moved(error, |index| asked.get(index).map_or(index, |one| one.0)))?;
        let mut waiting = Vec::with_capacity(outcomes.len());
        for (outcome, (at, key)) in outcomes.into_iter().zip(asked) {
            let stores = outcome.as_ref().err().is_none_or(|failure| failure.class.is_permanent());
            let kept = self.inner.options.keep_requests.then(|| self.content(&requests[*at]));
            let record = record(outcome, kept, Some(self.inner.journal_id()));
            self.count(&record);
            let durable = stores.then(|| self.inner.store.append(*key, &record));
            waiting.push((record, durable));
        }
        let mut outcomes = Vec::with_capacity(waiting.len());
        for (record, durable) in waiting {
            if let Some(durable) = durable {
                durable.blocking_recv().unwrap_or_else(|_| Err(StoreError::gone()))?;
            }
            outcomes.extend(record.outcome());
        }
        Ok(outcomes)
    }

    fn count(&self, record: &Record) {
        let mut tally = locked(&self.inner.tally);
        tally.sent += 1;
        if let Stored::Failure(failure) = &record.result {
            *tally.failed.entry(failure.class).or_default() += 1;
        } else {
            tally.answered += 1;
            tally.usage(&record.usage, Some(Money::ZERO));
        }
    }
}

/// Returns the record of an outcome.
fn record(outcome: Outcome, request: Option<Value>, journal: Option<String>) -> Record {
    let cost = Some(Money::ZERO.to_string());
    let time = seconds_since_1970();
    let about = About { attempts: 1, time, cost, journal, ..About::default() };
    let count = |tokens: Option<usize>| tokens.map(|tokens| tokens as u64);
    match outcome {
        Ok(Completion { text, finish_reason, prompt_tokens, completion_tokens }) => Record {
            result: Stored::Answer { text, finish_reason },
            usage: Usage {
                prompt: count(prompt_tokens),
                completion: count(completion_tokens),
                ..Usage::default()
            },
            about,
            request,
        },
        Err(failure) => Record {
            result: Stored::Failure(Failure { attempts: 1, ..failure }),
            usage: Usage::default(),
            about,
            request,
        },
    }
}

/// Returns a request whose random seed depends on its sample and attempt. A model on this machine knows neither, and would
/// give the same answer again.
fn seeded(request: &Request, key: &RequestKey) -> Request {
    let mut request = request.clone();
    if request.sample > 0 || request.attempt > 0 {
        request.sampling.seed = key.number();
    }
    request
}

/// Replaces the index of a request by that of the caller.
fn moved(error: LlmError, place: impl Fn(usize) -> usize) -> LlmError {
    match error {
        LlmError::BadRequest { index, reason } => {
            LlmError::BadRequest { index: place(index), reason }
        }
        LlmError::SpecialToken { index, token } => {
            LlmError::SpecialToken { index: place(index), token }
        }
        LlmError::Request { index, failure } => LlmError::Request { index: place(index), failure },
        other => other,
    }
}

impl LanguageModel for Remembered<'_> {
    fn name(&self) -> String {
        self.model.name()
    }

    fn fingerprint(&self) -> Result<String, LlmError> {
        Ok(self.fingerprint.clone())
    }

    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Outcome>, LlmError> {
        if tokio::runtime::Handle::try_current().is_ok() {
            let reason = "a stored model was asked from async code; use a blocking thread";
            return Err(LlmError::Failed { reason: reason.to_owned() });
        }
        if progress.cancelled() {
            return Err(LlmError::Cancelled);
        }
        let keys: Vec<RequestKey> = requests.iter().map(|request| self.key(request)).collect();
        let mut known: BTreeMap<RequestKey, Option<Outcome>> = BTreeMap::new();
        let mut missing = Vec::new();
        let mut from_store = 0;
        for (at, key) in keys.iter().enumerate() {
            // An identical request is answered once.
            if !known.contains_key(key) {
                let outcome = self.inner.stored(key)?.and_then(|record| record.outcome());
                if outcome.is_some() {
                    self.note(*key, Noted::Found)?;
                } else {
                    missing.push((at, *key));
                    known.insert(*key, None);
                    continue;
                }
                known.insert(*key, outcome);
            }
            from_store += 1;
        }
        if let Some((_, key)) = missing.first().filter(|_| self.inner.sends_nothing()) {
            let reason = format!("the store has no answer for request {key}");
            return Err(LlmError::Failed { reason });
        }
        locked(&self.inner.tally).from_store += from_store;
        progress.advance(from_store);
        for asked in missing.chunks(self.batch) {
            if progress.cancelled() {
                return Err(LlmError::Cancelled);
            }
            let outcomes = self.answer(requests, asked, progress)?;
            for ((_, key), outcome) in asked.iter().zip(outcomes) {
                known.insert(*key, Some(outcome));
            }
        }
        Ok(keys.iter().filter_map(|key| known.get(key).cloned().flatten()).collect())
    }

    fn answered_by(&self, request: &Request) -> Result<AnsweredBy, LlmError> {
        Ok(AnsweredBy { model: self.model.name(), key: Some(self.key(request).to_string()) })
    }

    fn fits(&self, request: &Request) -> Result<bool, LlmError> {
        self.model.fits(request)
    }
}
