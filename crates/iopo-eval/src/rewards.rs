//! The implicit reward on test groups: which response for an instruction, which instruction for a response.
//!
//! With `s = log π − log π_ref` a group has two output margins (x1: y1 over y2; x2: y2 over y1) and two
//! input margins (y1: x1 over x2; y2: x2 over x1). In a sided group one of the rejected cells is true, so
//! only the margins against the false cell say anything, and the group is right when
//! `s11 + s22 > 2·s_false`; for a full group that mean over the false cells is `s12 + s21`.

use std::collections::BTreeMap;

use iopo_schema::{GroupKind, PerSequence, PreferenceRow, ReferenceRow};

use crate::{EvalError, Observation};

/// The margins of one group, scaled by beta.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margins {
    /// `β(s11 − s12)` and `β(s22 − s21)`; absent against a true cell.
    pub output: [Option<f64>; 2],
    /// `β(s11 − s21)` and `β(s22 − s12)`; absent against a true cell.
    pub input: [Option<f64>; 2],
    /// `β(s11 + s22 − 2·mean of the false cells)`: the argument of the loss's sigmoid.
    pub group: f64,
}

impl Margins {
    /// The margins from four policy and four reference sums, order (x1,y1), (x1,y2), (x2,y2), (x2,y1).
    /// `rejected` tells which of (x1,y2) and (x2,y1) is a false cell; nothing where neither is.
    pub fn new(
        policy: [f64; 4],
        reference: [f64; 4],
        beta: f64,
        rejected: [bool; 2],
    ) -> Option<Self> {
        let [s11, s12, s22, s21]: [f64; 4] =
            std::array::from_fn(|cell| beta * (policy[cell] - reference[cell]));
        let false_mean = match rejected {
            [true, true] => f64::midpoint(s12, s21),
            [true, false] => s12,
            [false, true] => s21,
            [false, false] => return None,
        };
        let [x1_y2, x2_y1] = rejected;
        Some(Self {
            output: [x1_y2.then_some(s11 - s12), x2_y1.then_some(s22 - s21)],
            input: [x2_y1.then_some(s11 - s21), x1_y2.then_some(s22 - s12)],
            group: s11 + s22 - 2.0 * false_mean,
        })
    }
}

/// One test group under a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedGroup {
    /// The group.
    pub id: String,
    /// Its seed.
    pub task_id: String,
    /// Full or sided.
    pub kind: GroupKind,
    /// The policy's four sums.
    pub policy: [f64; 4],
    /// Response tokens behind them.
    pub tokens: [u32; 4],
    /// The margins against the reference, where there is one.
    pub margins: Option<Margins>,
}

/// The metrics of [`measure`] that need no reference, then those that do.
pub const METRICS: [&str; 7] = [
    "logps_chosen",
    "logps_chosen_per_token",
    "reward_accuracy",
    "reward_accuracy_v1",
    "reward_accuracy_v2",
    "reward_output_margin",
    "reward_input_margin",
];

/// What one group says of a metric of [`METRICS`]; nothing to measure (a denominator of 0) where a margin
/// stands against a true cell, where there is no reference, or for an unknown name.
///
/// - `logps_chosen`: log-probability of a chosen response, summed over its tokens, mean of (x1,y1) and
///   (x2,y2); `logps_chosen_per_token`: the same a token.
/// - `reward_accuracy`: the group margin is positive; `_v1`, `_v2`: the output margin at x1, at x2 is.
/// - `reward_output_margin`, `reward_input_margin`: mean margin.
pub fn measure(metric: &str, group: &RankedGroup) -> Observation {
    let chosen = group.policy[0] + group.policy[2];
    let tokens = f64::from(group.tokens[0]) + f64::from(group.tokens[2]);
    let output = group.margins.map(|margins| margins.output).unwrap_or_default();
    let input = group.margins.map(|margins| margins.input).unwrap_or_default();
    let positive = |margin: Option<f64>| {
        margin.map_or((0.0, 0.0), |margin| (f64::from(u8::from(margin > 0.0)), 1.0))
    };
    let mean = |margins: [Option<f64>; 2]| {
        let known = margins.into_iter().flatten();
        known.fold((0.0, 0.0), |(sum, count), margin| (sum + margin, count + 1.0))
    };
    let (num, den) = match metric {
        "logps_chosen" => (chosen, 2.0),
        "logps_chosen_per_token" => (chosen, tokens),
        "reward_accuracy" => positive(group.margins.map(|margins| margins.group)),
        "reward_accuracy_v1" => positive(output[0]),
        "reward_accuracy_v2" => positive(output[1]),
        "reward_output_margin" => mean(output),
        "reward_input_margin" => mean(input),
        _ => (0.0, 0.0),
    };
    Observation::ratio(group.id.as_str(), group.task_id.as_str(), num, den)
}

