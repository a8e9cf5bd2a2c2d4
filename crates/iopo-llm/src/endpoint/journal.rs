//! The list of the requests that were sent for one purpose, from which the store tells what they took.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::{EndpointError, Record, RequestKey, Store, StoreError, Stored, Tally, locked};

/// A file with the keys of the requests that were sent, one per line.
///
/// A key is written before its request is sent, so that a killed process leaves the keys of all answers that the store has.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    /// The keys in the file, and the file once it is written to.
    state: Mutex<(BTreeSet<RequestKey>, Option<File>)>,
}

impl Journal {
    /// Reads a journal. Its file is created with the first request. A torn line is ignored.
    pub(super) fn open(path: &Path) -> Result<Self, EndpointError> {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(EndpointError::File { path: path.to_owned(), source }),
            Ok(bytes) => bytes,
        };
        let lines = bytes.split(|byte| *byte == b'\n');
        let key = |line: &[u8]| RequestKey::from_hex(std::str::from_utf8(line).ok()?);
        let keys = lines.filter_map(key).collect();
        Ok(Self { path: path.to_owned(), state: Mutex::new((keys, None)) })
    }

    /// Writes the key of a request that is about to be sent.
    pub(super) fn note(&self, key: RequestKey) -> Result<(), String> {
        let mut state = locked(&self.state);
        let (keys, file) = &mut *state;
        if keys.contains(&key) {
            return Ok(());
        }
        let mut write = || -> io::Result<()> {
            let file = match file {
                Some(file) => file,
                None => file.insert(self.create()?),
            };
            file.write_all(format!("{key}\n").as_bytes())
        };
        write().map_err(|error| format!("failed to write {}: {error}", self.path.display()))?;
        keys.insert(key);
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

    /// Adds up the stored results of the requests. One that the store cannot read has no result.
    pub(super) fn spent(&self, store: &Store) -> Result<Tally, EndpointError> {
        let keys = locked(&self.state).0.clone();
        let mut tally = Tally::default();
        for key in keys {
            match store.get(&key) {
                Ok(Some(record)) => count(&mut tally, &record),
                Ok(None) | Err(StoreError::Damaged { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(tally)
    }
}

/// Counts the result of a request.
fn count(tally: &mut Tally, record: &Record) {
    match &record.result {
        Stored::Failure(failure) => {
            *tally.failed.entry(failure.class).or_insert(0) += 1;
        }
        Stored::Answer { .. } | Stored::Score { .. } => {
            tally.answered += 1;
            let cost = record.about.cost.as_deref().and_then(|cost| cost.parse().ok());
            tally.usage(&record.usage, cost);
        }
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
    }
}
