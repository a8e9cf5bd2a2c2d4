//! Admission of groups with verdicts of a judge.
//!
//! A judged group can have constraints without a check, and sentences that no check renders. Code decides each
//! constraint that has a check, and its stored verdict must be the recomputed one. The other verdicts are those of the
//! judge, so they must be clear: a constraint holds if its score is 10, and the changed constraint is violated if its
//! score is at most [`JudgedRules::fail_at_most`].

use std::collections::BTreeSet;

use iopo_constraints::{
    Constraint, Instruction, Kind, from_proposal, from_text, from_text_in_instruction,
    from_text_in_task,
};
use iopo_schema::{
    ConstraintRow, GroupKind, Method, Operation, PreferenceRow, Proof, VerdictRow, render_rows,
};

use crate::admit::{kind_of, table_of};
use crate::admit_pair::admit_pair;
use crate::change::Change;
use crate::combine::change_of;

/// The rules that the settings decide.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedRules {
    /// Highest score at which the changed constraint of a group, or a constraint of a pair, counts as violated.
    pub fail_at_most: f64,
    /// Kinds that no group may have.
    pub held_out: BTreeSet<Kind>,
}

/// Why a judged group is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JudgedRefusal {
    /// The kind of the row does not fit its operation, or the row has a second instruction if and only if it is a pair.
    KindMismatch,
    /// x1 or x2 differs from the prompt rendered from its task, constraints and input, or turns precede it.
    PromptMismatch,
    /// The recorded change is not the difference between the two instructions.
    ChangeMismatch,
    /// An instruction has no constraint.
    NoConstraint,
    /// An instruction has a constraint twice.
    RepeatedConstraint,
    /// The changed constraints have checks that exclude each other in a swap, or do not in a revision.
    OperationMismatch,
    /// A response is blank.
    BlankResponse,
    /// The two responses are the same text.
    SameResponses,
    /// The check of a constraint cannot be read.
    UnreadableConstraint,
    /// The sentence of a constraint does not state its stored check.
    CheckMismatch,
    /// The check or the sentence of a constraint is of a kind that is held out.
    HeldOut,
    /// A cell does not have one verdict for each constraint.
    MissingVerdict,
    /// A score is not from 0 to 10, or `satisfied` contradicts it.
    InvalidVerdict,
    /// The verdict on a constraint without a check claims to be by code.
    ForgedVerdict,
    /// The verdict on a constraint with a check is not the recomputed one.
    StaleVerdict,
    /// A shared constraint holds in a response under one instruction only. The recipes ask about it once and copy the verdict, so
    /// this happens only to files that were edited or made elsewhere.
    Inconsistent,
    /// The truth table is not the one of the operation.
    TruthTable,
    /// The score of the changed constraint is too high for a violation and too low for a constraint that holds.
    Ambiguous,
}

impl JudgedRefusal {
    /// Returns the reason's name in `pairs_stats.parquet`.
    pub fn name(self) -> &'static str {
        match self {
            Self::KindMismatch => "kind_mismatch",
            Self::PromptMismatch => "prompt_mismatch",
            Self::ChangeMismatch => "change_mismatch",
            Self::NoConstraint => "no_constraint",
            Self::RepeatedConstraint => "repeated_constraint",
            Self::OperationMismatch => "operation_mismatch",
            Self::BlankResponse => "blank_response",
            Self::SameResponses => "same_responses",
            Self::UnreadableConstraint => "unreadable_constraint",
            Self::CheckMismatch => "check_mismatch",
            Self::HeldOut => "held_out",
            Self::MissingVerdict => "missing_verdict",
            Self::InvalidVerdict => "invalid_verdict",
            Self::ForgedVerdict => "forged_verdict",
            Self::StaleVerdict => "stale_verdict",
            Self::Inconsistent => "inconsistent",
            Self::TruthTable => "truth_table",
            Self::Ambiguous => "ambiguous",
        }
    }
}

