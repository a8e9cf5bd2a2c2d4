//! The order of the groups, updates and micro-batches: a function of the random seed and the groups.

use std::cmp::Reverse;
use std::ops::Not;

use iopo_core::{ContentHasher, PerSequence, random};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::{encode::EncodedGroup, objective::sequences};

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
    /// Whether an update takes groups of similar length.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub group_by_length: bool,
}

/// Updates whose groups are sorted by length together.
const SORTED_UPDATES: usize = 50;

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
    ///
    /// With `group_by_length`, the drawn groups are sorted by `length` within every 50 updates, and the updates are then
    /// drawn again, so that the groups of an update are similarly long and long updates come at any time.
    pub fn order(&self, epoch: usize, length: impl Fn(usize) -> usize) -> Vec<usize> {
        let mut key = ContentHasher::new();
        key.bytes("iopo-train order")
            .bytes(self.seed.to_le_bytes())
            .bytes((epoch as u64).to_le_bytes());
        let mut rng = random::stream(&key);
        let mut order: Vec<usize> = (0..self.groups).collect();
        order.shuffle(&mut rng);
        let per_update = self.per_update.max(1);
        if self.group_by_length {
            for window in order.chunks_mut(SORTED_UPDATES * per_update) {
                window.sort_by_key(|&group| length(group));
            }
            let (updates, _) = order.split_at_mut(self.groups / per_update * per_update);
            let mut drawn: Vec<Vec<usize>> =
                updates.chunks(per_update).map(<[usize]>::to_vec).collect();
            drawn.shuffle(&mut rng);
            updates.copy_from_slice(&drawn.concat());
        }
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
pub(crate) fn limited<'a>(
    groups: impl Iterator<Item = &'a EncodedGroup>,
    limit: usize,
) -> Vec<&'a EncodedGroup> {
    let mut groups: Vec<&EncodedGroup> = groups.collect();
    let mut ids: Vec<&str> = groups.iter().map(|group| group.id.as_str()).collect();
    ids.sort_unstable();
    if limit > 0 {
        ids.truncate(limit);
    }
    groups.retain(|group| ids.binary_search(&group.id.as_str()).is_ok());
    groups
}

/// Counts the tokens of a group's tree with the sequences that `needs` names.
pub fn tree_tokens(group: &EncodedGroup, needs: PerSequence<bool>) -> usize {
    let prompts = [(&group.x1, needs.x1y1 || needs.x1y2), (&group.x2, needs.x2y1 || needs.x2y2)];
    let both = prompts.iter().all(|(_, is_needed)| *is_needed);
    let shared = group.x1.iter().zip(&group.x2).take_while(|(a, b)| both && a == b).count();
    let prompts = prompts.into_iter().filter(|(_, is_needed)| *is_needed);
    // The last token of a response is not computed.
    let responses =
        sequences(needs).map(|sequence| group.response(sequence).len().saturating_sub(1));
    prompts.map(|(prompt, _)| prompt.len()).sum::<usize>() - shared + responses.sum::<usize>()
}

/// Splits groups into micro-batches of at most `budget` tokens, in order. A group that exceeds the budget forms its own
/// micro-batch.
pub fn micro_batches<'a>(
    members: &[&'a EncodedGroup],
    tokens: impl Fn(&EncodedGroup) -> usize,
    budget: usize,
) -> Vec<Vec<&'a EncodedGroup>> {
    let mut batches: Vec<Vec<&EncodedGroup>> = Vec::new();
    let mut filled = 0;
    for &group in members {
        let tokens = tokens(group);
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

/// Deals the groups of an update to micro-batches of about equal size, at most `budget` tokens each, for `threads` that
/// compute one at a time. A group that exceeds the budget forms its own micro-batch.
///
/// There are at least as many micro-batches as threads, or one per group. Each group goes to the smallest micro-batch so
/// far, the largest groups first. The result starts with the largest micro-batch and keeps the order of the groups in each.
pub fn deal<'a>(
    members: &[&'a EncodedGroup],
    tokens: impl Fn(&EncodedGroup) -> usize,
    budget: usize,
    threads: usize,
) -> Vec<Vec<&'a EncodedGroup>> {
    let sizes: Vec<usize> = members.iter().map(|group| tokens(group)).collect();
    let mut largest_first: Vec<usize> = (0..members.len()).collect();
    largest_first.sort_by_key(|index| Reverse(sizes[*index]));
    let (threads, budget) = (threads.max(1), budget.max(1));
    let total: usize = sizes.iter().map(|size| budget.min(*size)).sum();
    let mut count = total.div_ceil(budget).next_multiple_of(threads);
    loop {
        count = count.min(members.len());
        let mut batches = vec![(0, Vec::new()); count];
        for &index in &largest_first {
            if let Some((filled, batch)) = batches.iter_mut().min_by_key(|(filled, _)| *filled) {
                *filled += sizes[index];
                batch.push(index);
            }
        }
        let fits = |(filled, batch): &(usize, Vec<usize>)| *filled <= budget || batch.len() == 1;
        if count == members.len() || batches.iter().all(fits) {
            batches.sort_by_key(|(filled, _)| Reverse(*filled));
            let in_order = |(_, mut batch): (usize, Vec<usize>)| {
                batch.sort_unstable();
                batch.into_iter().map(|index| members[index]).collect()
            };
            return batches.into_iter().map(in_order).collect();
        }
        count += threads;
    }
}

#[cfg(test)]
mod tests {
    use iopo_core::{FalseCells, random};
    use rand::RngExt;

    use super::{Plan, deal, micro_batches};
    use crate::encode::EncodedGroup;

