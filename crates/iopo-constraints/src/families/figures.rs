//! Digits: numbers written in figures.

use rand::Rng;
use serde_json::Value;

use super::{Family, all, say};
use crate::{
    bound::Bound, constraint::Constraint, edit, kind::Kind, lexicon::NUMERALS, lines,
    measure::Measure, params::Refusal,
};

family! {
    /// Whether a response writes numbers in digits.
    Figures {
        /// A number in digits is mentioned (the numbers of list items do not count).
        MentionNumber;
        /// No digit occurs.
        NoDigits;
    }
}

impl Family for Figures {
    fn kind(&self) -> Kind {
        self.kind_of()
    }

    fn value(&self) -> Value {
        self.value_of()
    }

    fn validate(&self) -> Result<(), Refusal> {
        Ok(())
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

    /// Spells small numbers out; years, amounts and list numbers are left alone.
    fn repair(&self, response: &str) -> Option<String> {
        if *self == Self::MentionNumber || lines::filled(response).any(|l| lines::item(l).is_some())
        {
            return None;
        }
        let spelled = edit::replace_words(response, |word| {
            let value: usize = word.parse().ok()?;
            NUMERALS.get(value).map(|numeral| (*numeral).to_owned())
        });
        // A number at the start of the text takes a capital.
        let first = response.trim_start().starts_with(|c: char| c.is_ascii_digit());
        Some(if first { edit::capitalise(spelled.trim_start()) } else { spelled })
    }

    fn back_translate(kind: Kind, _response: &str) -> Vec<Constraint> {
        match kind {
            Kind::MentionNumber => all([Self::MentionNumber]),
            Kind::NoDigits => all([Self::NoDigits]),
            _ => Vec::new(),
        }
    }

    fn draw(kind: Kind, _task: &str, _rng: &mut dyn Rng) -> Constraint {
        match kind {
            Kind::NoDigits => Self::NoDigits,
            _ => Self::MentionNumber,
        }
        .into()
    }
}
