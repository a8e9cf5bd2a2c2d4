//! Dictionaries that keep the order of insertion.

use super::Value;
use super::compare::equal;

/// A dictionary. Chats have few keys, so a lookup compares them one after another.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dict {
    entries: Vec<(Value, Value)>,
}

impl Dict {
    pub(crate) fn get(&self, key: &Value) -> Option<&Value> {
        self.entries.iter().find(|(own, _)| equal(own, key)).map(|(_, value)| value)
    }

    pub(crate) fn get_text(&self, key: &str) -> Option<&Value> {
        let same = |own: &Value| own.as_text() == Some(key);
        self.entries.iter().find(|(own, _)| same(own)).map(|(_, value)| value)
    }

    /// Sets a key. A key that exists keeps its place.
    pub(crate) fn insert(&mut self, key: Value, value: Value) {
        match self.entries.iter_mut().find(|(own, _)| equal(own, &key)) {
            Some((_, own)) => *own = value,
            None => self.entries.push((key, value)),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&Value, &Value)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    pub(crate) fn keys(&self) -> impl DoubleEndedIterator<Item = &Value> {
        self.entries.iter().map(|(key, _)| key)
    }
}

impl FromIterator<(Value, Value)> for Dict {
    fn from_iter<I: IntoIterator<Item = (Value, Value)>>(entries: I) -> Self {
        // Only for entries with distinct keys, such as those of JSON.
        Self { entries: entries.into_iter().collect() }
    }
}