    #[test]
    fn every_epoch_sees_every_group_once_in_a_new_order() {
        let plan = Plan { groups: 11, per_update: 4, epochs: 2, seed: 7, group_by_length: false };
        assert_eq!((plan.updates_per_epoch(), plan.updates()), (3, 6));
        let mut orders = Vec::new();
        for epoch in 0..2 {
            let order = plan.order(epoch, |_| 0);
            let mut seen: Vec<usize> = (epoch * 3..epoch * 3 + 3)
                .flat_map(|update| plan.members(update, &order).to_vec())
                .collect();
            assert_eq!(plan.members(epoch * 3 + 2, &order).len(), 3);
            seen.sort_unstable();
            assert_eq!(seen, (0..11).collect::<Vec<_>>());
            orders.push(order);
        }
        assert_ne!(orders[0], orders[1]);
        assert_eq!(orders[0], plan.order(0, |_| 0));
        assert!(plan.ends_epoch(2) && !plan.ends_epoch(3));
        assert_eq!([0, 1, 2, 3, 5, 6].map(|updates| plan.seen(updates)), [0, 4, 8, 11, 19, 22]);
    }

    #[test]
    fn updates_of_similar_length_come_in_any_order() {
        let length = |group: usize| group * 7919 % 400;
        let of = |group_by_length| Plan {
            groups: 301,
            per_update: 2,
            epochs: 1,
            seed: 3,
            group_by_length,
        };
        let gap = |plan: &Plan| {
            let order = plan.order(0, length);
            let apart = |update| {
                let members = plan.members(update, &order);
                length(members[0]).abs_diff(length(members[1]))
            };
            (0..150).map(apart).sum::<usize>() / 150
        };
        assert!(gap(&of(true)) < 10, "{}", gap(&of(true)));
        assert!(gap(&of(false)) > 100, "the control: {}", gap(&of(false)));
        let order = of(true).order(0, length);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..301).collect::<Vec<_>>());
        // Sorted windows would ascend; about half of the neighbors descend instead.
        let first = |update: usize| length(order[2 * update]);
        let descents = (1..150).filter(|&update| first(update) < first(update - 1)).count();
        assert!((50..100).contains(&descents), "{descents}");
    }

    fn group(tokens: usize) -> EncodedGroup {
        EncodedGroup {
            id: tokens.to_string(),
            x1: vec![0; tokens],
            x2: Vec::new(),
            y1: Vec::new(),
            y2: Vec::new(),
            false_cells: FalseCells::BOTH,
        }
    }

    fn lengths(batches: Vec<Vec<&EncodedGroup>>) -> Vec<Vec<usize>> {
        let of =
            |batch: Vec<&EncodedGroup>| batch.into_iter().map(|group| group.x1.len()).collect();
        batches.into_iter().map(of).collect()
    }

    #[test]
    fn micro_batches_keep_the_order_and_the_budget() {
        let groups = [4, 5, 2, 50, 1, 1].map(group);
        let members: Vec<&EncodedGroup> = groups.iter().collect();
        let batches = micro_batches(&members, |group| group.x1.len(), 10);
        assert_eq!(lengths(batches), [vec![4, 5], vec![2], vec![50], vec![1, 1]]);
    }

    #[test]
    fn an_update_keeps_every_thread_busy() {
        let dealt = |sizes: &[usize], budget: usize, threads: usize| {
            let groups: Vec<EncodedGroup> = sizes.iter().map(|size| group(*size)).collect();
            let members: Vec<&EncodedGroup> = groups.iter().collect();
            lengths(deal(&members, |group| group.x1.len(), budget, threads))
        };
        // Both fit one micro-batch, but then the second thread would idle.
        assert_eq!(dealt(&[300, 400], 1024, 2), [[400], [300]]);
        assert_eq!(dealt(&[300, 400], 1024, 1), [[300, 400]]);
        assert_eq!(dealt(&[9, 1, 2, 3, 3], 1024, 2), [vec![9], vec![1, 2, 3, 3]]);
        // The budget asks for three, two threads for four.
        assert_eq!(dealt(&[4, 4, 4, 4, 4, 4], 10, 2), [vec![4, 4], vec![4, 4], vec![4], vec![4]]);
        assert_eq!(dealt(&[50, 1, 1], 10, 2), [vec![50], vec![1, 1]]);
        assert_eq!(dealt(&[7], 10, 4), [[7]]);
        assert!(dealt(&[], 10, 2).is_empty());
    }

    #[test]
    fn dealt_micro_batches_are_even_and_hold_every_group_once() {
        for threads in 1..5 {
            for seed in 0..50u64 {
                let mut rng = random::keyed(seed, &["sizes"]);
                let groups: Vec<EncodedGroup> =
                    (0..rng.random_range(1..12)).map(|_| group(rng.random_range(1..400))).collect();
                let members: Vec<&EncodedGroup> = groups.iter().collect();
                let batches = deal(&members, |group| group.x1.len(), 1024, threads);
                assert!(batches.len() >= threads.min(groups.len()));
                assert!(batches.iter().all(|batch| !batch.is_empty()));
                let sums: Vec<usize> =
                    lengths(batches.clone()).iter().map(|batch| batch.iter().sum()).collect();
                assert!(sums.iter().all(|sum| *sum <= 1024), "{sums:?}");
                // No micro-batch exceeds another by more than its smallest group.
                let least = sums.iter().min().copied().unwrap_or(0);
                for (batch, sum) in lengths(batches.clone()).iter().zip(&sums) {
                    let smallest = batch.iter().min().copied().unwrap_or(0);
                    assert!(sum - smallest <= least, "{sums:?}");
                }
                let mut found: Vec<usize> = lengths(batches).concat();
                let mut expected: Vec<usize> = groups.iter().map(|group| group.x1.len()).collect();
                found.sort_unstable();
                expected.sort_unstable();
                assert_eq!(found, expected);
            }
        }
    }
}
