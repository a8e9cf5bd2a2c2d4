//! A kind with its parameters.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    bound::{self, Bound},
    error::ConstraintError,
    families::{
        Case, Example, Family, Figures, Framing, Layout, Length, Lists, Marks, Situation, Voice,
        Words,
    },
    kind::{Home, Kind},
    params::Refusal,
};

/// A constraint that code can check: one variant a family, whose own variants are the kinds.
///
/// In serde's formats it is `{"id": …, "params": {…}}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub enum Constraint {
    /// How long it is.
    Length(Length),
    /// Which words it uses.
    Words(Words),
    /// Whether it uses digits.
    Figures(Figures),
    /// Which punctuation marks it uses.
    Marks(Marks),
    /// Its letter case.
    Case(Case),
    /// Whom it speaks as and to, and how formally.
    Voice(Voice),
    /// Its lists.
    Lists(Lists),
    /// Its layout.
    Layout(Layout),
    /// Its opening and closing.
    Framing(Framing),
    /// The situation that it is written for.
    Situation(Situation),
    /// The example that it follows or avoids.
    Example(Example),
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the response satisfies the constraint.
    pub satisfied: bool,
    /// What was found, for a reader.
    pub evidence: String,
}

/// The serialised form.
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
        }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.family().kind()
    }

    /// How many ways there are to say it.
    pub fn phrasings(&self) -> usize {
        self.family().phrases().len()
    }

    /// One English sentence that asks for it; `phrasing` counts around.
    pub fn render(&self, phrasing: usize) -> String {
        let mut phrases = self.family().phrases();
        if phrases.is_empty() {
            return String::new();
        }
        let index = phrasing % phrases.len();
        phrases.swap_remove(index)
    }

    /// Whether a response satisfies it. A response without any text satisfies nothing.
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

    /// Whether no response can satisfy both. Sound, not complete: `false` proves nothing.
    pub fn excludes(&self, other: &Self) -> bool {
        bound::exclude(&self.bounds(), &other.bounds())
    }

    /// Whether the two must not stand in one instruction: they contradict each other, one says
    /// what the other implies, they are of one kind, or they govern the same part of the response.
    pub fn conflicts_with(&self, other: &Self) -> bool {
        let (kind, others) = (self.kind(), other.kind());
        kind == others
            || kind.slots().iter().any(|slot| others.slots().contains(slot))
            || self.excludes(other)
            || bound::meddle(&self.bounds(), &other.bounds())
            || bound::imply(&self.bounds(), &other.bounds())
            || bound::imply(&other.bounds(), &self.bounds())
    }

    /// Constraints that a person might ask for instead, each of which excludes this one.
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

    /// The response with a small edit after which the check passes, the response itself where it
    /// passes already, `None` where no edit leaves the text natural.
    pub fn repair(&self, response: &str) -> Option<String> {
        if self.check(response).satisfied {
            return Some(response.to_owned());
        }
        if response.trim().is_empty() {
            return None;
        }
        self.family().repair(response).filter(|edited| self.check(edited).satisfied)
    }

    /// The parameters as a JSON object with sorted keys; `{}` where there are none.
    pub fn params_json(&self) -> String {
        Value::Object(self.family().params()).to_string()
    }

    /// The constraint of a kind's id and its parameters; everything doubtful is refused.
    pub fn from_parts(id: &str, params_json: &str) -> Result<Self, ConstraintError> {
        let kind = Kind::from_id(id)?;
        let refuse = |reason: String| ConstraintError::Unreadable {
            id: kind.id().to_owned(),
            params: params_json.chars().take(80).collect(),
            reason,
        };
        let params: Map<String, Value> =
            serde_json::from_str(params_json).map_err(|error| refuse(error.to_string()))?;
        let read = match kind.home() {
            Home::Length => read::<Length>(kind, params),
            Home::Words => read::<Words>(kind, params),
            Home::Figures => read::<Figures>(kind, params),
            Home::Marks => read::<Marks>(kind, params),
            Home::Case => read::<Case>(kind, params),
            Home::Voice => read::<Voice>(kind, params),
            Home::Lists => read::<Lists>(kind, params),
            Home::Layout => read::<Layout>(kind, params),
            Home::Framing => read::<Framing>(kind, params),
            Home::Situation => read::<Situation>(kind, params),
            Home::Example => read::<Example>(kind, params),
        };
        let constraint = read.map_err(|error| refuse(error.to_string()))?;
        constraint.validate()?;
        Ok(constraint)
    }

    /// Whether the parameters are in range. Values made in code should pass too.
    pub fn validate(&self) -> Result<(), ConstraintError> {
        self.family().validate().map_err(|Refusal { name, expected, found }| {
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

/// Reads a variant without parameters from its name, any other from `{name: params}`.
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
