//! Admission: accepts a group only if its truth table, recomputed on the final texts, is correct.
//!
//! In a **full** group, y1 follows x1 only and y2 follows x2 only. Each instruction then has a constraint that the
//! other lacks. The operation is a revision if the two constraints exclude each other, and a swap otherwise.
//!
//! A pure addition (x2 is x1 with one more constraint) cannot give a full group, because a response that follows x2
//! also follows x1. It gives a **sided** group: y1 follows x1, y2 follows x2, and exactly one other cell is false. That
//! cell is (x2, y1) for an addition and (x1, y2) for a removal. A rewrite, whose lists of constraints differ in any way,
//! has the false cell of an addition.

use iopo_constraints::Constraint;
use iopo_core::PerSequence;
use iopo_schema::{
    ConstraintRow, GroupKind, Operation, PreferenceRow, Proof, VerdictRow, render_rows, truth_table,
};

use crate::change::Change;
use crate::combine::change_of;

/// Why a group is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// A constraint has no check, or its check cannot be read.
    UnreadableConstraint,
    /// The sentence of a constraint is not one that its check renders.
    ForeignText,
    /// x1 or x2 differs from the prompt rendered from its task, constraints and input, or turns precede it.
    PromptMismatch,
    /// The recorded change is not the difference between the two instructions.
    ChangeMismatch,
    /// The kind of the group does not fit the operation, or the row is a pair without a second instruction.
    KindMismatch,
    /// The constraints of a revision do not exclude each other, or those of a swap do.
    OperationMismatch,
    /// Two constraints of one instruction conflict.
    Conflict,
    /// The truth table is not the one of the operation.
    TruthTable,
    /// The two responses are the same text.
    SameResponses,
    /// The stored proof differs from the recomputed verdicts.
    StaleProof,
}

impl Refusal {
    /// Returns the reason's name in `pairs_stats.parquet`.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnreadableConstraint => "unreadable_constraint",
            Self::ForeignText => "foreign_text",
            Self::PromptMismatch => "prompt_mismatch",
            Self::ChangeMismatch => "change_mismatch",
            Self::KindMismatch => "kind_mismatch",
            Self::OperationMismatch => "operation_mismatch",
            Self::Conflict => "conflict",
            Self::TruthTable => "truth_table",
            Self::SameResponses => "same_responses",
            Self::StaleProof => "stale_proof",
        }
    }
}

/// Returns the kind of group that an operation gives.
pub fn kind_of(operation: Operation) -> GroupKind {
    match operation {
        Operation::Revise | Operation::Swap => GroupKind::Full,
        Operation::Add | Operation::Remove | Operation::Rewrite => GroupKind::Sided,
    }
}

/// The truth table of a full group.
pub const FULL_TABLE: PerSequence<bool> =
    PerSequence { x1y1: true, x1y2: false, x2y1: false, x2y2: true };

/// Returns the truth table of a group with this operation.
pub fn table_of(operation: Operation) -> PerSequence<bool> {
    match operation {
        Operation::Revise | Operation::Swap => FULL_TABLE,
        Operation::Add | Operation::Rewrite => PerSequence { x1y2: true, ..FULL_TABLE },
        Operation::Remove => PerSequence { x2y1: true, ..FULL_TABLE },
    }
}

/// Runs every checker on a group's final texts and returns the verdicts.
///
/// Nothing in the row is trusted. The constraints are read from their stored parameters, the prompts are rendered
/// again, the change is recomputed, and all four cells of the truth table are checked. The row's `proof` is ignored;
/// [`verify`] compares it.
///
/// # Errors
/// Returns the rule that the group breaks.
pub fn admit(row: &PreferenceRow) -> Result<Proof, Refusal> {
    let (Some(second), Some(operation)) = (&row.x2, row.operation) else {
        return Err(Refusal::KindMismatch);
    };
    if !row.context.is_empty() {
        return Err(Refusal::PromptMismatch);
    }
    let (x1, x2) = (read(&row.x1_constraints)?, read(&row.x2_constraints)?);
    for (prompt, rows) in [(&row.x1, &row.x1_constraints), (second, &row.x2_constraints)] {
        if *prompt != render_rows(&row.task, rows, row.input.as_deref()) {
            return Err(Refusal::PromptMismatch);
        }
    }
    changes(row, operation)?;
    exclusion(operation, &x1, &x2)?;
    for constraints in [&x1, &x2] {
        for (index, one) in constraints.iter().enumerate() {
            if !one.fits_with(&constraints[index + 1..]) {
                return Err(Refusal::Conflict);
            }
        }
    }
    if row.y1.trim() == row.y2.trim() {
        return Err(Refusal::SameResponses);
    }
    let proof = Proof {
        x1y1: VerdictRow::check_all(&x1, &row.y1),
        x1y2: VerdictRow::check_all(&x1, &row.y2),
        x2y1: VerdictRow::check_all(&x2, &row.y1),
        x2y2: VerdictRow::check_all(&x2, &row.y2),
    };
    if truth_table(&proof) == table_of(operation) { Ok(proof) } else { Err(Refusal::TruthTable) }
}

/// Runs [`admit`] and compares the stored proof with the verdicts.
///
/// # Errors
/// Returns the rule that the group breaks, or [`Refusal::StaleProof`].
pub fn verify(row: &PreferenceRow) -> Result<(), Refusal> {
    if admit(row)? == row.proof { Ok(()) } else { Err(Refusal::StaleProof) }
}

/// Reads the constraints of an instruction and checks that each sentence is one of the constraint's phrasings.
fn read(rows: &[ConstraintRow]) -> Result<Vec<Constraint>, Refusal> {
    let one = |row: &ConstraintRow| {
        let constraint = row
            .constraint()
            .ok_or(Refusal::UnreadableConstraint)?
            .map_err(|_| Refusal::UnreadableConstraint)?;
        let own = (0..constraint.phrasings()).any(|index| constraint.render(index) == row.text);
        if own { Ok(constraint) } else { Err(Refusal::ForeignText) }
    };
    rows.iter().map(one).collect()
}

/// Checks that the operation, the kind and the recorded change match the difference between the two instructions.
fn changes(row: &PreferenceRow, operation: Operation) -> Result<(), Refusal> {
    if row.kind != kind_of(operation) {
        return Err(Refusal::KindMismatch);
    }
    if Change::of(row, operation).is_some() { Ok(()) } else { Err(Refusal::ChangeMismatch) }
}

/// Checks that the removed and the added constraint exclude each other if and only if the operation is a revision. They
/// are the last constraints of x1 and x2, which [`changes`] has checked.
fn exclusion(operation: Operation, x1: &[Constraint], x2: &[Constraint]) -> Result<(), Refusal> {
    if kind_of(operation) == GroupKind::Sided {
        return Ok(());
    }
    let changed = x1.last().zip(x2.last());
    if changed.is_some_and(|(gone, come)| change_of(gone, come) == operation) {
        Ok(())
    } else {
        Err(Refusal::OperationMismatch)
    }
}
