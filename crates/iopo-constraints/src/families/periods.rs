//! Periods.

use rand::Rng;

use super::{Family, Framing, all, say};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit::{self, outline::Outline},
    lexicon::CLOSINGS,
    measure::Measure,
    params::OutOfRange,
    text,
};

family! {
    /// Periods, also those in numbers and abbreviations.
    Periods, PeriodsKind, periods_kinds {
        /// Forbids periods.
        NoPeriods = "no_periods", GrammarStructure, weight 0.0, slots [], ifeval [], styles [];
    }
}

impl Family for Periods {
    type Kind = PeriodsKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::NoPeriods => Ok(()),
        }
    }

    fn phrases(&self) -> Vec<String> {
        match self {
            Self::NoPeriods => say([
                "Do not use periods.",
                "Your response must not contain any periods.",
                "Write the answer without a single period.",
            ]),
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        match self {
            Self::NoPeriods => vec![Bound::none(Measure::Periods)],
        }
    }

    fn revisions(&self) -> Vec<Constraint> {
        match self {
            // People do not ask for periods directly.
            Self::NoPeriods => all(CLOSINGS
                .iter()
                .filter(|closing| closing.ends_with('.'))
                .take(2)
                .map(|closing| Framing::EndsWith { phrase: (*closing).to_owned() })),
        }
    }

    fn edit(&self, response: &str) -> Option<String> {
        match self {
            // Points of a list need no period.
            Self::NoPeriods => {
                let bare = |point: &str| point.trim_end().trim_end_matches('.').to_owned();
                let outline = Outline::read(response)?;
                if outline.listed {
                    return Some(edit::map_lines(response, bare));
                }
                Some(outline.list(|_, point| format!("- {}", bare(point))))
            }
        }
    }

    fn back_translate(kind: PeriodsKind, response: &str) -> Vec<Constraint> {
        match kind {
            PeriodsKind::NoPeriods if text::word_count(response) >= 8 => all([Self::NoPeriods]),
            PeriodsKind::NoPeriods => Vec::new(),
        }
    }

    fn draw(kind: PeriodsKind, _task: &str, _rng: &mut dyn Rng) -> Self {
        match kind {
            PeriodsKind::NoPeriods => Self::NoPeriods,
        }
    }
}
