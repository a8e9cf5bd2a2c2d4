//! Chooses the combinations of a task that become groups.

use std::collections::BTreeMap;

use iopo_constraints::Kind;
use iopo_schema::{PreferenceRow, Split};

use crate::PairsConfig;
use crate::balance::Balance;
use crate::candidates::Task;
use crate::combine::{Combination, Pair, combinations, pairs};
use crate::group::{Unfit, build};
use crate::offer::{Changed, Offer, choose};
use iopo_core::Counts;
use iopo_core::random::keyed;

/// Added to the excess that divides the weight of a shared kind. Chosen by hand, not measured, so that a
/// kind that was never shared gets five times its weight.
const SHARED_FLOOR: f64 = 0.2;

/// Returns the groups of one task, up to the limit of its split.
///
/// The operation that is rarest relative to its weight comes first, and among its combinations the one whose kinds were
/// changed least so far.
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
    let open = combinations(&pairs, config, &mut rng, counts);
    let offers: Vec<Offer<'_, Kind>> =
        open.iter().map(|combination| offer(combination, &pairs, task)).collect();
    let limit = config.max_groups_per_task.get(split);
    choose(&offers, limit, kinds, config, balance, counts, |index, balance| {
        // Otherwise, kinds that most answers satisfy would be shared constraints of most groups.
        let weights: BTreeMap<Kind, f64> = kinds
            .iter()
            .map(|(kind, weight)| {
                (*kind, weight / (SHARED_FLOOR + balance.common_excess(kind, kinds)))
            })
            .collect();
        let (combination, pair) = (&open[index], &pairs[open[index].pair]);
        let made = build(task, split, pair, combination, &weights, config, &mut rng);
        made.map_err(Unfit::name).map(|row| {
            let common = common_kinds(&row);
            (row, common)
        })
    })
}

fn offer<'a>(combination: &Combination, pairs: &[Pair], task: &'a Task) -> Offer<'a, Kind> {
    let pair = &pairs[combination.pair];
    let changed = combination.changed(pair).into_iter().flatten().map(|candidate| Changed {
        facet: candidate.constraint.kind(),
        rank: candidate.rank,
        own: candidate.own.is_some(),
    });
    Offer {
        operation: combination.operation,
        pair: combination.pair,
        edited: pair.edited,
        changed: changed.collect(),
        runs: [&task.answers[pair.y1].runs, &task.answers[pair.y2].runs],
        tie: combination.tie,
    }
}

/// Returns the kinds of the constraints that x1 and x2 share.
fn common_kinds(row: &PreferenceRow) -> Vec<Kind> {
    let shared = row.x1_constraints.len() - row.removed.len();
    let checks = row.x1_constraints[..shared].iter().filter_map(|row| row.check.as_ref());
    checks.filter_map(|check| Kind::from_id(&check.id).ok()).collect()
}
