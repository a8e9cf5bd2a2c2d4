//! Chooses the combinations of a task that become groups.

use std::collections::{BTreeMap, BTreeSet};

use iopo_constraints::Kind;
use iopo_schema::{Breakdown, GroupKind, Operation, PreferenceRow, Split};

use crate::PairsConfig;
use crate::admit::kind_of;
use crate::balance::Balance;
use crate::candidates::Task;
use crate::combine::{Combination, Pair, combinations, pairs};
use crate::group::build;
use crate::minhash::jaccard;
use iopo_core::Counts;
use iopo_core::random::keyed;

// The weights below were chosen by hand. None comes from the paper or from a measurement. They decide which of the possible
// groups are made first, never whether a label is correct. The first five are in the unit of [`Balance::excess`]: a kind's
// count divided by the mean count and by its weight.

/// Penalty per rank of a constraint within its kind. Chosen small, because a rank matters less than a kind.
const RANK_PENALTY: f64 = 0.1;
/// Bonus of a constraint from the instruction that its answer was written for. Chosen to outweigh [`RANK_PENALTY`].
const OWN_BONUS: f64 = 0.3;
/// Penalty per earlier group of the same pair of answers. Chosen as the largest weight, so that the pairs take turns.
const REUSE_PENALTY: f64 = 0.5;
/// Penalty of a pair with an edited answer if `max_edited_share` limits them. Chosen equal to [`OWN_BONUS`], so that the two
/// can cancel.
const EDIT_PENALTY: f64 = 0.3;
/// Largest random term. Chosen smaller than the bonus and the penalties of pairs, so that it orders similar combinations.
const TIE_SPREAD: f64 = 0.2;
/// Added to the excess that divides the weight of a shared kind. Chosen so that a kind that was never shared gets five
/// times its weight.
const SHARED_FLOOR: f64 = 0.2;

/// Returns the groups of one task, up to the limit of its split.
///
/// Each step uses the operation that is rarest relative to its weight, and among its combinations the one whose kinds
/// were changed least so far. It prefers pairs that were used less, constraints of the instructions that the answers were
/// written for, and answers without edit if `max_edited_share` limits them.
pub fn task_groups(
    task: &Task,
    split: Split,
    kinds: &BTreeMap<Kind, f64>,
    config: &PairsConfig,
    balance: &mut Balance,
    counts: &mut Counts,
) -> Vec<PreferenceRow> {
    let mut rng = keyed(config.seed, &["groups", &task.task_id]);
    let pairs = pairs(task, config, &mut rng, counts);
    let mut open = combinations(&pairs, config, &mut rng, counts);
    let mut uses = vec![0_u32; pairs.len()];
    let mut groups: Vec<PreferenceRow> = Vec::new();
    let mut made: Vec<Combination> = Vec::new();
    let limit = config.max_groups_per_task.get(split);
    'groups: while groups.len() < limit {
        // Otherwise, kinds that most answers satisfy would be shared constraints of most groups.
        let weights: BTreeMap<Kind, f64> = kinds
            .iter()
            .map(|(kind, weight)| {
                (*kind, weight / (SHARED_FLOOR + balance.common_excess(*kind, kinds)))
            })
            .collect();
        for operation in balance.operations(config) {
            if !sided_fits(operation, &groups, config) {
                continue;
            }
            let order = ranked(operation, &open, &pairs, &uses, kinds, balance, config);
            for combination in order {
                let pair = &pairs[combination.pair];
                if pair.edited && !balance.allows_edited(config) {
                    continue;
                }
                // Each combination is tried once.
                open.retain(|other| *other != combination);
                if repeats(&combination, &made, &pairs, task, config) {
                    counts.one(Breakdown::Dropped.of("near_duplicate"));
                    continue;
                }
                match build(task, split, pair, &combination, &weights, config, &mut rng) {
                    Ok(row) if groups.iter().any(|other| other.id == row.id) => {
                        counts.one(Breakdown::Dropped.of("duplicate"));
                    }
                    Ok(row) => {
                        let changed = changed_kinds(&combination, pair);
                        balance.add(operation, &changed, &common_kinds(&row), row.has_edit());
                        uses[combination.pair] += 1;
                        groups.push(row);
                        made.push(combination);
                        continue 'groups;
                    }
                    Err(unfit) => counts.one(Breakdown::Dropped.of(unfit.name())),
                }
            }
        }
        break;
    }
    groups
}

