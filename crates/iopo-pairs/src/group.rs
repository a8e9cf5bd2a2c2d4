//! Builds a row of `preferences` from a combination.

use std::collections::BTreeMap;

use iopo_constraints::quality::QualityConfig;
use iopo_constraints::{Constraint, Kind};
use iopo_schema::{ConstraintRow, PreferenceRow, Proof, Split, content_id, render_rows};
use rand_chacha::ChaCha8Rng;

use crate::PairsConfig;
use crate::admit::{Refusal, admit, kind_of};
use crate::candidates::Task;
use crate::combine::{Combination, Pair};
use crate::relation::Candidate;
use iopo_core::random::weighted;

/// Why a combination gives no group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// A sided group has no shared constraint, so one of its instructions would be the plain task.
    NoCommon,
    /// Admission rejected the group.
    Refused(Refusal),
    /// A response is no answer to its instruction: it repeats a constraint, or it is short although no constraint of this
    /// instruction asks for that.
    NoAnswer,
}

impl Unfit {
    /// Returns the reason's name in `pairs_stats.parquet`.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoCommon => "no_common_constraint",
            Self::Refused(reason) => reason.name(),
            Self::NoAnswer => "no_answer",
        }
    }
}

/// Builds the group of a combination and checks it with [`admit`](crate::admit()).
///
/// `weights` are the weights of kinds in the draw of shared constraints. Shared constraints are first, in the same
/// words in x1 and x2, and the changed constraint is last, so that the two prompts share a long prefix. Shared
/// constraints are compatible with each other and with the changed ones. The removed and the added constraint may
/// conflict, because they are never in one instruction.
///
/// # Errors
/// Returns the reason why the combination gives no group.
pub fn build(
    task: &Task,
    split: Split,
    pair: &Pair,
    combination: &Combination,
    weights: &BTreeMap<Kind, f64>,
    config: &PairsConfig,
    rng: &mut ChaCha8Rng,
) -> Result<PreferenceRow, Unfit> {
    let [gone, come] = combination.changed(pair);
    let changed: Vec<&Constraint> =
        gone.iter().chain(&come).map(|candidate| &candidate.constraint).collect();
    let sided = gone.is_none() || come.is_none();
    let count = weighted(&config.constraints_per_instruction, rng).unwrap_or(0);
    let count = if sided { count.max(1) } else { count };
    let common = common(&pair.relation.common, &changed, count, weights, rng);
    if sided && common.is_empty() {
        return Err(Unfit::NoCommon);
    }
    let shared: Vec<ConstraintRow> = common.into_iter().map(|c| row_of(c, rng)).collect();
    let removed: Vec<ConstraintRow> = gone.into_iter().map(|c| row_of(c, rng)).collect();
    let added: Vec<ConstraintRow> = come.into_iter().map(|c| row_of(c, rng)).collect();
    let x1_constraints = [shared.clone(), removed.clone()].concat();
    let x2_constraints = [shared, added.clone()].concat();
    let prompt = |rows: &[ConstraintRow]| render_rows(&task.task, rows, task.input.as_deref());
    let (y1, y2) = (&task.answers[pair.y1], &task.answers[pair.y2]);
    let (x1, x2) = (prompt(&x1_constraints), prompt(&x2_constraints));
    let mut row = PreferenceRow {
        id: content_id(&[&x1, &y1.text, &x2, &y2.text]),
        task_id: task.task_id.clone(),
        split,
        kind: kind_of(combination.operation),
        operation: Some(combination.operation),
        task: task.task.clone(),
        input: task.input.clone(),
        context: Vec::new(),
        x1,
        y1: y1.text.clone(),
        x2: Some(x2),
        y2: y2.text.clone(),
        x1_constraints,
        x2_constraints,
        removed,
        added,
        y1_response_id: y1.response_id.clone(),
        y2_response_id: y2.response_id.clone(),
        y1_source: y1.source,
        y2_source: y2.source,
        y1_original: y1.original.clone(),
        y2_original: y2.original.clone(),
        proof: Proof::default(),
    };
    row.proof = admit(&row).map_err(Unfit::Refused)?;
    let answers = is_answer(&row.y1, &row.x1_constraints, &config.quality)
        && is_answer(&row.y2, &row.x2_constraints, &config.quality);
    if answers { Ok(row) } else { Err(Unfit::NoAnswer) }
}

