//! The families of kinds: typed parameters, sentences, checks, revisions, repairs.
//!
//! Each file declares the kinds of one family and implements all of their behavior; [`crate::kind`] collects them.

use std::collections::BTreeMap;

use rand::Rng;
use serde_json::{Map, Value};

use crate::{bound::Bound, constraint::Constraint, kind::Kind, params::OutOfRange};

/// The part of a family that `family!` generates.
pub(crate) trait Declared {
    fn kind(&self) -> Kind;

    /// The serialized form: the id of the kind, or an object that maps it to the parameters.
    fn value(&self) -> Value;

    /// The parameters, sorted by name.
    fn params(&self) -> Map<String, Value> {
        let Value::Object(tagged) = self.value() else { return Map::new() };
        let inner = tagged.into_iter().next().map(|(_, params)| params);
        let Some(Value::Object(params)) = inner else { return Map::new() };
        let sorted: BTreeMap<String, Value> = params.into_iter().collect();
        sorted.into_iter().collect()
    }
}

/// The behavior of the constraints of one family.
pub(crate) trait Family: Declared {
    /// The kinds of the family, without parameters.
    type Kind
    where
        Self: Sized;

    /// Rejects parameters that are out of range.
    fn validate(&self) -> Result<(), OutOfRange>;

    /// English sentences that ask for the constraint, at least three.
    fn phrases(&self) -> Vec<String>;

    /// The check: all of these bounds must hold.
    fn bounds(&self) -> Vec<Bound>;

    /// Candidate revisions. The caller drops those that do not exclude this constraint.
    fn revisions(&self) -> Vec<Constraint>;

    /// A natural edit of a response that violates the constraint. The caller checks whether it helps.
    fn repair(&self, response: &str) -> Option<String>;

    /// Candidate constraints of one kind for a response. The caller drops those that do not hold.
    fn back_translate(kind: Self::Kind, response: &str) -> Vec<Constraint>
    where
        Self: Sized;

    /// A constraint of one kind with random parameters.
    fn draw(kind: Self::Kind, task: &str, rng: &mut dyn Rng) -> Self
    where
        Self: Sized;
}

#[macro_use]
mod declare;

#[macro_use]
mod case;
#[macro_use]
mod example;
#[macro_use]
mod figures;
#[macro_use]
mod framing;
#[macro_use]
mod layout;
#[macro_use]
mod length;
#[macro_use]
mod lists;
#[macro_use]
mod marks;
#[macro_use]
mod situation;
#[macro_use]
mod voice;
#[macro_use]
mod words;

mod home;

pub use case::Case;
pub use example::Example;
pub use figures::Figures;
pub use framing::{Framing, GreetingLanguage};
pub use layout::Layout;
pub use length::Length;
pub use lists::Lists;
pub use marks::Marks;
pub use situation::Situation;
pub use voice::Voice;
pub use words::Words;

pub use crate::lines::Marker;

pub(crate) use home::{Home, dispatch};

pub(crate) use case::CaseKind;
pub(crate) use example::ExampleKind;
pub(crate) use figures::FiguresKind;
pub(crate) use framing::FramingKind;
pub(crate) use layout::LayoutKind;
pub(crate) use length::LengthKind;
pub(crate) use lists::ListsKind;
pub(crate) use marks::MarksKind;
pub(crate) use situation::SituationKind;
pub(crate) use voice::VoiceKind;
pub(crate) use words::WordsKind;

/// Converts values of a family into constraints.
pub(crate) fn all<F: Into<Constraint>>(families: impl IntoIterator<Item = F>) -> Vec<Constraint> {
    families.into_iter().map(Into::into).collect()
}

/// Converts string literals into owned phrases.
pub(crate) fn say<const N: usize>(phrases: [&str; N]) -> Vec<String> {
    phrases.map(str::to_owned).into()
}
