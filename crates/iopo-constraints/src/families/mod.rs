//! The families of kinds: typed parameters, phrasings, bounds, revisions, repairs.

use std::collections::BTreeMap;

use rand::Rng;
use serde_json::{Map, Value};

use crate::{bound::Bound, constraint::Constraint, kind::Kind, params::Refusal};

/// What a family says of one of its constraints.
pub(crate) trait Family {
    fn kind(&self) -> Kind;

    /// Itself as serde has it: the kind's id, or an object from the id to the parameters.
    fn value(&self) -> Value;

    /// The parameters, sorted by name.
    fn params(&self) -> Map<String, Value> {
        let Value::Object(tagged) = self.value() else { return Map::new() };
        let inner = tagged.into_iter().next().map(|(_, params)| params);
        let Some(Value::Object(params)) = inner else { return Map::new() };
        let sorted: BTreeMap<String, Value> = params.into_iter().collect();
        sorted.into_iter().collect()
    }

    /// Refuses parameters out of range.
    fn validate(&self) -> Result<(), Refusal>;

    /// Ways to ask for it, three at least, each one English sentence.
    fn phrases(&self) -> Vec<String>;

    /// The check: all of these must hold.
    fn bounds(&self) -> Vec<Bound>;

    /// Candidates for revisions; those that do not exclude this one are left out later.
    fn revisions(&self) -> Vec<Constraint>;

    /// A natural edit of a response that violates it; whether it helps is checked later.
    fn repair(&self, response: &str) -> Option<String>;

    /// Candidates of one kind for a response; those that do not hold are left out later.
    fn back_translate(kind: Kind, response: &str) -> Vec<Constraint>
    where
        Self: Sized;

    /// Random parameters of one kind.
    fn draw(kind: Kind, task: &str, rng: &mut dyn Rng) -> Constraint
    where
        Self: Sized;
}

/// Declares a family: its enum, the kinds of its variants, its serialised form.
macro_rules! family {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$about:meta])* $variant:ident
            $({ $($(#[$doc:meta])* $field:ident: $type:ty),* })?;)*
    }) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize,
            serde::Deserialize,
        )]
        #[serde(rename_all = "snake_case", deny_unknown_fields)]
        pub enum $name {
            $($(#[$about])* $variant $({ $($(#[$doc])* $field: $type),* })?,)*
        }

        impl $name {
            fn kind_of(&self) -> $crate::kind::Kind {
                match self { $(Self::$variant { .. } => $crate::kind::Kind::$variant,)* }
            }

            fn value_of(&self) -> serde_json::Value {
                // Strings, numbers and unit enums always have a JSON form.
                serde_json::to_value(self).unwrap_or_default()
            }
        }

        impl From<$name> for $crate::constraint::Constraint {
            fn from(family: $name) -> Self {
                Self::$name(family)
            }
        }
    };
}

mod case;
mod example;
mod figures;
mod framing;
mod layout;
mod length;
mod lists;
mod marks;
mod situation;
mod voice;
mod words;

pub use case::Case;
pub use example::{Example, Marker};
pub use figures::Figures;
pub use framing::{Framing, Tongue};
pub use layout::Layout;
pub use length::Length;
pub use lists::Lists;
pub use marks::Marks;
pub use situation::Situation;
pub use voice::Voice;
pub use words::Words;

/// Turns family values into constraints.
pub(crate) fn all<F: Into<Constraint>>(families: impl IntoIterator<Item = F>) -> Vec<Constraint> {
    families.into_iter().map(Into::into).collect()
}

/// Turns string literals into phrases.
pub(crate) fn say<const N: usize>(phrases: [&str; N]) -> Vec<String> {
    phrases.map(str::to_owned).into()
}
