//! The engine: the store, the limits and the counts that all roles share.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Url;
use tokio::runtime::Runtime;

use super::journal::{Journal, Noted};
use super::lane::Lane;
use super::member::Member;
use super::tally::{Recent, Tally};
use super::{
    EndpointConfig, EndpointError, Money, Record, Remembered, RemoteModel, RequestKey, Store,
    StoreError, StoreOptions, locked,
};
use crate::{LanguageModel, LlmError};

/// Settings of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct EngineOptions {
    /// Ends the run before a request that could raise the cost above this amount: the cost of this engine and of all requests
    /// in its journals, which earlier processes may have sent. Attempts that a server may charge for count with their largest
    /// cost. Default: no limit.
    ///
    /// The largest cost of a request follows from its length and its limit of generated tokens. If `omit` or `extra_body`
    /// remove that limit, answers may be longer than the sampling settings allow, and those in flight may exceed this
    /// amount.
    pub max_cost: Option<Money>,
    /// Sends a request again if its stored result is a failure. Default false.
    pub retry_failed: bool,
    /// Answers from the store only. A request without a stored answer is an error. Default false.
    pub offline: bool,
    /// Stores the content of the requests beside the answers. Default true.
    pub keep_requests: bool,
    /// How long a cancelled or stopped call waits for requests in flight. Default 30 s.
    pub drain: Duration,
    /// The range of a wait starts at 0. Its upper end after the first attempt is the first value; it doubles with each
    /// attempt, up to the second value. Default 0.5 s and 60 s.
    pub backoff: (Duration, Duration),
    /// File with the keys of the requests that are sent, for [`Engine::spent`] and `max_cost`. Default: none.
    pub journal: Option<PathBuf>,
    /// Journals of other work whose cost counts towards `max_cost`, too. Default: none.
    pub other_journals: Vec<PathBuf>,
    /// Opens the store for reading only: nothing is created, locked or sent. Default false.
    pub read_only: bool,
    /// Settings of the store.
    pub store: StoreOptions,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            max_cost: None,
            retry_failed: false,
            offline: false,
            keep_requests: true,
            drain: Duration::from_secs(30),
            backoff: (Duration::from_millis(500), Duration::from_mins(1)),
            journal: None,
            other_journals: Vec::new(),
            read_only: false,
            store: StoreOptions::default(),
        }
    }
}

/// The store of answers, and the limits of each server.
///
/// ```no_run
/// use iopo_llm::endpoint::{EndpointConfig, Engine, EngineOptions};
/// use iopo_llm::{LanguageModel, Message, Request, Sampling, Silent};
///
/// let engine = Engine::open("answers".as_ref(), EngineOptions::default())?;
/// let model = engine.model(vec![EndpointConfig::new("http://127.0.0.1:8000/v1", "my-model")])?;
/// let request = Request::new(vec![Message::user("Name a river.")], Sampling::greedy(32));
/// match &model.complete(&[request], &Silent)?[0] {
///     Ok(completion) => println!("{}", completion.text),
///     Err(failure) => println!("no answer: {failure}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Engine(Arc<Inner>);

/// The state that the models of an engine share.
pub(super) struct Inner {
    pub(super) options: EngineOptions,
    pub(super) store: Store,
    journal: Option<Journal>,
    pub(super) tally: Mutex<Tally>,
    pub(super) recent: Mutex<Recent>,
    pub(super) budget: Mutex<Budget>,
    /// Whether a call has already reported the damaged records.
    pub(super) warned: AtomicBool,
    /// By address, model and environment variable of the key.
    lanes: Mutex<BTreeMap<[String; 3], Arc<Lane>>>,
    asking: Mutex<HashMap<RequestKey, Arc<tokio::sync::Mutex<()>>>>,
    /// Always present, except while the value is dropped.
    runtime: Option<Runtime>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.options;
        f.debug_struct("Engine")
            .field("options", options)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// The cost so far, and the largest cost of the requests in flight.
#[derive(Debug, Default)]
pub(super) struct Budget {
    pub(super) spent: Money,
    pub(super) reserved: Money,
}

impl Engine {
    /// Opens the store in a folder, which is created if it does not exist, unless it is opened for reading only.
    ///
    /// # Errors
    /// Returns [`EndpointError::Store`] if the store cannot be opened, [`EndpointError::File`] if the journal cannot, and
    /// [`EndpointError::Client`] if the runtime for the network cannot be created.
    pub fn open(store: &Path, options: EngineOptions) -> Result<Self, EndpointError> {
        let store = if options.read_only {
            Store::open_for_reading(store)?
        } else {
            Store::open(store, options.store)?
        };
        let journal = options.journal.as_deref().map(Journal::open).transpose()?;
        let mut budget = Budget::default();
        if options.max_cost.is_some() {
            let others: Result<Vec<Journal>, _> =
                options.other_journals.iter().map(|path| Journal::open(path)).collect();
            for journal in others?.iter().chain(&journal) {
                budget.spent += journal.cost(&store)?;
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| EndpointError::Client { reason: error.to_string() })?;
        let tally = Tally { damaged: store.damaged(), ..Tally::default() };
        Ok(Self(Arc::new(Inner {
            options,
            store,
            journal,
            tally: Mutex::new(tally),
            recent: Mutex::default(),
            budget: Mutex::new(budget),
            warned: AtomicBool::new(false),
            lanes: Mutex::default(),
            asking: Mutex::default(),
            runtime: Some(runtime),
        })))
    }

    /// Returns a model for a role. Requests are distributed over the given endpoints in proportion to their weights.
    ///
    /// Endpoints with the same address, model and key share their limits, also across roles.
    ///
    /// # Errors
    /// Returns [`EndpointError::NoKey`] if an environment variable holds no key and the engine is not offline,
    /// [`EndpointError::Setting`] for a setting that cannot be used or a limit that differs from that of an endpoint with the
    /// same address, model and key, and [`EndpointError::Client`] if the HTTP client cannot be created.
    pub fn model(&self, endpoints: Vec<EndpointConfig>) -> Result<RemoteModel, EndpointError> {
        let setting = |setting, expected| {
            Err(EndpointError::Setting { setting, found: "none".to_owned(), expected })
        };
        if endpoints.is_empty() {
            return setting("endpoints", "at least one endpoint");
        }
        if self.0.options.max_cost.is_some() && endpoints.iter().any(|one| one.prices.is_none()) {
            return setting("prices", "prices for each endpoint, because `max_cost` is set");
        }
        let lane = |config: &EndpointConfig, url: &Url| self.0.lane(config, url);
        let nothing = self.0.sends_nothing();
        let members = endpoints.into_iter().map(|config| Member::new(config, nothing, lane));
        let members = members.collect::<Result<Vec<_>, _>>()?;
        Ok(RemoteModel::new(Arc::clone(&self.0), members))
    }

    /// Returns a model that answers as `model` does and keeps the answers in the store.
    ///
    /// # Errors
    /// Returns the error of [`LanguageModel::fingerprint`].
    pub fn remember<'a>(&self, model: &'a dyn LanguageModel) -> Result<Remembered<'a>, LlmError> {
        Remembered::new(Arc::clone(&self.0), model)
    }

