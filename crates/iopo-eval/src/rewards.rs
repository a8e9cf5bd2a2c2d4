//! The implicit reward on test groups: how a model ranks responses under an instruction, and instructions for a response.
//!
//! With `s = log π − log π_ref`, a group has two output margins (x1: y1 over y2; x2: y2 over y1) and two input margins
//! (y1: x1 over x2; y2: x2 over x1). A sided group has one true mixed cell, so only the margins against its false cell
//! count. A group is ranked correctly if `x1y1 + x2y2` exceeds twice the mean over the false cells. A pair has only one
//! output margin.

use std::collections::BTreeMap;

use iopo_core::FalseCells;
use iopo_schema::{GroupKind, PerSequence, PreferenceRow, ReferenceRow, SummaryMetric};

use crate::{EvalError, Observation};

/// The margins of one group, scaled by beta.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margins {
    /// Output margins at x1 and at x2; `None` against a true cell.
    pub output: [Option<f64>; 2],
    /// Input margins of y1 and of y2; `None` against a true cell.
    pub input: [Option<f64>; 2],
    /// Margin of the group: the argument of the sigmoid in the loss; `None` for a pair.
    pub group: Option<f64>,
}

impl Margins {
    /// Computes the margins from log-probabilities under a policy and a reference.
    pub fn new(
        policy: PerSequence<f64>,
        reference: PerSequence<f64>,
        beta: f64,
        (kind, false_cells): (GroupKind, FalseCells),
    ) -> Self {
        let rewards = policy.rewards(&reference, beta);
        let strict = |[first, second]: [f64; 2], [is_first, is_second]: [&bool; 2]| {
            [is_first.then_some(first), is_second.then_some(second)]
        };
        let output = strict(rewards.output_margins(), false_cells.rejected_outputs());
        match kind {
            GroupKind::Full | GroupKind::Sided => Self {
                output,
                input: strict(rewards.input_margins(), false_cells.rejected_inputs()),
                group: Some(rewards.margin_over(false_cells.weights())),
            },
            GroupKind::Pair => Self { output, input: [None, None], group: None },
        }
    }
}

/// One test group or pair under a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedGroup {
    /// Id of the group.
    pub id: String,
    /// Task of the group.
    pub task_id: String,
    /// Full, sided or pair.
    pub kind: GroupKind,
    /// Log-probabilities under the policy; 0 for sequences that a pair lacks.
    pub policy: PerSequence<f64>,
    /// Response tokens of each sequence; 0 for sequences that a pair lacks.
    pub tokens: PerSequence<u32>,
    /// Margins against the reference; `None` without a reference.
    pub margins: Option<Margins>,
}

/// Measures one group: numerator and denominator. A denominator of 0 means that there is nothing to measure: no reference,
/// a margin against a true cell, or a margin that a pair lacks.
pub type Measure = fn(&RankedGroup) -> (f64, f64);

/// Every metric of a group: those that need no reference first.
pub const METRICS: [(SummaryMetric, Measure); 8] = [
    (SummaryMetric::LogpsChosen, |group| (group.chosen().0, group.chosen_responses())),
    (SummaryMetric::LogpsChosenPerToken, RankedGroup::chosen),
    (SummaryMetric::RewardsAccuracies, |group| {
        mean(group.output().map(|margin| margin.map(|margin| f64::from(u8::from(margin > 0.0)))))
    }),
    (SummaryMetric::RewardAccuracy, |group| {
        positive(group.margins.and_then(|margins| margins.group))
    }),
    (SummaryMetric::RewardAccuracyV1, |group| positive(group.output()[0])),
    (SummaryMetric::RewardAccuracyV2, |group| positive(group.output()[1])),
    (SummaryMetric::RewardOutputMargin, |group| mean(group.output())),
    (SummaryMetric::RewardInputMargin, |group| {
        mean(group.margins.map(|margins| margins.input).unwrap_or_default())
    }),
];

/// Applies a measure to a group.
pub fn observe(measure: Measure, group: &RankedGroup) -> Observation {
    let (num, den) = measure(group);
    Observation::ratio(group.id.as_str(), group.task_id.as_str(), num, den)
}

impl RankedGroup {
    /// Returns the log-probability of the chosen responses, and their tokens.
    fn chosen(&self) -> (f64, f64) {
        let tokens = f64::from(self.tokens.x1y1) + f64::from(self.tokens.x2y2);
        (self.policy.x1y1 + self.policy.x2y2, tokens)
    }

    /// Returns the number of chosen responses.
    fn chosen_responses(&self) -> f64 {
        match self.kind {
            GroupKind::Full | GroupKind::Sided => 2.0,
            GroupKind::Pair => 1.0,
        }
    }

    fn output(&self) -> [Option<f64>; 2] {
        self.margins.map(|margins| margins.output).unwrap_or_default()
    }
}

fn positive(margin: Option<f64>) -> (f64, f64) {
    margin.map_or((0.0, 0.0), |margin| (f64::from(u8::from(margin > 0.0)), 1.0))
}

fn mean(margins: [Option<f64>; 2]) -> (f64, f64) {
    let known = margins.into_iter().flatten();
    known.fold((0.0, 0.0), |(sum, count), margin| (sum + margin, count + 1.0))
}

