//! The location of each record.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::endpoint::RequestKey;

/// The location of a record's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Number of the segment.
    pub(super) segment: u32,
    /// Start of the line, in bytes.
    pub(super) offset: u64,
    /// Length of the line with its line feed.
    pub(super) length: u32,
}

/// The locations of all records. The index holds no answers, so its size depends only on the number of records.
#[derive(Debug, Default)]
pub(super) struct Index(HashMap<RequestKey, (Place, bool)>);

impl Index {
    /// Adds a record. A later one replaces an earlier one, but a failure never replaces an answer.
    pub(super) fn insert(&mut self, key: RequestKey, place: Place, failure: bool) {
        match self.0.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert((place, failure));
            }
            Entry::Occupied(mut entry) => {
                if !failure || entry.get().1 {
                    entry.insert((place, failure));
                }
            }
        }
    }

    pub(super) fn get(&self, key: &RequestKey) -> Option<Place> {
        self.0.get(key).map(|(place, _)| *place)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
