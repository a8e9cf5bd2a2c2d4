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
            Self::CapitalWordFrequency => &[Kind::MinLowercaseWords, Kind::MaxLowercaseWords],
            Self::EndChecker => &[Kind::LastWord],
            Self::EnglishCapital | Self::EnglishLowercase => &[Kind::MaxLowercaseWords],
            Self::KeywordFrequency => &[Kind::WordOnce, Kind::ExactFrequency, Kind::OnceAndTwice],
            Self::LetterFrequency => &[Kind::MinLetters, Kind::MaxLetters],
            Self::NoComma => &[Kind::NoPeriods],
            Self::NumberParagraphs => &[Kind::ExactParagraphs, Kind::EvenParts],
            Self::NumberPlaceholders => &[Kind::BracketedWords],
            Self::NumberSentences => &[Kind::EvenParts],
            Self::NthParagraphFirstWord => {
                &[Kind::ExactParagraphs, Kind::OpeningWord, Kind::FirstWord]
            }
            Self::MultipleSections => &[Kind::Headings, Kind::NamedParts],
            Self::Title => &[Kind::Headings, Kind::WrappedPairs],
            Self::TwoResponses => &[Kind::DividedParts],
            Self::JsonFormat => &[Kind::JsonKeys, Kind::JsonArray],
            Self::ResponseLanguage => &[Kind::Language],
            Self::Quotation => &[Kind::Quotation],
            _ => &[],
        }
    }

    /// Whether synthesis may ask for the same thing. It draws the default kinds and those in `added`, without those in
    /// `held_out`.
    pub fn is_seen(self, held_out: &BTreeSet<Kind>, added: &BTreeSet<Kind>) -> bool {
        self.kinds().any(|kind| is_any_drawn(&[kind], held_out, added))
    }

    /// Whether synthesis does not ask for the same thing but draws a similar kind.
    pub fn is_near(self, held_out: &BTreeSet<Kind>, added: &BTreeSet<Kind>) -> bool {
        !self.is_seen(held_out, added) && is_any_drawn(self.near_kinds(), held_out, added)
    }
}

/// Whether synthesis draws one of the kinds: by default or because it was added, and not held out.
pub(crate) fn is_any_drawn(
    kinds: &[Kind],
    held_out: &BTreeSet<Kind>,
    added: &BTreeSet<Kind>,
) -> bool {
    kinds.iter().any(|kind| (kind.is_drawn() || added.contains(kind)) && !held_out.contains(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_seen_near_or_unseen() {
        let nothing = BTreeSet::new();
        let held_out = BTreeSet::from([Kind::AngleTitle]);
        let title = InstructionKind::Title;
        assert!(!title.is_seen(&held_out, &nothing) && title.is_near(&held_out, &nothing));
        assert!(title.is_seen(&nothing, &nothing) && !title.is_near(&nothing, &nothing));
        let both = BTreeSet::from([Kind::AngleTitle, Kind::Headings]);
        assert!(!title.is_seen(&both, &nothing) && !title.is_near(&both, &nothing));
        // No preset draws the kind `language`, but a configuration can.
        let language = InstructionKind::ResponseLanguage;
        assert!(!language.is_near(&nothing, &nothing));
        assert!(language.is_near(&nothing, &BTreeSet::from([Kind::Language])));
        let letters = InstructionKind::LetterFrequency;
        assert!(!letters.is_near(&nothing, &nothing));
        assert!(letters.is_near(&nothing, &BTreeSet::from([Kind::MaxLetters])));
    }

    #[test]
    fn no_kind_is_both_the_same_and_similar() {
        for kind in InstructionKind::ALL {
            assert!(kind.kinds().all(|same| !kind.near_kinds().contains(&same)), "{kind}");
        }
    }
}
