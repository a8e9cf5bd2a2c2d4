//! The IFBench instruction types that training may have seen, and those that are similar to what it has seen.

use std::collections::BTreeSet;

use super::instruction::InstructionKind;
use crate::{ifeval::overlap::is_any_drawn, kind::Kind};

impl InstructionKind {
    /// The kinds of constraints that ask for the same thing.
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            Self::WordRange => &[Kind::WordRange],
            _ => &[],
        }
    }

    /// The kinds of constraints that ask for something similar.
    pub fn near_kinds(self) -> &'static [Kind] {
        match self {
            Self::KeywordsMultiple => &[Kind::WordFrequency],
            Self::NoWhitespace | Self::Vowels => &[Kind::SingleLine],
            Self::Numbers => &[Kind::MentionNumber],
            Self::OutputTemplate => &[Kind::KeyValueLines],
            Self::Parentheses => &[Kind::Parentheses],
            Self::QuoteUnquote | Self::Quotes => &[Kind::Quotation],
            Self::SentenceKeyword => &[Kind::OpeningWord],
            Self::SentencesThenBullets | Self::SubBullets => {
                &[Kind::ExactBullets, Kind::MinBullets]
            }
            Self::WordRange => &[Kind::MaxWords, Kind::MinWords],
            _ => &[],
        }
    }

    /// Whether synthesis draws a kind that asks for the same thing if it holds out these kinds.
    pub fn is_seen(self, held_out: &BTreeSet<Kind>) -> bool {
        is_any_drawn(self.kinds(), held_out)
    }

    /// Whether synthesis does not ask for the same thing but draws a similar kind, if it holds out these kinds.
    pub fn is_near(self, held_out: &BTreeSet<Kind>) -> bool {
        !self.is_seen(held_out) && is_any_drawn(self.near_kinds(), held_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_out_kind_leaves_its_type_near_to_the_others() {
        let range = InstructionKind::WordRange;
        let nothing = BTreeSet::new();
        assert!(range.is_seen(&nothing) && !range.is_near(&nothing));
        let held_out = BTreeSet::from([Kind::WordRange]);
        assert!(!range.is_seen(&held_out) && range.is_near(&held_out));
        let all = BTreeSet::from([Kind::WordRange, Kind::MaxWords, Kind::MinWords]);
        assert!(!range.is_seen(&all) && !range.is_near(&all));
        assert!(InstructionKind::Numbers.is_near(&nothing));
        let palindrome = InstructionKind::Palindromes;
        assert!(!palindrome.is_seen(&nothing) && !palindrome.is_near(&nothing));
    }

    #[test]
    fn one_type_only_is_asked_for_by_a_kind() {
        let seen = InstructionKind::ALL.iter().filter(|kind| !kind.kinds().is_empty());
        assert_eq!(seen.copied().collect::<Vec<_>>(), [InstructionKind::WordRange]);
        for kind in InstructionKind::ALL {
            assert!(kind.kinds().iter().all(|same| !kind.near_kinds().contains(same)), "{kind}");
        }
    }
}
