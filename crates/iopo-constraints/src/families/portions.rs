//! The sizes of parts of a response, and their number.

use rand::Rng;

use super::{Family, all};
use crate::{
    bound::Bound,
    constraint::Constraint,
    measure::Measure,
    params::{self, OutOfRange},
    portion::{Parts, Portion},
    text,
};

pub use crate::portion::{Size, Unit};

/// The limit that stands for none.
pub(crate) const NO_LIMIT: usize = 100_000;

family! {
    /// The sizes of parts of a response, and their number. A `low` of 0 and a `high` of 100,000 are no limits.
    Portions, PortionsKind, portions_kinds {
        /// Limits the size of each part of a sort. There must be such a part.
        UnitRange {
            /// The sort of parts.
            unit: Unit,
            /// What the size counts.
            size: Size,
            /// The minimum.
            low: usize,
            /// The maximum.
            high: usize,
        } = "unit_range", Numerical, weight 0.0, slots [], ifeval [], styles [];
        /// Limits the size of the part with this label in each entry of the list that the response consists of. An entry
        /// without the label counts as a whole, without its heading.
        EntryRange {
            /// The label, ignoring case.
            label: String,
            /// What the size counts.
            size: Size,
            /// The minimum.
            low: usize,
            /// The maximum.
            high: usize,
        } = "entry_range", Numerical, weight 0.0, slots [List], ifeval [], styles [];
        /// Limits the size of each part below a heading or behind a label with this name. There must be such a part.
        PartRange {
            /// The name, ignoring case.
            name: String,
            /// What the size counts.
            size: Size,
            /// The minimum.
            low: usize,
            /// The maximum.
            high: usize,
        } = "part_range", Numerical, weight 0.0, slots [Headings], ifeval [], styles [];
        /// Limits the number of parts of a sort.
        PartCount {
            /// The sort of parts.
            unit: Unit,
            /// The minimum.
            low: usize,
            /// The maximum.
            high: usize,
        } = "count_range", Numerical, weight 0.0, slots [], ifeval [], styles [];
    }
}

impl Portions {
    fn limits(&self) -> (usize, usize) {
        match *self {
            Self::UnitRange { low, high, .. }
            | Self::EntryRange { low, high, .. }
            | Self::PartRange { low, high, .. }
            | Self::PartCount { low, high, .. } => (low, high),
        }
    }

    /// The same demand with other limits.
    fn with_limits(&self, least: usize, most: usize) -> Self {
        let mut changed = self.clone();
        match &mut changed {
            Self::UnitRange { low, high, .. }
            | Self::EntryRange { low, high, .. }
            | Self::PartRange { low, high, .. }
            | Self::PartCount { low, high, .. } => (*low, *high) = (least, most),
        }
        changed
    }
}

/// "at most 5 words".
fn limited(low: usize, high: usize, nouns: &str) -> String {
    let noun = |n: usize| if n == 1 { singular(nouns) } else { nouns.to_owned() };
    match (low, high) {
        (0, high) => format!("at most {high} {}", noun(high)),
        (low, NO_LIMIT) => format!("at least {low} {}", noun(low)),
        (low, high) if low == high => format!("exactly {low} {}", noun(low)),
        (low, high) => format!("between {low} and {high} {nouns}"),
    }
}

fn singular(nouns: &str) -> String {
    if let Some((head, of)) = nouns.split_once(" of ") {
        return format!("{} of {of}", singular(head));
    }
    match nouns.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => nouns.strip_suffix('s').unwrap_or(nouns).to_owned(),
    }
}

