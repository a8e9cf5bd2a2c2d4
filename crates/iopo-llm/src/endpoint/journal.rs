//! The list of the requests that were asked for one purpose, from which the store tells what they took.
//!
//! Beside the keys of the requests, it has amounts of money that the store does not know: the largest cost of an attempt without a
//! stored result that the server may charge for, or of an answer without token counts, and the cost of a stored failure that another
//! result has replaced.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use iopo_core::hash;

use super::{EndpointError, Money, Record, RequestKey, Store, StoreError, Stored, Tally, locked};

/// The line with the id of the journal begins with this text.
const ID: &str = "id ";
/// Lines with keys of requests that the store had answered begin with this text.
const FOUND: &str = "found ";
/// Lines with amounts begin with this text. The key of their request follows.
const CHARGED: &str = "charged ";

/// How a request is about to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noted {
    /// By a model.
    Sent,
    /// By the store.
    Found,
}

/// A file with the keys of the requests that were asked, one per line, and with an id, which the records of their answers have.
///
/// A key is written before its request is sent, so that a killed process leaves the keys of all answers that the store has. The id
/// tells them from answers that another run paid after that.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    id: String,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Default)]
struct Keys {
    sent: BTreeSet<RequestKey>,
    found: BTreeSet<RequestKey>,
}

#[derive(Debug)]
struct State {
    /// The keys in the file.
    keys: Keys,
    /// The sum of the amounts in the file.
    charged: Money,
    /// Whether the file has the id.
    has_id: bool,
    /// The file once it is written to.
    file: Option<File>,
}

