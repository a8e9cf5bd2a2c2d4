//! The families of kinds: typed parameters, sentences, checks, revisions, edits.
//!
//! Each file declares the kinds of one family and implements all of their behavior. [`crate::kind`] collects the kinds.

use std::collections::BTreeMap;

use rand::Rng;
use serde::de::DeserializeOwned;
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
    fn edit(&self, response: &str) -> Option<String>;

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

mod case;
mod characters;
mod citations;
mod code;
mod composition;
mod document;
mod emphasis;
mod ends;
mod example;
mod fields;
mod figures;
mod framing;
mod joint;
mod keywords;
mod layout;
mod length;
mod letters;
mod lists;
mod marks;
mod outline;
mod periods;
mod phrases;
mod portions;
mod situation;
mod voice;
mod words;
mod wrapping;

/// Re-exports the families and defines [`Home`], from one list.
macro_rules! families {
    ($($file:ident::{$family:ident, $kinds:ident, $list:ident})*) => {
        $(
            pub use $file::$family;
            pub(crate) use $file::{$kinds, $list};
        )*

        /// The family that implements a kind, with the kind as that family declares it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Home { $($family($kinds),)* }

        impl Home {
            /// See [`Family::back_translate`].
            pub(crate) fn back_translate(self, response: &str) -> Vec<Constraint> {
                match self { $(Self::$family(kind) => $family::back_translate(kind, response),)* }
            }

            /// See [`Family::draw`].
            pub(crate) fn draw(self, task: &str, rng: &mut dyn Rng) -> Constraint {
                match self { $(Self::$family(kind) => $family::draw(kind, task, rng).into(),)* }
            }

            /// Deserializes a constraint of a kind of this family from its parameters.
            pub(crate) fn read(
                self,
                kind: Kind,
                params: Map<String, Value>,
            ) -> Result<Constraint, serde_json::Error> {
                match self { $(Self::$family(_) => read::<$family>(kind, params),)* }
            }
        }
    };
}

families! {
    case::{Case, CaseKind, case_kinds}
    characters::{Characters, CharactersKind, characters_kinds}
    citations::{Citations, CitationsKind, citations_kinds}
    code::{Code, CodeKind, code_kinds}
    composition::{Composition, CompositionKind, composition_kinds}
    document::{Document, DocumentKind, document_kinds}
    ends::{Ends, EndsKind, ends_kinds}
    emphasis::{Emphasis, EmphasisKind, emphasis_kinds}
    example::{Example, ExampleKind, example_kinds}
    figures::{Figures, FiguresKind, figures_kinds}
    fields::{Fields, FieldsKind, fields_kinds}
    framing::{Framing, FramingKind, framing_kinds}
    keywords::{Keywords, KeywordsKind, keywords_kinds}
    joint::{Joint, JointKind, joint_kinds}
    layout::{Layout, LayoutKind, layout_kinds}
    length::{Length, LengthKind, length_kinds}
    letters::{Letters, LettersKind, letters_kinds}
    lists::{Lists, ListsKind, lists_kinds}
    marks::{Marks, MarksKind, marks_kinds}
    outline::{Outline, OutlineKind, outline_kinds}
    periods::{Periods, PeriodsKind, periods_kinds}
    phrases::{Phrases, PhrasesKind, phrases_kinds}
    portions::{Portions, PortionsKind, portions_kinds}
    situation::{Situation, SituationKind, situation_kinds}
    voice::{Voice, VoiceKind, voice_kinds}
    words::{Words, WordsKind, words_kinds}
    wrapping::{Wrapping, WrappingKind, wrapping_kinds}
}

pub use crate::{blocks::Around, lines::Marker};
pub use citations::CitationStyle;
pub use document::{AnswerLanguage, MarkupFormat};
pub use emphasis::Style;
pub use framing::GreetingLanguage;
pub(crate) use joint::MOST_PARTS;
pub use outline::Element;
pub(crate) use portions::NO_LIMIT;
pub use portions::{Size, Unit};

/// Deserializes a variant without parameters from its name, and any other from `{name: params}`.
fn read<F: DeserializeOwned + Into<Constraint>>(
    kind: Kind,
    params: Map<String, Value>,
) -> Result<Constraint, serde_json::Error> {
    if params.is_empty()
        && let Ok(family) = serde_json::from_value::<F>(Value::String(kind.id().to_owned()))
    {
        return Ok(family.into());
    }
    let mut tagged = Map::new();
    tagged.insert(kind.id().to_owned(), Value::Object(params));
    serde_json::from_value::<F>(Value::Object(tagged)).map(Into::into)
}

/// Converts values of a family into constraints.
pub(crate) fn all<F: Into<Constraint>>(families: impl IntoIterator<Item = F>) -> Vec<Constraint> {
    families.into_iter().map(Into::into).collect()
}

/// Converts string literals into owned phrases.
pub(crate) fn say<const N: usize>(phrases: [&str; N]) -> Vec<String> {
    phrases.map(str::to_owned).into()
}
