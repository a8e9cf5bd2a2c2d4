//! Pairs that mirror each other make a group.

use std::collections::BTreeMap;

use iopo_schema::content_id;

use super::Place;
use super::taken::Texts;
use super::trl::Pair;

/// Pairs that wait for their mirror; of each only the prompt is held.
#[derive(Debug, Default)]
pub(super) struct Mirrors {
    /// By the hash of (chosen, rejected).
    waiting: BTreeMap<String, Vec<(Place, String)>>,
}

impl Mirrors {
    /// The group that a pair makes with the latest one before it that has another prompt and chosen and rejected
    /// swapped; without one the pair waits. The earlier pair is (x1, y1, y2).
    pub(super) fn add(&mut self, place: Place, pair: Pair) -> Option<(Place, Texts)> {
        let Pair { prompt, chosen, rejected } = pair;
        if let Some(waiting) = self.waiting.get_mut(&content_id(&[&rejected, &chosen]))
            && let Some(at) = waiting.iter().rposition(|(_, other)| *other != prompt)
        {
            let (place, x1) = waiting.remove(at);
            return Some((place, Texts { x1, y1: rejected, x2: prompt, y2: chosen }));
        }
        self.waiting.entry(content_id(&[&chosen, &rejected])).or_default().push((place, prompt));
        None
    }

    /// Pairs that wait still.
    pub(super) fn alone(&self) -> u64 {
        self.waiting.values().map(|waiting| waiting.len() as u64).sum()
    }
}
