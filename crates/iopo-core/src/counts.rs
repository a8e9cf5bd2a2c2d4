//! Named counters.

use std::collections::BTreeMap;

/// Counters by name, iterated in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<String, u64>);

impl Counts {
    /// Adds one to a counter.
    pub fn one(&mut self, name: impl Into<String>) {
        self.add(name, 1);
    }

    /// Adds `by` to a counter. Creates it if it does not exist.
    pub fn add(&mut self, name: impl Into<String>, by: u64) {
        *self.0.entry(name.into()).or_default() += by;
    }

    /// Adds every counter of `other` to this one.
    pub fn merge(&mut self, other: Self) {
        for (name, by) in other.0 {
            self.add(name, by);
        }
    }

    /// Returns a counter's value; 0 for an unknown name.
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Returns one counter divided by another. A whole of 0 counts as 1.
    pub fn share(&self, part: &str, whole: &str) -> f64 {
        self.get(part) as f64 / self.get(whole).max(1) as f64
    }

    /// Iterates over names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn counters_add_up_and_are_sorted() {
        let mut counts = Counts::default();
        counts.one("b");
        counts.add("a", 3);
        let mut other = Counts::default();
        other.add("b", 2);
        counts.merge(other);
        assert_eq!(counts.iter().collect::<Vec<_>>(), [("a", 3), ("b", 3)]);
        assert_eq!((counts.get("c"), counts.share("a", "b")), (0, 1.0));
        assert!(counts.share("a", "c") > 2.9, "a whole of 0 divides by 1");
    }
}
