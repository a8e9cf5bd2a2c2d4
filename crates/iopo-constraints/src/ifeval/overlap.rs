//! The IFEval instruction types that training may have seen.

use std::collections::BTreeSet;

use super::instruction::InstructionKind;
use crate::kind::Kind;

impl InstructionKind {
    /// The kinds of constraints that ask for the same thing, as declared in [`Kind::ifeval`].
    pub fn kinds(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(move |kind| kind.ifeval().contains(&self))
    }

    /// Whether synthesis may ask for the same thing if it holds out these kinds.
    pub fn is_seen(self, held_out: &BTreeSet<Kind>) -> bool {
        self.kinds().any(|kind| !held_out.contains(&kind))
    }
}