    /// Returns the counts of the engine so far.
    pub fn tally(&self) -> Tally {
        locked(&self.0.tally).clone()
    }

    /// Returns what the requests in the journal took, of this process and of earlier ones: answers, permanent failures, tokens
    /// and cost. Answers that others paid for are those from the store. `None` without a journal.
    ///
    /// It is computed from the store, so it is right after a kill, too. Tokens and cost include those of failures that the server
    /// has answered, for instance with reasoning only. Attempts without a result are not in it.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read.
    pub fn spent(&self) -> Result<Option<Tally>, EndpointError> {
        self.0.journal.as_ref().map(|journal| journal.spent(&self.0.store)).transpose()
    }

    /// Returns the store of answers.
    pub fn store(&self) -> &Store {
        &self.0.store
    }
}

impl Inner {
    /// Returns the lane of checked settings.
    fn lane(&self, config: &EndpointConfig, url: &Url) -> Result<Arc<Lane>, EndpointError> {
        let key = config.api_key_env.clone().unwrap_or_default();
        // The same for `…/v1` and `…/v1/`.
        let address = EndpointConfig::at(url, "").to_string();
        let mut lanes = locked(&self.lanes);
        let lane = lanes
            .entry([address, config.model.clone(), key])
            .or_insert_with(|| Arc::new(Lane::new(config)));
        if let Err(error) = lane.check_limits(config) {
            // The limits of a lane apply as long as a model uses it.
            if Arc::strong_count(lane) > 1 {
                return Err(error);
            }
            *lane = Arc::new(Lane::new(config));
        }
        Ok(Arc::clone(lane))
    }

    /// Returns whether a request without a stored answer is an error.
    pub(super) fn sends_nothing(&self) -> bool {
        self.options.offline || self.options.read_only
    }

    /// Returns the runtime. `None` only while the value is dropped.
    pub(super) fn runtime(&self) -> Option<&Runtime> {
        self.runtime.as_ref()
    }

    /// Returns a lock that one request at a time holds for a key, so that identical requests are sent once.
    pub(super) fn turn(&self, key: RequestKey) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(locked(&self.asking).entry(key).or_default())
    }

    /// Removes the lock of a key if nobody else holds it.
    pub(super) fn forget_turn(&self, key: RequestKey, turn: Arc<tokio::sync::Mutex<()>>) {
        let mut asking = locked(&self.asking);
        drop(turn);
        if asking.get(&key).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            asking.remove(&key);
        }
    }

    /// Notes that a request is about to be answered.
    pub(super) fn note(&self, key: RequestKey, noted: Noted) -> Result<(), String> {
        self.journal.as_ref().map_or(Ok(()), |journal| journal.note(key, noted))
    }

    /// Returns the id of the journal that new records belong to; empty without a journal.
    pub(super) fn journal_id(&self) -> String {
        self.journal.as_ref().map_or_else(String::new, |journal| journal.id().to_owned())
    }

    /// Notes an amount for a request that the store does not know.
    pub(super) fn charge(&self, key: RequestKey, amount: Money) -> Result<(), String> {
        let journal = self.journal.as_ref().filter(|_| amount > Money::ZERO);
        journal.map_or(Ok(()), |journal| journal.charge(key, amount))
    }

    /// Returns the cost of a stored failure whose request was sent for the same journal and is sent again.
    pub(super) fn replaced_cost(&self, key: &RequestKey) -> Option<Money> {
        let journal = self.journal.as_ref().filter(|_| self.options.retry_failed)?;
        let record = self.store.get(key).ok().flatten()?;
        let is_own = match &record.about.journal {
            Some(id) => id == journal.id(),
            None => journal.has_sent(key),
        };
        record.cost().filter(|_| is_own)
    }

    /// Returns the stored record of a request. A damaged one counts as missing.
    pub(super) fn stored(&self, key: &RequestKey) -> Result<Option<Record>, StoreError> {
        match self.store.get(key) {
            Ok(record) => {
                Ok(record.filter(|record| !(self.options.retry_failed && record.is_failure())))
            }
            Err(StoreError::Damaged { .. }) => {
                locked(&self.tally).damaged += 1;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Drop for Inner {
    /// Shuts the runtime down without waiting, because a drop in async code must not block.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
