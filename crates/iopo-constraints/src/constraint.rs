//! A constraint: a kind with its parameters.

use rand::{Rng, RngExt as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    bound::{self, Bound},
    error::ConstraintError,
    families::{
        Case, Characters, Citations, Code, Composition, Document, Emphasis, Ends, Example, Family,
        Fields, Figures, Framing, Joint, Keywords, Layout, Length, Letters, Lists, Marks, Outline,
        Periods, Phrases, Portions, Situation, Voice, Words, Wrapping,
    },
    kind::Kind,
    params::{self, OutOfRange},
    phrases_zh,
    strict_json::{Limits, Reader, type_name},
};

/// A constraint that code can check. It has one variant per family, and each family one variant per kind.
///
/// Serializes as `{"id": …, "params": {…}}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub enum Constraint {
    /// The length of the response.
    Length(Length),
    /// Words that must or must not occur.
    Words(Words),
    /// Numbers in digits.
    Figures(Figures),
    /// Punctuation marks.
    Marks(Marks),
    /// Letter case.
    Case(Case),
    /// Grammatical person and formality.
    Voice(Voice),
    /// Lists.
    Lists(Lists),
    /// Layout.
    Layout(Layout),
    /// Opening and closing.
    Framing(Framing),
    /// Speaker, audience and privacy.
    Situation(Situation),
    /// An example to follow or avoid.
    Example(Example),
    /// The length in characters.
    Characters(Characters),
    /// Language and markup.
    Document(Document),
    /// Code.
    Code(Code),
    /// Phrases that must or must not occur.
    Phrases(Phrases),
    /// Keys of JSON, columns of tables, decimals of numbers.
    Fields(Fields),
    /// Elements of the layout, and the title.
    Outline(Outline),
    /// Words an exact number of times or at a certain place.
    Keywords(Keywords),
    /// The first and the last word of the response and of its sentences.
    Ends(Ends),
    /// Letters, words in lower case, and initials.
    Letters(Letters),
    /// Periods.
    Periods(Periods),
    /// Brackets around words.
    Wrapping(Wrapping),
    /// Parts of equal length.
    Composition(Composition),
    /// Sizes and numbers of parts.
    Portions(Portions),
    /// Emphasis inside of lines.
    Emphasis(Emphasis),
    /// Citations.
    Citations(Citations),
    /// Several demands of one sentence.
    Joint(Joint),
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the response satisfies the constraint.
    pub satisfied: bool,
    /// The counts that were found and required, as text for a reader.
    pub evidence: String,
}

/// The serialized form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    id: String,
    params: Value,
}

impl From<Constraint> for Parts {
    fn from(constraint: Constraint) -> Self {
        Self {
            id: constraint.kind().id().to_owned(),
            params: Value::Object(constraint.family().params()),
        }
    }
}

impl TryFrom<Parts> for Constraint {
    type Error = ConstraintError;

    fn try_from(parts: Parts) -> Result<Self, ConstraintError> {
        Self::from_parts(&parts.id, &parts.params.to_string())
    }
}

impl Constraint {
    pub(crate) fn family(&self) -> &dyn Family {
        match self {
            Self::Length(family) => family,
            Self::Words(family) => family,
            Self::Figures(family) => family,
            Self::Marks(family) => family,
            Self::Case(family) => family,
            Self::Voice(family) => family,
            Self::Lists(family) => family,
            Self::Layout(family) => family,
            Self::Framing(family) => family,
            Self::Situation(family) => family,
            Self::Example(family) => family,
            Self::Characters(family) => family,
            Self::Document(family) => family,
            Self::Code(family) => family,
            Self::Phrases(family) => family,
            Self::Fields(family) => family,
            Self::Outline(family) => family,
            Self::Keywords(family) => family,
            Self::Ends(family) => family,
            Self::Letters(family) => family,
            Self::Periods(family) => family,
            Self::Wrapping(family) => family,
            Self::Composition(family) => family,
            Self::Portions(family) => family,
            Self::Emphasis(family) => family,
            Self::Citations(family) => family,
            Self::Joint(family) => family,
        }
    }

    /// The kind of the constraint.
    pub fn kind(&self) -> Kind {
        self.family().kind()
    }

