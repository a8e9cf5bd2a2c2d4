//! Chooses the groups of a task among the possible ones.

use std::collections::{BTreeMap, BTreeSet};

use iopo_schema::{Breakdown, GroupKind, Operation, PreferenceRow};

use crate::PairsConfig;
use crate::admit::kind_of;
use crate::balance::Balance;
use crate::minhash::jaccard;
use iopo_core::Counts;

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

/// A possible group of a task. `K` is what its constraints are counted by.
#[derive(Debug, Clone)]
pub(crate) struct Offer<'a, K> {
    /// The operation.
    pub(crate) operation: Operation,
    /// The index of the pair of its answers.
    pub(crate) pair: usize,
    /// Whether one of the answers is edited.
    pub(crate) edited: bool,
    /// The removed and added constraints.
    pub(crate) changed: Vec<Changed<K>>,
    /// The hashes of the 3-grams of y1 and y2.
    pub(crate) runs: [&'a BTreeSet<u64>; 2],
    /// A random number that breaks ties.
    pub(crate) tie: u32,
}

impl<K: Ord + Clone> Offer<'_, K> {
    fn facets(&self) -> Vec<K> {
        self.changed.iter().map(|changed| changed.facet.clone()).collect()
    }
}

/// A removed or added constraint.
#[derive(Debug, Clone)]
pub(crate) struct Changed<K> {
    /// Its kind, or whatever else it is counted by.
    pub(crate) facet: K,
    /// Its rank among the constraints of its kind.
    pub(crate) rank: usize,
    /// Whether it comes from the instruction that an answer was written for.
    pub(crate) own: bool,
}

/// A group, with the facets of the constraints that its instructions share.
pub(crate) type Made<K> = (PreferenceRow, Vec<K>);

/// Returns the groups of one task, at most `limit`.
///
/// Each step uses the operation that is rarest relative to its weight, and among its offers the one whose facets were
/// changed least so far. It prefers pairs that were used less, constraints of the instructions that the answers were
/// written for, and answers without edit if `max_edited_share` limits them. `make` makes the group of an offer, or
/// returns the reason why there is none.
pub(crate) fn choose<K: Ord + Clone>(
    offers: &[Offer<'_, K>],
    limit: usize,
    weights: &BTreeMap<K, f64>,
    config: &PairsConfig,
    balance: &mut Balance<K>,
    counts: &mut Counts,
    mut make: impl FnMut(usize, &Balance<K>) -> Result<Made<K>, &'static str>,
) -> Vec<PreferenceRow> {
    let pairs = offers.iter().map(|offer| offer.pair + 1).max().unwrap_or(0);
    let (mut tried, mut uses) = (vec![false; offers.len()], vec![0_u32; pairs]);
    let mut groups: Vec<PreferenceRow> = Vec::new();
    let mut made: Vec<&Offer<'_, K>> = Vec::new();
    'groups: while groups.len() < limit {
        for operation in balance.operations(config) {
            if !sided_fits(operation, &groups, config) {
                continue;
            }
            let open = (0..offers.len())
                .filter(|index| !tried[*index] && offers[*index].operation == operation);
            for index in ranked(offers, open, &uses, weights, balance, config) {
                let offer = &offers[index];
                if offer.edited && !balance.allows_edited(config) {
                    continue;
                }
                // Each offer is tried once.
                tried[index] = true;
                if repeats(offer, &made, config) {
                    counts.one(Breakdown::Dropped.of("near_duplicate"));
                    continue;
                }
                match make(index, balance) {
                    Ok((row, _)) if groups.iter().any(|other| other.id == row.id) => {
                        counts.one(Breakdown::Dropped.of("duplicate"));
                    }
                    Ok((row, common)) => {
                        balance.add(operation, &offer.facets(), &common, row.has_edit());
                        uses[offer.pair] += 1;
                        groups.push(row);
                        made.push(offer);
                        continue 'groups;
                    }
                    Err(reason) => counts.one(Breakdown::Dropped.of(reason)),
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

/// Returns the open offers, the best first.
fn ranked<K: Ord + Clone>(
    offers: &[Offer<'_, K>],
    open: impl Iterator<Item = usize>,
    uses: &[u32],
    weights: &BTreeMap<K, f64>,
    balance: &Balance<K>,
    config: &PairsConfig,
) -> Vec<usize> {
    let scarce = config.max_edited_share < 1.0;
    let excess: BTreeMap<&K, f64> =
        weights.keys().map(|facet| (facet, balance.excess(facet, weights))).collect();
    let score = |offer: &Offer<'_, K>| {
        let number = offer.changed.len().max(1) as f64;
        let each = offer.changed.iter().map(|changed| {
            excess.get(&changed.facet).copied().unwrap_or(0.0) + RANK_PENALTY * changed.rank as f64
                - if changed.own { OWN_BONUS } else { 0.0 }
        });
        each.sum::<f64>() / number
            + REUSE_PENALTY * f64::from(uses[offer.pair])
            + if offer.edited && scarce { EDIT_PENALTY } else { 0.0 }
            + TIE_SPREAD * f64::from(offer.tie) / f64::from(u32::MAX)
    };
    let mut order: Vec<(f64, u32, usize)> =
        open.map(|index| (score(&offers[index]), offers[index].tie, index)).collect();
    order.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    order.into_iter().map(|(_, _, index)| index).collect()
}

/// Tells whether an earlier group has the same change with nearly the same answers.
fn repeats<K: Ord + Clone>(
    offer: &Offer<'_, K>,
    made: &[&Offer<'_, K>],
    config: &PairsConfig,
) -> bool {
    let changed = |offer: &Offer<'_, K>| offer.facets().into_iter().collect::<BTreeSet<K>>();
    let alike = |one, other| jaccard(one, other) >= config.near_duplicate_threshold;
    let ([y1, y2], facets) = (offer.runs, changed(offer));
    made.iter().filter(|other| changed(other) == facets).any(|other| {
        let [other1, other2] = other.runs;
        (alike(y1, other1) && alike(y2, other2)) || (alike(y1, other2) && alike(y2, other1))
    })
}
