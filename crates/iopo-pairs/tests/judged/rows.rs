//! Groups with verdicts of a judge.

use std::collections::BTreeSet;

use iopo_constraints::from_text;
use iopo_pairs::JudgedRules;
use iopo_pairs::admit::{kind_of, table_of};
use iopo_schema::{
    CheckRow, ConstraintRow, GroupKind, Method, Operation, PreferenceRow, Proof, ResponseSource,
    Split, VerdictRow, render_rows,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::common::natural;

pub(crate) const TASK: &str = "Write about the sea.";
pub(crate) const LIMIT: &str = "The answer must not exceed 200 words.";
pub(crate) const ALL: [Operation; 5] =
    [Operation::Revise, Operation::Swap, Operation::Add, Operation::Remove, Operation::Rewrite];

pub(crate) fn rules() -> JudgedRules {
    JudgedRules { fail_at_most: 3.0, held_out: BTreeSet::new() }
}

/// A constraint that only a judge can decide.
pub(crate) fn said(text: &str) -> ConstraintRow {
    ConstraintRow {
        text: text.to_owned(),
        constraint_type: "style".to_owned(),
        dimension: "tone and style".to_owned(),
        check: None,
    }
}

/// A constraint that code decides, in words that its check does not render.
pub(crate) fn checked(text: &str) -> ConstraintRow {
    let constraint = from_text(text).expect("a text that states a check");
    assert!((0..constraint.phrasings()).all(|index| constraint.render(index) != text));
    let check =
        CheckRow { id: constraint.kind().id().to_owned(), params: constraint.params_json() };
    ConstraintRow { check: Some(check), ..said(text) }
}

pub(crate) fn score(score: f64) -> VerdictRow {
    let evidence = "the judge's sentence".to_owned();
    VerdictRow { satisfied: score >= 10.0, score, method: Method::Judge, evidence }
}

/// The verdicts of a cell: those of code where there is a check, else 10, or 1 for the constraints that fail.
pub(crate) fn cell(
    rows: &[ConstraintRow],
    response: &str,
    fails: &[ConstraintRow],
) -> Vec<VerdictRow> {
    let one = |row: &ConstraintRow| match row.constraint() {
        Some(check) => check.expect("readable").check(response).into(),
        None => score(if fails.contains(row) { 1.0 } else { 10.0 }),
    };
    rows.iter().map(one).collect()
}

/// A group with a judged and a checked shared constraint, whose changed constraints are judged.
pub(crate) fn group(operation: Operation, seed: u64) -> PreferenceRow {
    let (gone, come) = (said("Sound sad."), said("Sound cheerful."));
    let (removed, added) = match operation {
        Operation::Revise | Operation::Swap => (vec![gone], vec![come]),
        Operation::Add => (vec![], vec![come]),
        Operation::Remove => (vec![gone], vec![]),
        Operation::Rewrite => (vec![said("Name a harbour."), gone], vec![come]),
    };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let texts = [natural(seed as usize, &mut rng), natural(seed as usize + 2, &mut rng)];
    changed(operation, removed, added, texts)
}

pub(crate) fn changed(
    operation: Operation,
    removed: Vec<ConstraintRow>,
    added: Vec<ConstraintRow>,
    [y1, y2]: [String; 2],
) -> PreferenceRow {
    let shared = vec![said("Describe the sound of the waves."), checked(LIMIT)];
    let x1_constraints = [shared.clone(), removed.clone()].concat();
    let x2_constraints = if operation == Operation::Rewrite {
        // A rewrite keeps no order.
        [added.clone(), shared].concat()
    } else {
        [shared, added.clone()].concat()
    };
    let table = table_of(operation);
    let fails = |follows: bool, of: &[ConstraintRow]| if follows { vec![] } else { of.to_vec() };
    let proof = Proof {
        x1y1: cell(&x1_constraints, &y1, &[]),
        x1y2: cell(&x1_constraints, &y2, &fails(table.x1y2, &removed)),
        x2y1: cell(&x2_constraints, &y1, &fails(table.x2y1, &added)),
        x2y2: cell(&x2_constraints, &y2, &[]),
    };
    PreferenceRow {
        id: "candidate".to_owned(),
        task_id: "s".to_owned(),
        split: Split::Train,
        kind: kind_of(operation),
        operation: Some(operation),
        task: TASK.to_owned(),
        input: None,
        context: Vec::new(),
        x1: render_rows(TASK, &x1_constraints, None),
        y1,
        x2: Some(render_rows(TASK, &x2_constraints, None)),
        y2,
        x1_constraints,
        x2_constraints,
        removed,
        added,
        y1_response_id: String::new(),
        y2_response_id: String::new(),
        y1_source: ResponseSource::Sampled,
        y2_source: ResponseSource::Sampled,
        y1_original: None,
        y2_original: None,
        proof,
    }
}

/// Renders the prompts of changed constraints again.
pub(crate) fn rendered(mut row: PreferenceRow) -> PreferenceRow {
    row.x1 = render_rows(&row.task, &row.x1_constraints, None);
    row.x2 = Some(render_rows(&row.task, &row.x2_constraints, None));
    row
}

/// A pair of an accepted response and a worse one, which breaks the judged constraint.
pub(crate) fn pair(seed: u64) -> PreferenceRow {
    let group = group(Operation::Remove, seed);
    PreferenceRow {
        kind: GroupKind::Pair,
        operation: None,
        x2: None,
        x2_constraints: Vec::new(),
        removed: Vec::new(),
        y2_source: ResponseSource::Worse,
        proof: Proof { x2y1: Vec::new(), x2y2: Vec::new(), ..group.proof.clone() },
        ..group
    }
}
