//! The split of tasks into train, dev and test.

use std::collections::{BTreeMap, BTreeSet};

use iopo_schema::Split;

use iopo_core::random::keyed_hash;

/// Assigns a split to each task. Tasks are sorted by a hash of id and `seed`: the first are test tasks, the next are
/// dev tasks, and the rest is for training.
pub fn split_tasks(
    ids: &BTreeSet<String>,
    seed: u64,
    test: usize,
    dev: usize,
) -> BTreeMap<String, Split> {
    let mut ranked: Vec<([u8; 32], &String)> =
        ids.iter().map(|id| (keyed_hash(seed, &["split", id]), id)).collect();
    ranked.sort_unstable();
    let split = |rank: usize| match rank {
        rank if rank < test => Split::Test,
        rank if rank < test.saturating_add(dev) => Split::Dev,
        _ => Split::Train,
    };
    ranked.into_iter().enumerate().map(|(rank, (_, id))| (id.clone(), split(rank))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use iopo_schema::Split;

    use super::split_tasks;

    #[test]
    fn the_seed_decides_the_split_and_its_sizes_are_exact() {
        let ids: BTreeSet<String> = (0..50).map(|i| format!("s{i}")).collect();
        let splits = split_tasks(&ids, 1, 10, 5);
        let count = |wanted| splits.values().filter(|split| **split == wanted).count();
        assert_eq!((count(Split::Test), count(Split::Dev), count(Split::Train)), (10, 5, 35));
        assert_eq!(splits, split_tasks(&ids, 1, 10, 5));
        assert_ne!(splits, split_tasks(&ids, 2, 10, 5));
    }

    #[test]
    fn more_test_tasks_keep_the_earlier_ones() {
        let ids: BTreeSet<String> = (0..50).map(|i| format!("s{i}")).collect();
        let (few, many) = (split_tasks(&ids, 1, 10, 0), split_tasks(&ids, 1, 20, 0));
        let kept = |id: &String| few[id] != Split::Test || many[id] == Split::Test;
        assert!(ids.iter().all(kept));
    }
}
