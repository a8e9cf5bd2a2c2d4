//! The durable store of answers.
//!
//! A folder holds append-only segments, `answers-00001.log` and so on, and the file `LOCK`. A segment has one record per
//! line: a checksum, the [key](RequestKey) and JSON. A record is on disk before its caller sees it. Records that arrive
//! within a short time are synced together.
//!
//! Opening the store drops the torn line that a killed process leaves at the end. A record whose checksum does not match is
//! counted as damaged, and its request is sent again; its line stays in the file.

mod frame;
mod index;
mod segment;
mod writer;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use iopo_core::files;
use tokio::sync::oneshot;

use self::index::Index;
use self::writer::{Append, Writer};
use super::{Record, RequestKey, StoreError, locked};

/// File that the process with the store holds locked.
const LOCK: &str = "LOCK";

/// Settings of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreOptions {
    /// How long a record may wait for others that are synced with it. Default 20 ms.
    pub interval: Duration,
    /// Size at which a new segment begins, in bytes. Default 256 MiB.
    pub segment_bytes: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { interval: Duration::from_millis(20), segment_bytes: 256 << 20 }
    }
}

/// A durable store of answers. One process at a time can open it.
pub struct Store {
    dir: PathBuf,
    index: Arc<Mutex<Index>>,
    records: Mutex<Option<Sender<Append>>>,
    thread: Option<JoinHandle<()>>,
    damaged: u64,
    torn_bytes: u64,
    _lock: Option<File>,
}

/// Returns the lock of a store. Without one, two processes could write to it at once.
fn held(dir: &Path, lock: io::Result<Option<File>>) -> Result<File, StoreError> {
    match lock {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => Err(StoreError::NoLocks { path: dir.to_owned() }),
        Err(source) if source.kind() == io::ErrorKind::WouldBlock => {
            Err(StoreError::Locked { path: dir.to_owned() })
        }
        Err(source) => Err(StoreError::Io { action: "lock", path: dir.join(LOCK), source }),
    }
}

