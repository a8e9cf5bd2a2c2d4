//! Coherence of groups of items that differ only in the branch to select.

use super::{Item, PointVerdict};
use crate::Mean;

/// Coherence of a set of groups. A value is absent where its denominator is zero.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Coherence {
    /// Share of items whose questions are all met.
    pub origin: Mean,
    /// Share of groups whose items are all met.
    pub coherent: Mean,
}

impl Coherence {
    /// The relative drop from the share of items to the share of groups.
    pub fn drop(&self) -> Option<f64> {
        let origin = self.origin.over_judged().filter(|&origin| origin > 0.0)?;
        Some((origin - self.coherent.over_judged()?) / origin)
    }
}

/// The items of a group with their final verdicts.
pub(super) type Group<'a> = Vec<(&'a Item, &'a [Option<PointVerdict>])>;

/// Computes coherence over groups that select once, and over groups that select more than once.
pub(super) fn coherence<'a>(groups: impl Iterator<Item = &'a Group<'a>>) -> [Coherence; 2] {
    let mut sets: [Coherence; 2] = Default::default();
    for group in groups {
        let is_selection = |labels: &Vec<String>| labels.iter().any(|label| label == "Selection");
        let depth = group.first().map_or(0, |(item, _)| {
            item.questions.iter().filter(|question| is_selection(&question.compositions)).count()
        });
        let set = match depth {
            0 => continue,
            1 => &mut sets[0],
            _ => &mut sets[1],
        };
        let items: Vec<Option<bool>> = group
            .iter()
            .map(|(_, verdicts)| {
                all(verdicts.iter().map(|verdict| verdict.map(|one| one != PointVerdict::No)))
            })
            .collect();
        for item in &items {
            set.origin.add(item.map(f64::from));
        }
        set.coherent.add(all(items.into_iter()).map(f64::from));
    }
    sets
}

/// Whether all are true: false if one is false, unknown if one is unknown.
fn all(values: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = true;
    for value in values {
        match value {
            Some(true) => {}
            Some(false) => return Some(false),
            None => known = false,
        }
    }
    known.then_some(true)
}