    /// The constraints of which the constraint consists: itself, or those of an `all_of`.
    pub fn parts(&self) -> &[Self] {
        match self {
            Self::Joint(Joint::AllOf { parts }) => parts,
            one => std::slice::from_ref(one),
        }
    }

    /// The kind, and those of the parts of an `all_of`.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        let parts = match self {
            Self::Joint(Joint::AllOf { parts }) => &parts[..],
            _ => &[],
        };
        std::iter::once(self.kind()).chain(parts.iter().map(Self::kind))
    }

    /// The number of sentences that express the constraint.
    pub fn phrasings(&self) -> usize {
        self.family().phrases().len()
    }

    /// Renders the constraint as an English sentence. `phrasing` selects one of [`Constraint::phrasings`] and wraps
    /// around.
    pub fn render(&self, phrasing: usize) -> String {
        let mut phrases = self.family().phrases();
        if phrases.is_empty() {
            return String::new();
        }
        let index = phrasing % phrases.len();
        phrases.swap_remove(index)
    }

    /// Renders the constraint as a Chinese sentence, or `None` if its kind has none. `phrasing` wraps around.
    ///
    /// [`from_text`](crate::from_text()) maps the sentence back to the constraint, except where the parameters are words of
    /// another language, and except for most of `all_of`.
    pub fn render_chinese(&self, phrasing: usize) -> Option<String> {
        let mut phrases = phrases_zh::phrases(self);
        let index = phrasing.checked_rem(phrases.len())?;
        Some(phrases.swap_remove(index))
    }

    /// Draws one of the [`Constraint::phrasings`], each with the same probability.
    pub fn draw_phrasing(&self, rng: &mut impl Rng) -> usize {
        rng.random_range(0..self.phrasings().max(1))
    }

    /// Checks a response. A blank response satisfies no constraint.
    pub fn check(&self, response: &str) -> Verdict {
        if response.trim().is_empty() {
            return Verdict { satisfied: false, evidence: "the response is empty".to_owned() };
        }
        let mut satisfied = true;
        let mut evidence = Vec::new();
        for bound in self.family().bounds() {
            let found = bound.measure.count(response);
            satisfied &= bound.holds(found);
            evidence.push(bound.evidence(found));
        }
        Verdict { satisfied, evidence: evidence.join("; ") }
    }

    /// Whether no response can satisfy both constraints. `true` is certain; `false` proves nothing.
    pub fn excludes(&self, other: &Self) -> bool {
        bound::exclude(&self.bounds(), &other.bounds())
    }

    /// Whether the two constraints do not belong in the same instruction, because they contradict each other, one
    /// implies the other, they have the same kind, or they govern the same part of the response.
    pub fn conflicts_with(&self, other: &Self) -> bool {
        let meet = |one: &Self, other: &Self| {
            let (kind, others) = (one.kind(), other.kind());
            kind == others || kind.slots().iter().any(|slot| others.slots().contains(slot))
        };
        self.parts().iter().any(|one| other.parts().iter().any(|other| meet(one, other)))
            || self.excludes(other)
            || bound::interfere(&self.bounds(), &other.bounds())
            || bound::imply(&self.bounds(), &other.bounds())
            || bound::imply(&other.bounds(), &self.bounds())
    }

    /// Whether the constraint conflicts with none of the others, so that one instruction can have all of them.
    pub fn fits_with<'a>(&self, others: impl IntoIterator<Item = &'a Self>) -> bool {
        others.into_iter().all(|other| !self.conflicts_with(other))
    }

    /// Constraints that a person might ask for instead. Each of them excludes this one.
    pub fn revisions(&self) -> Vec<Self> {
        let mut kept: Vec<Self> = Vec::new();
        for revision in self.family().revisions() {
            let good = revision.validate().is_ok() && revision.excludes(self);
            if good && !kept.contains(&revision) {
                kept.push(revision);
            }
        }
        kept
    }

    /// Edits a response so that it passes the check.
    ///
    /// An edit moves, formats, replaces or drops words of the response, or adds a phrase without facts such as "I hope this
    /// helps."; most edits are for English only. Returns the response unchanged when it passes already, and `None` when no
    /// edit keeps the text natural.
    pub fn edit(&self, response: &str) -> Option<String> {
        if self.check(response).satisfied {
            return Some(response.to_owned());
        }
        if response.trim().is_empty() {
            return None;
        }
        self.family().edit(response).filter(|edited| self.check(edited).satisfied)
    }

    /// The parameters as a JSON object with sorted keys, `{}` when there are none.
    pub fn params_json(&self) -> String {
        Value::Object(self.family().params()).to_string()
    }

    /// Creates a constraint from the id of its kind and its parameters as a JSON object. A whole number may be written as a
    /// float, such as `3.0`.
    ///
    /// # Errors
    /// Returns an error for an unknown id and for parameters that are missing, unknown, repeated, of the wrong type or out of
    /// range.
    pub fn from_parts(id: &str, params_json: &str) -> Result<Self, ConstraintError> {
        let kind = Kind::from_id(id)?;
        let reject = |reason: String| unreadable(kind, reason, params_json);
        match Reader::new(Limits::NONE).read(params_json, "") {
            Ok(Value::Object(params)) => Self::from_map(kind, params),
            Ok(other) => Err(reject(format!("found {}, expected an object", type_name(&other)))),
            Err(fault) => Err(reject(fault.to_string())),
        }
    }

    /// Creates a constraint from its kind and its parameters.
    pub(crate) fn from_map(
        kind: Kind,
        mut params: Map<String, Value>,
    ) -> Result<Self, ConstraintError> {
        let shown = Value::Object(params.clone());
        params.values_mut().for_each(params::make_whole);
        let read = kind.home().read(kind, params);
        let reject = |error: serde_json::Error| {
            unreadable(kind, plain(&error.to_string()), &shown.to_string())
        };
        let constraint = read.map_err(reject)?;
        constraint.validate()?;
        Ok(constraint)
    }

    /// Checks that the parameters are in range. [`Constraint::from_parts`] has done so already.
    ///
    /// # Errors
    /// Returns [`ConstraintError::OutOfRange`] for the first parameter that is not.
    pub fn validate(&self) -> Result<(), ConstraintError> {
        self.family().validate().map_err(|OutOfRange { name, expected, found }| {
            ConstraintError::OutOfRange {
                id: self.kind().id().to_owned(),
                name: name.to_owned(),
                expected,
                found,
            }
        })
    }

    pub(crate) fn bounds(&self) -> Vec<Bound> {
        self.family().bounds()
    }
}

