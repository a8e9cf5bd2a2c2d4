//! Which of IFEval's instruction types training may have seen.

use std::collections::BTreeSet;

use super::instruction::InstructionKind;
use crate::kind::Kind;

impl InstructionKind {
    /// The types that training does not see by default: no kind of constraint asks for the same thing, or
    /// [`Kind::HELD_OUT_DEFAULT`] lists those that do.
    pub const HELD_OUT_DEFAULT: &'static [Self] = &[
        Self::RepeatPrompt,
        Self::TwoResponses,
        Self::Postscript,
        Self::ConstrainedResponse,
        Self::MultipleSections,
        Self::Title,
        Self::LetterFrequency,
        Self::ResponseLanguage,
        Self::NthParagraphFirstWord,
    ];

    /// The kinds of constraints that ask for the same thing, as declared in [`Kind::ifeval`].
    pub fn kinds(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(move |kind| kind.ifeval().contains(&self))
    }

    /// Whether synthesis may ask for the same thing when it holds out these kinds.
    pub fn is_seen(self, held_out: &BTreeSet<Kind>) -> bool {
        self.kinds().any(|kind| !held_out.contains(&kind))
    }
}
