//! The choice of held-out prompts.

use std::collections::BTreeMap;

use iopo_core::random::keyed_hash;
use iopo_schema::{PreferenceRow, Split, TurnRole};

use super::ExchangeError;
use super::row::prompt_key;

/// The prompts of the train file that are held out.
///
/// The choice is random but the same for the same prompts and seed. A prompt is in one split with all its rows, and so are
/// the two instructions of a group, all groups of one task, and conversations with the same first turn of the user.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HoldOut {
    /// Share of the prompts for the dev split, rounded up; from 0 to below 1. Default: 0.
    pub dev_size: f64,
    /// Share of the prompts for the test split, rounded up; from 0 to below 1. Default: 0.
    pub test_size: f64,
    /// Random seed of the choice. Default: 0.
    pub seed: u64,
}

impl HoldOut {
    /// Returns whether nothing is held out.
    pub(super) fn is_none(&self) -> bool {
        self.dev_size == 0.0 && self.test_size == 0.0
    }

    /// Checks the shares.
    pub(super) fn validate(&self) -> Result<(), ExchangeError> {
        let Self { dev_size, test_size, .. } = *self;
        let is_share = |share: f64| (0.0..1.0).contains(&share);
        if is_share(dev_size) && is_share(test_size) && is_share(dev_size + test_size) {
            return Ok(());
        }
        Err(ExchangeError::Shares { dev_size, test_size })
    }
}

/// Returns the keys of a row: those of its prompts, of the prompts that its conversation begins with, and of its task. Rows
/// that share one belong to one split.
pub(super) fn keys(row: &PreferenceRow) -> Vec<String> {
    let context = &row.context;
    let prompts = row.instructions().map(|prompt| prompt_key(context, prompt));
    let begun = context.iter().enumerate().filter(|(_, turn)| turn.role == TurnRole::User);
    let begun = begun.map(|(index, turn)| prompt_key(&context[..index], &turn.content));
    prompts.chain(begun).chain([row.task_id.clone()]).collect()
}

/// Disjoint sets of keys that share rows.
#[derive(Debug, Default)]
pub(super) struct Prompts {
    numbers: BTreeMap<String, usize>,
    /// The parent of each key in the tree of its set; the root is its own parent.
    parents: Vec<usize>,
}

impl Prompts {
    /// Merges the sets of the keys of a row.
    pub(super) fn join(&mut self, keys: Vec<String>) {
        let mut first = None;
        for key in keys {
            let next = self.parents.len();
            let number = *self.numbers.entry(key).or_insert(next);
            if number == next {
                self.parents.push(next);
            }
            let root = self.root(number);
            let joined = *first.get_or_insert(root);
            let target = self.root(joined);
            self.parents[root] = target;
        }
    }

    fn root(&mut self, mut number: usize) -> usize {
        while self.parents[number] != number {
            // Halve the path, so that later searches are short.
            self.parents[number] = self.parents[self.parents[number]];
            number = self.parents[number];
        }
        number
    }

    /// Assigns a split to each key.
    pub(super) fn splits(
        mut self,
        hold_out: &HoldOut,
    ) -> Result<BTreeMap<String, Split>, ExchangeError> {
        let numbers = std::mem::take(&mut self.numbers);
        // The name of a set is its smallest key.
        let mut sets: BTreeMap<usize, &str> = BTreeMap::new();
        for (key, number) in &numbers {
            sets.entry(self.root(*number)).or_insert(key);
        }
        let mut ranked: Vec<([u8; 32], usize)> = sets
            .iter()
            .map(|(root, name)| (keyed_hash(hold_out.seed, &["hold out", name]), *root))
            .collect();
        ranked.sort_unstable();
        let count = |share: f64| (share * ranked.len() as f64).ceil() as usize;
        let (test, dev) = (count(hold_out.test_size), count(hold_out.dev_size));
        let held_out = test + dev;
        if held_out >= ranked.len() {
            return Err(ExchangeError::TooFewPrompts { prompts: ranked.len(), held_out });
        }
        let split = |rank: usize| match rank {
            rank if rank < test => Split::Test,
            rank if rank < held_out => Split::Dev,
            _ => Split::Train,
        };
        let of_root: BTreeMap<usize, Split> =
            ranked.iter().enumerate().map(|(rank, (_, root))| (*root, split(rank))).collect();
        let roots: Vec<usize> = numbers.values().map(|number| self.root(*number)).collect();
        Ok(numbers.into_keys().zip(roots.iter().map(|root| of_root[root])).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use iopo_schema::Split;

    use super::{HoldOut, Prompts};
    use crate::ExchangeError;

    /// 40 prompts; every third one shares a row with the next.
    fn prompts() -> Prompts {
        let mut prompts = Prompts::default();
        for number in 0..40 {
            let mut keys = vec![format!("p{number}")];
            if number % 3 == 0 {
                keys.push(format!("p{}", number + 1));
            }
            prompts.join(keys);
        }
        prompts
    }

    fn splits(dev_size: f64, test_size: f64, seed: u64) -> BTreeMap<String, Split> {
        prompts().splits(&HoldOut { dev_size, test_size, seed }).expect("splits")
    }

    #[test]
    fn prompts_that_share_a_row_are_in_one_split() {
        let made = splits(0.2, 0.3, 1);
        assert_eq!(made.len(), 41);
        for number in (0..40).step_by(3) {
            assert_eq!(made[&format!("p{number}")], made[&format!("p{}", number + 1)]);
        }
        // p0+p1, p2, p3+p4, p5, …: 27 sets.
        let mut sets: BTreeMap<Split, usize> = BTreeMap::new();
        for number in (0..40).filter(|number| number % 3 != 1) {
            *sets.entry(made[&format!("p{number}")]).or_default() += 1;
        }
        let expected = [(Split::Train, 12), (Split::Dev, 6), (Split::Test, 9)];
        assert_eq!(sets, expected.into());
    }

    #[test]
    fn the_seed_decides_and_the_order_of_rows_does_not() {
        assert_eq!(splits(0.2, 0.3, 1), splits(0.2, 0.3, 1));
        assert_ne!(splits(0.2, 0.3, 1), splits(0.2, 0.3, 2));
        let mut backwards = Prompts::default();
        for keys in [["c", "d"], ["a", "b"], ["b", "c"]] {
            backwards.join(keys.map(str::to_owned).to_vec());
        }
        backwards.join(vec!["e".to_owned()]);
        let made = backwards.splits(&HoldOut { test_size: 0.5, ..HoldOut::default() });
        let made = made.expect("two sets");
        assert!(["b", "c", "d"].iter().all(|key| made[*key] == made["a"]));
        assert_ne!(made["a"], made["e"]);
    }

    #[test]
    fn shares_out_of_range_and_too_few_prompts_are_errors() {
        for (dev_size, test_size) in [(1.0, 0.0), (-0.1, 0.0), (0.0, f64::NAN), (0.5, 0.5)] {
            let hold_out = HoldOut { dev_size, test_size, seed: 0 };
            let error = hold_out.validate().expect_err("refused");
            assert!(matches!(error, ExchangeError::Shares { .. }), "{error}");
        }
        let mut one = Prompts::default();
        one.join(vec!["a".to_owned(), "b".to_owned()]);
        let error = one.splits(&HoldOut { test_size: 0.1, ..HoldOut::default() });
        assert!(matches!(error, Err(ExchangeError::TooFewPrompts { prompts: 1, held_out: 1 })));
    }
}
