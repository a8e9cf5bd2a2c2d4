//! Several demands of one sentence.

use rand::Rng;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

use super::{Family, NO_LIMIT, Portions, Size, Unit, all};
use crate::{
    bound::Bound,
    constraint::Constraint,
    kind::Kind,
    params::{self, OutOfRange},
};

/// The most parts of an `all_of`.
pub(crate) const MOST_PARTS: usize = 3;

/// The number of English sentences; every family has at least this many.
const PHRASINGS: usize = 3;

family! {
    /// Several demands of one sentence.
    Joint, JointKind, joint_kinds {
        /// Requires all of these constraints, two or three of different kinds. Texts map to it; synthesis cannot draw it. In
        /// counts by kind it is a kind of its own.
        AllOf {
            /// The constraints. None of them is an `all_of` itself.
            #[serde(deserialize_with = "parts")]
            parts: Vec<Constraint>,
        } = "all_of", OutputFormat, weight 0.0, slots [], ifeval [], styles [];
    }
}

/// Reads the parts. A list that is too long and an `all_of` inside are refused before anything in them is read.
fn parts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Constraint>, D::Error> {
    let values = Vec::<Value>::deserialize(deserializer)?;
    if values.len() > MOST_PARTS {
        return Err(D::Error::custom(format_args!(
            "found {} parts, expected 2 or {MOST_PARTS}",
            values.len()
        )));
    }
    let read = |value: Value| {
        if value.get("id").is_some_and(|id| id == Kind::AllOf.id()) {
            return Err(D::Error::custom("found an `all_of` inside of an `all_of`"));
        }
        serde_json::from_value(value).map_err(D::Error::custom)
    };
    values.into_iter().map(read).collect()
}

impl Family for Joint {
    type Kind = JointKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        let Self::AllOf { parts } = self;
        params::number("parts", parts.len(), 2, MOST_PARTS)?;
        for (at, part) in parts.iter().enumerate() {
            let refuse = |expected: &str| params::reject("parts", expected.to_owned(), part.kind());
            if matches!(part, Constraint::Joint(_)) {
                return refuse("constraints other than `all_of`");
            }
            part.family().validate()?;
            if parts[..at].iter().any(|other| other.kind() == part.kind()) {
                return refuse("constraints of different kinds");
            }
            if parts[..at].iter().any(|other| other.excludes(part)) {
                return refuse("constraints that one response can satisfy");
            }
        }
        Ok(())
    }

    fn phrases(&self) -> Vec<String> {
        let Self::AllOf { parts } = self;
        let said = |phrasing| {
            let sentences: Vec<String> = parts.iter().map(|part| part.render(phrasing)).collect();
            sentences.join(" ")
        };
        (0..PHRASINGS).map(said).collect()
    }

    fn bounds(&self) -> Vec<Bound> {
        let Self::AllOf { parts } = self;
        parts.iter().flat_map(Constraint::bounds).collect()
    }

    fn revisions(&self) -> Vec<Constraint> {
        let Self::AllOf { parts } = self;
        parts.iter().flat_map(Constraint::revisions).collect()
    }

    fn edit(&self, response: &str) -> Option<String> {
        let Self::AllOf { parts } = self;
        parts.iter().try_fold(response.to_owned(), |text, part| part.edit(&text))
    }

    fn back_translate(kind: JointKind, _response: &str) -> Vec<Constraint> {
        match kind {
            // The parts are back-translated alone.
            JointKind::AllOf => Vec::new(),
        }
    }

    fn draw(kind: JointKind, _task: &str, rng: &mut dyn Rng) -> Self {
        match kind {
            JointKind::AllOf => {
                let n = params::one_of(&[2, 3, 4], 3, rng);
                let paragraphs =
                    Portions::PartCount { unit: Unit::Paragraph, low: n, high: NO_LIMIT };
                let each = Portions::UnitRange {
                    unit: Unit::Paragraph,
                    size: Size::Characters,
                    low: 50,
                    high: NO_LIMIT,
                };
                Self::AllOf { parts: all([paragraphs, each]) }
            }
        }
    }
}
