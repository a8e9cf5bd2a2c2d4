//! Admission of pairs: an accepted response to an instruction, and a worse one that breaks a constraint of it.
//!
//! A pair has one instruction, so it shows no preference between instructions. It is the form of the paper's data for DPO.

use iopo_schema::{GroupKind, PreferenceRow, Proof};

use crate::admit_judged::{
    JudgedRefusal, JudgedRules, check_instruction, check_responses, follows, read, verdicts,
    violates,
};

/// Checks a pair with verdicts of a judge and returns its verdicts, those of code recomputed.
pub(crate) fn admit_pair(row: &PreferenceRow, rules: &JudgedRules) -> Result<Proof, JudgedRefusal> {
    let is_pair = row.kind == GroupKind::Pair && row.x2.is_none() && row.operation.is_none();
    let has_more =
        [&row.x2_constraints, &row.removed, &row.added].iter().any(|list| !list.is_empty())
            || !row.proof.x2y1.is_empty()
            || !row.proof.x2y2.is_empty();
    if !is_pair || has_more {
        return Err(JudgedRefusal::KindMismatch);
    }
    check_instruction(row, &row.x1, &row.x1_constraints)?;
    check_responses(row)?;
    let x1 = read(&row.x1_constraints, &row.task, rules)?;
    let proof = Proof {
        x1y1: verdicts(&x1, &row.y1, &row.proof.x1y1)?,
        x1y2: verdicts(&x1, &row.y2, &row.proof.x1y2)?,
        x2y1: Vec::new(),
        x2y2: Vec::new(),
    };
    follows(&proof.x1y1)?;
    let all: Vec<usize> = (0..proof.x1y2.len()).collect();
    violates(&proof.x1y2, &all, rules)?;
    Ok(proof)
}