fn unreadable(kind: Kind, reason: String, params: &str) -> ConstraintError {
    let (id, params) = (kind.id().to_owned(), params.chars().take(80).collect());
    ConstraintError::Unreadable { id, params, reason }
}

/// An error of serde with the names of JSON's types instead of those of Rust.
fn plain(reason: &str) -> String {
    let Some((found, expected)) = reason.rsplit_once(", expected ") else {
        return reason.to_owned();
    };
    let expected = match expected {
        "usize" => "a whole number",
        "a sequence" => "a list",
        "a map" => "an object",
        "unit" => "no parameters",
        record if record.starts_with("struct ") => "an object",
        other => other,
    };
    let found = match found {
        "invalid type: sequence" => "invalid type: list",
        "invalid type: map" => "invalid type: object",
        other => other,
    };
    format!("{found}, expected {expected}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_no_types_of_rust() {
        for (id, params, expected) in [
            ("max_words", r#"{"n":"3"}"#, r#"invalid type: string "3", expected a whole number"#),
            ("max_words", r#"{"n":[3]}"#, "invalid type: list, expected a whole number"),
            ("max_words", r#"{"n":2.5}"#, "invalid type: floating point `2.5`, expected a whole"),
            ("max_words", "[3]", "found a list, expected an object"),
            ("include_word", r#"{"word":{}}"#, "invalid type: object, expected a string"),
            ("no_commas", r#"{"n":3}"#, "invalid type: object, expected no parameters"),
            ("all_of", r#"{"parts":{}}"#, "invalid type: object, expected a list"),
            ("all_of", r#"{"parts":[3]}"#, "invalid type: integer `3`, expected an object"),
        ] {
            let error = Constraint::from_parts(id, params).expect_err(params).to_string();
            let expected = format!("unreadable parameters of constraint `{id}`: {expected}");
            assert!(error.starts_with(&expected), "{error}");
        }
    }
}
