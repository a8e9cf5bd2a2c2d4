//! Which of IFEval's instructions training may have seen: those whose like the synthesis asks for.

use std::collections::BTreeSet;

use super::kind::InstructionKind;
use crate::kind::Kind;

impl InstructionKind {
    /// Types that training does not see by default: the synthesis has no like of them, or its
    /// default list of held-out kinds, and the default preset's, names it.
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

    /// The kinds of the synthesis that ask for the same thing; none for a type that it never asks
    /// for.
    pub fn synthesis_kinds(self) -> &'static [Kind] {
        match self {
            Self::CapitalWordFrequency => &[Kind::MinCapitalWords, Kind::MaxCapitalWords],
            Self::EnglishCapital => &[Kind::AllUppercase],
            Self::EnglishLowercase => &[Kind::AllLowercase],
            Self::NumberPlaceholders => &[Kind::Placeholders],
            Self::Postscript => &[Kind::Postscript],
            Self::JsonFormat => &[Kind::JsonObject],
            Self::MultipleSections => &[Kind::Sections],
            Self::NumberBulletLists => &[Kind::ExactBullets, Kind::MinBullets],
            Self::NumberHighlightedSections => &[Kind::Bold],
            Self::Title => &[Kind::AngleTitle],
            Self::KeywordsExistence => &[Kind::IncludeWord, Kind::IncludeWords],
            Self::ForbiddenWords => &[Kind::ExcludeWord],
            Self::KeywordFrequency => &[Kind::WordFrequency],
            Self::NumberParagraphs => &[Kind::DividedParts],
            Self::NumberSentences => {
                &[Kind::ExactSentences, Kind::MinSentences, Kind::MaxSentences]
            }
            Self::NumberWords => &[Kind::MinWords, Kind::MaxWords, Kind::WordRange],
            Self::NoComma => &[Kind::NoCommas],
            Self::EndChecker => &[Kind::EndsWith],
            Self::Quotation => &[Kind::WrappedInQuotes],
            Self::RepeatPrompt
            | Self::TwoResponses
            | Self::ConstrainedResponse
            | Self::LetterFrequency
            | Self::ResponseLanguage
            | Self::NthParagraphFirstWord => &[],
        }
    }

    /// Whether a synthesis that holds these kinds out may ask for the same thing.
    pub fn is_seen(self, held_out: &BTreeSet<Kind>) -> bool {
        self.synthesis_kinds().iter().any(|kind| !held_out.contains(kind))
    }
}