/// Tells whether the task still has enough full groups after a group of this operation. This holds after every step, so
/// a limit that removes the last groups keeps it true.
fn sided_fits(operation: Operation, groups: &[PreferenceRow], config: &PairsConfig) -> bool {
    if kind_of(operation) == GroupKind::Full {
        return true;
    }
    let full = groups.iter().filter(|group| group.kind == GroupKind::Full).count();
    full as f64 >= config.min_full_share * (groups.len() + 1) as f64
}

/// Returns the combinations of an operation, the best first.
fn ranked(
    operation: Operation,
    open: &[Combination],
    pairs: &[Pair],
    uses: &[u32],
    kinds: &BTreeMap<Kind, f64>,
    balance: &Balance,
    config: &PairsConfig,
) -> Vec<Combination> {
    let scarce = config.max_edited_share < 1.0;
    let excess: BTreeMap<Kind, f64> =
        kinds.keys().map(|kind| (*kind, balance.excess(*kind, kinds))).collect();
    let score = |combination: &Combination| {
        let pair = &pairs[combination.pair];
        let changed: Vec<_> = combination.changed(pair).into_iter().flatten().collect();
        let number = changed.len().max(1) as f64;
        let each = changed.iter().map(|candidate| {
            excess.get(&candidate.constraint.kind()).copied().unwrap_or(0.0)
                + RANK_PENALTY * candidate.rank as f64
                - if candidate.own.is_some() { OWN_BONUS } else { 0.0 }
        });
        each.sum::<f64>() / number
            + REUSE_PENALTY * f64::from(uses[combination.pair])
            + if pair.edited && scarce { EDIT_PENALTY } else { 0.0 }
            + TIE_SPREAD * f64::from(combination.tie) / f64::from(u32::MAX)
    };
    let mut order: Vec<(f64, Combination)> = open
        .iter()
        .filter(|combination| combination.operation == operation)
        .map(|combination| (score(combination), *combination))
        .collect();
    order.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.tie.cmp(&other.1.tie)));
    order.into_iter().map(|(_, combination)| combination).collect()
}

/// Tells whether an earlier group has the same change with nearly the same answers.
fn repeats(
    combination: &Combination,
    made: &[Combination],
    pairs: &[Pair],
    task: &Task,
    config: &PairsConfig,
) -> bool {
    let runs = |combination: &Combination| {
        let pair = &pairs[combination.pair];
        (&task.answers[pair.y1].runs, &task.answers[pair.y2].runs)
    };
    let changed = |combination: &Combination| -> BTreeSet<Kind> {
        changed_kinds(combination, &pairs[combination.pair]).into_iter().collect()
    };
    let alike = |one, other| jaccard(one, other) >= config.near_duplicate_threshold;
    let ((y1, y2), kinds) = (runs(combination), changed(combination));
    made.iter().filter(|other| changed(other) == kinds).any(|other| {
        let (other1, other2) = runs(other);
        (alike(y1, other1) && alike(y2, other2)) || (alike(y1, other2) && alike(y2, other1))
    })
}

/// Returns the kinds of the removed and added constraints.
fn changed_kinds(combination: &Combination, pair: &Pair) -> Vec<Kind> {
    let changed = combination.changed(pair).into_iter().flatten();
    changed.map(|candidate| candidate.constraint.kind()).collect()
}

/// Returns the kinds of the constraints that x1 and x2 share.
fn common_kinds(row: &PreferenceRow) -> Vec<Kind> {
    let shared = row.x1_constraints.len() - row.removed.len();
    let checks = row.x1_constraints[..shared].iter().filter_map(|row| row.check.as_ref());
    checks.filter_map(|check| Kind::from_id(&check.id).ok()).collect()
}
