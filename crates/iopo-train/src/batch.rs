//! The order of the groups, updates and micro-batches: a function of the random seed and the groups.

use iopo_core::{ContentHasher, random};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::encode::EncodedGroup;

/// The groups of each update; the same for every method of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Groups to train on.
    pub groups: usize,
    /// Groups of an update; the last one of an epoch may have fewer.
    pub per_update: usize,
    /// Passes over the groups.
    pub epochs: usize,
    /// Random seed of the order.
    pub seed: u64,
}

impl Plan {
    /// Returns the updates of an epoch.
    pub fn updates_per_epoch(&self) -> usize {
        self.groups.div_ceil(self.per_update.max(1))
    }

    /// Returns the updates of all epochs.
    pub fn updates(&self) -> usize {
        self.updates_per_epoch() * self.epochs
    }

    /// Returns the epoch of an update, from 0.
    pub fn epoch(&self, update: usize) -> usize {
        update / self.updates_per_epoch().max(1)
    }

    /// Returns whether an epoch ends with this update.
    pub fn ends_epoch(&self, update: usize) -> bool {
        (update + 1).is_multiple_of(self.updates_per_epoch().max(1))
    }

    /// Counts the groups of the first `updates` updates; a group counts once per epoch.
    pub fn seen(&self, updates: usize) -> usize {
        let in_epoch = updates % self.updates_per_epoch().max(1) * self.per_update.max(1);
        self.epoch(updates) * self.groups + in_epoch.min(self.groups)
    }

    /// Draws the order of an epoch, a permutation keyed by the random seed and the epoch.
    pub fn order(&self, epoch: usize) -> Vec<usize> {
        let mut key = ContentHasher::new();
        key.bytes("iopo-train order")
            .bytes(self.seed.to_le_bytes())
            .bytes((epoch as u64).to_le_bytes());
        let mut rng = random::stream(&key);
        let mut order: Vec<usize> = (0..self.groups).collect();
        order.shuffle(&mut rng);
        order
    }

    /// Returns the groups of an update, given its epoch's order.
    pub fn members<'a>(&self, update: usize, order: &'a [usize]) -> &'a [usize] {
        let start = (update % self.updates_per_epoch().max(1)) * self.per_update.max(1);
        &order[start.min(order.len())..(start + self.per_update.max(1)).min(order.len())]
    }
}

/// Returns the smaller of two limits; 0 means no limit.
pub(crate) fn smaller(a: usize, b: usize) -> usize {
    if a == 0 || b == 0 { a.max(b) } else { a.min(b) }
}

/// Returns the `limit` groups with the smallest ids, in their order; 0 returns all. Ids are content hashes, so the choice
/// is random but fixed.
pub(crate) fn limited(groups: &[EncodedGroup], limit: usize) -> Vec<&EncodedGroup> {
    let mut ids: Vec<&str> = groups.iter().map(|group| group.id.as_str()).collect();
    ids.sort_unstable();
    if limit > 0 {
        ids.truncate(limit);
    }
    groups.iter().filter(|group| ids.binary_search(&group.id.as_str()).is_ok()).collect()
}

/// Returns an upper bound of the tokens of a group's tree.
pub fn weight(group: &EncodedGroup) -> usize {
    group.x1.len() + group.x2.len() + 2 * (group.y1.len() + group.y2.len())
}

/// Splits an update into micro-batches of at most `budget` tokens, in order. A group that exceeds the budget forms its own
/// micro-batch.
pub fn micro_batches<'a>(
    members: &[&'a EncodedGroup],
    budget: usize,
) -> Vec<Vec<&'a EncodedGroup>> {
    let mut batches: Vec<Vec<&EncodedGroup>> = Vec::new();
    let mut filled = 0;
    for &group in members {
        let tokens = weight(group);
        match batches.last_mut() {
            Some(batch) if filled + tokens <= budget => batch.push(group),
            _ => {
                batches.push(vec![group]);
                filled = 0;
            }
        }
        filled += tokens;
    }
    batches
}

#[cfg(test)]
mod tests {
    use iopo_core::FalseCells;

    use super::{Plan, micro_batches};
    use crate::encode::EncodedGroup;

    #[test]
    fn every_epoch_sees_every_group_once_in_a_new_order() {
        let plan = Plan { groups: 11, per_update: 4, epochs: 2, seed: 7 };
        assert_eq!((plan.updates_per_epoch(), plan.updates()), (3, 6));
        let mut orders = Vec::new();
        for epoch in 0..2 {
            let order = plan.order(epoch);
            let mut seen: Vec<usize> = (epoch * 3..epoch * 3 + 3)
                .flat_map(|update| plan.members(update, &order).to_vec())
                .collect();
            assert_eq!(plan.members(epoch * 3 + 2, &order).len(), 3);
            seen.sort_unstable();
            assert_eq!(seen, (0..11).collect::<Vec<_>>());
            orders.push(order);
        }
        assert_ne!(orders[0], orders[1]);
        assert_eq!(orders[0], plan.order(0));
        assert!(plan.ends_epoch(2) && !plan.ends_epoch(3));
        assert_eq!([0, 1, 2, 3, 5, 6].map(|updates| plan.seen(updates)), [0, 4, 8, 11, 19, 22]);
    }

    #[test]
    fn micro_batches_keep_the_order_and_the_budget() {
        let group = |tokens: usize| EncodedGroup {
            id: tokens.to_string(),
            x1: vec![0; tokens],
            x2: Vec::new(),
            y1: Vec::new(),
            y2: Vec::new(),
            false_cells: FalseCells::BOTH,
        };
        let groups = [4, 5, 2, 50, 1, 1].map(group);
        let members: Vec<&EncodedGroup> = groups.iter().collect();
        let lengths: Vec<Vec<usize>> = micro_batches(&members, 10)
            .into_iter()
            .map(|batch| batch.into_iter().map(|group| group.x1.len()).collect())
            .collect();
        assert_eq!(lengths, [vec![4, 5], vec![2], vec![50], vec![1, 1]]);
    }
}
