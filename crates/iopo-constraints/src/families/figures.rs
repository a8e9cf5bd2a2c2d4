//! Numbers in digits.

use rand::Rng;

use super::{Family, all, say};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit::{self, numbers, prose::is_english},
    lines,
    measure::Measure,
    params::OutOfRange,
};

family! {
    /// Numbers in digits.
    Figures, FiguresKind, figures_kinds {
        /// Requires a number in digits. The numbers of list items do not count.
        MentionNumber = "mention_number", Numerical, weight 0.8,
            slots [Digits], ifeval [], styles [ExamplesAndNumbers];
        /// Forbids digits.
        NoDigits = "no_digits", Exclusion, weight 0.9, slots [Digits], ifeval [], styles [];
    }
}

impl Family for Figures {
    type Kind = FiguresKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::MentionNumber | Self::NoDigits => Ok(()),
        }
    }

    fn phrases(&self) -> Vec<String> {
        match self {
            Self::MentionNumber => say([
                "Mention at least one number, written in digits.",
                "Include a concrete figure in digits, such as 3 or 2020.",
                "Use at least one number in digits (the numbers of a list do not count).",
            ]),
            Self::NoDigits => say([
                "Do not use any digits.",
                "Write the answer without digits; spell numbers out.",
                "No digit from 0 to 9 may appear in your response.",
            ]),
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        vec![match self {
            Self::MentionNumber => Bound::some(Measure::Figures),
            Self::NoDigits => Bound::none(Measure::Digits),
        }]
    }

    fn revisions(&self) -> Vec<Constraint> {
        match self {
            Self::MentionNumber => all([Self::NoDigits]),
            Self::NoDigits => all([Self::MentionNumber]),
        }
    }

    fn edit(&self, response: &str) -> Option<String> {
        match self {
            Self::NoDigits => spelled_out(response),
            Self::MentionNumber => numbers::with_figure(response),
        }
    }

    fn back_translate(kind: FiguresKind, _response: &str) -> Vec<Constraint> {
        match kind {
            FiguresKind::MentionNumber => all([Self::MentionNumber]),
            FiguresKind::NoDigits => all([Self::NoDigits]),
        }
    }

    fn draw(kind: FiguresKind, _task: &str, _rng: &mut dyn Rng) -> Self {
        match kind {
            FiguresKind::NoDigits => Self::NoDigits,
            FiguresKind::MentionNumber => Self::MentionNumber,
        }
    }
}

/// Writes numbers in words, and numbered items with bullets, or drops the sentences with numbers.
fn spelled_out(response: &str) -> Option<String> {
    if !is_english(response) {
        return None;
    }
    let plain = edit::map_lines(response, |line| match lines::item(line) {
        Some((mark, body)) if !mark.is_bullet() => format!("- {body}"),
        _ => line.to_owned(),
    });
    numbers::without_figures(&plain)
        .or_else(|| edit::drop_sentences(response, |s| s.contains(|c: char| c.is_ascii_digit())))
}
