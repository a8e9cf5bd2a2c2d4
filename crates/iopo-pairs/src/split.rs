//! The split of tasks into train, dev and test.

use std::collections::{BTreeMap, BTreeSet};

use iopo_schema::Split;

use iopo_core::random::keyed_hash;

use crate::PairsConfig;

/// Assigns a split to each task. Tasks are sorted by a hash of id and `config.seed`: the first `test_tasks` are test
/// tasks, the next `dev_tasks` are dev tasks, and the rest is for training.
pub fn split_tasks(ids: &BTreeSet<String>, config: &PairsConfig) -> BTreeMap<String, Split> {
    let (seed, test, dev) = (config.seed, config.test_tasks, config.dev_tasks);
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
    use crate::PairsConfig;

    fn config(seed: u64, test_tasks: usize, dev_tasks: usize) -> PairsConfig {
        PairsConfig { seed, test_tasks, dev_tasks, ..PairsConfig::default() }
    }

    #[test]
    fn the_seed_decides_the_split_and_its_sizes_are_exact() {
        let ids: BTreeSet<String> = (0..50).map(|i| format!("s{i}")).collect();
        let splits = split_tasks(&ids, &config(1, 10, 5));
        let count = |wanted| splits.values().filter(|split| **split == wanted).count();
        assert_eq!((count(Split::Test), count(Split::Dev), count(Split::Train)), (10, 5, 35));
        assert_eq!(splits, split_tasks(&ids, &config(1, 10, 5)));
        assert_ne!(splits, split_tasks(&ids, &config(2, 10, 5)));
    }

    #[test]
    fn more_test_tasks_keep_the_earlier_ones() {
        let ids: BTreeSet<String> = (0..50).map(|i| format!("s{i}")).collect();
        let (few, many) =
            (split_tasks(&ids, &config(1, 10, 0)), split_tasks(&ids, &config(1, 20, 0)));
        let kept = |id: &String| few[id] != Split::Test || many[id] == Split::Test;
        assert!(ids.iter().all(kept));
    }
}
