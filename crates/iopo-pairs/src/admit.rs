//! Admission: a group stands only if its truth table, recomputed on the final texts, is right.
//!
//! Constraints are a conjunction. In a **full** group y1 follows x1 and not x2, y2 follows x2 and
//! not x1; x1 and x2 must then each ask for something that the other does not, so the operation is
//! a revision (the two exclude each other) or a swap (they do not). A pure addition (x2 = x1 + b) cannot fill that table: whoever follows x2
//! follows x1. It gives a **sided** group: both diagonal cells hold, and exactly one of the two
//! others is false — (x2, y1) after an addition, (x1, y2) after a removal.

use iopo_constraints::{Constraint, render_prompt};
use iopo_core::PerSequence;
use iopo_schema::{
    ConstraintRow, GroupKind, Operation, PreferenceRow, Proof, VerdictRow, truth_table,
};

use crate::combine::change_of;

/// Why a group is not admitted; the name stands in the stats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// A constraint has no check, or one that cannot be read.
    UnreadableConstraint,
    /// A constraint's sentence is none of those that its check renders.
    ForeignText,
    /// x1 or x2 is not its task, constraints and input in the layout of the prompt.
    PromptMismatch,
    /// The recorded change is not the difference of the two instructions.
    ChangeMismatch,
    /// Operation and kind do not go together.
    KindMismatch,
    /// A revision's constraints do not exclude each other, or a swap's do.
    OperationMismatch,
    /// Two constraints of one instruction conflict.
    Conflict,
    /// The truth table is not what the kind asks for.
    TruthTable,
    /// The two responses are the same text.
    SameResponses,
    /// The stored proof is not what the checkers say.
    StaleProof,
}

impl Refusal {
    /// The name in the stats.
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

/// The kind of group that an operation gives.
pub fn kind_of(operation: Operation) -> GroupKind {
    match operation {
        Operation::Revise | Operation::Swap => GroupKind::Full,
        Operation::Add | Operation::Remove => GroupKind::Sided,
    }
}

/// The truth table of a full group.
pub const FULL_TABLE: PerSequence<bool> =
    PerSequence { x1y1: true, x1y2: false, x2y1: false, x2y2: true };

/// Returns the truth table that a group of this operation must have.
pub fn table_of(operation: Operation) -> PerSequence<bool> {
    match operation {
        Operation::Revise | Operation::Swap => FULL_TABLE,
        Operation::Add => PerSequence { x1y2: true, ..FULL_TABLE },
        Operation::Remove => PerSequence { x2y1: true, ..FULL_TABLE },
    }
}

/// Runs every checker on the group's final texts and says whether it stands.
///
/// Nothing that the row says about itself is believed: the constraints are read back from their
/// stored parameters, the prompts are rendered anew, the change is recomputed, and all four cells
/// of the table are checked. The row's own `proof` is not looked at ([`verify`] does).
pub fn admit(row: &PreferenceRow) -> Result<Proof, Refusal> {
    let (x1, x2) = (read(&row.x1_constraints)?, read(&row.x2_constraints)?);
    for (prompt, rows) in [(&row.x1, &row.x1_constraints), (&row.x2, &row.x2_constraints)] {
        let texts: Vec<&str> = rows.iter().map(|constraint| constraint.text.as_str()).collect();
        if *prompt != render_prompt(&row.task, &texts, row.input.as_deref()) {
            return Err(Refusal::PromptMismatch);
        }
    }
    changes(row)?;
    exclusion(row, &x1, &x2)?;
    for constraints in [&x1, &x2] {
        for (index, one) in constraints.iter().enumerate() {
            if constraints[index + 1..].iter().any(|other| one.conflicts_with(other)) {
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
    if truth_table(&proof) == table_of(row.operation) {
        Ok(proof)
    } else {
        Err(Refusal::TruthTable)
    }
}

/// [`admit`], and the stored proof must be what the checkers say now.
pub fn verify(row: &PreferenceRow) -> Result<(), Refusal> {
    if admit(row)? == row.proof { Ok(()) } else { Err(Refusal::StaleProof) }
}

/// The constraints of an instruction, each said in one of its own sentences.
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

/// Whether operation, kind and recorded change are the difference of the two instructions, which
/// share what stands before it.
fn changes(row: &PreferenceRow) -> Result<(), Refusal> {
    if row.kind != kind_of(row.operation) {
        return Err(Refusal::KindMismatch);
    }
    let (removed, added) = match row.operation {
        Operation::Revise | Operation::Swap => (1, 1),
        Operation::Add => (0, 1),
        Operation::Remove => (1, 0),
    };
    let (x1, x2) = (&row.x1_constraints, &row.x2_constraints);
    let parts = x1.len().checked_sub(removed).zip(x2.len().checked_sub(added));
    let Some((shared1, shared2)) = parts else { return Err(Refusal::ChangeMismatch) };
    let as_recorded = x1[shared1..] == row.removed
        && x2[shared2..] == row.added
        && x1[..shared1] == x2[..shared2];
    if as_recorded { Ok(()) } else { Err(Refusal::ChangeMismatch) }
}

/// Whether the constraint that goes and the one that comes exclude each other exactly where the
/// operation says so. They are the last of x1 and of x2, as [`changes`] found.
fn exclusion(row: &PreferenceRow, x1: &[Constraint], x2: &[Constraint]) -> Result<(), Refusal> {
    if kind_of(row.operation) == GroupKind::Sided {
        return Ok(());
    }
    let changed = x1.last().zip(x2.last());
    if changed.is_some_and(|(gone, come)| change_of(gone, come) == row.operation) {
        Ok(())
    } else {
        Err(Refusal::OperationMismatch)
    }
}
