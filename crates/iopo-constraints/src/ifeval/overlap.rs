//! The IFEval instruction types that training may have seen, and those that are similar to what it has seen.

use std::collections::BTreeSet;

use super::instruction::InstructionKind;
use crate::kind::Kind;

impl InstructionKind {
    /// The kinds of constraints that ask for the same thing, as declared in [`Kind::ifeval`].
    pub fn kinds(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(move |kind| kind.ifeval().contains(&self))
    }

    /// The kinds of constraints that ask for something similar.
    pub fn near_kinds(self) -> &'static [Kind] {
        match self {
            Self::NumberParagraphs => &[Kind::ExactParagraphs],
            Self::NthParagraphFirstWord => &[Kind::ExactParagraphs, Kind::OpeningWord],
            Self::MultipleSections => &[Kind::Headings, Kind::NamedParts],
            Self::Title => &[Kind::Headings],
            Self::TwoResponses => &[Kind::DividedParts],
            Self::JsonFormat => &[Kind::JsonKeys, Kind::JsonArray],
            Self::ResponseLanguage => &[Kind::Language],
            Self::Quotation => &[Kind::Quotation],
            _ => &[],
        }
    }

    /// Whether synthesis may ask for the same thing if it holds out these kinds.
    pub fn is_seen(self, held_out: &BTreeSet<Kind>) -> bool {
        self.kinds().any(|kind| !held_out.contains(&kind))
    }

    /// Whether synthesis does not ask for the same thing but draws a similar kind, if it holds out these kinds.
    pub fn is_near(self, held_out: &BTreeSet<Kind>) -> bool {
        !self.is_seen(held_out) && is_any_drawn(self.near_kinds(), held_out)
    }
}

/// Whether synthesis draws one of the kinds if it holds out others.
pub(crate) fn is_any_drawn(kinds: &[Kind], held_out: &BTreeSet<Kind>) -> bool {
    kinds.iter().any(|kind| kind.is_drawn() && !held_out.contains(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_seen_near_or_unseen() {
        let held_out = BTreeSet::from([Kind::AngleTitle]);
        let title = InstructionKind::Title;
        assert!(!title.is_seen(&held_out) && title.is_near(&held_out));
        assert!(title.is_seen(&BTreeSet::new()) && !title.is_near(&BTreeSet::new()));
        let both = BTreeSet::from([Kind::AngleTitle, Kind::Headings]);
        assert!(!title.is_seen(&both) && !title.is_near(&both));
        // No preset draws the kind `language`.
        assert!(!InstructionKind::ResponseLanguage.is_near(&BTreeSet::new()));
    }

    #[test]
    fn no_kind_is_both_the_same_and_similar() {
        for kind in InstructionKind::ALL {
            assert!(kind.kinds().all(|same| !kind.near_kinds().contains(&same)), "{kind}");
        }
    }
}