/// Whether a response counts as an answer to an instruction. It was filtered for the instruction that it was written for,
/// whose constraints may be others.
fn is_answer(response: &str, asked: &[ConstraintRow], quality: &QualityConfig) -> bool {
    let asked: Vec<(Constraint, &str)> =
        asked.iter().filter_map(|row| Some((row.constraint()?.ok()?, row.text.as_str()))).collect();
    let constraints = asked.iter().map(|(constraint, _)| constraint);
    let sentences = asked.iter().map(|(constraint, text)| (constraint, *text));
    !quality.is_echo(response, sentences)
        && !quality.is_loop(response)
        && !quality.is_thin(response, constraints)
}

/// Draws up to `count` shared constraints that are compatible with each other and with the changed ones. Constraints of
/// the instructions that the answers were written for are first.
fn common<'a>(
    pool: &'a [Candidate],
    changed: &[&Constraint],
    count: usize,
    kinds: &BTreeMap<Kind, f64>,
    rng: &mut ChaCha8Rng,
) -> Vec<&'a Candidate> {
    let mut chosen: Vec<&Candidate> = Vec::new();
    while chosen.len() < count {
        let fits = |candidate: &&Candidate| {
            let held = chosen.iter().map(|other| &other.constraint);
            candidate.constraint.fits_with(held.chain(changed.iter().copied()))
        };
        let mut open: Vec<&Candidate> = pool.iter().filter(fits).collect();
        if open.iter().any(|candidate| candidate.own.is_some()) {
            open.retain(|candidate| candidate.own.is_some());
        }
        let weights: Vec<f64> = open
            .iter()
            .map(|c| {
                kinds.get(&c.constraint.kind()).copied().unwrap_or(0.0) / (1.0 + c.rank as f64)
            })
            .collect();
        let Some(drawn) = weighted(&weights, rng) else { break };
        chosen.push(open[drawn]);
    }
    chosen
}

/// Creates the row of a constraint, in the words of the instruction that it comes from or in a random phrasing.
fn row_of(candidate: &Candidate, rng: &mut ChaCha8Rng) -> ConstraintRow {
    if let Some(row) = &candidate.own {
        return row.clone();
    }
    let constraint = &candidate.constraint;
    ConstraintRow::from_constraint(constraint, constraint.draw_phrasing(rng))
}

#[cfg(test)]
mod tests {
    use iopo_constraints::Constraint;
    use iopo_constraints::quality::QualityConfig;
    use iopo_schema::ConstraintRow;

    use super::is_answer;

    fn asked(id: &str, params: &str) -> Vec<ConstraintRow> {
        let constraint = Constraint::from_parts(id, params).expect("a constraint");
        vec![ConstraintRow::from_constraint(&constraint, 0)]
    }

    #[test]
    fn a_short_response_answers_only_an_instruction_that_asks_for_few_words() {
        let quality = QualityConfig::default();
        let short = "Warm the pot first.";
        assert!(is_answer(short, &asked("max_words", r#"{"n":8}"#), &quality));
        assert!(!is_answer(short, &asked("no_commas", "{}"), &quality));
        let long = "Warm the pot first, then add the leaves and pour hot water over them.";
        assert!(is_answer(long, &asked("no_digits", "{}"), &quality));
    }

    #[test]
    fn a_response_that_repeats_a_sentence_of_its_instruction_is_no_answer() {
        let quality = QualityConfig::default();
        let asked = asked("max_words", r#"{"n":40}"#);
        let echo = format!("{} Warm the pot first, then add the leaves and wait.", asked[0].text);
        assert!(!is_answer(&echo, &asked, &quality));
        assert!(is_answer(
            "Warm the pot first, then add the leaves, pour the water and wait.",
            &asked,
            &quality
        ));
    }
}