impl Family for Portions {
    type Kind = PortionsKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        let (low, high) = self.limits();
        params::number("low", low, 0, NO_LIMIT - 1)?;
        let least = if low == 0 { 1 } else { low };
        params::number("high", high, least, NO_LIMIT)?;
        if (low, high) == (0, NO_LIMIT) {
            params::number("high", high, 1, NO_LIMIT - 1)?;
        }
        match self {
            Self::EntryRange { label, .. } => params::label("label", label),
            Self::PartRange { name, .. } => params::label("name", name),
            Self::UnitRange { .. } | Self::PartCount { .. } => Ok(()),
        }
    }

    fn phrases(&self) -> Vec<String> {
        let (low, high) = self.limits();
        match self {
            Self::UnitRange { unit, size, .. } => {
                let unit = singular(unit.nouns());
                let limit = limited(low, high, size.nouns());
                vec![
                    format!("Each {unit} must have {limit}."),
                    format!("Write {limit} in each {unit}."),
                    format!("In your response, every {unit} has {limit}."),
                ]
            }
            Self::EntryRange { label, size, .. } => {
                let limit = limited(low, high, size.nouns());
                vec![
                    format!("In each list entry, the part labeled \"{label}\" must have {limit}."),
                    format!("Write {limit} for the \"{label}\" of each list entry."),
                    format!("The \"{label}\" of every list entry has {limit}."),
                ]
            }
            Self::PartRange { name, size, .. } => {
                let limit = limited(low, high, size.nouns());
                vec![
                    format!("The part \"{name}\" must have {limit}."),
                    format!("Write {limit} in the part \"{name}\"."),
                    format!("Include a part \"{name}\" with {limit}."),
                ]
            }
            Self::PartCount { unit, .. } => {
                let limit = limited(low, high, unit.nouns());
                vec![
                    format!("Your response must have {limit}."),
                    format!("Write {limit}."),
                    format!("Use {limit} in your response."),
                ]
            }
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        let (low, high) = self.limits();
        let sized = |parts: Parts, size| {
            let least = Portion::Smallest(parts.clone(), size);
            let most = Portion::Largest(parts, size);
            let most = (high < NO_LIMIT).then(|| Bound::at_most(Measure::Portion(most), high));
            let least = Bound::at_least(Measure::Portion(least), low.max(1));
            [least].into_iter().chain(most).collect()
        };
        match self {
            Self::UnitRange { unit, size, .. } => sized(Parts::All(*unit), *size),
            Self::EntryRange { label, size, .. } => sized(Parts::Labeled(text::fold(label)), *size),
            Self::PartRange { name, size, .. } => sized(Parts::Named(text::fold(name)), *size),
            Self::PartCount { unit, .. } => {
                let high = if high < NO_LIMIT { high } else { usize::MAX };
                vec![Bound { measure: Measure::Portion(Portion::Count(*unit)), low, high }]
            }
        }
    }

    fn revisions(&self) -> Vec<Constraint> {
        let (low, high) = self.limits();
        let longer = (high < NO_LIMIT - 1).then(|| self.with_limits(high + 1, NO_LIMIT));
        let shorter = (low > 1).then(|| self.with_limits(0, low - 1));
        let mut found = all(longer.into_iter().chain(shorter));
        found.retain(|revision| revision.validate().is_ok());
        if found.is_empty() {
            // At least one part: a response in JSON has none.
            found = all([super::Layout::JsonObject]);
        }
        found
    }

    fn edit(&self, _response: &str) -> Option<String> {
        // More or less text in a part needs an author.
        None
    }

    fn back_translate(kind: PortionsKind, response: &str) -> Vec<Constraint> {
        let count = |portion: Portion| portion.count(response);
        let range = |unit, size| {
            let parts = || Parts::All(unit);
            let least = count(Portion::Smallest(parts(), size));
            let most = count(Portion::Largest(parts(), size));
            (least > 0).then(|| Self::UnitRange {
                unit,
                size,
                low: 0,
                high: params::round_up(most),
            })
        };
        match kind {
            PortionsKind::UnitRange => all([
                range(Unit::Paragraph, Size::Words),
                range(Unit::Paragraph, Size::Sentences),
                range(Unit::Title, Size::Words),
            ]
            .into_iter()
            .flatten()),
            PortionsKind::PartCount => {
                let units = [Unit::Step, Unit::Row, Unit::Reference];
                let found = units.map(|unit| (unit, count(Portion::Count(unit))));
                let some = found.into_iter().filter(|(_, n)| *n > 1);
                all(some.map(|(unit, n)| Self::PartCount { unit, low: n, high: NO_LIMIT }))
            }
            // People ask for the size of a part by its own name.
            PortionsKind::EntryRange | PortionsKind::PartRange => Vec::new(),
        }
    }

    fn draw(kind: PortionsKind, _task: &str, rng: &mut dyn Rng) -> Self {
        let high = params::one_of(&[20, 30, 50, 80], 50, rng);
        match kind {
            PortionsKind::UnitRange => {
                Self::UnitRange { unit: Unit::Paragraph, size: Size::Words, low: 0, high }
            }
            PortionsKind::EntryRange => Self::EntryRange {
                label: "description".to_owned(),
                size: Size::Words,
                low: 0,
                high,
            },
            PortionsKind::PartRange => {
                Self::PartRange { name: "summary".to_owned(), size: Size::Words, low: 0, high }
            }
            PortionsKind::PartCount => Self::PartCount {
                unit: Unit::Step,
                low: params::between(3, 6, rng),
                high: NO_LIMIT,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_and_sentences_name_no_limit_that_is_none() {
        let lines = Portions::PartCount { unit: Unit::CodeLine, low: 1, high: NO_LIMIT };
        assert_eq!(lines.phrases()[0], "Your response must have at least 1 line of code.");
        let paragraphs = Portions::UnitRange {
            unit: Unit::Paragraph,
            size: Size::Words,
            low: 2,
            high: NO_LIMIT,
        };
        for constraint in all([lines, paragraphs]) {
            let evidence = constraint.check("Hot tea.").evidence;
            assert!(evidence.contains("at least"), "{evidence}");
            assert!(!evidence.contains("100000"), "{evidence}");
        }
    }
}
