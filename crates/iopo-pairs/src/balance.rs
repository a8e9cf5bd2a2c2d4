//! Counts of the groups of a split, so that rare operations and kinds are used first.

use std::collections::BTreeMap;

use iopo_constraints::Kind;
use iopo_schema::Operation;

use crate::PairsConfig;

/// Share of `max_edited_share` that the choice of groups uses. Chosen by hand, not measured: the rest is a reserve for
/// `max_groups`, which can remove groups without an edited response.
const EDITED_USE: f64 = 0.7;
/// Added to the mean count of a kind. Chosen by hand, not measured: it keeps the ratio finite and small while there are few
/// groups.
const MEAN_FLOOR: f64 = 0.5;

/// Counts of the admitted groups of one split. `K` is what the constraints are counted by.
#[derive(Debug, Clone)]
pub struct Balance<K = Kind> {
    groups: u64,
    edited: u64,
    operations: BTreeMap<Operation, u64>,
    changed: BTreeMap<K, u64>,
    common: BTreeMap<K, u64>,
}

impl<K> Default for Balance<K> {
    fn default() -> Self {
        Self {
            groups: 0,
            edited: 0,
            operations: BTreeMap::new(),
            changed: BTreeMap::new(),
            common: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone> Balance<K> {
    /// Returns the enabled operations. The one that is rarest relative to its weight is first.
    pub fn operations(&self, config: &PairsConfig) -> Vec<Operation> {
        let lag = |operation: Operation| {
            let made = self.operations.get(&operation).copied().unwrap_or(0);
            (made as f64 + 1.0) / config.operation_weight(operation)
        };
        let mut operations: Vec<Operation> = Operation::ALL
            .iter()
            .copied()
            .filter(|operation| config.operation_weight(*operation) > 0.0)
            .collect();
        operations.sort_by(|one, other| lag(*one).total_cmp(&lag(*other)));
        operations
    }

    /// Returns how often a kind was changed, relative to the mean of all kinds and divided by its weight. The value is
    /// small for kinds that are too rare.
    pub fn excess(&self, kind: &K, kinds: &BTreeMap<K, f64>) -> f64 {
        excess(&self.changed, kind, kinds)
    }

    /// Returns the same for the constraints that x1 and x2 share.
    pub fn common_excess(&self, kind: &K, kinds: &BTreeMap<K, f64>) -> f64 {
        excess(&self.common, kind, kinds)
    }

    /// Tells whether one more group with an edited response stays below the configured share.
    ///
    /// Keeps a margin, because a limit on groups may remove other groups later.
    pub fn allows_edited(&self, config: &PairsConfig) -> bool {
        let limit = config.max_edited_share;
        limit >= 1.0 || (self.edited + 1) as f64 <= EDITED_USE * limit * (self.groups + 1) as f64
    }

    /// Counts an admitted group.
    pub fn add(&mut self, operation: Operation, changed: &[K], common: &[K], edited: bool) {
        self.groups += 1;
        self.edited += u64::from(edited);
        *self.operations.entry(operation).or_default() += 1;
        for kind in changed {
            *self.changed.entry(kind.clone()).or_default() += 1;
        }
        for kind in common {
            *self.common.entry(kind.clone()).or_default() += 1;
        }
    }
}

fn excess<K: Ord>(counts: &BTreeMap<K, u64>, kind: &K, kinds: &BTreeMap<K, f64>) -> f64 {
    let total: u64 = counts.values().sum();
    let mean = total as f64 / kinds.len().max(1) as f64;
    let weight = kinds.get(kind).copied().unwrap_or(1.0);
    counts.get(kind).copied().unwrap_or(0) as f64 / (mean + MEAN_FLOOR) / weight
}

#[cfg(test)]
mod tests {
    use iopo_constraints::Kind;
    use iopo_schema::Operation;

    use super::Balance;
    use crate::PairsConfig;

    #[test]
    fn the_rarest_operation_comes_first() {
        let config = PairsConfig::default();
        let mut balance: Balance = Balance::default();
        assert_eq!(balance.operations(&config)[0], Operation::Revise);
        balance.add(Operation::Revise, &[Kind::MaxWords, Kind::MinWords], &[], false);
        assert_eq!(balance.operations(&config)[0], Operation::Swap);
        let kinds = config.kinds().expect("kinds");
        assert!(balance.excess(&Kind::MaxWords, &kinds) > balance.excess(&Kind::NoCommas, &kinds));
    }

    #[test]
    fn operations_without_weight_are_skipped() {
        let config = PairsConfig { sided: false, ..PairsConfig::default() };
        assert_eq!(
            Balance::<Kind>::default().operations(&config),
            [Operation::Revise, Operation::Swap]
        );
    }

    #[test]
    fn edited_groups_need_enough_other_groups() {
        assert!(
            Balance::<Kind>::default().allows_edited(&PairsConfig::default()),
            "no limit by default"
        );
        let config = PairsConfig { max_edited_share: 0.3, ..PairsConfig::default() };
        let mut balance: Balance = Balance::default();
        assert!(!balance.allows_edited(&config));
        for _ in 0..10 {
            balance.add(Operation::Swap, &[], &[], false);
        }
        assert!(balance.allows_edited(&config));
        balance.add(Operation::Swap, &[], &[], true);
        balance.add(Operation::Swap, &[], &[], true);
        assert!(!balance.allows_edited(&config));
    }
}
