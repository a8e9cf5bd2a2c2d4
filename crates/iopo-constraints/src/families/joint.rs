//! Several demands of one sentence.

use rand::Rng;

use super::{Characters, Family, NO_LIMIT, Portions, Unit, all};
use crate::{
    bound::{self, Bound},
    constraint::Constraint,
    params::{self, OutOfRange},
};

/// The most demands of a sentence.
const MOST_PARTS: usize = 3;

/// How many sentences a demand has in the families with the fewest.
const PHRASINGS: usize = 3;

family! {
    /// Several demands of one sentence.
    Joint, JointKind, joint_kinds {
        /// Requires all of these constraints, two or three of different kinds.
        AllOf {
            /// The constraints. None of them is an `all_of` itself.
            parts: Vec<Constraint>,
        } = "all_of", OutputFormat, weight 0.0, slots [], ifeval [], styles [];
    }
}

impl Family for Joint {
    type Kind = JointKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        let Self::AllOf { parts } = self;
        params::number("parts", parts.len(), 2, MOST_PARTS)?;
        for (at, part) in parts.iter().enumerate() {
            if matches!(part, Constraint::Joint(_)) {
                return params::reject(
                    "parts",
                    "constraints other than `all_of`".to_owned(),
                    part.kind(),
                );
            }
            if parts[..at].iter().any(|other| other.kind() == part.kind()) {
                return params::reject(
                    "parts",
                    "constraints of different kinds".to_owned(),
                    part.kind(),
                );
            }
            if parts[..at].iter().any(|other| bound::exclude(&other.bounds(), &part.bounds())) {
                let expected = "constraints that one response can satisfy".to_owned();
                return params::reject("parts", expected, part.kind());
            }
            part.family().validate()?;
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
                let length = Characters::MinChars { n: 50 * n };
                Self::AllOf { parts: [all([paragraphs]), all([length])].concat() }
            }
        }
    }
}
