//! The rows of candidates: groups with a complete truth table, and pairs of an accepted and a worse response.

use iopo_schema::{
    ConstraintRow, GroupKind, InstructionRow, Operation, PreferenceRow, Proof, ResponseSource,
    Split, VerdictRow, content_id,
};

use super::seed::{Rated, Seed};

/// Returns the constraints that only x1 has, and those that only x2 has.
pub(super) fn changed<'a>(
    operation: Operation,
    x1: &'a InstructionRow,
    x2: &'a InstructionRow,
) -> (&'a [ConstraintRow], &'a [ConstraintRow]) {
    let last =
        |row: &'a InstructionRow| &row.constraints[row.constraints.len().saturating_sub(1)..];
    match operation {
        // The recipe draws no rewrites.
        Operation::Revise | Operation::Swap | Operation::Rewrite => (last(x1), last(x2)),
        Operation::Add => (&[], last(x2)),
        Operation::Remove => (last(x1), &[]),
    }
}

/// Builds the candidate of a seed.
///
/// Each response has one verdict on a constraint that both instructions share, in both cells, because it is the same question.
/// Admission refuses other rows as inconsistent.
pub(super) fn candidate(
    seed: &Seed<'_>,
    y1_added: &[VerdictRow],
    y2_removed: &[VerdictRow],
) -> Option<PreferenceRow> {
    let (x1, x2) = (seed.x1.as_ref()?, seed.x2.as_ref()?);
    let (y1, y2) = (seed.y1.as_ref()?, seed.y2.as_ref()?);
    let (removed, added) = changed(seed.operation, x1, x2);
    let kept = x1.constraints.len() - removed.len();
    let proof = Proof {
        x1y1: y1.verdicts.clone(),
        x1y2: [&y2.verdicts[..kept], y2_removed].concat(),
        x2y1: [&y1.verdicts[..kept], y1_added].concat(),
        x2y2: y2.verdicts.clone(),
    };
    Some(PreferenceRow {
        id: content_id(&[&x1.prompt, &y1.text, &x2.prompt, &y2.text]),
        kind: match seed.operation {
            Operation::Revise | Operation::Swap => GroupKind::Full,
            Operation::Add | Operation::Remove | Operation::Rewrite => GroupKind::Sided,
        },
        operation: Some(seed.operation),
        x2: Some(x2.prompt.clone()),
        x2_constraints: x2.constraints.clone(),
        removed: removed.to_vec(),
        added: added.to_vec(),
        proof,
        ..row(seed, x1, [y1, y2])
    })
}

/// Builds the pair of a seed's first response and a worse one.
pub(super) fn pair(seed: &Seed<'_>, worse: &Rated) -> Option<PreferenceRow> {
    let (x1, y1) = (seed.x1.as_ref()?, seed.y1.as_ref()?);
    Some(PreferenceRow { y2_source: ResponseSource::Worse, ..row(seed, x1, [y1, worse]) })
}

/// Builds the row of two responses to the first instruction.
fn row(seed: &Seed<'_>, x1: &InstructionRow, [y1, y2]: [&Rated; 2]) -> PreferenceRow {
    PreferenceRow {
        id: content_id(&[&x1.prompt, &y1.text, &y2.text]),
        task_id: seed.task.id.clone(),
        split: Split::Train,
        kind: GroupKind::Pair,
        operation: None,
        task: x1.task.clone(),
        input: x1.input.clone(),
        context: Vec::new(),
        x1: x1.prompt.clone(),
        y1: y1.text.clone(),
        x2: None,
        y2: y2.text.clone(),
        x1_constraints: x1.constraints.clone(),
        x2_constraints: Vec::new(),
        removed: Vec::new(),
        added: Vec::new(),
        y1_response_id: y1.id.clone(),
        y2_response_id: y2.id.clone(),
        y1_source: ResponseSource::Sampled,
        y2_source: ResponseSource::Sampled,
        y1_original: None,
        y2_original: None,
        proof: Proof {
            x1y1: y1.verdicts.clone(),
            x1y2: y2.verdicts.clone(),
            x2y1: Vec::new(),
            x2y2: Vec::new(),
        },
    }
}

/// Whether each response follows its own instruction, and the cells of the change are false.
pub(super) fn is_right(row: &PreferenceRow) -> bool {
    let table = row.truth_table();
    table.x1y1
        && table.x2y2
        && table.x1y2 == row.removed.is_empty()
        && table.x2y1 == row.added.is_empty()
}
