//! Dictionaries that keep the order of insertion.

use super::Value;
use super::compare::equal;
use super::shape::Shape;
use crate::budget;

/// A dictionary. Chats have few keys, so a lookup compares them one after another.
#[derive(Debug, Clone)]
pub(crate) struct Dict {
    entries: Vec<(Value, Value)>,
    shape: Shape,
}

impl Default for Dict {
    fn default() -> Self {
        Self { entries: Vec::new(), shape: Shape::around([]) }
    }
}

impl Dict {
    pub(crate) fn get(&self, key: &Value) -> Option<&Value> {
        if !budget::spend(1) {
            return None;
        }
        self.entries.iter().find(|(own, _)| equal(own, key)).map(|(_, value)| value)
    }

    pub(crate) fn get_text(&self, key: &str) -> Option<&Value> {
        if !budget::spend(self.len()) {
            return None;
        }
        let same = |own: &Value| own.as_text() == Some(key);
        self.entries.iter().find(|(own, _)| same(own)).map(|(_, value)| value)
    }

    /// Sets a key. A key that exists keeps its place. A value that is nested too deeply is left out, and the statement fails.
    pub(crate) fn insert(&mut self, key: Value, value: Value) {
        let shape = self.shape.with(&key).with(&value);
        if !shape.allowed() || !budget::spend(1) {
            return;
        }
        self.shape = shape;
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

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&Value, &Value)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// The keys and the values.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Value> {
        self.entries.iter().flat_map(|(key, value)| [key, value])
    }

    pub(crate) fn into_parts(self) -> impl Iterator<Item = Value> {
        self.entries.into_iter().flat_map(|(key, value)| [key, value])
    }

    pub(crate) fn keys(&self) -> impl DoubleEndedIterator<Item = &Value> {
        self.entries.iter().map(|(key, _)| key)
    }
}

impl FromIterator<(Value, Value)> for Dict {
    fn from_iter<I: IntoIterator<Item = (Value, Value)>>(entries: I) -> Self {
        // Only for entries with distinct keys, such as those of JSON.
        let mut entries: Vec<_> = entries.into_iter().collect();
        let shape = Shape::around(entries.iter().flat_map(|(key, value)| [key, value]));
        if !shape.allowed() {
            entries.clear();
        }
        Self { entries, shape }
    }
}