impl Store {
    /// Opens the store in a folder, which is created if it does not exist.
    ///
    /// # Errors
    /// Returns [`StoreError::Locked`] if another process has opened it, [`StoreError::NoLocks`] if the file system has no locks,
    /// [`StoreError::Version`] if it was written by another version, and [`StoreError::Io`] if a file cannot be read or written.
    pub fn open(dir: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        let error = |action, path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Io { action, path, source }
        };
        fs::create_dir_all(dir).map_err(error("create", dir))?;
        let lock = held(dir, files::lock(&dir.join(LOCK)))?;
        let mut index = Index::default();
        let (mut damaged, mut torn_bytes) = (0, 0);
        let numbers = segment::numbers(dir)?;
        let mut last = None;
        for &number in &numbers {
            let path = segment::path(dir, number);
            let end = segment::scan(&path, number, &mut index)?;
            damaged += end.damaged;
            torn_bytes += end.torn;
            if Some(&number) == numbers.last() {
                let file =
                    File::options().append(true).open(&path).map_err(error("open", &path))?;
                if end.torn > 0 {
                    file.set_len(end.complete).map_err(error("truncate", &path))?;
                    file.sync_all().map_err(error("sync", &path))?;
                }
                last = Some((number, file, end.complete));
            }
        }
        let (number, file, length) = match last {
            Some((number, file, length)) if length > 0 => (number, file, length),
            // There is no segment, or the process was killed before it wrote the header.
            other => {
                let number = other.map_or(1, |(number, ..)| number);
                let (file, length) = Writer::create(dir, number)?;
                (number, file, length)
            }
        };
        let index = Arc::new(Mutex::new(index));
        let writer = Writer {
            dir: dir.to_owned(),
            number,
            file,
            length,
            segment_bytes: options.segment_bytes,
            interval: options.interval,
            index: Arc::clone(&index),
        };
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new()
            .name("answer-store".to_owned())
            .spawn(move || writer.run(&receiver))
            .map_err(error("start the writer of", dir))?;
        Ok(Self {
            dir: dir.to_owned(),
            index,
            records: Mutex::new(Some(sender)),
            thread: Some(thread),
            damaged,
            torn_bytes,
            _lock: Some(lock),
        })
    }

    /// Opens the store in a folder for reading. Nothing is created, changed or locked, so another process may write to it. A
    /// folder that does not exist is an empty store.
    ///
    /// # Errors
    /// Returns [`StoreError::Version`] if it was written by another version, and [`StoreError::Io`] if a file cannot be read.
    pub fn open_for_reading(dir: &Path) -> Result<Self, StoreError> {
        let (mut index, mut damaged) = (Index::default(), 0);
        let numbers = if dir.exists() { segment::numbers(dir)? } else { Vec::new() };
        for number in numbers {
            damaged += segment::scan(&segment::path(dir, number), number, &mut index)?.damaged;
        }
        Ok(Self {
            dir: dir.to_owned(),
            index: Arc::new(Mutex::new(index)),
            records: Mutex::new(None),
            thread: None,
            damaged,
            torn_bytes: 0,
            _lock: None,
        })
    }

    /// Returns the number of requests with a record.
    pub fn len(&self) -> usize {
        locked(&self.index).len()
    }

    /// Returns whether the store has no records.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of damaged records found at opening. Their requests are sent again.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Returns the length of the torn line that was dropped at opening, in bytes.
    pub fn torn_bytes(&self) -> u64 {
        self.torn_bytes
    }

    /// Returns whether a request has a record.
    pub fn contains(&self, key: &RequestKey) -> bool {
        locked(&self.index).get(key).is_some()
    }

    /// Reads the record of a request.
    ///
    /// # Errors
    /// Returns [`StoreError::Damaged`] if the record has changed since the store was opened, and [`StoreError::Io`] if it
    /// cannot be read.
    pub fn get(&self, key: &RequestKey) -> Result<Option<Record>, StoreError> {
        let Some(place) = locked(&self.index).get(key) else { return Ok(None) };
        let path = segment::path(&self.dir, place.segment);
        let mut line = vec![0; place.length as usize];
        File::open(&path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(place.offset))?;
                file.read_exact(&mut line)
            })
            .map_err(|source| StoreError::Io { action: "read", path: path.clone(), source })?;
        let text = line.strip_suffix(b"\n").and_then(frame::decode);
        let record = text
            .filter(|(found, _)| found == key)
            .and_then(|(_, payload)| serde_json::from_str(payload).ok());
        record.map(Some).ok_or(StoreError::Damaged { path, key: *key })
    }

    /// Appends a record. The receiver is notified when it is durable.
    pub(crate) fn append(
        &self,
        key: RequestKey,
        record: &Record,
    ) -> oneshot::Receiver<Result<(), StoreError>> {
        let (done, durable) = oneshot::channel();
        let payload = match serde_json::to_string(record) {
            Ok(payload) => payload,
            Err(error) => {
                let _ = done.send(Err(StoreError::Closed { reason: error.to_string() }));
                return durable;
            }
        };
        let line = frame::encode(&key, &payload);
        if line.len() as u64 > segment::LONGEST_LINE {
            let (found, longest) = (line.len() >> 20, segment::LONGEST_LINE >> 20);
            let reason = format!("found a record of {found} MiB, expected at most {longest} MiB");
            let _ = done.send(Err(StoreError::Closed { reason }));
            return durable;
        }
        let append = Append { key, line, failure: record.is_failure(), done };
        if let Some(records) = &*locked(&self.records) {
            // Without a writer, the receiver learns that the sender was dropped.
            let _ = records.send(append);
        } else {
            let reason = "it was opened for reading".to_owned();
            let _ = append.done.send(Err(StoreError::Closed { reason }));
        }
        durable
    }

    /// Appends a record and waits until it is durable. Not for use in async code.
    ///
    /// # Errors
    /// Returns [`StoreError::Closed`] if it cannot be written.
    pub fn put(&self, key: RequestKey, record: &Record) -> Result<(), StoreError> {
        self.append(key, record).blocking_recv().unwrap_or_else(|_| Err(StoreError::gone()))
    }
}

impl StoreError {
    /// The error of a writer that has ended.
    pub(crate) fn gone() -> Self {
        Self::Closed { reason: "its writer has stopped".to_owned() }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Drop for Store {
    /// Waits until all appended records are written, then releases the lock.
    fn drop(&mut self) {
        locked(&self.records).take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::{StoreError, held};

    #[test]
    fn a_file_system_without_locks_is_refused() {
        let dir = Path::new("answers");
        let error = held(dir, Ok(None)).expect_err("no lock");
        assert!(matches!(error, StoreError::NoLocks { .. }), "{error}");
        let error = held(dir, Err(io::ErrorKind::WouldBlock.into())).expect_err("in use");
        assert!(matches!(error, StoreError::Locked { .. }), "{error}");
        // Negative control: a lock is enough.
        assert!(held(dir, tempfile::tempfile().map(Some)).is_ok());
    }
}