/// Checks a group or pair with verdicts of a judge and returns its verdicts, those of code recomputed.
///
/// Use it for stored groups too: a verdict by code that was changed is [`JudgedRefusal::StaleVerdict`].
///
/// # Errors
/// Returns the rule that the group breaks.
pub fn admit_judged(row: &PreferenceRow, rules: &JudgedRules) -> Result<Proof, JudgedRefusal> {
    if row.kind == GroupKind::Pair {
        return admit_pair(row, rules);
    }
    let (Some(second), Some(operation)) = (&row.x2, row.operation) else {
        return Err(JudgedRefusal::KindMismatch);
    };
    if row.kind != kind_of(operation) {
        return Err(JudgedRefusal::KindMismatch);
    }
    check_instruction(row, &row.x1, &row.x1_constraints)?;
    check_instruction(row, second, &row.x2_constraints)?;
    let change = Change::of(row, operation).ok_or(JudgedRefusal::ChangeMismatch)?;
    check_responses(row)?;
    let (x1, x2) = (
        read(&row.x1_constraints, &row.task, rules)?,
        read(&row.x2_constraints, &row.task, rules)?,
    );
    exclusion(operation, &x1, &x2)?;
    let proof = Proof {
        x1y1: verdicts(&x1, &row.y1, &row.proof.x1y1)?,
        x1y2: verdicts(&x1, &row.y2, &row.proof.x1y2)?,
        x2y1: verdicts(&x2, &row.y1, &row.proof.x2y1)?,
        x2y2: verdicts(&x2, &row.y2, &row.proof.x2y2)?,
    };
    consistent(&change, &proof)?;
    let table = table_of(operation);
    follows(&proof.x1y1)?;
    follows(&proof.x2y2)?;
    if table.x1y2 { follows(&proof.x1y2) } else { violates(&proof.x1y2, &change.removed, rules) }?;
    if table.x2y1 { follows(&proof.x2y1) } else { violates(&proof.x2y1, &change.added, rules) }?;
    Ok(proof)
}

/// Checks that an instruction has distinct constraints, and that its prompt is the one rendered from them.
pub(crate) fn check_instruction(
    row: &PreferenceRow,
    prompt: &str,
    constraints: &[ConstraintRow],
) -> Result<(), JudgedRefusal> {
    if constraints.is_empty() {
        return Err(JudgedRefusal::NoConstraint);
    }
    let texts: BTreeSet<&str> = constraints.iter().map(|row| row.text.trim()).collect();
    if texts.len() < constraints.len() {
        return Err(JudgedRefusal::RepeatedConstraint);
    }
    let rendered = render_rows(&row.task, constraints, row.input.as_deref());
    if !row.context.is_empty() || prompt != rendered {
        return Err(JudgedRefusal::PromptMismatch);
    }
    Ok(())
}

/// Checks that there are two responses.
pub(crate) fn check_responses(row: &PreferenceRow) -> Result<(), JudgedRefusal> {
    let (y1, y2) = (row.y1.trim(), row.y2.trim());
    if y1.is_empty() || y2.is_empty() {
        return Err(JudgedRefusal::BlankResponse);
    }
    if y1 == y2 { Err(JudgedRefusal::SameResponses) } else { Ok(()) }
}

/// Reads the checks of an instruction. A constraint without one is `None`.
pub(crate) fn read(
    rows: &[ConstraintRow],
    task: &str,
    rules: &JudgedRules,
) -> Result<Vec<Option<Constraint>>, JudgedRefusal> {
    let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
    let others = |at: usize| [&texts[..at], &texts[at + 1..]].concat();
    let check = |(at, row)| check_of(row, Instruction { task, others: &others(at) }, rules);
    rows.iter().enumerate().map(check).collect()
}

