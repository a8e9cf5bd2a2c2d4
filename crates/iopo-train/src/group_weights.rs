//! Weights of groups in the loss of a preference method.

use std::collections::{BTreeMap, BTreeSet};

use iopo_core::ContentHasher;
use serde::{Deserialize, Serialize};

use crate::{encode::EncodedGroup, named::named, reference::ReferenceLogps};

named! {
    /// How the groups of a preference method are weighted.
    #[derive(Default)]
    pub enum GroupWeighting {
        /// Equally.
        #[default]
        None = "none",
        /// By how little the start of the training tells the two responses apart.
        Hardness = "hardness",
        /// By how rarely a model satisfies the constraints that differ between the instructions.
        Rarity = "rarity",
    }
}

/// Weights of groups in the loss of an update, by the group's id, with mean 1. A group without an entry has weight 1.
pub type GroupWeights = BTreeMap<String, f64>;

/// The kinds of the constraints that differ between the instructions of a group, by the group's id.
pub type ChangedKinds = BTreeMap<String, BTreeSet<String>>;

/// The weights that a training used, for its metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct WeightsOrigin {
    /// How the groups were weighted.
    pub weighting: GroupWeighting,
    /// Hash of the weights.
    pub hash: String,
}

impl WeightsOrigin {
    /// Hashes ids and weights.
    pub(crate) fn new(weighting: GroupWeighting, weights: &GroupWeights) -> Self {
        let mut hasher = ContentHasher::new();
        for (id, weight) in weights {
            hasher.part(id).bytes(weight.to_le_bytes());
        }
        Self { weighting, hash: hasher.hex() }
    }
}

/// Weights groups by `σ(−β·m)`, normalized to mean 1, with `m = l11 + l22 − 2·l_false` from the logps `l` under the
/// start, where `l_false` is the mean over the false cells.
///
/// The gradient of the IOPO loss has the factor `σ(−β·h)`, where `h` is the same margin of log-ratios. At the first update
/// every `h` is 0, so groups that the start already ranks right by far count as much as those that it ranks wrong.
/// `σ(−β·m)` is the factor of the same loss without a reference, so both kinds count from the first update as they would
/// if the reference were uniform. Each response of a group is in `m` with both signs, so its length cancels. A pair has
/// `m = l11 − l12`, so one with a long chosen response weighs more.
pub fn hardness(groups: &[&EncodedGroup], reference: &ReferenceLogps, beta: f64) -> GroupWeights {
    let weight = |group: &&EncodedGroup| {
        let margin = group.margin(*reference.get(&group.id)?);
        Some((group.id.clone(), 1.0 / (1.0 + (beta * margin).exp())))
    };
    normalized(groups.iter().filter_map(weight).collect())
}

/// Weights groups by the mean of `1 − rate` over the constraint kinds that differ between their instructions, normalized to
/// mean 1.
///
/// `rates` holds the share of verdicts that a model satisfies, by kind. A kind without a rate has the mean rate, and a group
/// without a differing kind the mean of `1 − rate`.
pub fn rarity(
    groups: &[&EncodedGroup],
    changed: &ChangedKinds,
    rates: &BTreeMap<String, f64>,
) -> GroupWeights {
    let mean = rates.values().sum::<f64>() / rates.len().max(1) as f64;
    let miss = |kind: &String| 1.0 - rates.get(kind).copied().unwrap_or(mean).clamp(0.0, 1.0);
    let weight = |group: &&EncodedGroup| {
        let kinds = changed.get(&group.id).filter(|kinds| !kinds.is_empty());
        let of_kinds = kinds.map(|kinds| kinds.iter().map(miss).sum::<f64>() / kinds.len() as f64);
        (group.id.clone(), of_kinds.unwrap_or(1.0 - mean))
    };
    normalized(groups.iter().map(weight).collect())
}

/// Scales weights to mean 1. Returns no weights, which are equal ones, if all are 0.
fn normalized(mut weights: GroupWeights) -> GroupWeights {
    let mean = weights.values().sum::<f64>() / weights.len().max(1) as f64;
    if mean <= 0.0 {
        return GroupWeights::new();
    }
    for weight in weights.values_mut() {
        *weight /= mean;
    }
    weights
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use iopo_core::{FalseCells, PerSequence};

    use super::{hardness, rarity};
    use crate::encode::EncodedGroup;

    fn group(id: &str, false_cells: FalseCells) -> EncodedGroup {
        EncodedGroup {
            id: id.to_owned(),
            x1: vec![1],
            x2: vec![2],
            y1: vec![3],
            y2: vec![4],
            false_cells,
        }
    }

    #[test]
    fn hard_groups_weigh_more_and_the_mean_is_one() {
        let sided = FalseCells { x1y2: false, x2y1: true };
        let groups = [
            group("easy", FalseCells::BOTH),
            group("hard", FalseCells::BOTH),
            group("even", FalseCells::BOTH),
            group("sided", sided),
        ];
        let logps = |x1y1, x1y2, x2y1, x2y2| PerSequence { x1y1, x1y2, x2y1, x2y2 };
        let reference = [
            ("easy", logps(-10.0, -30.0, -30.0, -10.0)),
            ("hard", logps(-30.0, -10.0, -10.0, -30.0)),
            ("even", logps(-20.0, -20.0, -7.0, -7.0)),
            // x1y2 is true, so it is not read: the margin is −10 − 12 − 2·(−16) = 10.
            ("sided", logps(-10.0, -999.0, -16.0, -12.0)),
        ];
        let reference = reference.map(|(id, logps)| (id.to_owned(), logps)).into();
        let members: Vec<&EncodedGroup> = groups.iter().collect();
        let weights = hardness(&members, &reference, 0.1);
        let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
        let raw = [sigmoid(-4.0), sigmoid(4.0), 0.5, sigmoid(-1.0)];
        let mean = raw.iter().sum::<f64>() / 4.0;
        for (group, raw) in groups.iter().zip(raw) {
            assert!((weights[&group.id] - raw / mean).abs() < 1e-12, "{}", group.id);
        }
        assert!(weights["hard"] > weights["even"] && weights["sided"] > weights["easy"]);
    }

    #[test]
    fn rarely_satisfied_kinds_weigh_more() {
        let groups = ["rare", "both", "unknown", "none"].map(|id| group(id, FalseCells::BOTH));
        let members: Vec<&EncodedGroup> = groups.iter().collect();
        let kinds = |names: &[&str]| -> BTreeSet<String> {
            names.iter().map(ToString::to_string).collect()
        };
        let changed = BTreeMap::from([
            ("rare".to_owned(), kinds(&["table"])),
            ("both".to_owned(), kinds(&["table", "max_words"])),
            ("unknown".to_owned(), kinds(&["other"])),
        ]);
        let rates = BTreeMap::from([("table".to_owned(), 0.1), ("max_words".to_owned(), 0.9)]);
        let weights = rarity(&members, &changed, &rates);
        let mean = (0.9 + 0.5 + 0.5 + 0.5) / 4.0;
        for (id, raw) in [("rare", 0.9), ("both", 0.5), ("unknown", 0.5), ("none", 0.5)] {
            assert!((weights[id] - raw / mean).abs() < 1e-12, "{id}");
        }
        let all = BTreeMap::from([("table".to_owned(), 1.0)]);
        assert!(rarity(&members, &changed, &all).is_empty(), "weights of 0 mean equal ones");
    }
}