/// Ranks groups by their log-probabilities under a policy and, if there is one, a reference.
///
/// # Errors
/// Returns an error if a group has no log-probabilities, one is not finite, or its truth table contradicts its kind.
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
        let false_cells = false_cells(group)?;
        let ours = find(&policy, &group.id, "the policy")?;
        let margins = match &reference {
            None => None,
            Some(reference) => {
                let theirs = find(reference, &group.id, "the reference")?;
                if theirs.tokens != ours.tokens {
                    return Err(EvalError::Logps {
                        what: format!("group `{}`", group.id),
                        expected: format!("the policy's token counts {:?}", ours.tokens),
                        found: format!("{:?} from the reference; use one tokenizer", theirs.tokens),
                    });
                }
                let kind = (group.kind, false_cells);
                Some(Margins::new(ours.logps, theirs.logps, beta, kind))
            }
        };
        ranked.push(RankedGroup {
            id: group.id.clone(),
            task_id: group.task_id.clone(),
            kind: group.kind,
            policy: ours.logps,
            tokens: ours.tokens,
            margins,
        });
    }
    Ok(ranked)
}

/// Returns the false cells of a group's truth table; refuses a table that contradicts its kind.
fn false_cells(group: &PreferenceRow) -> Result<FalseCells, EvalError> {
    let cells = group.truth_table();
    let (fits, expected) = match group.kind {
        GroupKind::Full => (!cells.x1y2 && !cells.x2y1, "x1y2 and x2y1 to be false (full)"),
        GroupKind::Sided => (cells.x1y2 != cells.x2y1, "one of x1y2 and x2y1 to be false (sided)"),
        GroupKind::Pair => (!cells.x1y2, "x1y2 to be false, and no second instruction (pair)"),
    };
    let has_its_instructions = group.is_pair() == (group.kind == GroupKind::Pair);
    if cells.x1y1 && cells.x2y2 && fits && has_its_instructions {
        return Ok(FalseCells::of(cells));
    }
    Err(EvalError::TruthTable { group_id: group.id.clone(), expected, cells })
}

/// Indexes log-probabilities by group; refuses duplicate groups and values that are not finite.
fn by_group<'a>(
    rows: &'a [ReferenceRow],
    what: &str,
) -> Result<BTreeMap<&'a str, &'a ReferenceRow>, EvalError> {
    let mut map = BTreeMap::new();
    for row in rows {
        if row.logps.iter().any(|(_, logp)| !logp.is_finite()) {
            return Err(EvalError::Logps {
                what: format!("group `{}` under {what}", row.group_id),
                expected: "finite values".to_owned(),
                found: format!("{:?}", row.logps),
            });
        }
        if map.insert(row.group_id.as_str(), row).is_some() {
            let (what, key) = (format!("the log-probabilities of {what}"), row.group_id.clone());
            return Err(EvalError::DuplicateKey { what, key });
        }
    }
    Ok(map)
}

/// Finds the log-probabilities of a group.
fn find<'a>(
    rows: &BTreeMap<&str, &'a ReferenceRow>,
    id: &str,
    what: &str,
) -> Result<&'a ReferenceRow, EvalError> {
    rows.get(id).copied().ok_or_else(|| EvalError::Logps {
        what: format!("group `{id}` under {what}"),
        expected: "log-probabilities of its sequences".to_owned(),
        found: "none".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use iopo_core::FalseCells;
    use iopo_schema::{GroupKind, PerSequence};

    use super::Margins;

    #[test]
    fn the_group_margin_is_the_sum_of_either_pair_of_margins() {
        let policy = PerSequence { x1y1: -1.0, x1y2: -7.0, x2y1: -4.0, x2y2: -2.0 };
        let reference = PerSequence { x1y1: -2.0, x1y2: -3.0, x2y1: -4.5, x2y2: -5.0 };
        let full = FalseCells { x1y2: true, x2y1: true };
        let margins = Margins::new(policy, reference, 0.1, (GroupKind::Full, full));
        let group = margins.group.expect("a group");
        // Log-ratios: x1y1 1, x1y2 −4, x2y1 0.5, x2y2 3.
        let sum = |margins: [Option<f64>; 2]| margins.into_iter().flatten().sum::<f64>();
        assert!((group - 0.75).abs() < 1e-12);
        assert!((sum(margins.output) - group).abs() < 1e-12);
        assert!((sum(margins.input) - group).abs() < 1e-12);
        assert!((margins.output[0].expect("false cell") - 0.5).abs() < 1e-12);
        assert!((margins.input[0].expect("false cell") - 0.05).abs() < 1e-12);
    }

    #[test]
    fn a_sided_group_is_ranked_against_its_false_cell_only() {
        // y2 follows x1 too, so (x1, y2) is not rejected, however likely it is.
        let policy = PerSequence { x1y1: -1.0, x1y2: 100.0, x2y1: -4.0, x2y2: -2.0 };
        let sided = FalseCells { x1y2: false, x2y1: true };
        let kind = (GroupKind::Sided, sided);
        let margins = Margins::new(policy, PerSequence::default(), 1.0, kind);
        assert_eq!(margins.output, [None, Some(2.0)]);
        assert_eq!(margins.input, [Some(3.0), None]);
        assert_eq!(margins.group, Some(5.0));
    }

    #[test]
    fn a_pair_has_one_output_margin() {
        let policy = PerSequence { x1y1: -1.0, x1y2: -3.0, ..PerSequence::default() };
        let kind = (GroupKind::Pair, FalseCells { x1y2: true, x2y1: false });
        let margins = Margins::new(policy, PerSequence::default(), 0.5, kind);
        let expected = Margins { output: [Some(1.0), None], input: [None, None], group: None };
        assert_eq!(margins, expected);
    }
}