/// Reads the check of a constraint, and compares it with its sentence in the instruction.
fn check_of(
    row: &ConstraintRow,
    instruction: Instruction<'_>,
    rules: &JudgedRules,
) -> Result<Option<Constraint>, JudgedRefusal> {
    let check = row.constraint().transpose().map_err(|_| JudgedRefusal::UnreadableConstraint)?;
    let is_own =
        |check: &Constraint| (0..check.phrasings()).any(|index| check.render(index) == row.text);
    let is_own = check.as_ref().is_some_and(is_own);
    let said = if is_own { None } else { stated(row, instruction) };
    let is_held_out = |one: &Constraint| one.kinds().any(|kind| rules.held_out.contains(&kind));
    if check.iter().chain(&said).any(is_held_out) {
        return Err(JudgedRefusal::HeldOut);
    }
    if check.is_some() && !is_own && check != said {
        return Err(JudgedRefusal::CheckMismatch);
    }
    Ok(check)
}

/// Returns the constraint that a sentence states, with the help of its stored check.
fn stated(row: &ConstraintRow, instruction: Instruction<'_>) -> Option<Constraint> {
    let check = row.check.as_ref();
    from_text_in_instruction(&row.text, instruction)
        .or_else(|| from_text_in_task(&row.text, instruction.task))
        .or_else(|| from_text(&row.text))
        .or_else(|| check.and_then(|check| from_proposal(&row.text, &check.id, &check.params)))
}

/// Checks that the changed constraints of a full group exclude each other in a revision only, if code can tell. They are
/// the last constraints of x1 and x2.
fn exclusion(
    operation: Operation,
    x1: &[Option<Constraint>],
    x2: &[Option<Constraint>],
) -> Result<(), JudgedRefusal> {
    let (Some(Some(gone)), Some(Some(come))) = (x1.last(), x2.last()) else { return Ok(()) };
    if kind_of(operation) == GroupKind::Full && change_of(gone, come) != operation {
        return Err(JudgedRefusal::OperationMismatch);
    }
    Ok(())
}

/// Checks the verdicts of a cell, and recomputes those of constraints with a check.
pub(crate) fn verdicts(
    constraints: &[Option<Constraint>],
    response: &str,
    stored: &[VerdictRow],
) -> Result<Vec<VerdictRow>, JudgedRefusal> {
    if constraints.len() != stored.len() {
        return Err(JudgedRefusal::MissingVerdict);
    }
    for (constraint, verdict) in constraints.iter().zip(stored) {
        let VerdictRow { satisfied, score, method, .. } = verdict;
        if !(0.0..=10.0).contains(score) || *satisfied != (*score >= 10.0) {
            return Err(JudgedRefusal::InvalidVerdict);
        }
        match constraint {
            None if *method == Method::Code => return Err(JudgedRefusal::ForgedVerdict),
            Some(check) if *verdict != VerdictRow::from(check.check(response)) => {
                return Err(JudgedRefusal::StaleVerdict);
            }
            None | Some(_) => {}
        }
    }
    Ok(stored.to_vec())
}

/// Checks that each response has the same verdict on a shared constraint under both instructions.
fn consistent(change: &Change, proof: &Proof) -> Result<(), JudgedRefusal> {
    let same = |(one, other): &(usize, usize)| {
        proof.x1y1[*one].satisfied == proof.x2y1[*other].satisfied
            && proof.x1y2[*one].satisfied == proof.x2y2[*other].satisfied
    };
    if change.shared.iter().all(same) { Ok(()) } else { Err(JudgedRefusal::Inconsistent) }
}

/// Checks that every constraint of a cell holds.
pub(crate) fn follows(cell: &[VerdictRow]) -> Result<(), JudgedRefusal> {
    let all = cell.iter().all(|verdict| verdict.satisfied);
    if all { Ok(()) } else { Err(JudgedRefusal::TruthTable) }
}

/// Checks that one of the changed constraints of a cell is clearly violated. In a group, the shared constraints hold,
/// because they hold in the same response under the other instruction.
pub(crate) fn violates(
    cell: &[VerdictRow],
    changed: &[usize],
    rules: &JudgedRules,
) -> Result<(), JudgedRefusal> {
    let scores = changed.iter().map(|index| cell[*index].score);
    let lowest = scores.fold(10.0, f64::min);
    if lowest >= 10.0 {
        return Err(JudgedRefusal::TruthTable);
    }
    if lowest > rules.fail_at_most { Err(JudgedRefusal::Ambiguous) } else { Ok(()) }
}