impl Journal {
    /// Reads a journal. Its file is created with the first request. A torn line is ignored.
    pub(super) fn open(path: &Path) -> Result<Self, EndpointError> {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(EndpointError::File { path: path.to_owned(), source }),
            Ok(bytes) => bytes,
        };
        let (mut keys, mut id, mut charged) = (Keys::default(), None, Money::ZERO);
        for line in bytes.split(|byte| *byte == b'\n') {
            let Ok(line) = std::str::from_utf8(line) else { continue };
            if let Some(own) = line.strip_prefix(ID).filter(|own| is_hash(own)) {
                id = Some(own.to_owned());
            } else if let Some(key) = line.strip_prefix(FOUND) {
                keys.found.extend(RequestKey::from_hex(key));
            } else if let Some(amount) = line.strip_prefix(CHARGED) {
                // A kill can tear the line.
                let amount = amount.split_once(' ').filter(|(_, key)| is_hash(key));
                charged += amount.and_then(|(amount, _)| amount.parse().ok()).unwrap_or_default();
            } else {
                keys.sent.extend(RequestKey::from_hex(line));
            }
        }
        let has_id = id.is_some();
        let id = id.unwrap_or_else(|| new_id(path));
        let state = Mutex::new(State { keys, charged, has_id, file: None });
        Ok(Self { path: path.to_owned(), id, state })
    }

    /// Returns the id, which the records of answers to the requests of the journal have.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Writes the key of a request that is about to be answered.
    pub(super) fn note(&self, key: RequestKey, noted: Noted) -> Result<(), String> {
        let mut state = locked(&self.state);
        let State { keys, .. } = &*state;
        if keys.sent.contains(&key) || (noted == Noted::Found && keys.found.contains(&key)) {
            return Ok(());
        }
        let begin = if noted == Noted::Found { FOUND } else { "" };
        self.write(&mut state, &format!("{begin}{key}\n"))?;
        match noted {
            Noted::Sent => state.keys.sent.insert(key),
            Noted::Found => state.keys.found.insert(key),
        };
        Ok(())
    }

    /// Returns whether a request was sent.
    pub(super) fn has_sent(&self, key: &RequestKey) -> bool {
        locked(&self.state).keys.sent.contains(key)
    }

    /// Writes an amount for a request that the store does not know.
    pub(super) fn charge(&self, key: RequestKey, amount: Money) -> Result<(), String> {
        let mut state = locked(&self.state);
        self.write(&mut state, &format!("{CHARGED}{amount} {key}\n"))?;
        state.charged += amount;
        Ok(())
    }

    /// Writes a line, after the id if it is the first one.
    fn write(&self, state: &mut State, line: &str) -> Result<(), String> {
        let State { has_id, file, .. } = state;
        let mut write = || -> io::Result<()> {
            let file = match file {
                Some(file) => file,
                None => file.insert(self.create()?),
            };
            let id = if *has_id { String::new() } else { format!("{ID}{}\n", self.id) };
            file.write_all(format!("{id}{line}").as_bytes())
        };
        write().map_err(|error| format!("failed to write {}: {error}", self.path.display()))?;
        *has_id = true;
        Ok(())
    }

    /// Opens the file. The first line begins after a torn one.
    fn create(&self) -> io::Result<File> {
        if let Some(parent) = self.path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        if file.metadata()?.len() > 0 {
            file.write_all(b"\n")?;
        }
        Ok(file)
    }

    /// Adds up the stored results of the requests, each of them once: as answered if a request of this journal paid for it, else
    /// as one from the store. One that the store cannot read has no result.
    pub(super) fn spent(&self, store: &Store) -> Result<Tally, EndpointError> {
        let Keys { sent, found } = locked(&self.state).keys.clone();
        let mut tally = Tally::default();
        for key in sent.union(&found) {
            let record = match store.get(key) {
                Ok(Some(record)) => record,
                Ok(None) | Err(StoreError::Damaged { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            // A record of an older build does not say who paid for it.
            let is_own = match &record.about.journal {
                Some(id) => *id == self.id,
                None => sent.contains(key),
            };
            if is_own {
                count(&mut tally, &record);
            } else {
                tally.from_store += 1;
            }
        }
        Ok(tally)
    }

    /// Returns the cost of the requests so far, including what servers may have charged without a stored result.
    pub(super) fn cost(&self, store: &Store) -> Result<Money, EndpointError> {
        Ok(self.spent(store)?.cost.plus(locked(&self.state).charged))
    }
}

/// Whether a text is an id. A kill can tear the line.
fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns an id that no other journal has.
fn new_id(path: &Path) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    hash::bytes(format!("{} {} {}", path.display(), std::process::id(), now.as_nanos()))
}

/// Counts the result of a request. A server charges for a failure if it has answered, for instance with reasoning only.
fn count(tally: &mut Tally, record: &Record) {
    let Record { result, usage, about, .. } = record;
    let is_charged = match result {
        Stored::Failure(failure) => {
            *tally.failed.entry(failure.class).or_insert(0) += 1;
            // Older records do not tell whether the server has answered.
            about.charged || usage.prompt.is_some() || usage.completion.is_some()
        }
        Stored::Answer { .. } | Stored::Score { .. } => {
            tally.answered += 1;
            true
        }
    };
    if is_charged {
        tally.usage(usage, record.cost());
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use crate::endpoint::{Engine, EngineOptions};
    use crate::{
        Completion, FinishReason, LanguageModel, LlmError, Message, Outcome, Progress, Request,
        Sampling, Silent,
    };

    /// A model that stops after some answers, as a killed process does.
    struct Stops(Cell<usize>);

    impl LanguageModel for Stops {
        fn name(&self) -> String {
            "stops".to_owned()
        }

        fn complete(
            &self,
            requests: &[Request],
            _progress: &dyn Progress,
        ) -> Result<Vec<Outcome>, LlmError> {
            let answer = |request: &Request| {
                if self.0.get() == 0 {
                    return Err(LlmError::Failed { reason: "killed".to_owned() });
                }
                self.0.set(self.0.get() - 1);
                let is_known = !request.messages[0].content.contains("unknown");
                Ok(Ok(Completion {
                    text: "Rhine".to_owned(),
                    finish_reason: FinishReason::Stop,
                    prompt_tokens: is_known.then_some(7),
                    completion_tokens: is_known.then_some(2),
                }))
            };
            requests.iter().map(answer).collect()
        }
    }

    #[test]
    fn what_a_killed_run_paid_is_known_from_the_store() {
        let dir = tempfile::tempdir().expect("a folder");
        let journal = dir.path().join("stages/synth.requests");
        let open = |journal: Option<&std::path::Path>| {
            let journal = journal.map(std::path::Path::to_owned);
            let options = EngineOptions { journal, ..EngineOptions::default() };
            Engine::open(&dir.path().join("store"), options).expect("a store")
        };
        let request = |text: &str| Request::new(vec![Message::user(text)], Sampling::greedy(8));
        let ask = |engine: &Engine, left: usize, texts: &[&str]| {
            let model = Stops(Cell::new(left));
            let requests: Vec<Request> = texts.iter().map(|text| request(text)).collect();
            let model = engine.remember(&model).expect("a model").with_batch(1);
            model.complete(&requests, &Silent).map(drop)
        };
        // Another run has asked `c`, so it is not paid again.
        ask(&open(None), 1, &["c"]).expect("answers");
        ask(&open(Some(&journal)), 2, &["a", "b", "c", "d", "unknown"]).expect_err("killed");
        // A kill can tear the last line.
        let mut bytes = std::fs::read(&journal).expect("a journal");
        bytes.extend(b"0123");
        std::fs::write(&journal, bytes).expect("written");
        let engine = open(Some(&journal));
        let killed = engine.spent().expect("counts").expect("a journal");
        assert_eq!((killed.answered, killed.prompt_tokens, killed.completion_tokens), (2, 14, 4));
        assert_eq!(engine.tally().answered, 0, "control: this process has asked nothing");
        ask(&engine, 2, &["a", "b", "c", "d", "unknown"]).expect("answers");
        drop(engine);
        let spent = open(Some(&journal)).spent().expect("counts").expect("a journal");
        assert_eq!((spent.answered, spent.prompt_tokens, spent.unknown_usage), (4, 21, 1));
        assert_eq!((spent.unknown_cost, spent.cost), (0, crate::endpoint::Money::ZERO));
        assert!(open(None).spent().expect("counts").is_none());
        assert_eq!(spent.from_store, 1, "`c`, and no answer that this journal has paid for");
    }

    #[test]
    fn an_answer_that_another_run_paid_is_counted_there_only() {
        let dir = tempfile::tempdir().expect("a folder");
        let open = |name: Option<&str>| {
            let journal = name.map(|name| dir.path().join(name));
            let options = EngineOptions { journal, ..EngineOptions::default() };
            Engine::open(&dir.path().join("store"), options).expect("a store")
        };
        let request = |text: &str| Request::new(vec![Message::user(text)], Sampling::greedy(8));
        let ask = |name: Option<&str>, left: usize, texts: &[&str]| {
            let (engine, model) = (open(name), Stops(Cell::new(left)));
            let requests: Vec<Request> = texts.iter().map(|text| request(text)).collect();
            let model = engine.remember(&model).expect("a model").with_batch(1);
            model.complete(&requests, &Silent).map(drop)
        };
        let spent = |name: &str| {
            let spent = open(Some(name)).spent().expect("counts").expect("a journal");
            (spent.answered, spent.from_store, spent.prompt_tokens)
        };
        // The first run is killed after it has noted `b` and before the answer, which the second run pays.
        ask(Some("first"), 1, &["a", "b"]).expect_err("killed");
        ask(Some("second"), 1, &["b"]).expect("answers");
        assert_eq!((spent("first"), spent("second")), ((1, 1, 7), (1, 0, 7)));
        // Resuming twice counts nothing again.
        for _ in 0..2 {
            ask(Some("first"), 0, &["a", "b"]).expect("stored answers");
            assert_eq!(spent("first"), (1, 1, 7));
        }
        // A command without a journal pays, too.
        ask(Some("third"), 0, &["c"]).expect_err("killed");
        ask(None, 1, &["c"]).expect("answers");
        assert_eq!(spent("third"), (0, 1, 0));
        // A journal without an id, as an older build wrote it, and a torn id.
        let text = std::fs::read_to_string(dir.path().join("first")).expect("a journal");
        let keys: Vec<&str> = text.lines().filter(|line| !line.contains(' ')).collect();
        assert_eq!(keys.len(), 2);
        std::fs::write(dir.path().join("old"), format!("id 0123\n{}\n", keys.join("\n")))
            .expect("written");
        assert_eq!(spent("old"), (0, 2, 0));
    }
}