/// Joins groups with the sums of a policy and, where given, of its reference. Refuses a group without
/// sums, sums that are no numbers, and a group whose truth table is not that of its kind.
pub fn rank(
    groups: &[&PreferenceRow],
    policy: &[ReferenceRow],
    reference: Option<&[ReferenceRow]>,
    beta: f64,
) -> Result<Vec<RankedGroup>, EvalError> {
    let policy = by_group(policy, "the policy")?;
    let reference = reference.map(|rows| by_group(rows, "the reference")).transpose()?;
    let mut ranked = Vec::with_capacity(groups.len());
    for group in groups {
        let rejected = rejected(group)?;
        let ours = find(&policy, &group.id, "the policy")?;
        let margins = match &reference {
            None => None,
            Some(reference) => {
                let theirs = find(reference, &group.id, "the reference")?;
                if theirs.tokens != ours.tokens {
                    return Err(EvalError::Logps {
                        what: format!("group `{}`", group.id),
                        expected: format!("the policy's token counts {:?}", ours.tokens),
                        got: format!("{:?} from the reference; use one tokenizer", theirs.tokens),
                    });
                }
                Margins::new(listed(ours.logps), listed(theirs.logps), beta, rejected)
            }
        };
        ranked.push(RankedGroup {
            id: group.id.clone(),
            task_id: group.task_id.clone(),
            kind: group.kind,
            policy: listed(ours.logps),
            tokens: listed(ours.tokens),
            margins,
        });
    }
    Ok(ranked)
}

/// Which of (x1,y2) and (x2,y1) is false, by the proof; refuses a table that its kind does not allow.
fn rejected(group: &PreferenceRow) -> Result<[bool; 2], EvalError> {
    let cells = group.truth_table();
    let (fits, expected) = match group.kind {
        GroupKind::Full => (!cells.x1y2 && !cells.x2y1, "x1y2 and x2y1 to be false (full)"),
        GroupKind::Sided => (cells.x1y2 != cells.x2y1, "one of x1y2 and x2y1 to be false (sided)"),
    };
    if cells.x1y1 && cells.x2y2 && fits {
        return Ok([!cells.x1y2, !cells.x2y1]);
    }
    Err(EvalError::TruthTable { group_id: group.id.clone(), expected, cells })
}

/// The values in the order of [`Margins::new`].
fn listed<V>(values: PerSequence<V>) -> [V; 4] {
    let PerSequence { x1y1, x1y2, x2y1, x2y2 } = values;
    [x1y1, x1y2, x2y2, x2y1]
}

/// The sums by group; refuses a group twice and sums that are no numbers.
fn by_group<'a>(
    rows: &'a [ReferenceRow],
    what: &str,
) -> Result<BTreeMap<&'a str, &'a ReferenceRow>, EvalError> {
    let mut map = BTreeMap::new();
    for row in rows {
        if row.logps.iter().any(|(_, logp)| !logp.is_finite()) {
            return Err(EvalError::Logps {
                what: format!("group `{}` under {what}", row.group_id),
                expected: "finite sums".to_owned(),
                got: format!("{:?}", row.logps),
            });
        }
        if map.insert(row.group_id.as_str(), row).is_some() {
            let (what, key) = (format!("the log-probabilities of {what}"), row.group_id.clone());
            return Err(EvalError::DuplicateKey { what, key });
        }
    }
    Ok(map)
}

/// The sums of one group.
fn find<'a>(
    rows: &BTreeMap<&str, &'a ReferenceRow>,
    id: &str,
    what: &str,
) -> Result<&'a ReferenceRow, EvalError> {
    rows.get(id).copied().ok_or_else(|| EvalError::Logps {
        what: format!("group `{id}` under {what}"),
        expected: "four sums".to_owned(),
        got: "none".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::Margins;

    #[test]
    fn the_group_margin_is_the_sum_of_either_pair_of_margins() {
        let margins =
            Margins::new([-1.0, -7.0, -2.0, -4.0], [-2.0, -3.0, -5.0, -4.5], 0.1, [true; 2])
                .expect("full");
        // s11 = 1, s12 = −4, s22 = 3, s21 = 0.5.
        let sum = |margins: [Option<f64>; 2]| margins.into_iter().flatten().sum::<f64>();
        assert!((margins.group - 0.75).abs() < 1e-12);
        assert!((sum(margins.output) - margins.group).abs() < 1e-12);
        assert!((sum(margins.input) - margins.group).abs() < 1e-12);
        assert!((margins.output[0].expect("false cell") - 0.5).abs() < 1e-12);
        assert!((margins.input[0].expect("false cell") - 0.05).abs() < 1e-12);
    }

    #[test]
    fn a_sided_group_is_ranked_against_its_false_cell_only() {
        // y2 follows x1 too, so (x1,y2) is no rejected cell, however likely it is.
        let margins =
            Margins::new([-1.0, 100.0, -2.0, -4.0], [0.0; 4], 1.0, [false, true]).expect("sided");
        assert_eq!(margins.output, [None, Some(2.0)]);
        assert_eq!(margins.input, [Some(3.0), None]);
        assert!((margins.group - 5.0).abs() < 1e-12);
        assert_eq!(Margins::new([0.0; 4], [0.0; 4], 1.0, [false, false]), None);
    }
}
