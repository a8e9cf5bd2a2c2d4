//! The IFBench instruction types that training may have seen, and those that are similar to what it has seen.

use std::collections::BTreeSet;

use super::instruction::InstructionKind;
use crate::{ifeval::overlap::is_any_drawn, kind::Kind};

impl InstructionKind {
    /// The kinds of constraints that ask for the same thing.
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            Self::KeywordPosition => &[Kind::WordAtPosition],
            Self::WordRange => &[Kind::WordRange],
            _ => &[],
        }
    }

    /// The kinds of constraints that ask for something similar.
    pub fn near_kinds(self) -> &'static [Kind] {
        match self {
            Self::Alphabet | Self::NoConsecutive => &[Kind::NoConsecutiveInitials],
            Self::KeywordPosition => &[Kind::FirstWord, Kind::LastWord],
            Self::KeywordsMultiple => {
                &[Kind::WordFrequency, Kind::WordOnce, Kind::ExactFrequency, Kind::OnceAndTwice]
            }
            Self::NoWhitespace | Self::Vowels => &[Kind::SingleLine],
            Self::Numbers => &[Kind::MentionNumber],
            Self::OutputTemplate => &[Kind::KeyValueLines],
            Self::ParagraphLastFirst => &[Kind::SameEnds],
            Self::Parentheses => &[Kind::Parentheses],
            Self::QuoteUnquote | Self::Quotes => &[Kind::Quotation],
            Self::SentenceIncrement | Self::SentenceLengths => &[Kind::EvenParts],
            Self::SentenceKeyword => &[Kind::OpeningWord, Kind::WordAtPosition],
            Self::SentencesThenBullets | Self::SubBullets => {
                &[Kind::ExactBullets, Kind::MinBullets]
            }
            Self::WordRange => &[Kind::MaxWords, Kind::MinWords, Kind::CharRange],
            Self::WordsPosition => &[Kind::WordAtPosition],
            _ => &[],
        }
    }

    /// Whether synthesis draws a kind that asks for the same thing. It draws the default kinds and those in `added`, without
    /// those in `held_out`.
    pub fn is_seen(self, held_out: &BTreeSet<Kind>, added: &BTreeSet<Kind>) -> bool {
        is_any_drawn(self.kinds(), held_out, added)
    }

    /// Whether synthesis does not ask for the same thing but draws a similar kind.
    pub fn is_near(self, held_out: &BTreeSet<Kind>, added: &BTreeSet<Kind>) -> bool {
        !self.is_seen(held_out, added) && is_any_drawn(self.near_kinds(), held_out, added)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind_set::KindSet;

    #[test]
    fn a_held_out_kind_leaves_its_type_near_to_the_others() {
        let range = InstructionKind::WordRange;
        let nothing = BTreeSet::new();
        assert!(range.is_seen(&nothing, &nothing) && !range.is_near(&nothing, &nothing));
        let held_out = BTreeSet::from([Kind::WordRange]);
        assert!(!range.is_seen(&held_out, &nothing) && range.is_near(&held_out, &nothing));
        let all = BTreeSet::from([Kind::WordRange, Kind::MaxWords, Kind::MinWords]);
        assert!(!range.is_seen(&all, &nothing) && !range.is_near(&all, &nothing));
        assert!(InstructionKind::Numbers.is_near(&nothing, &nothing));
        let palindrome = InstructionKind::Palindromes;
        assert!(!palindrome.is_seen(&nothing, &nothing) && !palindrome.is_near(&nothing, &nothing));
    }

    #[test]
    fn training_constraints_make_types_near_or_seen() {
        let nothing = BTreeSet::new();
        let added: BTreeSet<Kind> = KindSet::Iftrain.kinds().collect();
        for near in [
            InstructionKind::Alphabet,
            InstructionKind::NoConsecutive,
            InstructionKind::ParagraphLastFirst,
            InstructionKind::SentenceIncrement,
        ] {
            assert!(!near.is_near(&nothing, &nothing) && near.is_near(&nothing, &added), "{near}");
            assert!(!near.is_seen(&nothing, &added), "{near}");
        }
        let position = InstructionKind::KeywordPosition;
        assert!(!position.is_seen(&nothing, &nothing) && position.is_seen(&nothing, &added));
        let held_out = BTreeSet::from([Kind::WordAtPosition]);
        assert!(!position.is_seen(&held_out, &added) && position.is_near(&held_out, &added));
    }

    #[test]
    fn two_types_are_asked_for_by_a_kind() {
        let seen = InstructionKind::ALL.iter().filter(|kind| !kind.kinds().is_empty());
        let same = [InstructionKind::WordRange, InstructionKind::KeywordPosition];
        assert_eq!(seen.copied().collect::<Vec<_>>(), same);
        for kind in InstructionKind::ALL {
            assert!(kind.kinds().iter().all(|same| !kind.near_kinds().contains(same)), "{kind}");
        }
    }
}
