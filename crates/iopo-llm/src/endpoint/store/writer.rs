//! The thread that appends records and makes them durable in groups.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use iopo_core::files::sync_parent;
use tokio::sync::oneshot;

use super::index::{Index, Place};
use super::segment::{self, HEADER};
use crate::endpoint::{RequestKey, StoreError, locked};

/// Maximum number of records in a group.
const GROUP: usize = 64;

/// A record to append.
pub(super) struct Append {
    pub(super) key: RequestKey,
    pub(super) line: String,
    pub(super) failure: bool,
    pub(super) done: oneshot::Sender<Result<(), StoreError>>,
}

/// The segment that is written.
pub(super) struct Writer {
    pub(super) dir: PathBuf,
    pub(super) number: u32,
    pub(super) file: File,
    pub(super) length: u64,
    /// Size at which a new segment begins.
    pub(super) segment_bytes: u64,
    pub(super) interval: Duration,
    pub(super) index: Arc<Mutex<Index>>,
}

impl Writer {
    /// Creates segment `number` with its header.
    pub(super) fn create(dir: &std::path::Path, number: u32) -> Result<(File, u64), StoreError> {
        let path = segment::path(dir, number);
        let error = |source| StoreError::Io { action: "create", path: path.clone(), source };
        let mut file = File::options().create(true).append(true).open(&path).map_err(error)?;
        file.write_all(HEADER.as_bytes()).map_err(error)?;
        file.sync_all().map_err(error)?;
        sync_parent(&path).map_err(error)?;
        Ok((file, HEADER.len() as u64))
    }

    /// Writes groups until all senders are gone. After a failure, nothing more is written: the state of the file is unknown.
    pub(super) fn run(mut self, records: &Receiver<Append>) {
        let mut broken: Option<String> = None;
        while let Ok(first) = records.recv() {
            let group = self.collect(first, records);
            let result = match &broken {
                Some(reason) => Err(StoreError::Closed { reason: reason.clone() }),
                None => self.write(&group),
            };
            match result {
                Ok(places) => {
                    let mut index = locked(&self.index);
                    for (record, place) in group.iter().zip(places) {
                        index.insert(record.key, place, record.failure);
                    }
                    drop(index);
                    for record in group {
                        // A caller that was cancelled does not need the notification.
                        let _ = record.done.send(Ok(()));
                    }
                }
                Err(error) => {
                    let source = std::error::Error::source(&error).map(|one| format!(": {one}"));
                    let reason = match broken.take() {
                        Some(reason) => reason,
                        None => format!("{error}{}", source.unwrap_or_default()),
                    };
                    for record in group {
                        let error = StoreError::Closed { reason: reason.clone() };
                        let _ = record.done.send(Err(error));
                    }
                    broken = Some(reason);
                }
            }
        }
    }

    /// Waits for more records to include in the next sync.
    fn collect(&self, first: Append, records: &Receiver<Append>) -> Vec<Append> {
        let deadline = Instant::now() + self.interval;
        let mut group = vec![first];
        while group.len() < GROUP {
            match records.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(record) => group.push(record),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        group
    }

    /// Appends a group and syncs it.
    fn write(&mut self, group: &[Append]) -> Result<Vec<Place>, StoreError> {
        if self.length >= self.segment_bytes {
            (self.file, self.length) = Self::create(&self.dir, self.number + 1)?;
            self.number += 1;
        }
        let mut bytes = Vec::with_capacity(group.iter().map(|record| record.line.len()).sum());
        let mut places = Vec::with_capacity(group.len());
        for record in group {
            let offset = self.length + bytes.len() as u64;
            let length = u32::try_from(record.line.len()).unwrap_or(u32::MAX);
            places.push(Place { segment: self.number, offset, length });
            bytes.extend_from_slice(record.line.as_bytes());
        }
        let path = segment::path(&self.dir, self.number);
        let error = |source| StoreError::Io { action: "write", path: path.clone(), source };
        self.file.write_all(&bytes).map_err(error)?;
        self.file.sync_data().map_err(error)?;
        self.length += bytes.len() as u64;
        Ok(places)
    }
}
